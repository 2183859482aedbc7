//! `verinfer escrow backup`: a copy of the database while the escrow runs.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;
use verinfer_escrow::store::Store;

use super::run;
use crate::database::{DatabaseArguments, without_password};
use crate::output::{Output, Report, Verdict, thousands};

/// Copy an SQLite database as it is now; the escrow may run meanwhile, also one of an earlier version.
///
/// Only its owner can read the copy, which is there whole or not at all. PostgreSQL's own pg_dump does it for PostgreSQL (docs/operating.md).
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,

    /// Where to write the copy; it must not exist yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let (url, out) = (arguments.database.url(output)?, &arguments.out);
    let cannot = || format!("cannot write {}", out.display());
    let mut mark = None;
    let is_made = verinfer_files::create_private_whole(out, |copy| -> anyhow::Result<()> {
        let copied = run(async { Ok(Store::copy(&url, copy).await?) });
        mark = Some(copied.with_context(|| format!("cannot copy {}", without_password(&url)))?);
        Ok(())
    });
    let Some(mark) = is_made.with_context(cannot)?.then_some(mark).flatten() else {
        bail!("{} exists: a backup overwrites nothing", out.display());
    };
    let bytes = out.metadata().with_context(cannot)?.len();
    output.report(&BackupReport { file: out.display().to_string(), bytes, entries: mark.position, mark: mark.to_string() })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct BackupReport {
    file: String,
    bytes: u64,
    /// Entries of the log that the copy has.
    entries: u64,
    /// The end of its log, as `escrow serve --not-before` takes it.
    mark: String,
}

impl Report for BackupReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "backup  {}, {} bytes", self.file, thousands(self.bytes))?;
        writeln!(out, "log     {} entries", thousands(self.entries))?;
        writeln!(out, "mark    {}", self.mark)
    }
}
