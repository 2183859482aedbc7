//! What a client knows of its escrow's log: each answer must be of the log that it knows already.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use verinfer_protocols::answer::{LogHead, MAX_SETBACK, SignedAnswer};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;

use crate::contradiction::Contradiction;
use crate::error::ClientError;
use crate::memory::{Evidence, KeptReceipt, Memory, MemoryError};

/// The last log that the escrow has signed, as far as this client knows, and where the client keeps what it knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    last: Arc<Mutex<Option<SignedAnswer>>>,
    memory: Option<Arc<dyn Memory>>,
}

impl Known {
    /// What is kept in a memory, and is kept there from now on.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn of(memory: Arc<dyn Memory>) -> Result<Self, MemoryError> {
        let last = memory.head()?;
        Ok(Self { last: Arc::new(Mutex::new(last)), memory: Some(memory) })
    }

    /// The answer that says most of the log.
    pub fn now(&self) -> Option<SignedAnswer> {
        self.lock().clone()
    }

    /// The escrow's account.
    pub fn escrow(&self) -> Option<AccountId> {
        self.lock().as_ref().map(|known| known.answer.escrow)
    }

    /// Compares an answer with what was known when the question was asked, and knows it from then on. Gives the position about which the answer should have
    /// said something, and has not.
    ///
    /// # Errors
    ///
    /// They contradict each other, which is kept, or cannot be kept.
    pub fn accept(&self, before: Option<&SignedAnswer>, answer: &SignedAnswer) -> Result<Option<u64>, ClientError> {
        if let Some(before) = before {
            match compare(before, answer) {
                Ok(None) => {}
                Ok(Some(unsaid)) => return Ok(Some(unsaid)),
                Err(contradiction) => return Err(self.refuse(contradiction, before, answer)),
            }
        }
        let mut last = self.lock();
        // Others may have learned more meanwhile.
        if let Some(known) = last.as_ref() {
            let (old, new) = (known.answer.head, answer.answer.head);
            if old.position == new.position && old.digest != new.digest {
                return Err(self.refuse(Contradiction::OtherLog { known: old, found: new }, known, answer));
            }
            if (new.position, answer.answer.now) <= (old.position, known.answer.now) {
                return Ok(None);
            }
        }
        if let Some(memory) = &self.memory {
            memory.keep_head(answer)?;
        }
        *last = Some(answer.clone());
        Ok(None)
    }

    /// Keeps a receipt.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn keep(&self, receipt: &KeptReceipt) -> Result<(), ClientError> {
        match &self.memory {
            Some(memory) => Ok(memory.keep_receipt(receipt)?),
            None => Ok(()),
        }
    }

    /// The number of the last request about an agreement (or the account itself) for which there is a receipt; 0 if there is none.
    pub fn last_sequence(&self, agreement: AgreementId) -> u64 {
        self.memory.as_ref().map_or(0, |memory| memory.last_sequence(agreement))
    }

    /// Compares what the escrow says is the number of the party's next request about an agreement (or its account) with the last one for which there was a
    /// receipt when that was asked; that there is no such agreement is said by the number 1.
    ///
    /// # Errors
    ///
    /// A request that was carried out is gone, which is kept; or what is kept cannot be read.
    pub fn check_sequence(&self, agreement: AgreementId, last: u64, next: u64, answer: &SignedAnswer) -> Result<(), ClientError> {
        let Some(memory) = self.memory.as_ref().filter(|_| next <= last) else { return Ok(()) };
        let Some(receipt) = memory.receipt(agreement, last)? else { return Ok(()) };
        let KeptReceipt { sequence, request, entry, .. } = receipt;
        let contradiction = Contradiction::MoveGone { request, agreement, sequence, position: entry.position, next };
        Err(self.refuse(contradiction, &receipt.answer, answer))
    }

    /// Keeps the proof of a contradiction.
    fn refuse(&self, contradiction: Contradiction, earlier: &SignedAnswer, later: &SignedAnswer) -> ClientError {
        let kept = self.memory.as_ref().map(|memory| memory.keep_evidence(&Evidence::new(&contradiction, earlier, later)));
        match kept {
            Some(Err(error)) => error.into(),
            Some(Ok(())) | None => contradiction.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<SignedAnswer>> {
        // Whoever panicked has written all or nothing.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares a later answer with an earlier one; gives the position about which the later one should have said something, and has not.
fn compare(earlier: &SignedAnswer, later: &SignedAnswer) -> Result<Option<u64>, Contradiction> {
    let (earlier, later) = (&earlier.answer, &later.answer);
    let other = |found: LogHead| Contradiction::OtherLog { known: earlier.head, found };
    if later.head.position < earlier.head.position {
        return Err(Contradiction::Shorter { known: earlier.head, found: later.head });
    }
    if later.head.position == earlier.head.position && later.head.digest != earlier.head.digest {
        return Err(other(later.head));
    }
    match later.known {
        Some(found) if found.position == earlier.head.position && found.digest != earlier.head.digest => return Err(other(found)),
        Some(found) if found.position == earlier.head.position => {}
        Some(_) | None => return Ok(Some(earlier.head.position)),
    }
    if later.now.after(MAX_SETBACK) < earlier.now {
        return Err(Contradiction::Time { known: earlier.now, found: later.now });
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::answer::{Answer, VERSION};
    use verinfer_protocols::digest::Digest;
    use verinfer_protocols::keys::SecretKey;
    use verinfer_protocols::time::Timestamp;

    use super::*;

    fn head(position: u64, byte: u8) -> LogHead {
        LogHead { position, digest: Digest([byte; 32]) }
    }

    fn answer(head: LogHead, known: Option<LogHead>, now: u64) -> SignedAnswer {
        let (key, digest) = (SecretKey::from_seed(&[1; 32]), Digest([0; 32]));
        let answer = Answer {
            version: VERSION,
            escrow: key.account(),
            question: digest,
            nonce: None,
            status: 200,
            body: digest,
            now: Timestamp(now),
            head,
            known,
        };
        SignedAnswer::sign(answer, None, &key)
    }

    #[test]
    fn an_answer_contradicts_what_is_known_if_its_log_or_its_time_cannot_follow() {
        let known = answer(head(5, 5), None, 20_000);
        let compared = |head, known_then, now| compare(&known, &answer(head, known_then, now));
        assert_eq!(compared(head(5, 5), Some(head(5, 5)), 20_000), Ok(None));
        assert_eq!(compared(head(6, 6), Some(head(5, 5)), 10_000), Ok(None), "a kill sets the clock back a little");
        assert_eq!(compared(head(6, 6), None, 20_000), Ok(Some(5)));
        assert_eq!(compared(head(6, 6), Some(head(4, 4)), 20_000), Ok(Some(5)));
        let shorter = Contradiction::Shorter { known: head(5, 5), found: head(4, 4) };
        assert_eq!(compared(head(4, 4), None, 20_000), Err(shorter));
        let other = |found| Contradiction::OtherLog { known: head(5, 5), found };
        assert_eq!(compared(head(5, 9), Some(head(5, 9)), 20_000), Err(other(head(5, 9))));
        assert_eq!(compared(head(6, 6), Some(head(5, 9)), 20_000), Err(other(head(5, 9))));
        let time = Contradiction::Time { known: Timestamp(20_000), found: Timestamp(9_999) };
        assert_eq!(compared(head(6, 6), Some(head(5, 5)), 9_999), Err(time));
    }

    #[test]
    fn what_another_thread_learned_meanwhile_is_not_forgotten() {
        let known = Known::default();
        let first = answer(head(5, 5), None, 1);
        known.accept(None, &first).unwrap();
        known.accept(Some(&first), &answer(head(7, 7), Some(head(5, 5)), 3)).unwrap();
        known.accept(Some(&first), &answer(head(6, 6), Some(head(5, 5)), 2)).unwrap();
        assert_eq!(known.now().unwrap().answer.head, head(7, 7));
        let error = known.accept(Some(&first), &answer(head(7, 8), Some(head(5, 5)), 3)).unwrap_err();
        assert!(matches!(error, ClientError::Contradiction(Contradiction::OtherLog { .. })), "{error}");
    }
}
