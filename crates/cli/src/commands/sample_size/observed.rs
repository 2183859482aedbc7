//! What a sample shows.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_sampling::interval::{Interval, clopper_pearson};
use verinfer_sampling::{Probability, SamplingError, Sides, hoeffding, tampering};

use super::price::Price;
use crate::output::{Report, thousands};

/// A sample that was looked at.
#[derive(Clone, Copy, Serialize)]
pub struct Sample {
    /// Its size.
    pub samples: u64,
    /// How many were correct; `None`: all were found in order.
    pub correct: Option<u64>,
    /// What it was drawn from, without replacement.
    pub corpus: Option<u64>,
}

/// What it shows, except with probability `delta`.
#[derive(Serialize)]
pub struct Observed {
    #[serde(flatten)]
    sample: Sample,
    delta: Probability,
    shows: Shows,
    /// Dollars for proving it.
    cost: Option<f64>,
}

#[derive(Serialize)]
#[serde(tag = "about", rename_all = "snake_case")]
enum Shows {
    /// Less than this fraction was tampered with; of the corpus, at most so many elements.
    Tampering { fraction_below: f64, of_corpus_at_most: Option<u64> },
    /// The accuracy is at least `one_sided.lower`, or within `two_sided`; both also by Hoeffding's inequality.
    Accuracy { observed: f64, one_sided: Interval, two_sided: Interval, hoeffding_one_sided: f64, hoeffding_two_sided: f64 },
}

impl Observed {
    /// What `sample` shows.
    ///
    /// # Errors
    ///
    /// It shows nothing: it is empty, larger than its corpus, or has more correct ones than samples.
    pub fn new(sample: Sample, delta: Probability, price: Option<Price>) -> Result<Self, SamplingError> {
        let Sample { samples, correct, corpus } = sample;
        let shows = match correct {
            None => Shows::Tampering {
                fraction_below: tampering::bound(samples, delta, Sides::One)?,
                of_corpus_at_most: corpus.map(|corpus| tampering::bound_of_corpus(samples, corpus, delta)).transpose()?,
            },
            Some(correct) => Shows::Accuracy {
                observed: correct as f64 / samples as f64,
                one_sided: clopper_pearson(correct, samples, delta, Sides::One)?,
                two_sided: clopper_pearson(correct, samples, delta, Sides::Two)?,
                hoeffding_one_sided: hoeffding::deviation(samples, delta, Sides::One)?,
                hoeffding_two_sided: hoeffding::deviation(samples, delta, Sides::Two)?,
            },
        };
        Ok(Self { sample, delta, shows, cost: price.map(|price| price.cost().of(samples)) })
    }
}

impl Report for Observed {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Sample { samples, correct, corpus } = self.sample;
        let of = corpus.map(|corpus| format!(" of {}", thousands(corpus))).unwrap_or_default();
        let found = correct.map_or("all in order".to_string(), |correct| format!("{} correct", thousands(correct)));
        writeln!(out, "sample    {}{of}, {found}", thousands(samples))?;
        writeln!(out, "risk      {}: each line alone is wrong with at most this probability", self.delta)?;
        match &self.shows {
            Shows::Tampering { fraction_below, of_corpus_at_most } => {
                writeln!(out, "tampered  less than {:.4} %", 100.0 * fraction_below)?;
                if let Some(at_most) = of_corpus_at_most {
                    writeln!(out, "          at most {} elements of the corpus", thousands(*at_most))?;
                }
            }
            Shows::Accuracy { observed, one_sided, two_sided, hoeffding_one_sided, hoeffding_two_sided } => {
                let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction.clamp(0.0, 1.0));
                let (low, high) = (observed - hoeffding_two_sided, observed + hoeffding_two_sided);
                writeln!(out, "accuracy  {} observed", percent(*observed))?;
                writeln!(out, "          at least {} (Hoeffding: {})", percent(one_sided.lower), percent(observed - hoeffding_one_sided))?;
                writeln!(
                    out,
                    "          between {} and {} (Hoeffding: {} and {})",
                    percent(two_sided.lower),
                    percent(two_sided.upper),
                    percent(low),
                    percent(high)
                )?;
            }
        }
        self.cost.map_or(Ok(()), |cost| writeln!(out, "cost      ${cost:.2}"))
    }
}
