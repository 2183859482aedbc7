//! `verinfer retrieval`: documents that a model selects.

use clap::{Args, Subcommand};

use crate::output::{Output, Verdict};

pub mod request;
pub mod respond;

/// Retrieve the documents of a committed corpus that a model selects, with proofs that none was left out.
///
/// Every command goes on where it was when it is given again with the same state, whatever stopped it.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Request(Box<request::Arguments>),
    Respond(Box<respond::Arguments>),
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.command {
        Command::Request(arguments) => request::execute(arguments, output),
        Command::Respond(arguments) => respond::execute(arguments, output),
    }
}
