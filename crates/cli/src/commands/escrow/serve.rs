//! `verinfer escrow serve`: the escrow over HTTP.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::lead::Candidate;
use verinfer_escrow::server::{Server, interrupted};
use verinfer_escrow::service::Limits;
use verinfer_escrow::store::Store;
use verinfer_protocols::rules::Rules;

use super::run;
use super::signer::SignerArguments;
use crate::escape::Escaping;
use crate::files;
use crate::output::{Output, Report, Verdict};

/// Serve until interrupted.
///
/// Where another process serves from the same database, this one stands by, and takes over within seconds when that one is gone.
///
/// The interface is described at /openapi.json; / shows agreements, balances and the log.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The database: sqlite:FILE, made if there is none, or postgres://USER:PASSWORD@HOST/NAME.
    #[arg(long, value_name = "URL", default_value = "sqlite:escrow.db")]
    db: String,

    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8700")]
    listen: SocketAddr,

    #[command(flatten)]
    signer: SignerArguments,

    /// The marketplace's rules, JSON as /v1/about shows them: prices E, Z and P, bounds of N1 and N2, the least fee, stakes. Without it those of the log stay; a new
    /// log begins with the defaults.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Agreements that an account may have proposed and that have not ended.
    #[arg(long, value_name = "N", default_value_t = Limits::default().open_agreements)]
    max_open: u64,

    /// Requests of one address in a second.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().requests_per_second)]
    max_rate: NonZeroU32,

    /// Proofs that are verified at the same time.
    #[arg(long, value_name = "N", default_value_t = Limits::default().verifying)]
    verifying: NonZeroUsize,

    /// MiB that must be free on the disk of an SQLite database: with less, no files are taken and time stands still, so that there is room for the log.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().reserve >> 20)]
    reserve: u64,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let (signer, operator) = arguments.signer.open(output)?;
    if operator.is_none() && arguments.rules.is_some() {
        bail!("--rules are signed by the escrow's own key: serve with --key once, which writes them into the log");
    }
    let account = signer.escrow();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(|| Escaping(io::stderr()))
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let limits = Limits {
        open_agreements: arguments.max_open,
        verifying: arguments.verifying,
        reserve: arguments.reserve.saturating_mul(1 << 20),
        ..Limits::default()
    };
    let rules = arguments.rules.as_deref().map(read_rules).transpose()?;
    let http = HttpLimits { requests_per_second: arguments.max_rate, ..HttpLimits::default() };
    run(async {
        let store = Store::create(&arguments.db).await.with_context(|| format!("cannot use {}", without_password(&arguments.db)))?;
        let candidate = Candidate::new(store, signer, limits).await?;
        let candidate = match operator {
            Some(key) => candidate.with_rules(rules, key),
            None => candidate,
        };
        let server =
            Server::bind(candidate, arguments.listen, http).await.with_context(|| format!("cannot listen on {}", arguments.listen))?;
        output.report(&ServeReport { url: format!("http://{}", server.address()?), account: account.to_string() })?;
        server.serve(interrupted()).await?;
        Ok(Verdict::Accepted)
    })
}

fn read_rules(path: &Path) -> anyhow::Result<Rules> {
    let rules: Rules = serde_json::from_str(&files::read_text(path)?).with_context(|| format!("{} has no rules", path.display()))?;
    rules.check().with_context(|| format!("{} has impossible rules", path.display()))?;
    Ok(rules)
}

/// A database's URL as it may be shown.
pub fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(host)) if scheme < host => format!("{}://...{}", &url[..scheme], &url[host..]),
        _ => url.to_owned(),
    }
}

#[derive(Serialize)]
struct ServeReport {
    url: String,
    /// The escrow's account, hexadecimal.
    account: String,
}

impl Report for ServeReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "escrow   {}", self.url)?;
        writeln!(out, "account  {}", self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://user:secret@host/name"), "postgres://...@host/name");
        assert_eq!(without_password("sqlite:escrow.db"), "sqlite:escrow.db");
    }
}
