use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::keys::AccountId;
use crate::money::{Money, MoneyError};
use crate::refusal::TermsFault;
use crate::terms::{check_count, check_parties, check_period};
use crate::time::Millis;

/// Most inputs of a round: state and log of an agreement have some hundred bytes for each.
pub const MAX_INPUTS: u32 = 1 << 12;

/// What customer and provider agree on for one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::Terms))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Has the inputs, and proposes.
    pub customer: AccountId,
    /// Has the model.
    pub provider: AccountId,
    /// Digest of the public file of the model's commitment.
    pub model: Digest,
    /// `K`: how many inputs the round has, at most [`MAX_INPUTS`].
    pub inputs: u32,
    /// Z: the price of a proof of one input.
    pub proof: Money,
    /// The price of a prediction, for each that is recorded; may be zero.
    pub price: Money,
    /// The provider's deposit in proofs of the whole round; at least 2.
    pub beta: u32,
    /// How long the stages take at most.
    pub periods: Periods,
    /// Makes these terms different from all others.
    pub nonce: Digest,
}

/// How long stages take at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::Periods))]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// Each move that takes no computation.
    pub respond: Millis,
    /// From the confirmation of the inputs to the end of the round.
    pub round: Millis,
    /// All predictions that are demanded.
    pub answer: Millis,
    /// All proofs.
    pub prove: Millis,
}

impl Terms {
    /// Checks everything that can be wrong with terms alone.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check(&self) -> Result<(), TermsFault> {
        check_parties(self.customer, self.provider)?;
        check_count("inputs", self.inputs, 1, MAX_INPUTS)?;
        if self.beta < 2 {
            return Err(TermsFault::Beta { beta: self.beta });
        }
        let Periods { respond, round, answer, prove } = self.periods;
        check_period("respond", respond)?;
        check_period("round", round)?;
        check_period("answer", answer)?;
        check_period("prove", prove)
    }

    /// `K (2 Z + price)`: what the customer deposits.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn customer_deposit(&self) -> Result<Money, MoneyError> {
        self.price_of_proofs(self.inputs)?.plus(self.price_of(self.inputs)?)
    }

    /// What the customer pays for so many predictions.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn price_of(&self, predictions: u32) -> Result<Money, MoneyError> {
        self.price.times(u64::from(predictions))
    }

    /// `beta K Z`: what the provider deposits, and loses if it does not answer what is demanded, or prove what is contested.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn provider_deposit(&self) -> Result<Money, MoneyError> {
        self.proof.times(u64::from(self.inputs))?.times(u64::from(self.beta))
    }

    /// `2 K1 Z`: what the customer pays for the proofs of so many predictions.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn price_of_proofs(&self, contested: u32) -> Result<Money, MoneyError> {
        self.proof.times(u64::from(contested))?.times(2)
    }
}
