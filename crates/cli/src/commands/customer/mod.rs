//! `verinfer customer`: a provider's customers.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use verinfer_parties::failures::{MOST_TIMES, Tolerance};
use verinfer_parties::model::form_of;
use verinfer_parties::pins::Pins;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;

use crate::known::Known;
use crate::output::{Output, Verdict};
use crate::party::{PartyArguments, parse_money, parse_seconds};

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

    /// The provider, `https://host:port` or `http://host:port`.
    #[arg(long, value_name = "URL")]
    provider: String,

    /// The provider's account, as it prints it: another party that answers there is refused before anything is proposed or paid.
    #[arg(long, value_name = "ACCOUNT")]
    provider_account: Option<AccountId>,

    /// The public commitment of the provider's model (.vcm), unless MODEL is it: another model is refused before anything is proposed or paid.
    #[arg(long, value_name = "FILE", conflicts_with = "any_model")]
    commitment: Option<PathBuf>,

    /// Take whatever model the provider is committed to, if it takes such inputs.
    #[arg(long)]
    any_model: bool,

    /// Turn only to a provider whose failures (aborts, missed targets, broken rules) weigh at most so many times what its met targets have cost it in fees, as the
    /// escrow's log says. 1 is the paper's 1 % of failures; at most 2, since agreements with itself would be cheaper than what they cover.
    #[arg(long, value_name = "TIMES", value_parser = parse_times)]
    max_failures: Option<f64>,

    /// See --max-failures: these fees come to so much at least.
    #[arg(long, value_name = "UNITS", default_value = "0", value_parser = parse_money, requires = "max_failures")]
    min_fees: Money,

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

impl CustomerArguments {
    /// How many failures of the provider are taken.
    fn tolerance(&self) -> Option<Tolerance> {
        self.max_failures.map(|times| Tolerance { times, least: self.min_fees })
    }

    /// Of whom and of which model the customer wants to hear; `known` is what takes its inputs.
    fn pins(&self, known: &Known, output: Output) -> anyhow::Result<Pins> {
        let model = match &self.commitment {
            _ if self.any_model => {
                output.line("warning: --any-model takes whatever model the provider is committed to");
                None
            }
            Some(path) => {
                let committed = Known::of(path)?;
                if !committed.is_hidden() {
                    bail!("{} is no commitment to a model, as `commit` writes it", path.display());
                }
                if form_of(&committed.model.graph) != form_of(&known.model.graph) {
                    bail!("{} is the commitment to a model that takes or gives something else than MODEL", path.display());
                }
                Some(Digest::of_bytes(&committed.source.bytes()?))
            }
            None if known.is_hidden() => Some(Digest::of_bytes(&known.source.bytes()?)),
            None => bail!(
                "nothing says which model is wanted: give the public commitment of the provider's model as MODEL or with --commitment \
                 (a provider's digest of it alone proves nothing), or --any-model"
            ),
        };
        Ok(Pins { account: self.provider_account, model })
    }
}

fn parse_times(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if (0.0..=MOST_TIMES).contains(&times) => Ok(times),
        Ok(_) | Err(_) => Err(format!(
            "expected a number from 0 to {MOST_TIMES}: how many times the fees of met targets failures may weigh (1 for the paper's 1 %)"
        )),
    }
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.command {
        Command::Accuracy(arguments) => accuracy::execute(arguments, output),
        Command::Serving(arguments) => serving::execute(arguments, output),
    }
}
