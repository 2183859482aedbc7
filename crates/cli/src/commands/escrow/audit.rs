//! `verinfer escrow audit`: whether everything follows from the log.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;
use verinfer_escrow::audit::{Audit, AuditError, Marks, Trust, Verified, audit_against, audit_over_network};
use verinfer_escrow::clock::machine_time;
use verinfer_escrow::store::Store;
use verinfer_escrow_client::memory::Export;
use verinfer_escrow_client::{ClientError, EscrowAddress, Patience, Reader};
use verinfer_protocols::answer::LogHead;
use verinfer_protocols::digest::NotHexadecimal;
use verinfer_protocols::keys::AccountId;

use super::{receipts, run};
use crate::database::{DatabaseArguments, without_password};
use crate::network::RootArguments;
use crate::output::{Output, Report, Verdict, thousands};

/// Compute every balance and every state from the log alone, and compare.
///
/// With --db, stop the escrow first: what it writes meanwhile may look like a difference. With --escrow, anybody audits a running escrow over the network: its
/// log is read in parts, up to the end that it has signed, and what it says of proofs is believed. For example `verinfer escrow audit --escrow
/// http://escrow:8700 --escrow-account ACCOUNT --receipts customer.state`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,

    /// The escrow, `http://host:port`, in place of its database.
    #[arg(long, value_name = "URL", conflicts_with_all = ["proofs", "db"])]
    escrow: Option<String>,

    #[command(flatten)]
    roots: RootArguments,

    /// The escrow's account: another is refused. Without it the one that has signed the receipts, if there are any.
    #[arg(long, value_name = "ACCOUNT", requires = "escrow")]
    escrow_account: Option<AccountId>,

    /// A log that is known to be its beginning.
    #[arg(long, value_name = "POSITION:DIGEST", value_parser = parse_head)]
    head: Vec<LogHead>,

    /// What a party has kept of what the escrow has signed: its state, or what `escrow receipts` has written.
    #[arg(long, value_name = "FILE")]
    receipts: Vec<PathBuf>,

    /// Believe nothing that the log says was found out: verify every logged proof and contested ciphertext again, from the files that parties left.
    #[arg(long)]
    proofs: bool,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let trust = if arguments.proofs { Trust::Nobody } else { Trust::Log };
    let kept = arguments.receipts.iter().map(|path| receipts::read(path)).collect::<anyhow::Result<Vec<Export>>>()?;
    let known = |escrow: AccountId, marks: &mut Marks| {
        arguments.head.iter().for_each(|&head| marks.head(head));
        kept.iter().try_for_each(|kept| marks.kept(escrow, kept))
    };
    let result = match &arguments.escrow {
        Some(url) => {
            arguments.roots.warn_of(url, output);
            let account = arguments.escrow_account.or_else(|| kept.iter().find_map(Export::escrow));
            let roots = arguments.roots.read()?;
            let address = EscrowAddress { url: url.clone(), roots, account, patience: Patience::default() };
            over_network(&Reader::connect(&address)?, known)
        }
        None => {
            let url = arguments.database.url(output)?;
            run(async {
                let store = Store::open(&url).await.with_context(|| format!("cannot use {}", without_password(&url)))?;
                let result = audit_against(&store, trust, known).await;
                store.close().await;
                Ok(result)
            })?
        }
    };
    match result {
        Ok(found) => {
            output.report(&AuditReport {
                accepted: true,
                entries: found.entries,
                digest: found.digest.to_string(),
                open: found.open,
                ended: found.ended,
                issued: found.issued,
                fees: found.fees,
                verified: found.verified.map(|Verified { proofs, contested, held }| FilesReport { proofs, contested, held }),
            })?;
            Ok(Verdict::Accepted)
        }
        Err(AuditError::Store(error)) => Err(error.into()),
        Err(AuditError::Client(error)) if !matches!(error, ClientError::Contradiction(_)) => Err(error.into()),
        Err(error) => {
            output.report(&Difference { accepted: false, difference: error.to_string() })?;
            Ok(Verdict::Rejected)
        }
    }
}

fn over_network(reader: &Reader, known: impl FnOnce(AccountId, &mut Marks) -> Result<(), AuditError>) -> Result<Audit, AuditError> {
    let mut marks = Marks::default();
    known(reader.escrow(), &mut marks)?;
    audit_over_network(reader, &marks, machine_time())
}

fn parse_head(text: &str) -> Result<LogHead, String> {
    let (position, digest) = text.split_once(':').ok_or("a position and a digest, with a colon between them, are needed")?;
    let position = position.parse::<u64>().map_err(|error| error.to_string())?;
    let digest = digest.parse().map_err(|error: NotHexadecimal| error.to_string())?;
    Ok(LogHead { position, digest })
}

#[derive(Serialize)]
struct AuditReport {
    accepted: bool,
    /// Entries of the log.
    entries: u64,
    /// Digest of the log, hexadecimal.
    digest: String,
    /// Agreements that have not ended.
    open: usize,
    /// Agreements that have.
    ended: usize,
    /// Deposited and not withdrawn, in minor units.
    issued: u64,
    /// What the escrow has earned, in minor units.
    fees: u64,
    /// What was verified again from files, with `--proofs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<FilesReport>,
}

#[derive(Serialize)]
struct FilesReport {
    /// Proofs.
    proofs: usize,
    /// Contested ciphertexts.
    contested: usize,
    /// Ciphertexts that were left for the receiver.
    held: usize,
}

impl Report for AuditReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "BALANCED  every balance and every state follows from the log")?;
        writeln!(out, "log         {} entries, {}", thousands(self.entries), self.digest)?;
        writeln!(out, "agreements  {} open, {} ended", self.open, self.ended)?;
        writeln!(out, "money       {} units deposited and not withdrawn, {} of them fees", thousands(self.issued), thousands(self.fees))?;
        match &self.verified {
            Some(FilesReport { proofs, contested, held }) => {
                writeln!(
                    out,
                    "verified    {proofs} proofs, {contested} contested ciphertexts and {held} that were held for the receiver, again from their files"
                )
            }
            None => writeln!(out, "believed    what the log says of proofs and ciphertexts; --proofs verifies them again"),
        }
    }
}

#[derive(Serialize)]
struct Difference {
    accepted: bool,
    /// The first thing that does not follow from the log.
    difference: String,
}

impl Report for Difference {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "DIFFERS  {}", self.difference)
    }
}
