//! What a client knows of its escrow's log: each answer must be of the log that it knows already.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use verinfer_protocols::answer::{LogHead, MAX_SETBACK, Nonce, NonceSalt, SignedAnswer};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;

use crate::contradiction::Contradiction;
use crate::error::ClientError;
use crate::evidence::Evidence;
use crate::memory::{KeptReceipt, Memory};

/// The last log that the escrow has signed, as far as this client knows, and where the client keeps what it knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The escrow's account, if it is named.
    account: Option<AccountId>,
    /// What the escrow has signed that cannot be: from then on nothing it says counts.
    contradiction: Arc<OnceLock<Contradiction>>,
    last: Arc<Mutex<Option<SignedAnswer>>>,
    memory: Option<Arc<dyn Memory>>,
}

/// A question that is about to be asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What its answer is told by.
    pub nonce: Nonce,
    salt: NonceSalt,
    before: Option<SignedAnswer>,
}

impl Asked {
    /// The position up to which the log is known.
    pub fn known(&self) -> Option<u64> {
        self.before.as_ref().map(|known| known.answer.head.position)
    }
}

impl Known {
    /// An escrow that is named, or is the one that has signed what is kept in a memory; what it signs is kept there from now on.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read, or another escrow has signed it.
    pub fn new(account: Option<AccountId>, memory: Option<Arc<dyn Memory>>) -> Result<Self, ClientError> {
        let last = memory.as_ref().map(|memory| memory.head()).transpose()?.flatten();
        match (account, last.as_ref().map(|last| last.answer.escrow)) {
            (Some(named), Some(kept)) if named != kept => Err(ClientError::OtherEscrow { kept, named }),
            (_, _) => Ok(Self { account, last: Arc::new(Mutex::new(last)), memory, ..Self::default() }),
        }
    }

    /// A question that is asked now: its answer takes into account what is known now, and its nonce shows that it was.
    pub fn ask(&self, salt: NonceSalt) -> Asked {
        let before = self.lock().clone();
        Asked { nonce: salt.nonce(before.as_ref()), salt, before }
    }

    /// The escrow's account, if it is named or has answered.
    pub fn escrow(&self) -> Option<AccountId> {
        self.account.or_else(|| self.lock().as_ref().map(|known| known.answer.escrow))
    }

    /// What the escrow has signed that cannot be.
    pub fn contradiction(&self) -> Option<Contradiction> {
        self.contradiction.get().copied()
    }

    /// Compares an answer with what was known when the question was asked, and knows it from then on. Gives the position about which the answer should have
    /// said something, and has not.
    ///
    /// # Errors
    ///
    /// They contradict each other, which is kept, or cannot be kept.
    pub fn accept(&self, asked: &Asked, answer: &SignedAnswer) -> Result<Option<u64>, ClientError> {
        let evidence = |earlier: &SignedAnswer, salt| Evidence::Answers { earlier: earlier.clone(), later: answer.clone(), salt };
        if let Some(before) = &asked.before {
            match compare(before, answer) {
                Ok(None) => {}
                Ok(Some(unsaid)) => return Ok(Some(unsaid)),
                Err(contradiction) => return Err(self.refuse(contradiction, &evidence(before, Some(asked.salt)))),
            }
        }
        let mut last = self.lock();
        // Others may have learned more meanwhile.
        if let Some(known) = last.as_ref() {
            let (old, new) = (known.answer.head, answer.answer.head);
            if old.position == new.position && old.digest != new.digest {
                return Err(self.refuse(Contradiction::OtherLog { known: old, found: new }, &evidence(known, None)));
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

    /// Compares what the escrow says, in the answer to a question at a path, is the number of the party's next request about an agreement (or its account) with
    /// the last one for which there was a receipt when that was asked; that there is no such agreement is said by the number 1.
    ///
    /// # Errors
    ///
    /// A request that was carried out is gone, which is kept; or what is kept cannot be read.
    pub fn check_sequence(
        &self,
        agreement: AgreementId,
        (last, next): (u64, u64),
        (target, later, body): (&str, &SignedAnswer, &str),
    ) -> Result<(), ClientError> {
        let Some(memory) = self.memory.as_ref().filter(|_| next <= last) else { return Ok(()) };
        let Some(receipt) = memory.receipt(agreement, last)? else { return Ok(()) };
        let (request, position) = (receipt.request.id(), receipt.entry.position);
        let contradiction = Contradiction::MoveGone { request, agreement, sequence: last, position, next };
        let (target, body) = (target.to_owned(), body.to_owned());
        Err(self.refuse(contradiction, &Evidence::Gone { receipt, target, later: later.clone(), body }))
    }

    /// Keeps what contradicts itself. Nothing else is asked from then on, by nobody who shares what is known here.
    fn refuse(&self, contradiction: Contradiction, evidence: &Evidence) -> ClientError {
        let kept = self.memory.as_ref().map(|memory| memory.keep_evidence(evidence));
        // Only now: who is told of it may end the program.
        let _ = self.contradiction.set(contradiction);
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
pub fn compare(earlier: &SignedAnswer, later: &SignedAnswer) -> Result<Option<u64>, Contradiction> {
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
    use crate::memory::MemoryError;

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
        let (known, salt) = (Known::default(), NonceSalt([1; 32]));
        known.accept(&known.ask(salt), &answer(head(5, 5), None, 1)).unwrap();
        let asked = known.ask(salt);
        known.accept(&asked, &answer(head(7, 7), Some(head(5, 5)), 3)).unwrap();
        known.accept(&asked, &answer(head(6, 6), Some(head(5, 5)), 2)).unwrap();
        assert_eq!(known.ask(salt).known(), Some(7));
        let error = known.accept(&asked, &answer(head(7, 8), Some(head(5, 5)), 3)).unwrap_err();
        assert!(matches!(error, ClientError::Contradiction(Contradiction::OtherLog { .. })), "{error}");
    }

    /// What is kept of an escrow that has answered once.
    #[derive(Debug)]
    struct Kept(SignedAnswer);

    impl Memory for Kept {
        fn head(&self) -> Result<Option<SignedAnswer>, MemoryError> {
            Ok(Some(self.0.clone()))
        }
        fn keep_head(&self, _: &SignedAnswer) -> Result<(), MemoryError> {
            Ok(())
        }
        fn keep_receipt(&self, _: &KeptReceipt) -> Result<(), MemoryError> {
            Ok(())
        }
        fn last_sequence(&self, _: AgreementId) -> u64 {
            0
        }
        fn receipt(&self, _: AgreementId, _: u64) -> Result<Option<KeptReceipt>, MemoryError> {
            Ok(None)
        }
        fn keep_evidence(&self, _: &Evidence) -> Result<(), MemoryError> {
            Ok(())
        }
    }

    #[test]
    fn escrow_is_the_one_that_is_named_or_was_kept_before_any_has_answered() {
        let first = answer(head(5, 5), None, 1);
        let (kept, named) = (first.answer.escrow, AccountId([9; 32]));
        let known = |account, memory: Option<Arc<dyn Memory>>| Known::new(account, memory).map(|known| known.escrow());
        assert_eq!(known(None, None).unwrap(), None);
        assert_eq!(known(Some(named), None).unwrap(), Some(named));
        assert_eq!(known(None, Some(Arc::new(Kept(first.clone())))).unwrap(), Some(kept));
        let error = known(Some(named), Some(Arc::new(Kept(first)))).unwrap_err();
        assert!(matches!(error, ClientError::OtherEscrow { kept: found, .. } if found == kept), "{error}");
    }
}
