//! `verinfer customer accuracy`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_parties::PartyError;
use verinfer_parties::customer::accuracy::{Customer, Plan};
use verinfer_parties::drive::Step;
use verinfer_parties::model::form_of;
use verinfer_protocols::accuracy::{Evidence, Outcome, Periods, Prices, State};
use verinfer_protocols::agreement;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;

use super::CustomerArguments;
use crate::files;
use crate::input::{InputArguments, ways};
use crate::known::Known;
use crate::output::{Output, Report, Verdict};
use crate::party::{Party, Standing, input_of, parse_money, parse_seconds};

/// Have a provider prove how accurate its hidden model is on a hidden test set.
///
/// Exit code 0 if the target is met, 1 if the agreement ended otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What takes the inputs: the model's public commitment, which is then the one that is wanted, or any .tflite model with the same input, or `digits`.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    #[command(flatten)]
    customer: CustomerArguments,

    /// The test set: on each line an image and its class, separated by a space; images are relative to this file, or `sample:N` of the built-in model.
    #[arg(long, value_name = "FILE")]
    test_set: PathBuf,

    /// N1: how many examples the provider may try before it decides.
    #[arg(long, value_name = "EXAMPLES")]
    first: u32,

    /// How many of the other examples must be correct.
    #[arg(long, value_name = "EXAMPLES")]
    target: u32,

    /// An output is correct if fewer than so many classes are ahead of the true one.
    #[arg(long, value_name = "CLASSES", default_value_t = 1)]
    top: u32,

    /// What proofs show.
    #[arg(long, value_enum, default_value_t = EvidenceArgument::Outputs)]
    evidence: EvidenceArgument,

    /// E: the price of an example.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    example_price: Money,

    /// Z: the price of a proof of one input.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    proof_price: Money,

    /// P: the price of an inference.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    inference_price: Money,

    /// What each party pays to the escrow (epsilon); the least that the marketplace's rules allow, if not given.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    fee: Option<Money>,

    /// Seconds for inference on the first examples and the decision.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    decide: Millis,

    #[command(flatten)]
    fit: InputArguments,
}

/// What proofs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EvidenceArgument {
    /// The scores of all classes.
    Outputs,
    /// How many committed labels come first, and nothing else.
    Count,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    arguments.play(output, |_, customer, view| customer.step(view))
}

impl Arguments {
    /// Plays the customer, whose moves are those of `step`.
    ///
    /// # Errors
    ///
    /// The agreement cannot be made, or a move fails.
    pub fn play(
        &self,
        output: Output,
        step: impl Fn(&Party, &Customer<'_>, &AgreementView) -> Result<Step, PartyError>,
    ) -> anyhow::Result<Verdict> {
        let party = self.customer.party.open(self.customer.once, output)?;
        let peer = party.peer(&self.customer.provider);
        let customer = Customer::begin(&party.client, &peer, &party.store, &self.plan(output)?)?;
        output.line(&format!("agreement {}", customer.id()));
        let view = customer.run(party.pace, &party.tell, |view| step(&party, &customer, view))?;
        let outcome = if let agreement::State::Accuracy(State::Ended(outcome)) = &view.agreement.state { Some(*outcome) } else { None };
        output.report(&AccuracyReport { standing: Standing::new(&party, &view, outcome)? })?;
        Ok(Verdict::from_bool(matches!(outcome, None | Some(Outcome::TargetMet { .. }))))
    }

    fn plan(&self, output: Output) -> anyhow::Result<Plan> {
        let known = Known::of(&self.model)?;
        Ok(Plan {
            pins: self.customer.pins(&known, output)?,
            tolerance: self.customer.tolerance(),
            input: input_of(&known),
            form: form_of(&known.model.graph),
            examples: read_test_set(&self.test_set, &known, self.fit, output)?,
            first: self.first,
            evidence: match self.evidence {
                EvidenceArgument::Outputs => Evidence::Outputs,
                EvidenceArgument::Count => Evidence::Count,
            },
            top: self.top,
            target: self.target,
            prices: Prices { example: self.example_price, proof: self.proof_price, inference: self.inference_price },
            fee: self.fee,
            periods: Periods { respond: self.customer.respond, decide: self.decide, prove: self.customer.prove },
        })
    }
}

fn read_test_set(path: &Path, known: &Known, fit: InputArguments, output: Output) -> anyhow::Result<Vec<(Vec<i16>, u32)>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = files::read_text(path)?;
    let example = |(number, line): (usize, &str)| {
        let read = || {
            let (image, class) = line.trim().rsplit_once(char::is_whitespace).context("there is no class")?;
            let image = image.trim();
            let image = if image.starts_with("sample") { PathBuf::from(image) } else { folder.join(image) };
            let class = class.parse::<u32>().context("the class is no number")?;
            Ok::<_, anyhow::Error>((known.source.load_inputs(&[image], fit, &known.model, output)?, class))
        };
        read().with_context(|| format!("{}, line {}", path.display(), number + 1))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let examples = lines.map(example).collect::<anyhow::Result<Vec<_>>>()?;
    let readings: Vec<String> = examples.iter().flat_map(|(inputs, _)| inputs.readings.clone()).collect();
    ways(&readings).iter().for_each(|way| output.line(&format!("inputs    {way}")));
    Ok(examples.into_iter().map(|(inputs, class)| (inputs.values, class)).collect())
}

#[derive(Serialize)]
struct AccuracyReport {
    #[serde(flatten)]
    standing: Standing,
}

impl Report for AccuracyReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.standing.write(out)
    }
}
