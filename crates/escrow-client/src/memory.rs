//! What a party keeps of what its escrow has signed.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use verinfer_protocols::answer::{SignedAnswer, Signer};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::Request;

use crate::contradiction::Contradiction;
use crate::evidence::{Evidence, EvidenceFault};
use crate::messages::{Receipt, RequestReceipt};

/// What the escrow has signed about a request of the party that it carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReceipt {
    /// The request, as it was signed.
    pub request: Request,
    /// The header `authorization` that it was sent with; the answer names it. It needs no secrecy.
    pub authorization: String,
    /// The bytes that it was sent as; the answer names how many.
    pub content_length: u64,
    /// Its entry of the log.
    pub entry: Receipt,
    /// The answer that says so.
    pub answer: SignedAnswer,
    /// The answer's body, byte for byte.
    pub body: String,
}

/// The version of [`Export`].
pub const EXPORT_VERSION: u16 = 3;

/// All that a party has kept, for a judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// [`EXPORT_VERSION`].
    pub version: u16,
    /// The answer that says most of the log.
    pub head: Option<SignedAnswer>,
    /// A receipt for each request that was carried out.
    pub receipts: Vec<KeptReceipt>,
    /// What the escrow has signed that cannot all be.
    pub evidence: Option<Evidence>,
}

/// What an [`Export`] shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What the escrow has signed that cannot be, whatever else is there.
    pub contradiction: Option<Contradiction>,
    /// What does not show what it is kept for.
    pub faults: Vec<KeptFault>,
}

/// Something does not show what it is kept for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptFault {
    /// The answer that says most of the log.
    #[error("the last answer: {fault}")]
    Head {
        /// What is wrong with it.
        fault: EvidenceFault,
    },
    /// A receipt.
    #[error("receipt {number}: {fault}")]
    Receipt {
        /// Its place among them; the first has 1.
        number: usize,
        /// What is wrong with it.
        fault: EvidenceFault,
    },
    /// What is kept as a contradiction.
    #[error("the contradiction: {fault}")]
    Evidence {
        /// What is wrong with it.
        fault: EvidenceFault,
    },
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

    /// The highest number of a receipt of this party about an agreement, or about the account itself; 0 if there is none.
    fn last_sequence(&self, agreement: AgreementId) -> u64;

    /// The receipt of this party with a number.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn receipt(&self, agreement: AgreementId, sequence: u64) -> Result<Option<KeptReceipt>, MemoryError>;

    /// Keeps what shows that the escrow has contradicted itself; the first that [checks](Evidence::check) counts.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn keep_evidence(&self, evidence: &Evidence) -> Result<(), MemoryError>;
}

impl KeptReceipt {
    /// Whether the answer's body says that the request was carried out by the entry.
    pub(crate) fn says(&self) -> bool {
        let said = serde_json::from_str::<RequestReceipt>(&self.body).ok();
        said == Some(RequestReceipt { request: self.request.id(), entry: self.entry })
    }
}

impl Default for Export {
    fn default() -> Self {
        Self { version: EXPORT_VERSION, head: None, receipts: Vec::new(), evidence: None }
    }
}

impl Export {
    /// Whose answers these are said to be.
    pub fn escrow(&self) -> Option<AccountId> {
        let receipt = || self.receipts.first().map(|receipt| receipt.answer.answer.escrow);
        let evidence = || self.evidence.as_ref().map(Evidence::escrow);
        self.head.as_ref().map(|head| head.answer.escrow).or_else(receipt).or_else(evidence)
    }

    /// Whose keys have signed what is here.
    pub fn signers(&self) -> BTreeSet<Signer> {
        let head = self.head.iter().map(SignedAnswer::signer);
        let receipts = self.receipts.iter().map(|receipt| receipt.answer.signer());
        head.chain(receipts).chain(self.evidence.iter().flat_map(Evidence::signers)).collect()
    }

    /// Checks everything that is here against the signatures of the escrow and of the account. Each is judged by itself: what is wrong with one takes nothing
    /// from another.
    pub fn judge(&self, escrow: AccountId) -> Judgement {
        let head = self.head.as_ref().and_then(|head| head.check(escrow).err());
        let mut faults: Vec<KeptFault> = head.map(|fault| KeptFault::Head { fault: fault.into() }).into_iter().collect();
        let receipts = (1..).zip(&self.receipts);
        faults.extend(receipts.filter_map(|(number, receipt)| Some(KeptFault::Receipt { number, fault: receipt.check(escrow).err()? })));
        let contradiction = match self.evidence.as_ref().map(|evidence| evidence.check(escrow)) {
            Some(Ok(contradiction)) => Some(contradiction),
            Some(Err(fault)) => {
                faults.push(KeptFault::Evidence { fault });
                None
            }
            None => None,
        };
        Judgement { contradiction, faults }
    }
}
