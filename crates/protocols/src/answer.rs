//! What an escrow answers, signed: which log it speaks of, when, and to which question.
//!
//! An answer is signed by the escrow's account, or by a receipt key that the account has certified ([`Certificate`]), so that the account's key, which records
//! deposits, need not be on the machine that serves. Whoever asks sends random bytes, a [`Nonce`], and the position of the log that it knows; the answer holds
//! both, and so is neither an old one nor of another log. Two answers with different digests of the log at one position show anybody that the escrow has lied,
//! whichever came first; what else contradicts itself does if it is shown which was asked for later ([`NonceSalt`]).

use serde::{Deserialize, Serialize};

use crate::bytes::fixed_bytes;
use crate::digest::Digest;
use crate::keys::{AccountId, SecretKey, Signature};
use crate::time::{Millis, Timestamp};

/// The domain of answers.
pub const DOMAIN: &str = "verinfer escrow answer";

/// The domain of certificates.
pub const CERTIFICATE_DOMAIN: &str = "verinfer escrow receipt key";

/// The version of answers: what a question is made of is part of it.
pub const VERSION: u16 = 2;

/// The version of certificates.
pub const CERTIFICATE_VERSION: u16 = 1;

/// By how much an escrow's time may be set back when it is started again after it was killed: its clock does not run further ahead of what is written down.
pub const MAX_SETBACK: Millis = Millis(10_000);

fixed_bytes! {
    /// Random bytes that one question is told by.
    Nonce, 32
}

fixed_bytes! {
    /// Random bytes that a nonce is made of.
    NonceSalt, 32
}

impl NonceSalt {
    /// The nonce of a question that is asked when an answer is known: it holds that answer, so that whoever shows the salt shows that the question came later.
    pub fn nonce(&self, known: Option<&SignedAnswer>) -> Nonce {
        Nonce(Digest::of("verinfer escrow v1 nonce", &(self, known)).0)
    }
}

/// A log up to one of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// How many entries.
    pub position: u64,
    /// Their digest.
    pub digest: Digest,
}

/// What an escrow says by an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// [`VERSION`].
    pub version: u16,
    /// The escrow's own account.
    pub escrow: AccountId,
    /// What was asked: [`Question::digest`].
    pub question: Digest,
    /// The nonce of who asked, if it sent one.
    pub nonce: Option<Nonce>,
    /// HTTP status.
    pub status: u16,
    /// BLAKE3 of the bytes of the answer's body.
    pub body: Digest,
    /// The escrow's time.
    pub now: Timestamp,
    /// A log that the body takes into account: it says nothing older.
    pub head: LogHead,
    /// The same log up to the position that was asked for, if it has one.
    pub known: Option<LogHead>,
}

/// A question as it is asked over HTTP. Headers are empty if there are none; `authorization` names the digest of a body if there is one.
///
/// It holds all that an escrow decides by before it knows the body, so that no refusal of what somebody in between has made of a question answers the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Question<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The header `authorization`.
    pub authorization: &'a str,
    /// The header `content-type`.
    pub content_type: &'a str,
    /// The header `content-length`.
    pub content_length: &'a str,
}

impl Question<'_> {
    /// What an answer names it by.
    pub fn digest(&self) -> Digest {
        Digest::of("verinfer escrow v1 question", self)
    }
}

/// Says that a key signs answers for an escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`CERTIFICATE_VERSION`].
    pub version: u16,
    /// The escrow's own account.
    pub escrow: AccountId,
    /// The receipt key.
    pub key: AccountId,
    /// From when on it signs, in seconds since the Unix epoch on the reader's own clock: the escrow's stands still while it is down.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

/// A certificate with the signature of the escrow's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The account's signature.
    pub signature: Signature,
}

/// An answer with its signature, by the certified key; by the escrow's account if there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignedAnswer {
    /// What it says.
    pub answer: Answer,
    /// Whose key it is signed by.
    pub certificate: Option<SignedCertificate>,
    /// The signature.
    pub signature: Signature,
}

/// Which key has signed an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Signer {
    /// The key: the escrow's account, or one that it has certified.
    pub key: AccountId,
    /// From when on and until when it is certified, in seconds since the Unix epoch; nothing if it is the account itself.
    pub certified: Option<(u64, u64)>,
}

