//! One file for each command: its arguments, what it does, its report.

use clap::Subcommand;

use crate::output::{Output, Verdict};

mod account;
mod attack;
mod bench;
mod check;
mod commit;
mod completions;
mod customer;
mod demo;
mod escrow;
mod estimate;
mod evaluate;
mod inspect;
mod keys;
mod man;
mod prove;
mod provider;
mod retrieval;
mod run;
mod sample_size;
mod security;
mod verify;
mod viability;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Inspect(inspect::Arguments),
    Run(run::Arguments),
    Check(check::Arguments),
    Commit(commit::Arguments),
    Prove(prove::Arguments),
    Verify(verify::Arguments),
    Security(security::Arguments),
    Attack(attack::Arguments),
    Bench(bench::Arguments),
    Estimate(estimate::Arguments),
    Evaluate(evaluate::Arguments),
    SampleSize(sample_size::Arguments),
    Keys(keys::Arguments),
    Account(account::Arguments),
    Escrow(escrow::Arguments),
    Provider(provider::Arguments),
    Customer(customer::Arguments),
    Retrieval(retrieval::Arguments),
    Demo(demo::Arguments),
    Viability(viability::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs a command and prints its report.
///
/// # Errors
///
/// What kept the command from coming to a verdict.
pub fn execute(command: Command, output: Output) -> anyhow::Result<Verdict> {
    match command {
        Command::Inspect(arguments) => inspect::execute(&arguments, output),
        Command::Run(arguments) => run::execute(&arguments, output),
        Command::Check(arguments) => check::execute(&arguments, output),
        Command::Commit(arguments) => commit::execute(&arguments, output),
        Command::Prove(arguments) => prove::execute(&arguments, output),
        Command::Verify(arguments) => verify::execute(&arguments, output),
        Command::Security(arguments) => security::execute(&arguments, output),
        Command::Attack(arguments) => attack::execute(&arguments, output),
        Command::Bench(arguments) => bench::execute(&arguments, output),
        Command::Estimate(arguments) => estimate::execute(&arguments, output),
        Command::Evaluate(arguments) => evaluate::execute(&arguments, output),
        Command::SampleSize(arguments) => sample_size::execute(&arguments, output),
        Command::Keys(arguments) => keys::execute(&arguments, output),
        Command::Account(arguments) => account::execute(&arguments, output),
        Command::Escrow(arguments) => escrow::execute(&arguments, output),
        Command::Provider(arguments) => provider::execute(&arguments, output),
        Command::Customer(arguments) => customer::execute(&arguments, output),
        Command::Retrieval(arguments) => retrieval::execute(&arguments, output),
        Command::Demo(arguments) => demo::execute(&arguments, output),
        Command::Viability(arguments) => viability::execute(&arguments, output),
        Command::Completions(arguments) => completions::execute(&arguments, output),
        Command::Man(arguments) => man::execute(&arguments, output),
    }
}
