//! What it costs to harm another: the griefer's loss as a multiple of the victim's.

use serde::Serialize;

use crate::accuracy::{Customer, Decision, ModelQuality, Payoffs, Provider, chances};
use crate::{Economy, PlayError};

/// Successful agreements that a provider needs for each one it aborts, if customers accept one failure in a hundred.
pub const SUCCESSES_FOR_A_FAILURE: f64 = 99.0;

/// A provider without a model that aborts an honest customer's agreement, after as many agreements with itself as its reputation needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Campaign {
    /// What the provider gains by the abort.
    pub abort: f64,
    /// What each agreement with itself costs in fees; proofs not counted, since it may commit to a model that is as good as nothing.
    pub fake: f64,
    /// What it gains by all of it.
    pub provider: f64,
    /// What the honest customer gains.
    pub customer: f64,
    /// The same if the examples that it has shown are lost to it.
    pub customer_with_examples: f64,
}

impl Campaign {
    /// Plays the abort through the machine.
    ///
    /// # Errors
    ///
    /// The economy is impossible.
    pub fn new(economy: &Economy) -> Result<Self, PlayError> {
        let provider = Provider { quality: ModelQuality::Guessing, decision: Decision::From(economy.first + 1), tries: false };
        let aborted = Payoffs::new(economy, &provider)?.aborted;
        let fake = 2.0 * economy.fee as f64;
        Ok(Self {
            abort: aborted.provider,
            fake,
            provider: aborted.provider - SUCCESSES_FOR_A_FAILURE * fake,
            customer: aborted.customer,
            customer_with_examples: aborted.customer - f64::from(economy.first) * economy.example as f64,
        })
    }

    /// The provider's loss in the customer's.
    pub fn factor(&self) -> f64 {
        self.provider / self.customer
    }

    /// The same if the examples that the customer has shown are lost to it.
    pub fn factor_with_examples(&self) -> f64 {
        self.provider / self.customer_with_examples
    }
}

/// The cheapest way for a customer to harm a provider by wrong labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WrongLabels {
    /// How many labels are wrong.
    pub wrong_labels: u32,
    /// What the customer gains.
    pub customer: f64,
    /// What the provider gains.
    pub provider: f64,
}

impl WrongLabels {
    /// The customer's loss in the provider's.
    pub fn factor(&self) -> f64 {
        self.customer / self.provider
    }
}

/// Of all numbers of wrong labels with which an honest provider loses money, the one that costs the customer least for each unit that
/// the provider loses. `None` if the provider never loses.
///
/// # Errors
///
/// The economy is impossible.
pub fn cheapest_wrong_labels(economy: &Economy) -> Result<Option<WrongLabels>, PlayError> {
    let provider = Provider { quality: ModelQuality::Good, decision: Decision::Shipped, tries: true };
    let payoffs = Payoffs::new(economy, &provider)?;
    let step = (economy.examples() / 200).max(1);
    let attacks = (0..=economy.examples()).step_by(step as usize).map(|wrong_labels| {
        let gains = payoffs.expected(&chances(economy, &Customer { wrong_labels }, &provider));
        WrongLabels { wrong_labels, customer: gains.customer, provider: gains.provider }
    });
    Ok(attacks.filter(|attack| attack.provider < 0.0).min_by(|a, b| a.factor().total_cmp(&b.factor())))
}