/// Why an answer is not taken for the escrow's to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// Another version.
    #[error("it has version {found}, this program knows version {known}")]
    Version {
        /// The answer's or the certificate's.
        found: u16,
        /// This program's.
        known: u16,
    },
    /// Of another escrow.
    #[error("it is of the escrow {found}, not of {expected}")]
    OtherEscrow {
        /// Whose it is.
        found: AccountId,
        /// Whose it should be.
        expected: AccountId,
    },
    /// The certificate is not signed by the escrow's account.
    #[error("the escrow {escrow} has not certified the key {key} that it is signed by")]
    Certificate {
        /// The escrow.
        escrow: AccountId,
        /// The key.
        key: AccountId,
    },
    /// The certificate does not hold now.
    #[error(
        "its key is certified from {from} to {until} (seconds since 1970), it is {now}: the operator must certify one, or this machine's clock is wrong"
    )]
    CertificateTime {
        /// From when on.
        from: u64,
        /// Until when.
        until: u64,
        /// The time of who checks.
        now: u64,
    },
    /// It is not signed by its key.
    #[error("its signature is not that of {key}")]
    Signature {
        /// Who should have signed it.
        key: AccountId,
    },
    /// It answers something else.
    #[error("it answers another question")]
    OtherQuestion,
    /// It answers an earlier question.
    #[error("it is an old answer, to an earlier question")]
    Stale,
    /// Status or body are not those that were signed.
    #[error("it was changed after it was signed")]
    Changed,
    /// It does not say what the log was at the position that was asked for.
    #[error("it does not say what the log is up to entry {position}")]
    Unsaid {
        /// The position.
        position: u64,
    },
}

impl SignedCertificate {
    /// Certifies a key, with the key of the escrow's account.
    pub fn sign(key: AccountId, (from, until): (u64, u64), account: &SecretKey) -> Self {
        let certificate = Certificate { version: CERTIFICATE_VERSION, escrow: account.account(), key, from, until };
        let signature = account.sign(CERTIFICATE_DOMAIN, &certificate);
        Self { certificate, signature }
    }

    /// Checks that the escrow has signed it.
    ///
    /// # Errors
    ///
    /// It is another version's, another escrow's, or not signed.
    pub fn check(&self, expected: AccountId) -> Result<(), AnswerFault> {
        let &Certificate { version, escrow: found, key, .. } = &self.certificate;
        if version != CERTIFICATE_VERSION {
            return Err(AnswerFault::Version { found: version, known: CERTIFICATE_VERSION });
        }
        if found != expected {
            return Err(AnswerFault::OtherEscrow { found, expected });
        }
        if !expected.has_signed(CERTIFICATE_DOMAIN, &self.certificate, &self.signature) {
            return Err(AnswerFault::Certificate { escrow: expected, key });
        }
        Ok(())
    }

    /// Checks that it holds at a time, in seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// It does not yet, or no longer.
    pub const fn check_time(&self, now: u64) -> Result<(), AnswerFault> {
        let Certificate { from, until, .. } = self.certificate;
        if from <= now && now < until { Ok(()) } else { Err(AnswerFault::CertificateTime { from, until, now }) }
    }
}

impl SignedAnswer {
    /// Signs an answer.
    pub fn sign(answer: Answer, certificate: Option<SignedCertificate>, key: &SecretKey) -> Self {
        let signature = key.sign(DOMAIN, &answer);
        Self { answer, certificate, signature }
    }

    /// Whose key it says that it is signed by.
    pub const fn signer(&self) -> Signer {
        match &self.certificate {
            Some(SignedCertificate { certificate, .. }) => {
                Signer { key: certificate.key, certified: Some((certificate.from, certificate.until)) }
            }
            None => Signer { key: self.answer.escrow, certified: None },
        }
    }

