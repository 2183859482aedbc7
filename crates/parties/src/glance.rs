//! How an agreement stands, for who asks a party about it: strangers' questions do not become as many questions to the escrow.
//!
//! Of one of the party's agreements the escrow is asked by one at a time and seldom; who waited meanwhile takes the same answer, which is not older than
//! its question. Of others the party asks a few times in a second, whoever asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use verinfer_protocols::digest::AgreementId;

/// Between two questions about one agreement.
const PAUSE: Duration = Duration::from_millis(20);

/// Between two questions about agreements that are not the party's, as far as it knows.
const STRANGE: Duration = Duration::from_millis(100);

/// Answers of the escrow.
#[derive(Debug)]
pub struct Glances<T> {
    own: Mutex<BTreeMap<AgreementId, Last<T>>>,
    /// When it was last asked about another agreement.
    strange: Mutex<Option<Instant>>,
}

/// The last answer about an agreement; who holds it asks the next time.
type Last<T> = Arc<Mutex<Option<Glance<T>>>>;

#[derive(Debug)]
struct Glance<T> {
    /// When the escrow was asked.
    asked: Instant,
    answer: T,
}

/// Too many ask about agreements that are not the party's; try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl<T> Default for Glances<T> {
    fn default() -> Self {
        Self { own: Mutex::default(), strange: Mutex::default() }
    }
}

impl<T: Clone> Glances<T> {
    /// These are the party's agreements.
    pub fn own(&self, agreements: &BTreeSet<AgreementId>) {
        let mut own = lock(&self.own);
        own.retain(|id, _| agreements.contains(id));
        for id in agreements {
            own.entry(*id).or_default();
        }
    }

    /// How an agreement stands: no earlier than this is called.
    ///
    /// # Errors
    ///
    /// It is not known to be the party's, and too many ask about such.
    pub fn look<E>(&self, id: AgreementId, ask: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, TooMany> {
        let begun = Instant::now();
        let own = lock(&self.own).get(&id).cloned();
        let Some(own) = own else {
            self.take_turn(begun)?;
            return Ok(ask());
        };
        let mut last = lock(&own);
        if let Some(Glance { asked, answer }) = &*last {
            if *asked >= begun {
                return Ok(Ok(answer.clone()));
            }
            sleep(PAUSE.saturating_sub(asked.elapsed()));
        }
        let asked = Instant::now();
        let result = ask();
        if let Ok(answer) = &result {
            *last = Some(Glance { asked, answer: answer.clone() });
        }
        Ok(result)
    }

    fn take_turn(&self, now: Instant) -> Result<(), TooMany> {
        let mut last = lock(&self.strange);
        if last.is_some_and(|last| now.saturating_duration_since(last) < STRANGE) {
            return Err(TooMany);
        }
        *last = Some(now);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked has changed all or nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread::scope;

    use super::*;

    const ID: AgreementId = AgreementId([1; 32]);

    #[test]
    fn many_questions_about_one_agreement_are_few_to_the_escrow_and_no_answer_is_older_than_its_question() {
        let (glances, asked) = (Glances::default(), AtomicU32::new(0));
        glances.own(&BTreeSet::from([ID]));
        let start = Instant::now();
        scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let before = asked.load(Ordering::SeqCst);
                        let answer = glances.look(ID, || Ok::<_, ()>(asked.fetch_add(1, Ordering::SeqCst) + 1)).unwrap().unwrap();
                        assert!(answer > before, "{answer} was known before the question");
                    }
                });
            }
        });
        let most = start.elapsed().as_millis() / PAUSE.as_millis() + 2;
        let asked = asked.into_inner();
        assert!(u128::from(asked) <= most && asked < 320, "{asked} questions");
    }

    #[test]
    fn agreements_of_others_are_asked_about_seldom_and_keep_none_of_the_partys_waiting() {
        let glances = Glances::default();
        glances.own(&BTreeSet::from([ID]));
        let others = (2..100).map(|id| glances.look(AgreementId([id; 32]), || Ok::<_, ()>(()))).filter(Result::is_ok).count();
        assert!((1..10).contains(&others), "{others}");
        assert_eq!(glances.look(AgreementId([200; 32]), || Ok::<_, ()>(())), Err(TooMany));
        assert_eq!(glances.look(ID, || Ok::<_, ()>(())), Ok(Ok(())));
        // A failure is nobody's answer.
        assert_eq!(glances.look(ID, || Err(1)), Ok(Err(1)));
        assert_eq!(glances.look(ID, || Ok::<_, ()>(())), Ok(Ok(())));
    }
}
