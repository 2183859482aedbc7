//! Who signs the escrow's answers.

use std::sync::{Arc, Mutex, PoisonError};

use verinfer_protocols::answer::{Answer, AnswerFault, LogHead, SignedAnswer, SignedCertificate};
use verinfer_protocols::keys::{AccountId, SecretKey};

/// Signs what the escrow answers: with a receipt key that its account has certified, or with the account's own key.
#[derive(Clone, Debug)]
pub struct Signer {
    escrow: AccountId,
    key: SecretKey,
    certificate: Option<SignedCertificate>,
    last: Last,
}

/// The last end of the log that was signed.
#[derive(Clone, Debug, Default)]
pub struct Last(Arc<Mutex<Option<LogHead>>>);

impl Last {
    /// It, if anything was signed.
    pub fn get(&self) -> Option<LogHead> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another one, if it is later.
    pub fn set(&self, head: LogHead) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(last.filter(|last| last.position > head.position).unwrap_or(head));
    }
}

/// Why a key does not sign for an escrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The certificate does not hold.
    #[error("the certificate of the receipt key does not hold")]
    Certificate(#[from] AnswerFault),
    /// The certificate is for another key.
    #[error("the certificate is for the receipt key {certified}, not for {found}")]
    OtherKey {
        /// The certificate's.
        certified: AccountId,
        /// The one that is there.
        found: AccountId,
    },
}

impl Signer {
    /// The account itself.
    pub fn of_account(key: SecretKey) -> Self {
        Self { escrow: key.account(), key, certificate: None, last: Last::default() }
    }

    /// A receipt key, at a time in seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// The certificate is not signed, is for another key, or does not hold at that time.
    pub fn certified(key: SecretKey, certificate: SignedCertificate, time: u64) -> Result<Self, SignerError> {
        let (escrow, certified) = (certificate.certificate.escrow, certificate.certificate.key);
        certificate.check(escrow)?;
        certificate.check_time(time)?;
        let found = key.account();
        if found != certified {
            return Err(SignerError::OtherKey { certified, found });
        }
        Ok(Self { escrow, key, certificate: Some(certificate), last: Last::default() })
    }

    /// The escrow's account.
    pub const fn escrow(&self) -> AccountId {
        self.escrow
    }

    /// The last end of the log that was signed.
    pub const fn last(&self) -> &Last {
        &self.last
    }

    /// Signs an answer.
    pub fn sign(&self, answer: Answer) -> SignedAnswer {
        SignedAnswer::sign(answer, self.certificate.clone(), &self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_signs_while_a_certificate_for_it_holds() {
        let [account, receipts, other] = [1, 2, 3].map(|byte| SecretKey::from_seed(&[byte; 32]));
        let certificate = SignedCertificate::sign(receipts.account(), (10, 20), &account);
        let signer = Signer::certified(receipts.clone(), certificate.clone(), 10).unwrap();
        assert_eq!(signer.escrow(), account.account());
        let (certified, found) = (receipts.account(), other.account());
        assert_eq!(Signer::certified(other, certificate.clone(), 10).err(), Some(SignerError::OtherKey { certified, found }));
        let late = AnswerFault::CertificateTime { from: 10, until: 20, now: 20 };
        assert_eq!(Signer::certified(receipts.clone(), certificate.clone(), 20).err(), Some(late.into()));
        let mut longer = certificate;
        longer.certificate.until = 30;
        let unsigned = AnswerFault::Certificate { escrow: account.account(), key: certified };
        assert_eq!(Signer::certified(receipts, longer, 20).err(), Some(unsigned.into()));
    }
}
