//! Whose turn it is to be verified: a bounded number at a time, and of those who wait by turns the one whose agreement holds the most money and the one who
//! has waited longest.
//!
//! Who wants to keep others waiting must therefore lock more money than they have at stake, and even then everybody's turn comes. Nobody loses by waiting: a
//! request that came in time is in time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Timestamp;

/// A party to an agreement: it has one turn at a time.
pub type Party = (AgreementId, AccountId);

/// Who goes first: the smaller, and of equals who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    held: Reverse<Money>,
    deadline: Timestamp,
}

/// The party has a turn already, or too many wait whose agreements hold as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Turns to be verified, and who waits for one.
#[derive(Debug)]
pub struct Turns {
    /// Turns at a time.
    slots: NonZeroUsize,
    /// How many may wait.
    most: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Turns that are taken.
    taken: usize,
    waiting: BTreeMap<Place, Waiter>,
    /// Who waits or has a turn.
    parties: BTreeSet<Party>,
    arrivals: u64,
    /// Whether the next turn is that of who has waited longest.
    oldest: bool,
}

/// A place in the queue; the smallest is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    urgency: Urgency,
    arrival: u64,
}

#[derive(Debug)]
struct Waiter {
    party: Party,
    /// Dropped if the party loses its place.
    call: oneshot::Sender<Turn>,
}

/// It is a party's turn until this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    party: Party,
}

/// Frees a place in the queue when nobody waits at it any more.
struct Waiting<'a> {
    turns: &'a Turns,
    place: Place,
}

impl Urgency {
    /// Of a request about an agreement that holds so much, and whose stage ends then, if it does.
    pub fn new(held: Money, deadline: Option<Timestamp>) -> Self {
        Self { held: Reverse(held), deadline: deadline.unwrap_or(Timestamp(u64::MAX)) }
    }
}

impl Turns {
    /// So many at a time, while at most so many wait.
    pub fn new(slots: NonZeroUsize, most: usize) -> Arc<Self> {
        Arc::new(Self { slots, most, queue: Mutex::default() })
    }

    /// Waits for a turn. Who gives up waiting loses its place.
    ///
    /// # Errors
    ///
    /// The party has a turn or waits for one, or as many as may wait go first.
    pub async fn take(self: &Arc<Self>, party: Party, urgency: Urgency) -> Result<Turn, Busy> {
        let (_waiting, called) = {
            let mut queue = self.queue();
            if queue.parties.contains(&party) {
                return Err(Busy);
            }
            // Nobody waits while a turn is free.
            if queue.taken < self.slots.get() {
                queue.taken = queue.taken.saturating_add(1);
                queue.parties.insert(party);
                return Ok(Turn { turns: self.clone(), party });
            }
            queue.arrivals = queue.arrivals.saturating_add(1);
            let place = Place { urgency, arrival: queue.arrivals };
            if queue.waiting.len() >= self.most {
                queue.displace(&place)?;
            }
            let (call, called) = oneshot::channel();
            queue.parties.insert(party);
            queue.waiting.insert(place, Waiter { party, call });
            (Waiting { turns: self, place }, called)
        };
        called.await.map_err(|_| Busy)
    }

