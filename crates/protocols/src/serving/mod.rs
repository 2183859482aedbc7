//! Verifying predictions (5.3): the customer buys predictions without proofs, and may ask for the proofs of any of them before the round ends.
//!
//! ```text
//! Proposed --accept--> Sending --inputs--> Confirming --confirm--> Running --conclude, or the end of the round--> Ended
//!                                                                  | ^ | ^ '--contest--> Contested --proofs--> Ended, or Running if something is missing
//!                                                             demand | | '-- provider: answers
//!                                                                  v | '---- customer: records
//!                                                               Demanded --answers--> Running
//! ```
//!
//! An agreement is one round. Inputs and predictions go from party to party; the escrow sees digests. A prediction counts once the provider's signature of
//! it is recorded: so the customer cannot contest what was never said, and the provider cannot deny what it said.
//!
//! A provider that is silent and a customer who denies that it was served look alike. Hence the customer may demand what it has not recorded: the provider
//! then leaves these predictions with the escrow, which everybody trusts to hand them over. After that everything is recorded, so that it can be demanded once.
//!
//! Recorded predictions have a price. A customer that takes them and records nothing pays all the same: the provider may leave them with the escrow itself, until the
//! round is over, and who concludes before that pays for all of them. The round's time stands still while it proves.

mod step;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::{AgreementId, Digest};
use crate::keys::{AccountId, SecretKey, Signature};
use crate::time::{Millis, Timestamp};
use crate::transfer::Breach;

pub use step::step;
pub use terms::{Periods, Terms};

/// The stage in the context of the proofs.
pub const STAGE: &str = "serving";

/// Most predictions in one move: each has a signature to be checked.
pub const MAX_ANSWERS: usize = 256;

const ANSWER: &str = "verinfer protocols v1 answer";

/// What there is of a round that has begun.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::Round))]
pub struct Round {
    /// Digests of the commitments to the inputs.
    pub inputs: Vec<Digest>,
    /// The digests of the predictions that are recorded, by input.
    pub answers: BTreeMap<u32, Digest>,
    /// Those that were contested and proved.
    pub proved: BTreeSet<u32>,
    /// Whether some were contested before all were recorded.
    pub contested: bool,
    /// When it ends if the customer then still has time to contest, and until when the provider may leave predictions with the escrow. No time of the round
    /// passes while the provider proves: while it does, this is when the round ends if that takes as long as it may.
    pub ends: Timestamp,
}

/// How far a round is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::State))]
pub enum State {
    /// The provider has to accept.
    Proposed {
        /// Until then.
        deadline: Timestamp,
    },
    /// The customer has to commit to its inputs.
    Sending {
        /// Until then.
        deadline: Timestamp,
    },
    /// The provider has to confirm that it has got these inputs.
    Confirming {
        /// Digests of the commitments to them.
        inputs: Vec<Digest>,
        /// Until then.
        deadline: Timestamp,
    },
    /// The provider predicts, the customer records and may contest.
    Running {
        /// What there is of it.
        round: Round,
        /// Until then.
        deadline: Timestamp,
    },
    /// The provider has to leave the predictions that are not recorded with the escrow.
    Demanded {
        /// What there is of it.
        round: Round,
        /// Until then.
        deadline: Timestamp,
    },
    /// The provider has to prove the contested predictions.
    Contested {
        /// What there is of it.
        round: Round,
        /// Those of the contested predictions that were not proved yet.
        due: BTreeSet<u32>,
        /// Until then.
        deadline: Timestamp,
    },
    /// Nothing can happen any more.
    Ended(Outcome),
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::Outcome))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The customer took it back before the provider accepted.
    Withdrawn,
    /// The provider did not accept in time.
    Expired,
    /// It ended before the provider confirmed the inputs; both have their deposits back.
    NotBegun,
    /// The customer sent nothing after the provider had accepted: it pays for the place.
    NotSent(Breach),
    /// It ended without a contest.
    Concluded {
        /// How many predictions are paid for.
        predictions: u32,
    },
    /// The provider did not leave the demanded predictions with the escrow.
    NotAnswered(Breach),
    /// All contested predictions were proved.
    Proved {
        /// How many.
        contested: u32,
        /// How many predictions are paid for.
        predictions: u32,
    },
    /// The provider did not prove the contested predictions.
    NotProved(Breach),
}

