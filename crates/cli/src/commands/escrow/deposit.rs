//! `verinfer escrow deposit`, `reverse`: the operator has received money for an account, or has not after all.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;

use crate::access::{EscrowArguments, entry_of, entry_text};
use crate::output::{Output, Report, Verdict, thousands};
use crate::party::parse_money;

/// Record that money has come in for an account.
///
/// The same deposit is credited once, however often the command is given; the same reference with another amount is refused.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// Whose money it is, as `keys show` writes it.
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountId,

    /// How much, in minor units.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    amount: Money,

    /// What the payment is called outside: another payment for the account has another name. Everybody can read it.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// Reverse a deposit that was recorded wrongly, in whole or in part.
///
/// It takes what the account can dispose of, and is refused if that is too little: what was paid to others from a deposit stays paid, and is the operator's
/// loss. Leave as much of the deposit as was spent.
#[derive(Debug, clap::Args)]
pub struct ReverseArguments {
    #[command(flatten)]
    escrow: EscrowArguments,

    /// Whose deposit it is.
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountId,

    /// The deposit's reference.
    #[arg(long, value_name = "TEXT")]
    reference: String,

    /// What stands of it, in minor units.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money)]
    left: Money,

    /// Why. Everybody can read it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs `deposit`.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let Arguments { account, amount, reference, .. } = arguments;
    let client = arguments.escrow.connect_as_operator(output)?;
    let entry = entry_of(client.deposit(*account, *amount, reference.clone()))?;
    output.report(&DepositReport { account: account.to_string(), amount: amount.units(), entry })?;
    Ok(Verdict::Accepted)
}

/// Runs `reverse`.
pub fn reverse(arguments: &ReverseArguments, output: Output) -> anyhow::Result<Verdict> {
    let ReverseArguments { account, reference, left, reason, .. } = arguments;
    let client = arguments.escrow.connect_as_operator(output)?;
    let entry = entry_of(client.reverse(*account, reference.clone(), *left, reason.clone()))?;
    output.report(&DepositReport { account: account.to_string(), amount: left.units(), entry })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct DepositReport {
    account: String,
    /// What stands of the deposit, in minor units.
    amount: u64,
    /// Of the escrow's log; null if the same was recorded before.
    entry: Option<u64>,
}

impl Report for DepositReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "account  {}", self.account)?;
        writeln!(out, "deposit  {} units, {}", thousands(self.amount), entry_text(self.entry))
    }
}
