//! `verinfer account withdraw`: money leaves the escrow.

use std::io::{self, Write};

use serde::Serialize;

use crate::access::{EscrowArguments, entry_of, entry_text};
use crate::output::{Output, Report, Verdict, thousands};
use crate::party::parse_money;

/// Withdraw money: it leaves the account at once, and the operator pays it out or gives it back.
///
/// Where to is agreed with the operator elsewhere: everybody can read the reference. Another withdrawal needs another reference; the same command again has
/// no further effect. `account payments` shows what has become of it.
///
/// Example: verinfer account withdraw --escrow http://escrow:8700 --key party.key --amount 5000 --reference 2026-11
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// How much, in minor units.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    amount: verinfer_protocols::money::Money,

    /// By what the account and the operator know the payment.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let client = arguments.escrow.connect(output)?;
    let entry = entry_of(client.withdraw(arguments.amount, arguments.reference.clone()))?;
    let balance = client.own_account()?.balance.units();
    output.report(&WithdrawReport { amount: arguments.amount.units(), entry, balance })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct WithdrawReport {
    /// In minor units.
    amount: u64,
    /// Of the escrow's log; null if the same withdrawal was recorded before.
    entry: Option<u64>,
    /// What the account can dispose of then, in minor units.
    balance: u64,
}

impl Report for WithdrawReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "withdrawal  {} units, {}", thousands(self.amount), entry_text(self.entry))?;
        writeln!(out, "balance     {} units", thousands(self.balance))
    }
}
