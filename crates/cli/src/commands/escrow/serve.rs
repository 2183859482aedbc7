//! `verinfer escrow serve`: the escrow over HTTP.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use verinfer_escrow::lead::Candidate;
use verinfer_escrow::mark::{self, Mark, Marks};
use verinfer_escrow::operations::Operations;
use verinfer_escrow::server::{Server, interrupted};
use verinfer_escrow::store::Store;

use super::limits::LimitArguments;
use super::signer::SignerArguments;
use super::{rules, run};
use crate::database::{DatabaseArguments, without_password};
use crate::escape::Escaping;
use crate::network::FrontArguments;
use crate::output::{Output, Report, Verdict};

/// Serve until interrupted.
///
/// Where another process serves from the same database, this one stands by, and takes over within seconds when that one is gone.
///
/// docs/operating.md says how to run it.
///
/// The interface is described at /openapi.json; / shows agreements, balances and the log.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,

    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    listen: SocketAddr,

    /// Where to serve /metrics, for Prometheus, and /health, which the other address has as well. Strangers should not reach it.
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,

    #[command(flatten)]
    front: FrontArguments,

    #[command(flatten)]
    signer: SignerArguments,

    /// The marketplace's first rules, JSON as /v1/about shows them: prices E, Z and P, bounds of N1 and N2, the least fee, stakes. Without it a new log begins with
    /// the defaults. A log that has rules keeps them: `escrow rules` changes them.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Where to write down how far the log has come, so that an older copy of the database is not served in its place; by default ACCOUNT.head beside the
    /// key. Do not restore it with the database.
    #[arg(long, value_name = "FILE")]
    head_file: Option<PathBuf>,

    /// Demand that the log goes on from here: a place that somebody knows, from a backup or a receipt.
    #[arg(long, value_name = "POSITION:DIGEST")]
    not_before: Option<Mark>,

    #[command(flatten)]
    limits: LimitArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let (signer, operator) = arguments.signer.open(output)?;
    if operator.is_none() && arguments.rules.is_some() {
        bail!("--rules are signed by the escrow's own key: set them with `escrow rules` where that key is");
    }
    let account = signer.escrow();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| Escaping(io::stderr()))
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let rules = arguments.rules.as_deref().map(rules::read).transpose()?;
    let (limits, http) = (arguments.limits.escrow(), arguments.limits.http());
    let url = arguments.database.url(output)?;
    let beside = || arguments.signer.file().map(|key| key.with_file_name(format!("{account}.head")));
    let file = arguments.head_file.clone().or_else(beside).context("--head-file must be given")?;
    mark::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let marks = Marks { file, not_before: arguments.not_before };
    let front = arguments.front.open(Box::new(|line| tracing::warn!("{}", line.trim_start_matches("warning: "))))?;
    run(async {
        let cannot = || format!("cannot use {}", without_password(&url));
        let store = Store::create(&url).await.with_context(cannot)?;
        let log = Arc::new(Store::open(&url).await.with_context(cannot)?);
        let candidate = Candidate::new(store, signer, limits).await?.with_marks(marks.clone());
        // Who knows better removes the file.
        let is_written = marks.check(&log).await.with_context(cannot)?;
        let entries = log.head().await.with_context(cannot)?.position;
        if !is_written && entries > 0 {
            let file = marks.file.display();
            tracing::warn!("{file} is missing, and the log has {entries} entries: nothing here shows whether this is an older copy of it");
        }
        let candidate = match operator {
            Some(key) => candidate.with_rules(rules, key),
            None => candidate,
        };
        let server =
            Server::bind(candidate, arguments.listen, http).await.with_context(|| format!("cannot listen on {}", arguments.listen))?;
        let scheme = front.scheme();
        let server = server.behind(front);
        let operations = match arguments.metrics_listen {
            Some(address) => {
                let operations = Operations::bind(address, log.clone(), server.lead()).await;
                Some(operations.with_context(|| format!("cannot listen on {address}"))?)
            }
            None => None,
        };
        output.report(&ServeReport {
            url: format!("{scheme}://{}", server.address()?),
            metrics: operations.as_ref().map(Operations::address).transpose()?.map(|address| format!("http://{address}")),
            account: account.to_string(),
        })?;
        let watched = operations.map(|operations| tokio::spawn(operations.serve()));
        let mut kept = tokio::spawn(mark::keep(log.clone(), marks));
        let mut changed = None;
        let stop = async {
            tokio::select! {
                () = interrupted() => {}
                found = &mut kept => changed = found.ok(),
            }
        };
        let served = server.serve(stop).await;
        kept.abort();
        if let Some(watched) = watched {
            watched.abort();
        }
        match changed {
            // Also if the rest has gone well: what is served must not go on.
            Some(error) => Err(error.into()),
            None => Ok(served.map(|()| Verdict::Accepted)?),
        }
    })
}

#[derive(Serialize)]
struct ServeReport {
    url: String,
    /// Where the operator's programs look, with `--metrics-listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    /// The escrow's account, hexadecimal.
    account: String,
}

impl Report for ServeReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "escrow   {}", self.url)?;
        if let Some(metrics) = &self.metrics {
            writeln!(out, "metrics  {metrics}/metrics")?;
        }
        writeln!(out, "account  {}", self.account)
    }
}
