//! Verifying a model's accuracy (5.2 in the form of appendix B): the customer pays if the provider proves that its hidden model reaches a target on
//! the customer's hidden test set.
//!
//! ```text
//! Proposed --accept--> Revealing --reveal--> First (transfer of N1) --> Deciding --proceed--> Second (transfer of N2) --> Proving --> Ended
//! ```
//!
//! The customer may not choose which examples the provider tries first, nor may the provider: the subset follows from a seed to which the customer
//! has committed with the terms and to which the provider adds when it accepts.

mod proofs;
mod step;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::coin::{Seed, Share};
use crate::digest::Digest;
use crate::keys::AccountId;
use crate::member::Member;
use crate::time::Timestamp;
use crate::transfer::{self, Breach};

pub use step::step;
pub use terms::{Evidence, Form, Periods, Prices, Terms};

/// The stage in the context of the proofs.
pub const STAGE: &str = "accuracy";

/// How far an agreement about accuracy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = accuracy::State))]
pub enum State {
    /// The provider has to accept.
    Proposed {
        /// Until then.
        deadline: Timestamp,
    },
    /// The customer has to open its share of the seed.
    Revealing {
        /// The provider's share.
        share: Share,
        /// Until then.
        deadline: Timestamp,
    },
    /// The customer sends the first examples.
    First {
        /// Selects them.
        seed: Seed,
        /// How far that is.
        transfer: transfer::State,
    },
    /// The provider tries its model on them, and proceeds or aborts.
    Deciding {
        /// Selected the first examples.
        seed: Seed,
        /// Until then.
        deadline: Timestamp,
    },
    /// The customer sends the other examples.
    Second {
        /// Selected the first examples.
        seed: Seed,
        /// How far that is.
        transfer: transfer::State,
    },
    /// The provider proves the outputs of the other examples.
    Proving {
        /// Selected the first examples.
        seed: Seed,
        /// The examples that were proved.
        proved: BTreeSet<u32>,
        /// How many of them are correct.
        correct: u32,
        /// Until then.
        deadline: Timestamp,
    },
    /// Nothing can happen any more.
    Ended(Outcome),
}

/// How an agreement about accuracy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = accuracy::Outcome))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The customer took it back before the provider accepted.
    Withdrawn,
    /// The provider did not accept in time.
    Expired,
    /// The provider tried the first examples and went no further.
    ProviderAborted,
    /// The target is met.
    TargetMet {
        /// Examples of the second part that are correct.
        correct: u32,
    },
    /// The target is missed.
    TargetMissed {
        /// Examples of the second part that are correct.
        correct: u32,
    },
    /// The customer broke the rules.
    CustomerAtFault(Breach),
    /// The provider broke the rules.
    ProviderAtFault(Breach),
}

impl Outcome {
    /// In a word, as JSON has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::ProviderAborted => "provider_aborted",
            Self::TargetMet { .. } => "target_met",
            Self::TargetMissed { .. } => "target_missed",
            Self::CustomerAtFault(_) => "customer_at_fault",
            Self::ProviderAtFault(_) => "provider_at_fault",
        }
    }
}

/// What a party does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = accuracy::Move))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Move {
    /// The provider accepts the terms and adds its share to the seed.
    Accept {
        /// 32 uniform bytes.
        share: Share,
    },
    /// The customer opens its share.
    Reveal {
        /// The one committed to in the terms.
        share: Share,
    },
    /// A move of the transfer that is going on.
    Transfer(transfer::Move),
    /// The provider wants the other examples.
    Proceed,
    /// A party gives up.
    Abort,
    /// The provider proves the outputs of some examples.
    Prove {
        /// Digest of the proof, which the provider has left with the escrow.
        proof: Digest,
        /// Exactly where the evidence is outputs: digest of the file with the [`OpenedLabel`](crate::member::OpenedLabel)s of these examples in the same
        /// order, canonically encoded, which the provider has left there, too.
        labels: Option<Digest>,
        /// The places of the examples in the test set, in the order of the proof's images.
        examples: Vec<Member>,
    },
}

impl State {
    /// When the stage ends; nothing once the agreement has.
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Proposed { deadline }
            | Self::Revealing { deadline, .. }
            | Self::Deciding { deadline, .. }
            | Self::Proving { deadline, .. } => Some(*deadline),
            Self::First { transfer, .. } | Self::Second { transfer, .. } => Some(transfer.deadline()),
            Self::Ended(_) => None,
        }
    }

    /// The same, to be moved.
    pub(crate) const fn deadline_mut(&mut self) -> Option<&mut Timestamp> {
        match self {
            Self::Proposed { deadline }
            | Self::Revealing { deadline, .. }
            | Self::Deciding { deadline, .. }
            | Self::Proving { deadline, .. } => Some(deadline),
            Self::First { transfer, .. } | Self::Second { transfer, .. } => Some(transfer.deadline_mut()),
            Self::Ended(_) => None,
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Revealing { .. } => "revealing",
            Self::First { .. } => "first transfer",
            Self::Deciding { .. } => "deciding",
            Self::Second { .. } => "second transfer",
            Self::Proving { .. } => "proving",
            Self::Ended(_) => "ended",
        }
    }

    /// Who has to move, or else is at fault.
    pub const fn awaits(&self, terms: &Terms) -> Option<AccountId> {
        match self {
            Self::Proposed { .. } | Self::Deciding { .. } | Self::Proving { .. } => Some(terms.provider),
            Self::Revealing { .. } => Some(terms.customer),
            Self::First { transfer, .. } | Self::Second { transfer, .. } => {
                Some(if transfer.awaits_sender() { terms.customer } else { terms.provider })
            }
            Self::Ended(_) => None,
        }
    }
}

impl Terms {
    /// The examples of the first part, ascending.
    pub fn first_part(&self, seed: &Seed) -> Vec<u32> {
        seed.subset(self.test_set.len, self.first)
    }

    /// The examples of the second part, ascending.
    pub fn second_part(&self, seed: &Seed) -> Vec<u32> {
        let first: BTreeSet<u32> = self.first_part(seed).into_iter().collect();
        (0..self.test_set.len).filter(|index| !first.contains(index)).collect()
    }
}
