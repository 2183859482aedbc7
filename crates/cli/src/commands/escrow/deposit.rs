//! `verinfer escrow deposit`: the operator has received money for an account.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;

use crate::keys;
use crate::output::{Output, Report, Verdict, thousands};

/// Record that money has come in for an account.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The escrow.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8700")]
    escrow: String,

    /// The escrow's own key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Whose money it is, as `keys show` writes it.
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountId,

    /// How much, in minor units.
    #[arg(long, value_name = "UNITS")]
    amount: u64,

    /// What the payment is called outside.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reference: String,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let key = keys::read(&arguments.key, output)?;
    let amount = Money::new(arguments.amount)?;
    let client = Client::connect(&arguments.escrow, key, Patience::default())?;
    let receipt = client.deposit(arguments.account, amount, arguments.reference.clone())?;
    output.report(&DepositReport { account: arguments.account.to_string(), amount: amount.units(), entry: receipt.position })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct DepositReport {
    account: String,
    /// In minor units.
    amount: u64,
    /// Of the escrow's log.
    entry: u64,
}

impl Report for DepositReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "account  {}", self.account)?;
        writeln!(out, "deposit  {} units, entry {} of the log", thousands(self.amount), self.entry)
    }
}
