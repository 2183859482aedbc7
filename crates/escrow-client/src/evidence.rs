//! What shows anybody that an escrow has signed what cannot be.

use serde::{Deserialize, Serialize};
use verinfer_protocols::answer::{AnswerFault, LogHead, NonceSalt, Question, SignedAnswer, Signer};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::{Header, RequestFault};

use crate::contradiction::Contradiction;
use crate::known::compare;
use crate::memory::KeptReceipt;
use crate::messages::{AccountView, AgreementView, ErrorBody, JSON, REQUESTS};

/// What an escrow has signed that cannot all be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "one at a time, never in lists")]
pub enum Evidence {
    /// Two answers that speak of different logs.
    Answers {
        /// One of them.
        earlier: SignedAnswer,
        /// The other one.
        later: SignedAnswer,
        /// What the nonce of the second was made of: then it holds the first, and its question was asked later.
        salt: Option<NonceSalt>,
    },
    /// A request that is in the log, and is not counted.
    Gone {
        /// That it was carried out.
        receipt: KeptReceipt,
        /// Path and query of the question what the next number is.
        target: String,
        /// The answer, which takes a log into account that the request is in.
        later: SignedAnswer,
        /// Its body, byte for byte.
        body: String,
    },
}

/// Why what was kept shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFault {
    /// The escrow has not signed it.
    #[error("an answer is not the escrow's: {fault}")]
    Unsigned {
        /// What is wrong with it.
        fault: AnswerFault,
    },
    /// The account has not signed the request.
    #[error("the request of a receipt does not hold: {fault}")]
    Request {
        /// What is wrong with it.
        fault: RequestFault,
    },
    /// The answer is to another question: whoever asks for a file of its own is answered with what it has left there.
    #[error("the answer that is kept as the receipt of request {request} is to another question")]
    OtherQuestion {
        /// The request.
        request: Digest,
    },
    /// The receipt says something else.
    #[error("the receipt of request {request} does not say what the escrow has signed")]
    OtherReceipt {
        /// The request.
        request: Digest,
    },
    /// The receipt's entry is not in the log that its answer speaks of.
    #[error("the receipt of request {request} names entry {position}, and its answer speaks of a log of {end} entries without it")]
    OutsideLog {
        /// The request.
        request: Digest,
        /// The entry.
        position: u64,
        /// How many entries the log has.
        end: u64,
    },
    /// The answer is to something else, or says something else.
    #[error("the escrow has not signed this answer to {target}")]
    OtherAnswer {
        /// What it is said to have been asked.
        target: String,
    },
    /// Nothing shows which answer came first.
    #[error("nothing shows that the second answer was asked for after the first was given")]
    Order,
    /// It could all be.
    #[error("the answers do not contradict each other")]
    Nothing,
}

impl From<AnswerFault> for EvidenceFault {
    fn from(fault: AnswerFault) -> Self {
        Self::Unsigned { fault }
    }
}

impl From<RequestFault> for EvidenceFault {
    fn from(fault: RequestFault) -> Self {
        Self::Request { fault }
    }
}

impl KeptReceipt {
    /// Checks that the account has signed the request, and the escrow that it was carried out.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check(&self, escrow: AccountId) -> Result<(), EvidenceFault> {
        self.request.check(escrow)?;
        self.answer.check(escrow)?;
        let (request, answer) = (self.request.id(), &self.answer.answer);
        if answer.question != self.question() {
            return Err(EvidenceFault::OtherQuestion { request });
        }
        if answer.status != 200 || answer.body != Digest::of_bytes(self.body.as_bytes()) || !self.says() {
            return Err(EvidenceFault::OtherReceipt { request });
        }
        let entry = LogHead { position: self.entry.position, digest: self.entry.head };
        if entry.position < answer.head.position || entry == answer.head {
            return Ok(());
        }
        Err(EvidenceFault::OutsideLog { request, position: entry.position, end: answer.head.position })
    }

    /// The only question whose answer is a receipt.
    fn question(&self) -> Digest {
        let (authorization, content_length) = (&self.authorization, self.content_length.to_string());
        let question = Question { method: "POST", target: REQUESTS, authorization, content_type: JSON, content_length: &content_length };
        question.digest()
    }
}

