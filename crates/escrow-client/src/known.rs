//! What a client knows of its escrow's log: each answer must be of the log that it knows already.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use verinfer_protocols::answer::{LogHead, MAX_SETBACK, SignedAnswer};
use verinfer_protocols::keys::AccountId;

use crate::contradiction::Contradiction;

/// The last log that the escrow has signed, as far as this client knows.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Mutex<Option<SignedAnswer>>>);

impl Known {
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
    /// They contradict each other.
    pub fn accept(&self, before: Option<&SignedAnswer>, answer: &SignedAnswer) -> Result<Option<u64>, Contradiction> {
        if let Some(before) = before
            && let Some(unsaid) = compare(before, answer)?
        {
            return Ok(Some(unsaid));
        }
        let mut known = self.lock();
        // Others may have learned more meanwhile.
        let news = match known.as_ref() {
            Some(known) => {
                let (old, new) = (known.answer.head, answer.answer.head);
                if old.position == new.position && old.digest != new.digest {
                    return Err(Contradiction::OtherLog { known: old, found: new });
                }
                (old.position, known.answer.now) < (new.position, answer.answer.now)
            }
            None => true,
        };
        if news {
            *known = Some(answer.clone());
        }
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, Option<SignedAnswer>> {
        // Whoever panicked has written all or nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
