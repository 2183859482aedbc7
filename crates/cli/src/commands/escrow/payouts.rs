//! `verinfer escrow payouts`, `paid`, `returned`: what was withdrawn, and what the operator has made of it.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::payment::Standing;

use crate::access::{EscrowArguments, entry_of, entry_text};
use crate::output::{Output, Report, Verdict};
use crate::payments::PaymentsReport;

/// Show all withdrawals that are still to be paid, the oldest first.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    escrow: EscrowArguments,
}

/// Record that a withdrawal was paid.
#[derive(Debug, clap::Args)]
pub struct PaidArguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// Who has withdrawn; of fees, the escrow's own account.
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountId,

    /// The withdrawal's reference.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// Give a withdrawal back to its account, because it cannot be paid.
#[derive(Debug, clap::Args)]
pub struct ReturnedArguments {
    #[command(flatten)]
    withdrawal: PaidArguments,

    /// Why. Everybody can read it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs `payouts`.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.escrow.connect_as_operator(output)?;
    output.report(&PaymentsReport { payments: client.all_payments(None, Some(Standing::Due))? })?;
    Ok(Verdict::Accepted)
}

/// Runs `paid`.
pub fn paid(arguments: &PaidArguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.escrow.connect_as_operator(output)?;
    let entry = entry_of(client.paid(arguments.account, arguments.reference.clone()))?;
    output.report(&SettledReport { account: arguments.account.to_string(), standing: "paid", entry })?;
    Ok(Verdict::Accepted)
}

/// Runs `returned`.
pub fn returned(arguments: &ReturnedArguments, output: Output) -> anyhow::Result<Verdict> {
    let PaidArguments { escrow, account, reference } = &arguments.withdrawal;
    let entry = entry_of(escrow.connect_as_operator(output)?.returned(*account, reference.clone(), arguments.reason.clone()))?;
    output.report(&SettledReport { account: account.to_string(), standing: "returned", entry })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct SettledReport {
    account: String,
    standing: &'static str,
    /// Of the escrow's log; null if the same was recorded before.
    entry: Option<u64>,
}

impl Report for SettledReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "account   {}", self.account)?;
        writeln!(out, "standing  {}, {}", self.standing, entry_text(self.entry))
    }
}
