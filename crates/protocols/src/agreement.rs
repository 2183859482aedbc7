//! Any agreement: terms, how far it is, and what an event makes of it.

use serde::{Deserialize, Serialize};

use crate::digest::{AgreementId, Digest};
use crate::event::{self, Facts};
use crate::keys::AccountId;
use crate::ledger::Posting;
use crate::money::Money;
use crate::refusal::Refusal;
use crate::time::{Millis, Timestamp};
use crate::{accuracy, retrieval, serving, stake};

/// What is agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// A provider's stake.
    Stake(stake::Terms),
    /// The accuracy of a model.
    Accuracy(accuracy::Terms),
    /// A round of predictions.
    Serving(serving::Terms),
    /// The retrieval of documents.
    Retrieval(retrieval::Terms),
}

/// How far an agreement is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Of a stake.
    Stake(stake::State),
    /// About accuracy.
    Accuracy(accuracy::State),
    /// About predictions.
    Serving(serving::State),
    /// About retrieval.
    Retrieval(retrieval::State),
}

/// What a party does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// With its stake.
    Stake(stake::Move),
    /// About accuracy.
    Accuracy(accuracy::Move),
    /// About predictions.
    Serving(serving::Move),
    /// About retrieval.
    Retrieval(retrieval::Move),
}

/// What happens to an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one at a time, never in lists")]
pub enum Event {
    /// A party moves.
    Move {
        /// Who.
        by: AccountId,
        /// What.
        action: Move,
        /// What the escrow found out about it.
        facts: Facts,
    },
    /// The time for the next move is over.
    Deadline,
}

/// Whether an outcome, by its name, is one by which the party that serves has failed the one that asks: the paper's failures, aborts after the first examples among
/// them.
pub fn is_failure(outcome: &str) -> bool {
    ["provider_aborted", "target_missed", "provider_at_fault", "not_answered", "not_proved", "responder_at_fault"].contains(&outcome)
}

/// Whether an outcome, by its name, says that the other party had accepted.
pub fn was_accepted(outcome: &str) -> bool {
    !["withdrawn", "expired"].contains(&outcome)
}

/// An agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agreement {
    /// Its name.
    pub id: AgreementId,
    /// What is agreed on.
    pub terms: Terms,
    /// How far it is.
    pub state: State,
}

impl Terms {
    /// The name of the agreement with these terms that an escrow holds: what a party signs about it has no meaning at another escrow.
    pub fn id(&self, escrow: AccountId) -> AgreementId {
        AgreementId(Digest::of("verinfer protocols v3 agreement", &(escrow, self)).0)
    }

    /// Who proposes, and who accepts; a stake has one party.
    pub const fn parties(&self) -> (AccountId, Option<AccountId>) {
        match self {
            Self::Stake(terms) => (terms.provider, None),
            Self::Accuracy(terms) => (terms.customer, Some(terms.provider)),
            Self::Serving(terms) => (terms.customer, Some(terms.provider)),
            Self::Retrieval(terms) => (terms.requester, Some(terms.responder)),
        }
    }

    /// The stake that accepting the terms depends on.
    pub const fn stake(&self) -> Option<AgreementId> {
        match self {
            Self::Accuracy(terms) => Some(terms.stake),
            Self::Stake(_) | Self::Serving(_) | Self::Retrieval(_) => None,
        }
    }

    /// Digest of the public file of the commitment of the model that it is about.
    pub const fn model(&self) -> Digest {
        match self {
            Self::Stake(terms) => terms.model,
            Self::Accuracy(terms) => terms.model,
            Self::Serving(terms) => terms.model,
            Self::Retrieval(terms) => terms.model,
        }
    }

    /// The name of the kind of agreement.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Stake(_) => "stake",
            Self::Accuracy(_) => "accuracy",
            Self::Serving(_) => "serving",
            Self::Retrieval(_) => "retrieval",
        }
    }
}

impl Agreement {
    /// A party proposes terms to an escrow, and deposits.
    ///
    /// # Errors
    ///
    /// The terms are impossible, or not its to propose.
    pub fn open(escrow: AccountId, terms: Terms, by: AccountId, now: Timestamp) -> Result<(Self, Vec<Posting>), Refusal> {
        let id = terms.id(escrow);
        let (state, postings) = match &terms {
            Terms::Stake(terms) => terms.open(id, by).map(|(state, postings)| (State::Stake(state), postings)),
            Terms::Accuracy(terms) => terms.open(id, by, now).map(|(state, postings)| (State::Accuracy(state), postings)),
            Terms::Serving(terms) => terms.open(id, by, now).map(|(state, postings)| (State::Serving(state), postings)),
            Terms::Retrieval(terms) => terms.open(id, by, now).map(|(state, postings)| (State::Retrieval(state), postings)),
        }?;
        Ok((Self { id, terms, state }, postings))
    }

