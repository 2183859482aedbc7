//! `verinfer escrow audit`: whether everything follows from the log.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;
use verinfer_escrow::audit::{AuditError, audit};
use verinfer_escrow::store::Store;

use super::run;
use super::serve::without_password;
use crate::output::{Output, Report, Verdict, thousands};

/// Compute every balance and every state from the log alone, and compare.
///
/// Stop the escrow first: what it writes meanwhile may look like a difference.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The database, as for `escrow serve`.
    #[arg(long, value_name = "URL", default_value = "sqlite:escrow.db")]
    db: String,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let result = run(async {
        let store = Store::open(&arguments.db).await.with_context(|| format!("cannot use {}", without_password(&arguments.db)))?;
        let result = audit(&store).await;
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
}

impl Report for AuditReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "BALANCED  every balance and every state follows from the log")?;
        writeln!(out, "log         {} entries, {}", thousands(self.entries), self.digest)?;
        writeln!(out, "agreements  {} open, {} ended", self.open, self.ended)?;
        writeln!(out, "money       {} units deposited and not withdrawn, {} of them fees", thousands(self.issued), thousands(self.fees))
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
