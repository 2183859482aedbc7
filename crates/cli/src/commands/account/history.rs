//! `verinfer account history`: what became of an account's money.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_escrow_client::messages::{Cause, MovementView};

use super::receipts::AccountArguments;
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict};

/// Show the entries of the log that changed the account's balance, the last first.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    account: AccountArguments,

    /// Only entries before this one: the last entry of a page begins the next.
    #[arg(long, value_name = "ENTRY", default_value_t = u64::MAX, hide_default_value = true)]
    before: u64,

    /// At most so many entries.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.account.look(output)?;
    let entries = client.history(client.account(), arguments.before, arguments.limit)?;
    let is_full = u32::try_from(entries.len()).is_ok_and(|len| len == arguments.limit);
    let before = entries.last().filter(|_| is_full).map(|entry| entry.position);
    output.report(&HistoryReport { account: client.account().to_string(), entries, before })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct HistoryReport {
    account: String,
    /// The last first.
    entries: Vec<MovementView>,
    /// What `--before` is for the next page, if there may be one.
    before: Option<u64>,
}

impl Report for HistoryReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{:>8}  {:>15}  {:>15}  {:10}  about", "entry", "units", "balance", "what")?;
        for MovementView { position, what, agreement, reference, units, balance, .. } in &self.entries {
            let about = match (agreement, reference) {
                (Some(id), _) => id.to_string(),
                (None, Some(reference)) => one_line(reference).to_string(),
                (None, None) => String::new(),
            };
            writeln!(out, "{position:>8}  {units:>+15}  {balance:>15}  {:10}  {about}", word(*what))?;
        }
        match self.before {
            Some(before) => writeln!(out, "earlier entries: --before {before}"),
            None => Ok(()),
        }
    }
}

const fn word(what: Cause) -> &'static str {
    match what {
        Cause::Deposit => "deposit",
        Cause::Withdrawal => "withdrawal",
        Cause::Reversal => "reversal",
        Cause::Return => "return",
        Cause::Proposal => "proposal",
        Cause::Move => "move",
        Cause::Deadline => "deadline",
    }
}
