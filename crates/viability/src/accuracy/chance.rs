//! Exact probabilities and expectations: sums over all numbers of wrong labels in the first part.

use serde::Serialize;
use verinfer_protocols::coin::Share;
use verinfer_sampling::{Probability, binomial, hypergeometric};

use super::{Customer, Decision, Game, ModelQuality, Provider};
use crate::{Economy, Gains, PlayError};

/// How an agreement between players who keep to the rules can end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Chances {
    /// The provider aborts after the first part.
    pub aborted: f64,
    /// The target is met.
    pub met: f64,
    /// The target is missed.
    pub missed: f64,
}

/// The probabilities of the outcomes.
///
/// The first part is a uniform choice of `N1` of the `N` examples: the wrong labels in it are hypergeometric. Where the label is right the model is correct
/// independently with its accuracy; where it is wrong it never is.
pub fn chances(economy: &Economy, customer: &Customer, provider: &Provider) -> Chances {
    let (first, second, wrong) = (u64::from(economy.first), u64::from(economy.second), u64::from(customer.wrong_labels));
    let (all, accuracy) = (first + second, provider.quality.accuracy(economy));
    let least = u64::from(provider.decision.least(economy));
    let mut chances = Chances::default();
    for wrong_first in wrong.saturating_sub(second)..=wrong.min(first) {
        let weight = hypergeometric::ln_pmf(all, wrong, first, wrong_first).exp();
        let proceeds = at_least(first - wrong_first, least, accuracy);
        let meets = at_least(second - (wrong - wrong_first), u64::from(economy.target), accuracy);
        chances.aborted += weight * (1.0 - proceeds);
        chances.met += weight * proceeds * meets;
        chances.missed += weight * proceeds * (1.0 - meets);
    }
    chances
}

fn at_least(samples: u64, hits: u64, p: Probability) -> f64 {
    if hits > samples { 0.0 } else { binomial::at_least(samples, hits, p) }
}

/// What the machine makes of each outcome: money, less the provider's work.
#[derive(Clone, Copy, Debug)]
pub struct Payoffs {
    /// The target is met.
    pub met: Gains,
    /// The target is missed.
    pub missed: Gains,
    /// The provider aborts after the first part.
    pub aborted: Gains,
}

impl Payoffs {
    /// Plays an agreement to each outcome.
    ///
    /// # Errors
    ///
    /// The economy is impossible.
    pub fn new(economy: &Economy, provider: &Provider) -> Result<Self, PlayError> {
        let game = Game::new(economy)?;
        let gains = |correct: bool, proceeds: bool| -> Result<Gains, PlayError> {
            let player = Provider { decision: Decision::From(if proceeds { 0 } else { economy.first + 1 }), ..*provider };
            Ok(game.play(&player, &vec![correct; economy.examples() as usize], Share([0; 32]), None)?.gains)
        };
        Ok(Self { met: gains(true, true)?, missed: gains(false, true)?, aborted: gains(false, false)? })
    }

    /// The expectation, without a sale.
    pub fn expected(&self, chances: &Chances) -> Gains {
        self.met * chances.met + self.missed * chances.missed + self.aborted * chances.aborted
    }
}

/// The expected gains: the machine's of each outcome, and the sale after a met target.
///
/// # Errors
///
/// The economy is impossible.
pub fn expected(economy: &Economy, customer: &Customer, provider: &Provider) -> Result<Gains, PlayError> {
    let chances = chances(economy, customer, provider);
    Ok(Payoffs::new(economy, provider)?.expected(&chances) + sale(economy, provider.quality) * chances.met)
}

/// What the sale after a met target is worth. The customer pays for a model that is not what it seems.
pub fn sale(economy: &Economy, quality: ModelQuality) -> Gains {
    let provider = economy.surplus as f64;
    Gains { customer: if quality == ModelQuality::Good { provider } else { -provider }, provider }
}

/// With how many wrong labels (of every two-hundredth part of all) a customer who does not want the model gains most from a provider with a good model and
/// this threshold, and how much.
pub fn best_attack(economy: &Economy, threshold: u32, payoffs: &Payoffs) -> (u32, f64) {
    let provider = Provider { quality: ModelQuality::Good, decision: Decision::From(threshold), tries: true };
    let step = (economy.examples() / 200).max(1);
    let attacks = (0..=economy.examples())
        .step_by(step as usize)
        .map(|wrong_labels| (wrong_labels, payoffs.expected(&chances(economy, &Customer { wrong_labels }, &provider)).customer));
    attacks.fold((0, f64::NEG_INFINITY), |best, attack| if attack.1 > best.1 { attack } else { best })
}
