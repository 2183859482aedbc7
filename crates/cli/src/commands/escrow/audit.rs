//! `verinfer escrow audit`: whether everything follows from the log.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;
use verinfer_escrow::audit::{AuditError, Trust, Verified, audit};
use verinfer_escrow::store::Store;

use super::run;
use crate::database::{DatabaseArguments, without_password};
use crate::output::{Output, Report, Verdict, thousands};

/// Compute every balance and every state from the log alone, and compare.
///
/// Stop the escrow first: what it writes meanwhile may look like a difference.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,

    /// Believe nothing that the log says was found out: verify every logged proof and contested ciphertext again, from the files that parties left.
    #[arg(long)]
    proofs: bool,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let trust = if arguments.proofs { Trust::Nobody } else { Trust::Log };
    let url = arguments.database.url(output)?;
    let result = run(async {
        let store = Store::open(&url).await.with_context(|| format!("cannot use {}", without_password(&url)))?;
        let result = audit(&store, trust).await;
        store.close().await;
        Ok(result)
    })?;
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
        Err(error) => {
            output.report(&Difference { accepted: false, difference: error.to_string() })?;
            Ok(Verdict::Rejected)
        }
    }
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
