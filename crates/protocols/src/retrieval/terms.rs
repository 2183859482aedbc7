use serde::{Deserialize, Serialize};

use crate::coin::CommittedShare;
use crate::digest::Digest;
use crate::keys::AccountId;
use crate::merkle::Root;
use crate::money::Money;
use crate::refusal::TermsFault;
use crate::statement::Predicate;
use crate::terms::{check_count, check_parties, check_period};
use crate::time::Millis;
use crate::transfer::MAX_ITEMS;

/// What requester and responder agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = retrieval::Terms))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Has the model, and proposes.
    pub requester: AccountId,
    /// Has the documents.
    pub responder: AccountId,
    /// Digest of the public file of the model's commitment, the model itself goes to the responder.
    pub model: Digest,
    /// Commitment to the corpus: entries are [`crate::member::document_entry`].
    pub corpus: Root,
    /// Whose signature each document must have, if anybody's.
    pub source: Option<AccountId>,
    /// Which documents match.
    pub predicate: Predicate,
    /// How many documents are proved: all of them if it is the length of the corpus.
    pub sample: u32,
    /// What the requester pays, and deposits.
    pub price: Money,
    /// What the responder risks, and deposits.
    pub bond: Money,
    /// The requester's commitment to its share of the seed.
    pub coin: CommittedShare,
    /// How long the stages take at most.
    pub periods: Periods,
    /// Makes these terms different from all others.
    pub nonce: Digest,
}

/// How long stages take at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = retrieval::Periods))]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// Each move that takes no computation.
    pub respond: Millis,
    /// Inference on the whole corpus.
    pub declare: Millis,
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
        check_parties(self.requester, self.responder)?;
        check_count("corpus", self.corpus.len, 1, MAX_ITEMS)?;
        check_count("sample", self.sample, 1, self.corpus.len)?;
        if let Predicate::Top { k, .. } = self.predicate {
            check_count("k", k, 1, u32::MAX)?;
        }
        let Periods { respond, declare, prove } = self.periods;
        check_period("respond", respond)?;
        check_period("declare", declare)?;
        check_period("prove", prove)
    }
}
