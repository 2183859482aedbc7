//! `verinfer account payments`: what was paid in and out for an account.

use super::receipts::AccountArguments;
use crate::output::{Output, Verdict};
use crate::payments::PaymentsReport;

/// Show the account's deposits and withdrawals, and how they stand.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    account: AccountArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.account.look(output)?;
    output.report(&PaymentsReport { payments: client.all_payments(Some(client.account()), None)? })?;
    Ok(Verdict::Accepted)
}
