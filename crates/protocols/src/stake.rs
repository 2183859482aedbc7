//! The stake of a provider (5.2): `1000 N1 E` for each model, so that being many providers at once is expensive.
//!
//! It is never slashed: faults are paid from the deposits of each agreement. It cannot be taken back quickly: the provider retires it, from then on
//! no agreement can name it, and after the lock it is returned. The lock, and how many agreements it covers, are the marketplace's ([`crate::rules`]).

use serde::{Deserialize, Serialize};

use crate::digest::{AgreementId, Digest};
use crate::event::Event;
use crate::keys::AccountId;
use crate::ledger::{Posting, Till};
use crate::money::Money;
use crate::refusal::{Refusal, StakeFault};
use crate::terms::{check_period, check_proposer};
use crate::time::{Millis, Timestamp};

/// What is staked for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = stake::Terms))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Whose stake it is.
    pub provider: AccountId,
    /// Digest of the public file of the model's commitment.
    pub model: Digest,
    /// How much.
    pub amount: Money,
    /// How long it stays after it has been retired.
    pub lock: Millis,
    /// How many agreements it covers that are open, or in which the provider has failed: it can fail in no more.
    pub covers: u32,
    /// Makes these terms different from all others.
    pub nonce: Digest,
}

/// How a stake stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = stake::State))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Agreements can name it.
    Active,
    /// Agreements can no longer name it.
    Retired {
        /// When it is returned.
        deadline: Timestamp,
    },
    /// It has been returned.
    Returned,
}

/// What the provider does with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = stake::Move))]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// It wants it back.
    Retire,
}

impl Terms {
    /// Deposits the stake.
    ///
    /// # Errors
    ///
    /// Another than the provider opens it, or the lock is out of range.
    pub fn open(&self, id: AgreementId, by: AccountId) -> Result<(State, Vec<Posting>), Refusal> {
        check_proposer(by, self.provider)?;
        check_period("lock", self.lock)?;
        Ok((State::Active, Till(id).deposit(by, self.amount)))
    }

    /// Checks that a stake in a state, against which so many agreements count, covers another one of a provider about a model.
    ///
    /// # Errors
    ///
    /// The first reason why it does not.
    pub fn check_cover(
        &self,
        (state, covered): (&State, u32),
        provider: AccountId,
        model: Digest,
        needed: Money,
    ) -> Result<(), StakeFault> {
        if self.provider != provider {
            Err(StakeFault::OtherProvider)
        } else if self.model != model {
            Err(StakeFault::OtherModel)
        } else if self.amount < needed {
            Err(StakeFault::TooSmall { found: self.amount, needed })
        } else if *state != State::Active {
            Err(StakeFault::Retired)
        } else if covered >= self.covers {
            Err(StakeFault::Exhausted { covers: self.covers })
        } else {
            Ok(())
        }
    }
}

impl State {
    /// When the stage ends, if it does.
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Retired { deadline } => Some(*deadline),
            Self::Active | Self::Returned => None,
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retired { .. } => "retired",
            Self::Returned => "returned",
        }
    }
}

/// What an event makes of a stake.
///
/// # Errors
///
/// The event is not possible now; nothing changes.
pub fn step(
    id: AgreementId,
    terms: &Terms,
    state: &State,
    event: Event<'_, Move>,
    now: Timestamp,
) -> Result<(State, Vec<Posting>), Refusal> {
    match (state, event) {
        (State::Returned, _) => Err(Refusal::Ended),
        (State::Active, Event::Move { by, action: Move::Retire, .. }) if by == terms.provider => {
            Ok((State::Retired { deadline: now.after(terms.lock) }, Vec::new()))
        }
        (State::Retired { deadline }, Event::Deadline) if now >= *deadline => {
            Ok((State::Returned, Till(id).pay([(terms.provider, terms.amount)])))
        }
        (State::Retired { deadline }, Event::Deadline) => Err(Refusal::Early { deadline: *deadline, now }),
        (State::Active | State::Retired { .. }, _) => Err(Refusal::OutOfStage { stage: state.stage() }),
    }
}