/// What a party does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = serving::Move))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Move {
    /// The provider accepts the terms.
    Accept,
    /// The customer commits to the inputs.
    Send {
        /// Digests of the commitments to them.
        inputs: Vec<Digest>,
    },
    /// The provider has got them.
    Confirm,
    /// The customer records predictions.
    Record {
        /// Up to [`MAX_ANSWERS`] that it has got.
        answers: Vec<Answer>,
    },
    /// The customer wants every prediction that is not recorded through the escrow.
    Demand,
    /// The provider has left predictions with the escrow, because they were demanded or so that they are recorded.
    Answer {
        /// Up to [`MAX_ANSWERS`] of them.
        answers: Vec<Answer>,
        /// The [`crate::statement::SaltedScores::digest`] of each, in the same order: the digests of the files.
        scores: Vec<Digest>,
    },
    /// The customer wants proofs.
    Contest {
        /// Of these inputs.
        inputs: BTreeSet<u32>,
    },
    /// The customer wants none, and has all predictions: it pays for all.
    Conclude,
    /// A party gives up.
    Abort,
    /// The provider proves contested predictions.
    Prove {
        /// Digest of the proof, which the provider has left with the escrow.
        proof: Digest,
        /// Digest of the file with the salts of these predictions in the same order, canonically encoded, which it has left there, too.
        salts: Digest,
        /// The inputs, in the order of the proof's images.
        inputs: Vec<u32>,
    },
}

/// A prediction as the provider has signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Which input.
    pub index: u32,
    /// [`answer_digest`].
    pub digest: Digest,
    /// The provider's.
    pub signature: Signature,
}

/// The digest of an input and its prediction; the paper's hash of `Concat(x_i, y_i)`. `scores` is its [`crate::statement::SaltedScores::digest`], since the log has it.
pub fn answer_digest(input: &Digest, scores: &Digest) -> Digest {
    Digest::of(ANSWER, &(input, scores))
}

impl Answer {
    /// The provider's answer: with it goes the prediction whose [`crate::statement::SaltedScores::digest`] is `scores`.
    pub fn sign(agreement: AgreementId, index: u32, input: &Digest, scores: &Digest, provider: &SecretKey) -> Self {
        let digest = answer_digest(input, scores);
        Self { index, digest, signature: provider.sign(ANSWER, &(agreement, index, digest)) }
    }

    /// Whether the provider has signed it for this agreement.
    pub fn is_signed_by(&self, provider: &AccountId, agreement: AgreementId) -> bool {
        provider.has_signed(ANSWER, &(agreement, self.index, self.digest), &self.signature)
    }
}

impl Outcome {
    /// In a word, as JSON has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::NotBegun => "not_begun",
            Self::NotSent(_) => "not_sent",
            Self::Concluded { .. } => "concluded",
            Self::NotAnswered(_) => "not_answered",
            Self::Proved { .. } => "proved",
            Self::NotProved(_) => "not_proved",
        }
    }
}

impl Round {
    /// The inputs without a recorded prediction, ascending.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.inputs).map(|(index, _)| index).filter(|index| !self.answers.contains_key(index))
    }

    /// Whether there is a prediction for every input.
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }
}

impl State {
    /// When the stage ends; nothing once the agreement has.
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Proposed { deadline }
            | Self::Sending { deadline }
            | Self::Confirming { deadline, .. }
            | Self::Running { deadline, .. }
            | Self::Demanded { deadline, .. }
            | Self::Contested { deadline, .. } => Some(*deadline),
            Self::Ended(_) => None,
        }
    }

    /// Moves everything that is to come: nobody but the escrow had this time.
    pub(crate) const fn postpone(&mut self, by: Millis) {
        match self {
            Self::Proposed { deadline } | Self::Sending { deadline } | Self::Confirming { deadline, .. } => *deadline = deadline.after(by),
            Self::Running { round, deadline } | Self::Demanded { round, deadline } | Self::Contested { round, deadline, .. } => {
                round.ends = round.ends.after(by);
                *deadline = deadline.after(by);
            }
            Self::Ended(_) => {}
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Sending { .. } => "sending",
            Self::Confirming { .. } => "confirming",
            Self::Running { .. } => "running",
            Self::Demanded { .. } => "demanded",
            Self::Contested { .. } => "contested",
            Self::Ended(_) => "ended",
        }
    }

    /// Who has to move.
    pub const fn awaits(&self, terms: &Terms) -> Option<AccountId> {
        match self {
            Self::Proposed { .. } | Self::Confirming { .. } | Self::Demanded { .. } | Self::Contested { .. } => Some(terms.provider),
            Self::Sending { .. } | Self::Running { .. } => Some(terms.customer),
            Self::Ended(_) => None,
        }
    }
}
