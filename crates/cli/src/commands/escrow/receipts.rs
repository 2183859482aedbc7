//! `verinfer escrow receipts`: what a party has kept of what its escrow has signed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use verinfer_escrow_client::memory::Export;
use verinfer_parties::Store;
use verinfer_parties::receipts::Receipts;
use verinfer_parties::store::is_state_file;

use crate::files;
use crate::output::{Output, Report, Verdict};

/// Write what a party has kept of what the escrow has signed, for a judge or an auditor. There are no secrets in it.
///
/// For example `verinfer escrow receipts customer.state receipts.json`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The party's state.
    state: PathBuf,

    /// Where to write it.
    file: PathBuf,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let kept = read(&arguments.state)?;
    let mut json = serde_json::to_string_pretty(&kept)?;
    json.push('\n');
    files::write(&arguments.file, json.as_bytes())?;
    let head = kept.head.map(|answer| answer.answer.head);
    output.beside(&arguments.file).report(&ReceiptsReport {
        receipts: kept.receipts.len(),
        head: head.map(|head| format!("{}:{}", head.position, head.digest)),
        contradiction: kept.evidence.map(|evidence| evidence.message),
    })?;
    Ok(Verdict::Accepted)
}

/// What a party has kept: in its state, or in a file that was written of it.
///
/// # Errors
///
/// It is neither, or cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Export> {
    let cannot_read = || format!("cannot read {}", path.display());
    let bytes = files::read_if(path, |head| (!is_state_file(head)).then_some(files::TEXT_LIMIT))?;
    if is_state_file(&bytes) {
        return Receipts::of(&Store::open(path).with_context(cannot_read)?).export().with_context(cannot_read);
    }
    serde_json::from_slice(&bytes).with_context(|| format!("{} has no receipts", path.display()))
}

#[derive(Serialize)]
struct ReceiptsReport {
    /// How many.
    receipts: usize,
    /// The log that the party knows, as `escrow audit --head` takes it.
    head: Option<String>,
    /// What the escrow has signed that cannot be, if the party has found that.
    contradiction: Option<String>,
}

impl Report for ReceiptsReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "receipts  {}", self.receipts)?;
        if let Some(head) = &self.head {
            writeln!(out, "head      {head}")?;
        }
        match &self.contradiction {
            Some(contradiction) => writeln!(out, "PROVED    {contradiction}"),
            None => Ok(()),
        }
    }
}
