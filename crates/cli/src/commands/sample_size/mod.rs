//! `verinfer sample-size`: how many samples show what, and what proving them costs.

use std::path::PathBuf;

use serde::Serialize;
use verinfer_sampling::{Cost, Probability};

use crate::output::{Output, Verdict};
use observed::{Observed, Sample};
use price::Price;
use tables::{AccuracyRow, TamperingRow};

mod observed;
mod price;
mod tables;
mod text;

/// Say how many samples bound tampering or show an accuracy, and what proving them costs.
///
/// Without arguments: Tables 3 and 4 of the paper, with what its own figures come from. With --samples: what a sample shows.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Fractions tampered with, to be excluded: 0.05 or 5%.
    #[arg(long, value_name = "FRACTION", value_delimiter = ',')]
    fraction: Vec<Probability>,

    /// Deviations of the accuracy, to be excluded.
    #[arg(long, value_name = "EPSILON", value_delimiter = ',')]
    epsilon: Vec<Probability>,

    /// Probability of being wrong that is accepted: 1 less the confidence.
    #[arg(long, value_name = "DELTA", default_value = "5%")]
    delta: Probability,

    /// Documents or predictions that the samples of tampering are drawn from, without replacement; without it, any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=verinfer_sampling::LARGEST_COUNT))]
    corpus: Option<u64>,

    /// Say what so many samples show instead.
    #[arg(long, value_name = "N", conflicts_with_all = ["fraction", "epsilon"])]
    samples: Option<u64>,

    /// Of the samples, how many were correct; without it, all were found in order.
    #[arg(long, value_name = "K", requires = "samples")]
    correct: Option<u64>,

    #[command(flatten)]
    price: PriceArguments,
}

/// What a proof costs.
#[derive(Debug, clap::Args)]
pub struct PriceArguments {
    /// Seconds that a proof and its verification take.
    #[arg(long, value_name = "S", conflicts_with = "measured", requires = "price_per_core_hour")]
    seconds_per_proof: Option<f64>,

    /// Cores that it takes them on.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "seconds_per_proof")]
    cores: u32,

    /// Take time and cores from what `verinfer bench --json` printed about one model.
    #[arg(long, value_name = "FILE", requires = "price_per_core_hour")]
    measured: Option<PathBuf>,

    /// Dollars for one core during one hour.
    #[arg(long, value_name = "DOLLARS")]
    price_per_core_hour: Option<f64>,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let price = Price::new(&arguments.price)?;
    if let Some(samples) = arguments.samples {
        let sample = Sample { samples, correct: arguments.correct, corpus: arguments.corpus };
        output.report(&Observed::new(sample, arguments.delta, price)?)?;
    } else {
        output.report(&SampleSizes::new(arguments, price)?)?;
    }
    Ok(Verdict::Accepted)
}

/// Sample sizes for demands.
#[derive(Serialize)]
struct SampleSizes {
    delta: Probability,
    corpus: Option<u64>,
    price: Option<Price>,
    tampering: Vec<TamperingRow>,
    accuracy: Vec<AccuracyRow>,
}

impl SampleSizes {
    fn new(arguments: &Arguments, price: Option<Price>) -> anyhow::Result<Self> {
        let (fractions, epsilons) = match (arguments.fraction.as_slice(), arguments.epsilon.as_slice()) {
            ([], []) => (tables::published_fractions()?, tables::published_epsilons()?),
            (fractions, epsilons) => (fractions.to_vec(), epsilons.to_vec()),
        };
        let (delta, corpus) = (arguments.delta, arguments.corpus);
        let cost: Option<Cost> = price.as_ref().map(Price::cost);
        Ok(Self {
            delta,
            corpus,
            price,
            tampering: fractions.into_iter().map(|p| TamperingRow::new(p, delta, corpus, cost)).collect::<Result<_, _>>()?,
            accuracy: epsilons.into_iter().map(|epsilon| AccuracyRow::new(epsilon, delta, cost)).collect::<Result<_, _>>()?,
        })
    }
}
