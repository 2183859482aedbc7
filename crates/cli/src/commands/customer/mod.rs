//! `verinfer customer`: a provider's customers.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use verinfer_parties::failures::Tolerance;
use verinfer_parties::model::form_of;
use verinfer_parties::pins::Pins;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::time::Millis;
use verinfer_sampling::Probability;

use crate::known::Known;
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

    /// Turn only to a provider that has failed (aborted, missed a target, or broken a rule) in at most this share of its agreements that count, as the escrow's log
    /// says: those in which it failed, and those about accuracy.
    #[arg(long, value_name = "SHARE")]
    max_failures: Option<Probability>,

    /// See --max-failures: of so many agreements at least.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "max_failures")]
    min_agreements: u64,

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
        self.max_failures.map(|share| Tolerance { share: share.value(), least: self.min_agreements })
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

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match &arguments.command {
        Command::Accuracy(arguments) => accuracy::execute(arguments, output),
        Command::Serving(arguments) => serving::execute(arguments, output),
    }
}