    /// What an event makes of it, and the payments that go with that.
    ///
    /// # Errors
    ///
    /// The event is not possible now; nothing changes.
    pub fn step(&self, event: &Event, now: Timestamp) -> Result<(Self, Vec<Posting>), Refusal> {
        let id = self.id;
        // One arm for each kind: terms, state and move must all be of it.
        macro_rules! step_of {
            ($kind:ident, $module:ident, $terms:expr, $state:expr) => {{
                let event = match event {
                    Event::Deadline => event::Event::Deadline,
                    Event::Move { by, action: Move::$kind(action), facts } => event::Event::Move { by: *by, action, facts },
                    Event::Move { .. } => return Err(Refusal::OtherKind),
                };
                $module::step(id, $terms, $state, event, now).map(|(state, postings)| (State::$kind(state), postings))
            }};
        }
        let (state, postings) = match (&self.terms, &self.state) {
            (Terms::Stake(terms), State::Stake(state)) => step_of!(Stake, stake, terms, state),
            (Terms::Accuracy(terms), State::Accuracy(state)) => step_of!(Accuracy, accuracy, terms, state),
            (Terms::Serving(terms), State::Serving(state)) => step_of!(Serving, serving, terms, state),
            (Terms::Retrieval(terms), State::Retrieval(state)) => step_of!(Retrieval, retrieval, terms, state),
            (Terms::Stake(_) | Terms::Accuracy(_) | Terms::Serving(_) | Terms::Retrieval(_), _) => Err(Refusal::OtherKind),
        }?;
        Ok((Self { id, terms: self.terms.clone(), state }, postings))
    }

    /// With more time for the stage: the escrow took it to decide on a move, so that nobody else had it.
    #[must_use]
    pub fn postponed(mut self, by: Millis) -> Self {
        let deadline = match &mut self.state {
            State::Accuracy(state) => state.deadline_mut(),
            State::Serving(state) => {
                state.postpone(by);
                None
            }
            State::Retrieval(state) => state.deadline_mut(),
            // What becomes of a stake is decided at once.
            State::Stake(_) => None,
        };
        if let Some(deadline) = deadline {
            *deadline = deadline.after(by);
        }
        self
    }

    /// How much its end counts in the name of the party that was asked. A failure weighs `N1 P`, which an abort brings; in serving what it costs the provider, in
    /// retrieval bond and price. A met target weighs its `epsilon`, which is gone whoever the parties are. All else weighs nothing.
    pub fn weight(&self) -> Money {
        if let State::Accuracy(accuracy::State::Ended(accuracy::Outcome::TargetMet { .. })) = &self.state {
            return match &self.terms {
                Terms::Accuracy(terms) => terms.fee,
                Terms::Stake(_) | Terms::Serving(_) | Terms::Retrieval(_) => Money::ZERO,
            };
        }
        if !self.state.outcome().is_some_and(is_failure) {
            return Money::ZERO;
        }
        let weight = match &self.terms {
            Terms::Accuracy(terms) => terms.prices.inference.times(terms.first.into()),
            Terms::Serving(terms) => terms.provider_deposit(),
            Terms::Retrieval(terms) => terms.bond.plus(terms.price),
            Terms::Stake(_) => Ok(Money::ZERO),
        };
        // No failure is for nothing.
        weight.unwrap_or(Money::MAX).max(Money::new(1).unwrap_or_default())
    }

    /// Who has to move; nobody once it has ended, and while a stake is locked.
    pub const fn awaits(&self) -> Option<AccountId> {
        match (&self.terms, &self.state) {
            (Terms::Accuracy(terms), State::Accuracy(state)) => state.awaits(terms),
            (Terms::Serving(terms), State::Serving(state)) => state.awaits(terms),
            (Terms::Retrieval(terms), State::Retrieval(state)) => state.awaits(terms),
            (Terms::Stake(_) | Terms::Accuracy(_) | Terms::Serving(_) | Terms::Retrieval(_), _) => None,
        }
    }
}

impl State {
    /// When the stage ends; nothing if it lasts until a party moves, or once the agreement has ended.
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Stake(state) => state.deadline(),
            Self::Accuracy(state) => state.deadline(),
            Self::Serving(state) => state.deadline(),
            Self::Retrieval(state) => state.deadline(),
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Stake(state) => state.stage(),
            Self::Accuracy(state) => state.stage(),
            Self::Serving(state) => state.stage(),
            Self::Retrieval(state) => state.stage(),
        }
    }

    /// Whether the other party has accepted; once it has ended, whether the other party had. A stake needs nobody else, and is never accepted.
    pub const fn is_accepted(&self) -> bool {
        use {accuracy::Outcome as Accuracy, retrieval::Outcome as Retrieval, serving::Outcome as Serving};
        !matches!(
            self,
            Self::Stake(_)
                | Self::Accuracy(accuracy::State::Proposed { .. } | accuracy::State::Ended(Accuracy::Withdrawn | Accuracy::Expired))
                | Self::Serving(serving::State::Proposed { .. } | serving::State::Ended(Serving::Withdrawn | Serving::Expired))
                | Self::Retrieval(retrieval::State::Proposed { .. } | retrieval::State::Ended(Retrieval::Withdrawn | Retrieval::Expired))
        )
    }

    /// How it ended, in a word; nothing before it has, and of a stake.
    pub const fn outcome(&self) -> Option<&'static str> {
        match self {
            Self::Accuracy(accuracy::State::Ended(outcome)) => Some(outcome.name()),
            Self::Serving(serving::State::Ended(outcome)) => Some(outcome.name()),
            Self::Retrieval(retrieval::State::Ended(outcome)) => Some(outcome.name()),
            Self::Stake(_) | Self::Accuracy(_) | Self::Serving(_) | Self::Retrieval(_) => None,
        }
    }

    /// Whether nothing can happen any more.
    pub const fn has_ended(&self) -> bool {
        matches!(
            self,
            Self::Stake(stake::State::Returned)
                | Self::Accuracy(accuracy::State::Ended(_))
                | Self::Serving(serving::State::Ended(_))
                | Self::Retrieval(retrieval::State::Ended(_))
        )
    }
}
