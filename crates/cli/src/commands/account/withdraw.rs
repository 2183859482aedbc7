//! `verinfer account withdraw`: money leaves the escrow.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_escrow_client::RECORDED;
use verinfer_parties::PartyError;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::signed::Body;

use super::receipts::AccountArguments;
use crate::access::entry_text;
use crate::escape::one_line;
use crate::output::{Output, Report, Verdict, thousands};
use crate::party::parse_money;

/// Withdraw money: it leaves the account at once, and the operator pays it out or gives it back.
///
/// Where to is agreed with the operator elsewhere: everybody can read the reference. Another withdrawal needs another reference; the same command again has
/// no further effect. `account payments` shows what has become of it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    account: AccountArguments,

    /// How much, in minor units.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    amount: verinfer_protocols::money::Money,

    /// By what the account and the operator know the payment.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let account = arguments.account.open(output)?;
    let (amount, reference) = (arguments.amount, arguments.reference.clone());
    let entry = match account.carry_out(AgreementId::NONE, Body::Withdraw { amount, reference }) {
        Ok(receipt) => Some(receipt.position),
        Err(PartyError::Escrow(error)) if error.kind() == Some(RECORDED) => None,
        Err(error) => return Err(error.into()),
    };
    let balance = account.client.own_account()?.balance.units();
    output.report(&WithdrawReport { amount: amount.units(), entry, balance, receipts: account.file().display().to_string() })?;
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
    /// The file with the receipt.
    receipts: String,
}

impl Report for WithdrawReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "withdrawal  {} units, {}", thousands(self.amount), entry_text(self.entry))?;
        writeln!(out, "balance     {} units", thousands(self.balance))?;
        writeln!(out, "receipts    {}", one_line(&self.receipts))
    }
}
