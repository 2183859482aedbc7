//! Everything about one economy.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use verinfer_sampling::proceeding::Trial;

use crate::accuracy::{self, Chances, Customer, Decision, ModelQuality, Pairing, Payoffs, Provider, chances, pairings};
use crate::claims::{Claim, claims};
use crate::deviations::{Deviation, deviations};
use crate::griefing::Campaign;
use crate::{Economy, Estimate, Gains, PlayError, retrieval, serving};

/// Results for an economy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// The parameters.
    pub economy: Economy,
    /// Seed of the simulation.
    pub seed: u64,
    /// The smallest number of correct answers on the first part with which the shipped provider proceeds, if there is one.
    pub threshold: Option<u32>,
    /// Of parts of other sizes, the smallest first part that the shipped provider agrees to.
    pub bounds: Vec<Bound>,
    /// Strategies in agreements about accuracy.
    pub accuracy: Vec<AccuracyRow>,
    /// A provider without a model, with the agreements its reputation needs.
    pub campaign: Campaign,
    /// Providers that tamper with predictions.
    pub serving: Vec<TamperingRow>,
    /// Responders that hide documents.
    pub retrieval: Vec<TamperingRow>,
    /// What wrong labels bring a customer, by the provider's threshold.
    pub wrong_labels: Vec<Curve>,
    /// One fault at one turn.
    pub deviations: Vec<Deviation>,
    /// The paper's figures.
    pub claims: Vec<Claim>,
}

/// Two strategies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyRow {
    /// Who plays.
    pub pairing: Pairing,
    /// How it can end.
    pub chances: Chances,
    /// Expected gains.
    pub exact: Gains,
    /// Gains of simulated agreements.
    pub simulated: Estimate,
}

/// A number of predictions or documents tampered with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TamperingRow {
    /// How many.
    pub tampered: u32,
    /// Probability that the sample has one of them in it.
    pub detection: f64,
    /// Expected gains.
    pub exact: Gains,
    /// Gains of simulated agreements.
    pub simulated: Estimate,
}

/// The smallest first part for a second part and a target that the shipped provider agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// `N2`.
    pub second: u32,
    /// So many of them have to be correct.
    pub target: u32,
    /// The smallest `N1`; nothing if there is none that a game may have.
    pub first: Option<u32>,
    /// So many of these the provider demands then.
    pub threshold: Option<u32>,
}

/// What wrong labels bring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The provider's threshold.
    pub threshold: u32,
    /// Wrong labels, and the customer's expected gain in money.
    pub points: Vec<(u32, f64)>,
    /// The probability that two honest parties come to a met target.
    pub honest_success: f64,
}

impl Study {
    /// Studies an economy; each random strategy is simulated `games` times, with random numbers from `seed`.
    ///
    /// # Errors
    ///
    /// The economy is impossible.
    pub fn new(economy: &Economy, games: u32, seed: u64) -> Result<Self, PlayError> {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let threshold = economy.trial().least_right();
        let mut accuracy = Vec::new();
        for pairing in pairings(economy) {
            let Pairing { customer, provider, .. } = &pairing;
            let chances = chances(economy, customer, provider);
            let exact = accuracy::expected(economy, customer, provider)?;
            let simulated = accuracy::simulate(economy, customer, provider, games, &mut random)?;
            accuracy.push(AccuracyRow { pairing, chances, exact, simulated });
        }
        let mut serving = Vec::new();
        for tampered in shares(economy.round) {
            let (detection, exact) = (serving::detection(economy, tampered), serving::expected(economy, tampered)?);
            let simulated = serving::simulate(economy, tampered, games, &mut random)?;
            serving.push(TamperingRow { tampered, detection, exact, simulated });
        }
        let mut retrieval = Vec::new();
        for tampered in shares(economy.corpus) {
            let (detection, exact) = (retrieval::detection(economy, tampered), retrieval::expected(economy, tampered)?);
            let simulated = retrieval::simulate(economy, tampered, games, &mut random)?;
            retrieval.push(TamperingRow { tampered, detection, exact, simulated });
        }
        Ok(Self {
            economy: economy.clone(),
            seed,
            threshold,
            bounds: bounds(economy),
            accuracy,
            campaign: Campaign::new(economy)?,
            serving,
            retrieval,
            wrong_labels: wrong_labels(economy, threshold.unwrap_or(economy.first))?,
            deviations: deviations(economy)?,
            claims: claims(economy)?,
        })
    }
}

impl Study {
    /// Whether honest parties gain and nothing else pays: each strategy, each fault and each tampering leaves its player with less than honesty, and a
    /// provider without a model loses by aborts once it pays for its reputation. A fault that changes nothing in the end is allowed.
    pub fn is_viable(&self) -> bool {
        let Some((honest, others)) = self.accuracy.split_first() else { return false };
        let own = |row: &AccuracyRow, gains: Gains| if row.pairing.deviating == "customer" { gains.customer } else { gains.provider };
        let least = |rows: &[TamperingRow]| {
            rows.split_first().is_some_and(|(honest, others)| others.iter().all(|row| row.exact.provider < honest.exact.provider))
        };
        honest.exact.customer > 0.0
            && honest.exact.provider > 0.0
            && others.iter().all(|row| own(row, row.exact) < own(row, honest.exact))
            && self.deviations.iter().all(|deviation| deviation.own <= deviation.honest)
            && self.campaign.provider < 0.0
            && self.threshold.is_some()
            && least(&self.serving)
            && least(&self.retrieval)
    }
}

/// The smallest first parts for some second parts and targets.
fn bounds(economy: &Economy) -> Vec<Bound> {
    let sizes = [20, 100, economy.second, 2000].into_iter().collect::<BTreeSet<u32>>();
    let bound = |second: u32, percent: u32| {
        let target = (second * percent).div_ceil(100);
        let trial = Trial { second, target, ..economy.trial() };
        let first = trial.least_first(Economy::MAX_COUNT);
        Bound { second, target, first, threshold: first.and_then(|first| Trial { first, ..trial }.threshold()) }
    };
    sizes.into_iter().flat_map(|second| [50, 75, 90, 95].map(|percent| bound(second, percent))).collect()
}

/// None, and some shares of a number.
fn shares(all: u32) -> Vec<u32> {
    let mut shares = vec![0, 1, all / 100, all / 40, all / 20, all / 10, all / 4];
    shares.sort_unstable();
    shares.dedup();
    shares
}

/// The curves of four thresholds up to a safe one.
fn wrong_labels(economy: &Economy, safe: u32) -> Result<Vec<Curve>, PlayError> {
    let needed = (f64::from(economy.first) * f64::from(economy.target) / f64::from(economy.second)).ceil() as u32;
    let least = needed.min(safe);
    let mut thresholds: Vec<u32> = (0..=3).map(|step| least + (safe - least) * step / 3).collect();
    thresholds.dedup();
    let curve = |threshold: u32| -> Result<Curve, PlayError> {
        let provider = Provider { quality: ModelQuality::Good, decision: Decision::From(threshold), tries: true };
        let payoffs = Payoffs::new(economy, &provider)?;
        let of = |wrong_labels: u32| chances(economy, &Customer { wrong_labels }, &provider);
        let step = (economy.examples() / 200).max(1);
        let points = (0..=economy.examples() * 3 / 10).step_by(step as usize).map(|count| (count, payoffs.expected(&of(count)).customer));
        Ok(Curve { threshold, points: points.collect(), honest_success: of(0).met })
    };
    thresholds.into_iter().map(curve).collect()
}
