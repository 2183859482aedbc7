//! Which agreement is attended to next: of those that nobody attends to, the one with the nearest deadline; those that have been accepted come first, so that
//! strangers who propose others cannot crowd them out.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use crate::drive::Step;

/// Agreements that are due to be attended to, and those that somebody attends to now: no agreement is both.
#[derive(Debug, Default)]
pub struct Schedule {
    board: Mutex<Board>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Board {
    due: BTreeSet<Due>,
    attended: BTreeSet<AgreementId>,
}

/// In the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    standing: Standing,
    agreement: AgreementId,
}

/// How an agreement stands, in the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It has a place, and this deadline.
    Accepted(Timestamp),
    /// It is merely proposed, until this deadline.
    Proposed(Timestamp),
    /// It is merely tidied up.
    Ended,
}

impl Schedule {
    /// Says what is due now; what was due before no longer counts. Agreements that somebody attends to are not due.
    pub fn post(&self, agreements: impl IntoIterator<Item = (AgreementId, Standing)>) {
        let mut board = self.board();
        let due = agreements.into_iter().map(|(agreement, standing)| Due { standing, agreement });
        board.due = due.filter(|due| !board.attended.contains(&due.agreement)).collect();
        self.changed.notify_all();
    }

    /// Attends to one agreement after the other, and waits for more. One in which something was done is due again at once.
    ///
    /// # Errors
    ///
    /// As those of `attend`.
    pub fn work<E>(&self, attend: impl Fn(AgreementId) -> Result<Step, E>) -> Result<Infallible, E> {
        loop {
            let due = self.take();
            let step = attend(due.agreement)?;
            let mut board = self.board();
            board.attended.remove(&due.agreement);
            if step == Step::Moved {
                board.due.insert(due);
                self.changed.notify_one();
            }
        }
    }

    /// Waits for the most urgent agreement, which from then on nobody else attends to.
    fn take(&self) -> Due {
        let mut board = self.board();
        loop {
            if let Some(due) = board.due.pop_first() {
                board.attended.insert(due.agreement);
                return due;
            }
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Every change of the board is whole before anything can panic.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;

    const LONG: AgreementId = AgreementId([1; 32]);
    const SHORT: AgreementId = AgreementId([2; 32]);

    /// Somebody who tells whom it attends to, and does so until it is told what came of it.
    fn steward(schedule: &Arc<Schedule>, begun: Sender<AgreementId>) -> Sender<Step> {
        let (end, ended): (_, Receiver<Step>) = channel();
        let schedule = schedule.clone();
        thread::spawn(move || {
            schedule.work(|agreement| {
                begun.send(agreement).unwrap();
                ended.recv()
            })
        });
        end
    }

    #[test]
    fn agreement_that_takes_long_delays_no_other_and_is_attended_to_by_one_alone() {
        let (schedule, (begun, attended)) = (Arc::new(Schedule::default()), channel());
        schedule.post([(LONG, Standing::Accepted(Timestamp(1)))]);
        let first = steward(&schedule, begun.clone());
        assert_eq!(attended.recv(), Ok(LONG));
        let second = steward(&schedule, begun);
        for _ in 0..100 {
            second.send(Step::Waiting).unwrap();
            let next = loop {
                schedule.post([(LONG, Standing::Accepted(Timestamp(1))), (SHORT, Standing::Accepted(Timestamp(2)))]);
                if let Ok(agreement) = attended.recv_timeout(Duration::from_millis(10)) {
                    break agreement;
                }
            };
            assert_eq!(next, SHORT);
        }
        first.send(Step::Moved).unwrap();
        let mut next = std::iter::from_fn(|| attended.recv_timeout(Duration::from_secs(10)).ok());
        assert!(next.any(|agreement| agreement == LONG), "what has moved is due again");
    }

    #[test]
    fn nearest_deadline_comes_first_but_proposals_after_what_is_accepted_and_what_has_ended_last() {
        let (schedule, (begun, attended)) = (Arc::new(Schedule::default()), channel());
        let agreements = [1, 2, 3, 4, 5].map(|id| AgreementId([id; 32]));
        let standings = [
            Standing::Ended,
            Standing::Proposed(Timestamp(2)),
            Standing::Accepted(Timestamp(20)),
            Standing::Proposed(Timestamp(1)),
            Standing::Accepted(Timestamp(10)),
        ];
        schedule.post(agreements.into_iter().zip(standings));
        let end = steward(&schedule, begun);
        for expected in [5, 3, 4, 2, 1] {
            assert_eq!(attended.recv(), Ok(AgreementId([expected; 32])));
            end.send(Step::Waiting).unwrap();
        }
        assert!(attended.recv_timeout(Duration::from_millis(50)).is_err(), "nothing is due any more");
    }
}
