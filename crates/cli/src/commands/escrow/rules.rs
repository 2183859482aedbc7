//! `verinfer escrow rules`: the marketplace's rules, set by who has the escrow's key, wherever the escrow is served.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use verinfer_protocols::rules::Rules;

use crate::access::{EscrowArguments, entry_text};
use crate::files;
use crate::output::{Output, Report, Verdict};

/// Set the marketplace's rules: proposals are held to them from then on, agreements that have begun are not.
///
/// The rules are JSON as /v1/about shows them: prices E, Z and P, bounds of N1 and N2, the least fee, stakes. The escrow's key signs them here; it need not be
/// on the machine that serves.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// The rules.
    file: PathBuf,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let rules = read(&arguments.file)?;
    let client = arguments.escrow.connect_as_operator(output)?;
    let entry = if client.about()?.rules == rules { None } else { Some(client.set_rules(rules)?.position) };
    output.report(&RulesReport { entry })?;
    Ok(Verdict::Accepted)
}

/// Reads rules under which agreements are possible.
///
/// # Errors
///
/// The file cannot be read, or has none.
pub fn read(path: &Path) -> anyhow::Result<Rules> {
    let rules: Rules = serde_json::from_str(&files::read_text(path)?).with_context(|| format!("{} has no rules", path.display()))?;
    rules.check().with_context(|| format!("{} has impossible rules", path.display()))?;
    Ok(rules)
}

#[derive(Serialize)]
struct RulesReport {
    /// Of the escrow's log; null if these were the rules already.
    entry: Option<u64>,
}

impl Report for RulesReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "rules  {}", entry_text(self.entry))
    }
}
