//! `verinfer account payments`: what was paid in and out for an account.

use crate::access::EscrowArguments;
use crate::output::{Output, Verdict};
use crate::payments::PaymentsReport;

/// Show the account's deposits and withdrawals, and how they stand.
///
/// Example: verinfer account payments --escrow http://escrow:8700 --key party.key
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    escrow: EscrowArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.escrow.connect(output)?;
    output.report(&PaymentsReport { payments: client.all_payments(Some(client.account()), None)? })?;
    Ok(Verdict::Accepted)
}