impl Evidence {
    /// The escrow that it is said to show something of.
    pub const fn escrow(&self) -> AccountId {
        match self {
            Self::Answers { earlier, .. } => earlier.answer.escrow,
            Self::Gone { later, .. } => later.answer.escrow,
        }
    }

    /// Whose keys have signed it.
    pub fn signers(&self) -> impl Iterator<Item = Signer> {
        let (one, other) = match self {
            Self::Answers { earlier, later, .. } => (earlier, later),
            Self::Gone { receipt, later, .. } => (&receipt.answer, later),
        };
        [one.signer(), other.signer()].into_iter()
    }

    /// What the escrow has signed that cannot be: whoever has only this, and the escrow's account, can check it.
    ///
    /// # Errors
    ///
    /// It does not show that.
    pub fn check(&self, escrow: AccountId) -> Result<Contradiction, EvidenceFault> {
        match self {
            Self::Answers { earlier, later, salt } => {
                earlier.check(escrow)?;
                later.check(escrow)?;
                let contradiction = compare(earlier, later).err().ok_or(EvidenceFault::Nothing)?;
                let is_later = salt.is_some_and(|salt| later.answer.nonce == Some(salt.nonce(Some(earlier))));
                match contradiction {
                    // No two logs have different digests at one place, whichever came first.
                    Contradiction::OtherLog { .. } => Ok(contradiction),
                    Contradiction::Shorter { .. } | Contradiction::Time { .. } | Contradiction::MoveGone { .. } if is_later => {
                        Ok(contradiction)
                    }
                    Contradiction::Shorter { .. } | Contradiction::Time { .. } | Contradiction::MoveGone { .. } => {
                        Err(EvidenceFault::Order)
                    }
                }
            }
            Self::Gone { receipt, target, later, body } => {
                receipt.check(escrow)?;
                later.check(escrow)?;
                let question = Question { method: "GET", target, ..Question::default() };
                if later.answer.question != question.digest() || later.answer.body != Digest::of_bytes(body.as_bytes()) {
                    return Err(EvidenceFault::OtherAnswer { target: target.clone() });
                }
                let Header { signer, agreement, sequence, .. } = receipt.request.header;
                let next = next_sequence((target, body), later.answer.status, (signer, agreement));
                let next = next.ok_or_else(|| EvidenceFault::OtherAnswer { target: target.clone() })?;
                let position = receipt.entry.position;
                // The answer takes a log into account that the request is in: it came later.
                if later.answer.head.position < position {
                    return Err(EvidenceFault::Order);
                }
                if next > sequence {
                    return Err(EvidenceFault::Nothing);
                }
                Ok(Contradiction::MoveGone { request: receipt.request.id(), agreement, sequence, position, next })
            }
        }
    }
}

/// The number of an account's next request about an agreement, or about itself, by the answer to the question for it; nothing if it does not say that.
fn next_sequence((target, body): (&str, &str), status: u16, (account, agreement): (AccountId, AgreementId)) -> Option<u64> {
    if agreement == AgreementId::NONE {
        let view: AccountView = serde_json::from_str(body).ok().filter(|_| status == 200)?;
        return (target == format!("/v1/accounts/{account}") && view.account == account).then_some(view.next_sequence);
    }
    if target != format!("/v1/agreements/{agreement}") {
        return None;
    }
    if status == 200 {
        let view: AgreementView = serde_json::from_str(body).ok()?;
        return Some(view.parties.iter().find(|party| party.account == account).map_or(1, |party| party.next_sequence));
    }
    let refusal: ErrorBody = serde_json::from_str(body).ok()?;
    (refusal.error.kind == NO_AGREEMENT).then_some(1)
}

/// The kind of the refusal that there is no such agreement.
pub const NO_AGREEMENT: &str = "no_agreement";

#[cfg(test)]
mod tests;
