//! `verinfer escrow`: the service that holds the parties' money.

use clap::Subcommand;

use crate::output::{Output, Verdict};

mod audit;
mod backup;
mod certify;
mod deposit;
mod limits;
mod payouts;
mod receipts;
mod rules;
mod serve;
mod signer;

/// Hold parties' money and run the protocols between them.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Serve(Box<serve::Arguments>),
    Audit(audit::Arguments),
    Backup(backup::Arguments),
    Deposit(deposit::Arguments),
    Certify(certify::Arguments),
    Reverse(deposit::ReverseArguments),
    Payouts(payouts::Arguments),
    Paid(payouts::PaidArguments),
    Returned(payouts::ReturnedArguments),
    Receipts(receipts::Arguments),
    Rules(rules::Arguments),
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.action {
        Action::Serve(arguments) => serve::execute(arguments, output),
        Action::Audit(arguments) => audit::execute(arguments, output),
        Action::Backup(arguments) => backup::execute(arguments, output),
        Action::Deposit(arguments) => deposit::execute(arguments, output),
        Action::Certify(arguments) => certify::execute(arguments, output),
        Action::Reverse(arguments) => deposit::reverse(arguments, output),
        Action::Payouts(arguments) => payouts::execute(arguments, output),
        Action::Paid(arguments) => payouts::paid(arguments, output),
        Action::Returned(arguments) => payouts::returned(arguments, output),
        Action::Receipts(arguments) => receipts::execute(arguments, output),
        Action::Rules(arguments) => rules::execute(arguments, output),
    }
}

/// Runs a future on threads of its own.
fn run<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}