    /// How many turns are taken, and how many wait for one.
    pub fn in_use(&self) -> (usize, usize) {
        let queue = self.queue();
        (queue.taken, queue.waiting.len())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Who is next, who then waits no longer.
    fn next(&mut self) -> Option<Waiter> {
        let oldest = self.oldest;
        self.oldest = !oldest;
        if !oldest {
            return self.waiting.pop_first().map(|(_, waiter)| waiter);
        }
        let place = *self.waiting.keys().min_by_key(|place| place.arrival)?;
        self.waiting.remove(&place)
    }

    /// Takes its place from the last, if that is after this one.
    fn displace(&mut self, place: &Place) -> Result<(), Busy> {
        let last = self.waiting.last_entry().filter(|last| place < last.key()).ok_or(Busy)?;
        let Waiter { party, .. } = last.remove();
        self.parties.remove(&party);
        Ok(())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queue = self.turns.queue();
        // It is not there any more if its turn has come, or somebody has displaced it.
        if let Some(Waiter { party, .. }) = queue.waiting.remove(&self.place) {
            queue.parties.remove(&party);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.turns.queue();
            queue.parties.remove(&self.party);
            let next = queue.next();
            if next.is_none() {
                queue.taken = queue.taken.saturating_sub(1);
            }
            next
        };
        if let Some(Waiter { party, call }) = next {
            // If it has just given up, the turn is dropped here, which gives it to the one after.
            let _ = call.send(Self { turns: self.turns.clone(), party });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    fn party(number: u8) -> Party {
        (AgreementId([number; 32]), AccountId([number; 32]))
    }

    fn urgency(held: u64, deadline: u64) -> Urgency {
        Urgency::new(Money::new(held).unwrap(), Some(Timestamp(deadline)))
    }

    type Taking<'a> = Pin<Box<dyn Future<Output = Result<Turn, Busy>> + 'a>>;

    fn poll(taking: &mut Taking<'_>) -> Poll<Result<Turn, Busy>> {
        taking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Somebody who has come, and waits.
    fn waits(turns: &Arc<Turns>, number: u8, urgency: Urgency) -> Taking<'_> {
        let mut taking: Taking<'_> = Box::pin(turns.take(party(number), urgency));
        assert!(poll(&mut taking).is_pending(), "{number}");
        taking
    }

    /// The outcome for somebody who does not wait.
    fn take(turns: &Arc<Turns>, number: u8, urgency: Urgency) -> Result<Turn, Busy> {
        match pin!(turns.take(party(number), urgency)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("{number} waits"),
        }
    }

    #[test]
    fn by_turns_most_money_goes_first_then_the_next_deadline_then_who_came_first_and_who_has_waited_longest() {
        let turns = Turns::new(ONE, 9);
        let mut turn = take(&turns, 0, urgency(0, 1)).unwrap();
        let never = Urgency::new(Money::new(5).unwrap(), None);
        let arrivals = [(1, urgency(0, 1)), (2, never), (3, urgency(5, 8)), (4, urgency(7, 9)), (5, urgency(5, 8)), (6, urgency(5, 2))];
        let mut waiting: Vec<_> = arrivals.into_iter().map(|(number, urgency)| (number, waits(&turns, number, urgency))).collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(turn);
            let mut called = waiting.iter_mut().enumerate().filter_map(|(place, (_, taking))| match poll(taking) {
                Poll::Ready(outcome) => Some((place, outcome.unwrap())),
                Poll::Pending => None,
            });
            let (place, next) = called.next().unwrap();
            assert!(called.next().is_none(), "one at a time");
            drop(called);
            order.push(waiting.remove(place).0);
            turn = next;
        }
        assert_eq!(order, [4, 1, 6, 2, 3, 5]);
    }

    #[test]
    fn who_has_more_at_stake_takes_the_place_of_the_last() {
        let turns = Turns::new(ONE, 2);
        let turn = take(&turns, 0, urgency(0, 1)).unwrap();
        let (mut poor, mut richer) = (waits(&turns, 1, urgency(0, 1)), waits(&turns, 2, urgency(3, 1)));
        assert_eq!(take(&turns, 3, urgency(0, 1)).unwrap_err(), Busy, "it has no more at stake than the last");
        let mut rich = waits(&turns, 4, urgency(9, 1));
        assert!(matches!(poll(&mut poor), Poll::Ready(Err(Busy))));
        drop(poor);
        // Who was displaced may come again.
        assert_eq!(take(&turns, 1, urgency(0, 1)).unwrap_err(), Busy);
        drop(turn);
        let Poll::Ready(Ok(turn)) = poll(&mut rich) else { panic!("not called") };
        let mut again = waits(&turns, 1, urgency(0, 1));
        drop(turn);
        let Poll::Ready(Ok(turn)) = poll(&mut richer) else { panic!("not called") };
        drop(turn);
        assert!(poll(&mut again).is_ready());
    }

    #[test]
    fn a_party_has_one_turn_at_a_time() {
        let turns = Turns::new(ONE, 9);
        let turn = take(&turns, 1, urgency(5, 1)).unwrap();
        assert_eq!(take(&turns, 1, urgency(9, 1)).unwrap_err(), Busy, "it has its turn");
        let mut waiting = waits(&turns, 2, urgency(5, 1));
        assert_eq!(take(&turns, 2, urgency(9, 1)).unwrap_err(), Busy, "it waits");
        drop(turn);
        let Poll::Ready(Ok(second)) = poll(&mut waiting) else { panic!("not called") };
        drop(waits(&turns, 1, urgency(5, 1)));
        drop((second, waiting));
        assert!(take(&turns, 2, urgency(5, 1)).is_ok());
    }

    #[test]
    fn who_gives_up_waiting_keeps_nobody_from_a_turn() {
        let turns = Turns::new(ONE, 2);
        let turn = take(&turns, 0, urgency(0, 1)).unwrap();
        let (first, second) = (waits(&turns, 1, urgency(9, 1)), waits(&turns, 2, urgency(5, 1)));
        drop(second);
        let mut third = waits(&turns, 3, urgency(1, 1));
        // It is called, and gives up before it looks.
        drop(turn);
        drop(first);
        let Poll::Ready(Ok(turn)) = poll(&mut third) else { panic!("not called") };
        drop(turn);
        assert!(take(&turns, 1, urgency(0, 1)).is_ok());
        assert_eq!(turns.queue().taken, 0);
        assert!(turns.queue().parties.is_empty());
    }

    #[tokio::test]
    async fn a_turn_ends_with_the_work_even_if_it_panics_or_nobody_waits_for_it() {
        let turns = Turns::new(ONE, 2);
        let turn = turns.take(party(1), urgency(0, 1)).await.unwrap();
        let panics = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            panic!("on purpose");
        });
        assert!(panics.await.is_err());

        let (turn, (begin, begun)) = (turns.take(party(1), urgency(0, 1)).await.unwrap(), std::sync::mpsc::channel());
        drop(tokio::task::spawn_blocking(move || {
            let _turn = turn;
            begun.recv().unwrap();
        }));
        let mut next = waits(&turns, 2, urgency(0, 1));
        assert!(poll(&mut next).is_pending(), "the work goes on");
        begin.send(()).unwrap();
        assert!(next.await.is_ok());
    }
}
