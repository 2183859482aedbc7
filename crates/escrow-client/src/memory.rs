//! What a party keeps of what its escrow has signed.

use std::error::Error;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use verinfer_protocols::answer::SignedAnswer;
use verinfer_protocols::digest::{AgreementId, Digest};

use crate::contradiction::Contradiction;
use crate::messages::Receipt;

/// What the escrow has signed about a request of the party that it carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReceipt {
    /// The request's digest.
    pub request: Digest,
    /// What it was about.
    pub agreement: AgreementId,
    /// Its number.
    pub sequence: u64,
    /// Its entry of the log.
    pub entry: Receipt,
    /// The answer that says so.
    pub answer: SignedAnswer,
    /// The answer's body, byte for byte.
    pub body: String,
}

/// Two things that the escrow has signed and that cannot both be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is wrong, for people.
    pub message: String,
    /// What it has signed.
    pub earlier: SignedAnswer,
    /// What it has signed later.
    pub later: SignedAnswer,
}

/// All that a party has kept, for a judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The answer that says most of the log.
    pub head: Option<SignedAnswer>,
    /// A receipt for each request that was carried out.
    pub receipts: Vec<KeptReceipt>,
    /// Two things that the escrow has signed and that cannot both be.
    pub evidence: Option<Evidence>,
}

/// The party's state cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MemoryError(#[from] pub Box<dyn Error + Send + Sync>);

/// Where a party keeps what its escrow has signed, over restarts. Nothing of it may be forgotten while the party has money with the escrow.
pub trait Memory: Debug + Send + Sync {
    /// The answer that says most of the log.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn head(&self) -> Result<Option<SignedAnswer>, MemoryError>;

    /// Keeps an answer that says more of the log. It may be lost in a crash, but for those that come before a receipt.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn keep_head(&self, answer: &SignedAnswer) -> Result<(), MemoryError>;

    /// Keeps a receipt: it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn keep_receipt(&self, receipt: &KeptReceipt) -> Result<(), MemoryError>;

    /// The highest number of a receipt about an agreement, or about the account itself; 0 if there is none.
    fn last_sequence(&self, agreement: AgreementId) -> u64;

    /// The receipt with a number.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn receipt(&self, agreement: AgreementId, sequence: u64) -> Result<Option<KeptReceipt>, MemoryError>;

    /// Keeps the proof that the escrow has contradicted itself; the first counts.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn keep_evidence(&self, evidence: &Evidence) -> Result<(), MemoryError>;
}

impl Evidence {
    /// Of a contradiction.
    pub fn new(contradiction: &Contradiction, earlier: &SignedAnswer, later: &SignedAnswer) -> Self {
        Self { message: contradiction.to_string(), earlier: earlier.clone(), later: later.clone() }
    }
}