    /// Checks that the escrow stands by it, whenever it was signed.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check(&self, escrow: AccountId) -> Result<(), AnswerFault> {
        let &Answer { version, escrow: found, .. } = &self.answer;
        if version != VERSION {
            return Err(AnswerFault::Version { found: version, known: VERSION });
        }
        if found != escrow {
            return Err(AnswerFault::OtherEscrow { found, expected: escrow });
        }
        let key = match &self.certificate {
            Some(certificate) => {
                certificate.check(escrow)?;
                certificate.certificate.key
            }
            None => escrow,
        };
        if key.has_signed(DOMAIN, &self.answer, &self.signature) { Ok(()) } else { Err(AnswerFault::Signature { key }) }
    }

    /// Checks that it is signed by a key that signs for the escrow now (`time`, in seconds since the Unix epoch), and that it answers this question, with
    /// this status and body.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn check_reply(
        &self,
        escrow: AccountId,
        time: u64,
        (question, nonce): (Digest, Nonce),
        (status, body): (u16, &[u8]),
    ) -> Result<(), AnswerFault> {
        self.check(escrow)?;
        if let Some(certificate) = &self.certificate {
            certificate.check_time(time)?;
        }
        if self.answer.nonce != Some(nonce) {
            return Err(AnswerFault::Stale);
        }
        if self.answer.question != question {
            return Err(AnswerFault::OtherQuestion);
        }
        if self.answer.status != status || self.answer.body != Digest::of_bytes(body) {
            return Err(AnswerFault::Changed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{}";
    const ASKED: Question<'_> = Question {
        method: "POST",
        target: "/v1/requests",
        authorization: "Verinfer a:1:b:c",
        content_type: "application/json",
        content_length: "2",
    };
    const NONCE: Nonce = Nonce([9; 32]);
    const NOW: u64 = 1000;

    fn keys() -> (SecretKey, SecretKey) {
        (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]))
    }

    fn answer(escrow: AccountId) -> Answer {
        Answer {
            version: VERSION,
            escrow,
            question: ASKED.digest(),
            nonce: Some(NONCE),
            status: 200,
            body: Digest::of_bytes(BODY),
            now: Timestamp(5),
            head: LogHead { position: 3, digest: Digest([3; 32]) },
            known: None,
        }
    }

    fn checked(answer: &SignedAnswer) -> Result<(), AnswerFault> {
        answer.check_reply(keys().0.account(), NOW, (ASKED.digest(), NONCE), (200, BODY))
    }

    #[test]
    fn account_or_a_key_that_it_certified_answers() {
        let (account, receipts) = keys();
        let escrow = account.account();
        assert_eq!(checked(&SignedAnswer::sign(answer(escrow), None, &account)), Ok(()));
        let certificate = SignedCertificate::sign(receipts.account(), (NOW, NOW + 1), &account);
        assert_eq!(checked(&SignedAnswer::sign(answer(escrow), Some(certificate), &receipts)), Ok(()));
    }

    #[test]
    fn what_is_not_the_escrows_answer_to_the_question_is_refused_by_name() {
        let (account, receipts) = keys();
        let (escrow, key) = (account.account(), receipts.account());
        let signed = |change: fn(&mut Answer)| {
            let mut answer = answer(escrow);
            change(&mut answer);
            checked(&SignedAnswer::sign(answer, None, &account))
        };
        assert_eq!(signed(|answer| answer.version = 1), Err(AnswerFault::Version { found: 1, known: VERSION }));
        assert_eq!(signed(|answer| answer.nonce = None), Err(AnswerFault::Stale));
        assert_eq!(signed(|answer| answer.nonce = Some(Nonce([8; 32]))), Err(AnswerFault::Stale));
        // Whatever of it was changed on the way.
        let others: [fn(&mut Question<'_>); 5] = [
            |asked| asked.method = "PUT",
            |asked| asked.target = "/v1/about",
            |asked| asked.authorization = "",
            |asked| asked.content_type = "text/plain",
            |asked| asked.content_length = "",
        ];
        for change in others {
            let (mut answer, mut asked) = (answer(escrow), ASKED);
            change(&mut asked);
            answer.question = asked.digest();
            assert_eq!(checked(&SignedAnswer::sign(answer, None, &account)), Err(AnswerFault::OtherQuestion));
        }
        assert_eq!(signed(|answer| answer.status = 410), Err(AnswerFault::Changed));
        assert_eq!(signed(|answer| answer.body = Digest::of_bytes(b"[]")), Err(AnswerFault::Changed));
        let other = SignedAnswer::sign(answer(key), None, &receipts);
        assert_eq!(checked(&other), Err(AnswerFault::OtherEscrow { found: key, expected: escrow }));
        assert_eq!(checked(&SignedAnswer::sign(answer(escrow), None, &receipts)), Err(AnswerFault::Signature { key: escrow }));
        // A certificate of its own, and one whose time has not come or is over.
        let certified = |certificate| checked(&SignedAnswer::sign(answer(escrow), Some(certificate), &receipts));
        let mut own = SignedCertificate::sign(key, (0, NOW + 1), &receipts);
        own.certificate.escrow = escrow;
        assert_eq!(certified(own), Err(AnswerFault::Certificate { escrow, key }));
        for (from, until) in [(NOW + 1, NOW + 2), (0, NOW)] {
            let certificate = SignedCertificate::sign(key, (from, until), &account);
            assert_eq!(certified(certificate), Err(AnswerFault::CertificateTime { from, until, now: NOW }));
        }
        let mut changed = SignedAnswer::sign(answer(escrow), None, &account);
        changed.answer.head.position = 2;
        assert_eq!(checked(&changed), Err(AnswerFault::Signature { key: escrow }));
    }
}
