//! `verinfer customer`: a provider's customers.

use clap::{Args, Subcommand};
use verinfer_protocols::time::Millis;

use crate::output::{Output, Verdict};
use crate::party::{PartyArguments, parse_seconds};

pub mod accuracy;
mod serving;

/// Have a hidden model's accuracy proved, or buy predictions that can be contested, with deposits held by an escrow.
///
/// Every command goes on where it was when it is given again with the same state, whatever stopped it.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Accuracy(Box<accuracy::Arguments>),
    Serving(Box<serving::Arguments>),
}

/// The customer and its provider.
#[derive(Clone, Debug, Args)]
struct CustomerArguments {
    #[command(flatten)]
    party: PartyArguments,

    /// The provider, `http://host:port`.
    #[arg(long, value_name = "URL")]
    provider: String,

    /// Make the moves that are possible now and stop instead of waiting for the provider.
    #[arg(long)]
    once: bool,

    /// Seconds for each move that takes no computation.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = parse_seconds)]
    respond: Millis,

    /// Seconds for all proofs.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    prove: Millis,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.command {
        Command::Accuracy(arguments) => accuracy::execute(arguments, output),
        Command::Serving(arguments) => serving::execute(arguments, output),
    }
}
