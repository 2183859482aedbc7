//! `verinfer account`: a party's money with an escrow.

use clap::Subcommand;

use crate::output::{Output, Verdict};

mod balance;
mod history;
mod moves;
mod payments;
mod receipts;
mod withdraw;

/// See and move an account's money with an escrow.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Balance(balance::Arguments),
    History(history::Arguments),
    Payments(payments::Arguments),
    Withdraw(withdraw::Arguments),
    RetireStake(moves::RetireArguments),
    TakeBack(moves::TakeBackArguments),
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.action {
        Action::Balance(arguments) => balance::execute(arguments, output),
        Action::History(arguments) => history::execute(arguments, output),
        Action::Payments(arguments) => payments::execute(arguments, output),
        Action::Withdraw(arguments) => withdraw::execute(arguments, output),
        Action::RetireStake(arguments) => moves::retire(arguments, output),
        Action::TakeBack(arguments) => moves::take_back(arguments, output),
    }
}
