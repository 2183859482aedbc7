//! `verinfer customer serving`.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_parties::customer::record::Demand;
use verinfer_parties::customer::serving::{Customer, Plan};
use verinfer_parties::model::form_of;
use verinfer_protocols::agreement;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;
use verinfer_protocols::serving::{Outcome, Periods, State};
use verinfer_protocols::time::Millis;
use verinfer_sampling::{Probability, tampering};

use super::CustomerArguments;
use crate::input::InputArguments;
use crate::known::Known;
use crate::output::{Output, Report, Verdict};
use crate::party::{Standing, input_of, parse_money, parse_seconds};

/// Buy a round of predictions, and contest some of them at random.
///
/// Exit code 0 if the round was concluded or what was contested was proved, 1 if it ended otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What takes the inputs: the model's public commitment, which is then the one that is wanted, or any .tflite model with the same input, or `digits`.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// The inputs: .png, .jpg or .npy files, or `sample[:N]` of the built-in model.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    #[command(flatten)]
    customer: CustomerArguments,

    /// Z: the price of a proof of one input.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    proof_price: Money,

    /// The price of a prediction: for each that is recorded with the escrow.
    #[arg(long, value_name = "UNITS", value_parser = parse_money)]
    prediction_price: Money,

    /// The provider's deposit in proofs of the whole round, at least 2.
    #[arg(long, default_value_t = 2)]
    beta: u32,

    /// How many predictions, chosen at random, are contested.
    #[arg(long, value_name = "PREDICTIONS", default_value_t = 0)]
    contest: u32,

    /// Contest as many as it takes to find, but for the probability --delta, that a larger fraction than this was tampered with.
    #[arg(long, value_name = "FRACTION", conflicts_with = "contest")]
    acceptable: Option<Probability>,

    /// See --acceptable.
    #[arg(long, value_name = "DELTA", default_value = "5%", requires = "acceptable")]
    delta: Probability,

    /// Seconds of the round.
    #[arg(long, value_name = "SECONDS", default_value = "86400", value_parser = parse_seconds)]
    round: Millis,

    /// Seconds for all predictions that are demanded through the escrow, because they have not come when half of the round is over.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse_seconds)]
    answer: Millis,

    /// Buy only of a model of which an agreement at this escrow has proved such an accuracy: a target of at least RIGHT of EXAMPLES, or the same share of more
    /// examples, was met.
    #[arg(long, value_name = "RIGHT/EXAMPLES", value_parser = parse_demand)]
    demand_accuracy: Option<(u32, u32)>,

    /// Whose test sets count for --demand-accuracy: by default, this party's own. A provider can be its own customer: name only accounts that you trust.
    #[arg(long, value_name = "ACCOUNT", num_args = 1.., requires = "demand_accuracy")]
    demand_by: Vec<AccountId>,

    /// The rank that counted as right there: fewer than so many classes were ahead of the true one.
    #[arg(long, value_name = "CLASSES", default_value_t = 1, requires = "demand_accuracy")]
    demand_top: u32,

    #[command(flatten)]
    fit: InputArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let party = arguments.customer.party.open(arguments.customer.once, output)?;
    let peer = party.peer(&arguments.customer.provider);
    let customer = Customer::begin(&party.client, &party.key, &peer, &party.store, &arguments.plan(party.key.account(), output)?)?;
    output.line(&format!("agreement {}", customer.id()));
    let view = customer.run(party.pace, &party.tell)?;
    let outcome = if let agreement::State::Serving(State::Ended(outcome)) = &view.agreement.state { Some(*outcome) } else { None };
    let predictions = customer.predictions()?;
    output.report(&ServingReport { standing: Standing::new(&party, &view, outcome)?, predictions })?;
    Ok(Verdict::from_bool(matches!(outcome, None | Some(Outcome::Concluded { .. } | Outcome::Proved { .. }))))
}

impl Arguments {
    fn demand(&self, account: AccountId) -> Option<Demand> {
        let (right, of) = self.demand_accuracy?;
        let customers = if self.demand_by.is_empty() { [account].into() } else { self.demand_by.iter().copied().collect() };
        Some(Demand { right, of, top: self.demand_top, customers })
    }

    fn plan(&self, account: AccountId, output: Output) -> anyhow::Result<Plan> {
        let known = Known::of(&self.model)?;
        let inputs = known.source.load_inputs(&self.images, self.fit, &known.model, output)?;
        inputs.ways().iter().for_each(|way| output.line(&format!("inputs    {way}")));
        let pins = self.customer.pins(&known, output)?;
        Ok(Plan {
            pins,
            tolerance: self.customer.tolerance(),
            classes: pins.model.is_some().then(|| form_of(&known.model.graph).classes),
            demand: self.demand(account),
            input: input_of(&known),
            inputs: inputs.by_image(),
            proof: self.proof_price,
            price: self.prediction_price,
            beta: self.beta,
            contest: match self.acceptable {
                Some(fraction) => u32::try_from(tampering::sample_size_of_corpus(fraction, self.images.len() as u64, self.delta)?)?,
                None => self.contest,
            },
            periods: Periods { respond: self.customer.respond, round: self.round, answer: self.answer, prove: self.customer.prove },
        })
    }
}

fn parse_demand(text: &str) -> Result<(u32, u32), String> {
    let (right, of) = text.split_once('/').ok_or("expected RIGHT/EXAMPLES, such as 180/200")?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text} is no number of examples"));
    match (number(right)?, number(of)?) {
        (_, 0) => Err("nothing is shown by no example".into()),
        (right, of) if right > of => Err(format!("of {of} examples at most {of} are right")),
        (0, _) => Err("every model is right on at least 0 examples".into()),
        demand => Ok(demand),
    }
}

#[derive(Serialize)]
struct ServingReport {
    #[serde(flatten)]
    standing: Standing,
    /// The quantized scores of all classes, by input, where there is a prediction.
    predictions: Vec<Option<Vec<i16>>>,
}

impl Report for ServingReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (input, scores) in self.predictions.iter().enumerate() {
            let scores = scores.as_deref().unwrap_or_default();
            match scores.iter().max().and_then(|best| scores.iter().position(|score| score == best)) {
                Some(class) => writeln!(out, "input {input}    class {class}")?,
                None => writeln!(out, "input {input}    no prediction")?,
            }
        }
        self.standing.write(out)
    }
}
