//! Rows of the tables: sample sizes for a demand, beside the paper's.

use serde::Serialize;
use verinfer_sampling::published::{DELTA, Published, TABLE_3, TABLE_4, printed_hoeffding, printed_tampering_bound};
use verinfer_sampling::{Cost, Probability, ProbabilityError, SamplingError, Sides, accuracy, hoeffding, tampering};

/// The fractions of Table 3.
pub fn published_fractions() -> Result<Vec<Probability>, ProbabilityError> {
    TABLE_3.iter().map(|row| Probability::new(row.demand)).collect()
}

/// The deviations of Table 4.
pub fn published_epsilons() -> Result<Vec<Probability>, ProbabilityError> {
    TABLE_4.iter().map(|row| Probability::new(row.demand)).collect()
}

/// How many samples, all in order, show that less than a fraction was tampered with.
#[derive(Serialize)]
pub struct TamperingRow {
    pub fraction: Probability,
    /// The smallest that suffice, `(1 - p)^n <= delta`.
    pub samples: u64,
    /// The smallest of different elements of the corpus.
    pub of_corpus: Option<u64>,
    /// What a two-sided interval asks for.
    pub two_sided: u64,
    /// Dollars for `of_corpus` or else `samples`.
    pub cost: Option<f64>,
    pub paper: Option<PaperRow>,
}

/// How many samples show an accuracy to within a deviation.
#[derive(Serialize)]
pub struct AccuracyRow {
    pub epsilon: Probability,
    /// By the exact interval.
    pub exact_one_sided: Option<u64>,
    pub exact_two_sided: Option<u64>,
    pub hoeffding_one_sided: u64,
    pub hoeffding_two_sided: u64,
    /// Dollars for `exact_one_sided`.
    pub cost: Option<f64>,
    /// Dollars for `hoeffding_one_sided`.
    pub cost_hoeffding: Option<f64>,
    pub paper: Option<PaperRow>,
}

/// What the paper says.
#[derive(Serialize)]
pub struct PaperRow {
    pub samples: u64,
    pub dollars: f64,
    /// What the sample size comes from.
    pub origin: String,
    /// What the paper's formula gives with its sample size, as printed: a bound on the fraction, or on the risk.
    pub printed_bound: f64,
}

impl TamperingRow {
    /// The row of a fraction.
    pub fn new(fraction: Probability, delta: Probability, corpus: Option<u64>, cost: Option<Cost>) -> Result<Self, SamplingError> {
        let samples = tampering::sample_size(fraction, delta, Sides::One)?;
        let of_corpus = corpus.map(|corpus| tampering::sample_size_of_corpus(fraction, corpus, delta)).transpose()?;
        Ok(Self {
            fraction,
            samples,
            of_corpus,
            two_sided: tampering::sample_size(fraction, delta, Sides::Two)?,
            cost: cost.map(|cost| cost.of(of_corpus.unwrap_or(samples))),
            paper: published(&TABLE_3, fraction, delta).map(|row| PaperRow::new(row, printed_tampering_bound(row.samples, delta))),
        })
    }
}

impl AccuracyRow {
    /// The row of a deviation.
    pub fn new(epsilon: Probability, delta: Probability, cost: Option<Cost>) -> Result<Self, SamplingError> {
        let exact = |sides| match accuracy::sample_size(epsilon, delta, sides) {
            Ok(samples) => Ok(Some(samples)),
            Err(SamplingError::NoSuchSample { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let (exact_one_sided, hoeffding_one_sided) = (exact(Sides::One)?, hoeffding::sample_size(epsilon, delta, Sides::One)?);
        Ok(Self {
            epsilon,
            exact_one_sided,
            exact_two_sided: exact(Sides::Two)?,
            hoeffding_one_sided,
            hoeffding_two_sided: hoeffding::sample_size(epsilon, delta, Sides::Two)?,
            cost: cost.zip(exact_one_sided).map(|(cost, samples)| cost.of(samples)),
            cost_hoeffding: cost.map(|cost| cost.of(hoeffding_one_sided)),
            paper: published(&TABLE_4, epsilon, delta).map(|row| PaperRow::new(row, printed_hoeffding(row.samples, epsilon))),
        })
    }
}

impl PaperRow {
    fn new(row: &Published, printed_bound: f64) -> Self {
        Self { samples: row.samples, dollars: row.dollars, origin: row.origin.to_string(), printed_bound }
    }
}

/// The row of a table with this demand, if `delta` is the paper's.
fn published(table: &'static [Published], demand: Probability, delta: Probability) -> Option<&'static Published> {
    table.iter().find(|row| row.demand == demand.value() && delta.value() == DELTA)
}
