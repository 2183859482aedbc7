//! Retrieval of the documents that a model selects (5.4): the responder commits to a corpus, says which documents match, proves it for a sample that it
//! could not foresee, and hands over those that match.
//!
//! ```text
//! Proposed --accept--> Declaring --declare--> Revealing --reveal--> Proving --proofs--> Delivering (transfer) --> Ended
//! ```
//!
//! The paper leaves the recourse to a judge. Here the responder also deposits a bond, and the requester the price; either may be nothing, and what
//! the escrow then gives is the record of who kept to the terms.

mod step;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::coin::{Seed, Share};
use crate::digest::Digest;
use crate::keys::{AccountId, SecretKey, Signature};
use crate::member::Member;
use crate::time::Timestamp;
use crate::transfer::{self, Breach};

pub use step::step;
pub use terms::{Periods, Terms};

pub use crate::statement::Predicate;

/// The stage in the context of the proofs.
pub const STAGE: &str = "retrieval";

const SOURCE: &str = "verinfer protocols v1 document of a source";

/// How far a retrieval is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = retrieval::State))]
pub enum State {
    /// The responder has to accept.
    Proposed {
        /// Until then.
        deadline: Timestamp,
    },
    /// The responder has to say which documents match.
    Declaring {
        /// The responder's share of the seed.
        share: Share,
        /// Until then.
        deadline: Timestamp,
    },
    /// The requester has to open its share of the seed.
    Revealing {
        /// The responder's share.
        share: Share,
        /// The documents that match, it says.
        matches: BTreeSet<u32>,
        /// Until then.
        deadline: Timestamp,
    },
    /// The responder has to prove of each document of the sample whether it matches.
    Proving {
        /// Selects the sample.
        seed: Seed,
        /// The documents that match, the responder says.
        matches: BTreeSet<u32>,
        /// The documents that were proved.
        proved: BTreeSet<u32>,
        /// Until then.
        deadline: Timestamp,
    },
    /// The responder hands over the documents that match.
    Delivering {
        /// Which they are.
        matches: BTreeSet<u32>,
        /// How far that is.
        transfer: transfer::State,
    },
    /// Nothing can happen any more.
    Ended(Outcome),
}

/// How a retrieval ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = retrieval::Outcome))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The requester took it back before the responder accepted.
    Withdrawn,
    /// The responder did not accept in time.
    Expired,
    /// The sample is proved and the matches are handed over.
    Fulfilled {
        /// How many match.
        matches: u32,
    },
    /// The requester broke the rules.
    RequesterAtFault(Breach),
    /// The responder broke the rules: the case for the judge.
    ResponderAtFault(Breach),
}

impl Outcome {
    /// In a word, as JSON has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Fulfilled { .. } => "fulfilled",
            Self::RequesterAtFault(_) => "requester_at_fault",
            Self::ResponderAtFault(_) => "responder_at_fault",
        }
    }
}

/// What a party does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = retrieval::Move))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Move {
    /// The responder accepts the terms, has the model, and adds its share to the seed.
    Accept {
        /// 32 uniform bytes.
        share: Share,
    },
    /// The responder says which documents match.
    Declare {
        /// Their places in the corpus.
        matches: BTreeSet<u32>,
    },
    /// The requester opens its share.
    Reveal {
        /// The one committed to in the terms.
        share: Share,
    },
    /// The responder proves of some documents whether they match.
    Prove {
        /// Digest of the proof, which the responder has left with the escrow.
        proof: Digest,
        /// The documents, in the order of the proof's images.
        documents: Vec<Document>,
    },
    /// A move of the transfer.
    Transfer(transfer::Move),
    /// A party gives up.
    Abort,
}

/// A document that a proof is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its place in the corpus.
    pub member: Member,
    /// The trusted source's signature, exactly where the terms name a source.
    pub signature: Option<Signature>,
}

/// A source signs a document when it makes it.
pub fn sign_document(source: &SecretKey, document: &Digest) -> Signature {
    source.sign(SOURCE, document)
}

/// Whether a source has signed a document, the digest of whose commitment is given.
pub fn is_signed_document(source: &AccountId, document: &Digest, signature: &Signature) -> bool {
    source.has_signed(SOURCE, document, signature)
}

impl State {
    /// When the stage ends; nothing once the agreement has.
    pub const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Proposed { deadline }
            | Self::Declaring { deadline, .. }
            | Self::Revealing { deadline, .. }
            | Self::Proving { deadline, .. } => Some(*deadline),
            Self::Delivering { transfer, .. } => Some(transfer.deadline()),
            Self::Ended(_) => None,
        }
    }

    /// The same, to be moved.
    pub(crate) const fn deadline_mut(&mut self) -> Option<&mut Timestamp> {
        match self {
            Self::Proposed { deadline }
            | Self::Declaring { deadline, .. }
            | Self::Revealing { deadline, .. }
            | Self::Proving { deadline, .. } => Some(deadline),
            Self::Delivering { transfer, .. } => Some(transfer.deadline_mut()),
            Self::Ended(_) => None,
        }
    }

    /// The name of the stage.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Declaring { .. } => "declaring",
            Self::Revealing { .. } => "revealing",
            Self::Proving { .. } => "proving",
            Self::Delivering { .. } => "delivering",
            Self::Ended(_) => "ended",
        }
    }

    /// Who has to move, or else is at fault.
    pub const fn awaits(&self, terms: &Terms) -> Option<AccountId> {
        match self {
            Self::Proposed { .. } | Self::Declaring { .. } | Self::Proving { .. } => Some(terms.responder),
            Self::Revealing { .. } => Some(terms.requester),
            Self::Delivering { transfer, .. } => Some(if transfer.awaits_sender() { terms.responder } else { terms.requester }),
            Self::Ended(_) => None,
        }
    }
}

impl Terms {
    /// The documents that must be proved, ascending.
    pub fn sampled(&self, seed: &Seed) -> Vec<u32> {
        seed.subset(self.corpus.len, self.sample)
    }
}
