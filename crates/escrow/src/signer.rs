//! Who signs the escrow's answers.

use std::sync::{Arc, Mutex, PoisonError};

use verinfer_protocols::answer::{Answer, AnswerFault, LogHead, SignedAnswer, SignedCertificate};
use verinfer_protocols::keys::{AccountId, SecretKey};

/// Seconds before its end in which a certificate is used no more: the clocks of parties may be ahead of this machine's.
pub const MARGIN: u64 = 300;

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
    /// Parties whose clocks are ahead take it no longer.
    #[error(
        "the certificate of the receipt key ends at {until} (seconds since 1970), in less than {MARGIN} s: certify the key again with `escrow certify`, and serve with that"
    )]
    Ending {
        /// Its end.
        until: u64,
    },
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
    /// The certificate is not signed, is for another key, or does not hold from that time on for more than [`MARGIN`].
    pub fn certified(key: SecretKey, certificate: SignedCertificate, time: u64) -> Result<Self, SignerError> {
        let (escrow, certified) = (certificate.certificate.escrow, certificate.certificate.key);
        certificate.check(escrow)?;
        let found = key.account();
        if found != certified {
            return Err(SignerError::OtherKey { certified, found });
        }
        let signer = Self { escrow, key, certificate: Some(certificate), last: Last::default() };
        signer.check(time)?;
        Ok(signer)
    }

    /// Checks that parties take what is signed at a time, in seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// The certificate does not hold then, or has ended [`MARGIN`] later.
    pub fn check(&self, time: u64) -> Result<(), SignerError> {
        let Some(certificate) = &self.certificate else { return Ok(()) };
        certificate.check_time(time)?;
        match self.seconds_left(time) {
            Some(0) => Err(SignerError::Ending { until: certificate.certificate.until }),
            Some(_) | None => Ok(()),
        }
    }

    /// For how many seconds from a time on [`Signer::check`] holds; nothing where the account itself signs, which has no end.
    pub fn seconds_left(&self, time: u64) -> Option<u64> {
        let until = self.certificate.as_ref()?.certificate.until;
        Some(until.saturating_sub(MARGIN).saturating_sub(time))
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
        let certificate = SignedCertificate::sign(receipts.account(), (1000, 2000), &account);
        let signer = Signer::certified(receipts.clone(), certificate.clone(), 1000).unwrap();
        assert_eq!((signer.escrow(), signer.seconds_left(1000)), (account.account(), Some(700)));
        assert_eq!(signer.check(1699), Ok(()));
        assert_eq!(signer.check(1700), Err(SignerError::Ending { until: 2000 }), "clocks of parties may be ahead");
        let own = Signer::of_account(account.clone());
        assert_eq!((own.check(u64::MAX), own.seconds_left(0)), (Ok(()), None));
        let (certified, found) = (receipts.account(), other.account());
        assert_eq!(Signer::certified(other, certificate.clone(), 1000).err(), Some(SignerError::OtherKey { certified, found }));
        let late = AnswerFault::CertificateTime { from: 1000, until: 2000, now: 2000 };
        assert_eq!(Signer::certified(receipts.clone(), certificate.clone(), 2000).err(), Some(late.into()));
        let mut longer = certificate;
        longer.certificate.until = 3000;
        let unsigned = AnswerFault::Certificate { escrow: account.account(), key: certified };
        assert_eq!(Signer::certified(receipts, longer, 2000).err(), Some(unsigned.into()));
    }
}
