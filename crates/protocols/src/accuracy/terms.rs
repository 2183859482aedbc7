use serde::{Deserialize, Serialize};

use crate::coin::CommittedShare;
use crate::digest::{AgreementId, Digest};
use crate::keys::AccountId;
use crate::merkle::Root;
use crate::money::{Money, MoneyError};
use crate::refusal::TermsFault;
use crate::terms::{check_count, check_parties, check_period};
use crate::time::Millis;
use crate::transfer::MAX_ITEMS;

/// What customer and provider agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = accuracy::Terms))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Has the test set, and proposes.
    pub customer: AccountId,
    /// Has the model.
    pub provider: AccountId,
    /// Digest of the public file of the model's commitment.
    pub model: Digest,
    /// Commitment to the test set: entries are [`crate::member::example_entry`]. Its length is `N = N1 + N2`.
    pub test_set: Root,
    /// What the provider's model takes and gives: each example is like that.
    pub form: Form,
    /// `N1`: how many examples the provider may try before it decides; 1 to `N - 1`.
    pub first: u32,
    /// How the provider shows what is correct.
    pub evidence: Evidence,
    /// An output is correct if fewer than so many classes are ahead of the label; 1 for the top class, at most all classes.
    pub top: u32,
    /// The target: so many of the `N2` examples of the second part are correct.
    pub target: u32,
    /// E, Z, P.
    pub prices: Prices,
    /// `epsilon`: what each party pays to the escrow.
    pub fee: Money,
    /// The provider's stake for this model.
    pub stake: AgreementId,
    /// The customer's commitment to its share of the seed.
    pub coin: CommittedShare,
    /// How long the stages take at most.
    pub periods: Periods,
    /// Makes these terms different from all others.
    pub nonce: Digest,
}

/// What a model takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Digest of shape and type of an input.
    pub input: Digest,
    /// Number of classes: labels are smaller.
    pub classes: u32,
}

/// How the provider shows what is correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Proofs show the outputs, and the provider opens the labels: to the customer and the escrow, which counts.
    Outputs,
    /// Proofs show how many labels are correct, and neither outputs nor labels.
    Count,
}

/// What one unit of each kind of work costs, in minor units; marketplace-wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// E: a test input and its label.
    pub example: Money,
    /// Z: a proof of one input.
    pub proof: Money,
    /// P: an inference.
    pub inference: Money,
}

/// How long stages take at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = accuracy::Periods))]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// Each move that takes no computation.
    pub respond: Millis,
    /// Inference on the first examples, and the decision.
    pub decide: Millis,
    /// All proofs.
    pub prove: Millis,
}

impl Prices {
    /// Checks the relations of the paper.
    ///
    /// # Errors
    ///
    /// Not E > Z > P > 0.
    pub fn check(&self) -> Result<(), TermsFault> {
        let &Self { example, proof, inference } = self;
        if example > proof && proof > inference && !inference.is_zero() {
            Ok(())
        } else {
            Err(TermsFault::Prices { example, proof, inference })
        }
    }
}

impl Terms {
    /// Checks everything that can be wrong with terms alone.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check(&self) -> Result<(), TermsFault> {
        check_parties(self.customer, self.provider)?;
        check_count("test_set", self.test_set.len, 2, MAX_ITEMS)?;
        check_count("first", self.first, 1, self.test_set.len.saturating_sub(1))?;
        check_count("classes", self.form.classes, 1, u32::MAX)?;
        check_count("top", self.top, 1, self.form.classes)?;
        check_count("target", self.target, 0, self.second())?;
        self.prices.check()?;
        let Periods { respond, decide, prove } = self.periods;
        check_period("respond", respond)?;
        check_period("decide", decide)?;
        check_period("prove", prove)
    }

    /// `N2`: how many examples are proved.
    pub const fn second(&self) -> u32 {
        self.test_set.len.saturating_sub(self.first)
    }

    /// `2 N E`: what each party risks.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn risk(&self) -> Result<Money, MoneyError> {
        self.prices.example.times(u64::from(self.test_set.len))?.times(2)
    }

    /// `2 N E + epsilon`: what each party deposits.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn deposit(&self) -> Result<Money, MoneyError> {
        self.risk()?.plus(self.fee)
    }

    /// `N1 P`: what the customer pays if the provider aborts after it has tried the first examples.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn trial_price(&self) -> Result<Money, MoneyError> {
        self.prices.inference.times(u64::from(self.first))
    }

    /// `2 (N1 P + N2 Z)`: what the customer pays if the target is met.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn price(&self) -> Result<Money, MoneyError> {
        self.trial_price()?.plus(self.prices.proof.times(u64::from(self.second()))?)?.times(2)
    }

    /// `1000 N1 E`: what the provider must have staked for the model.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn needed_stake(&self) -> Result<Money, MoneyError> {
        self.prices.example.times(u64::from(self.first))?.times(1000)
    }
}
