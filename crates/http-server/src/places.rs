//! Places for connections: who has one, and who gives way when all are taken.
//!
//! * An address has at most its share of them.
//! * When all are taken, a newcomer takes the oldest of the address that has most, if that has more than the newcomer then has itself: whoever holds many from
//!   few addresses keeps nobody out.
//! * A part is for addresses that are known ([`vouch`](crate::vouch)). They keep their places, and when there is no other they take those of strangers:
//!   whoever holds few from many addresses does not keep them out either.
//! * A trusted proxy's connections are those of many. They are never taken away.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How long an address is known from the last time that it was vouched for.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Addresses that are known at the same time; of more, those that were vouched for last.
const MOST_KNOWN: usize = 1 << 14;

/// Places for connections.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: usize,
    /// Of all, those that strangers may have.
    open: usize,
    each: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    by: HashMap<IpAddr, Held>,
    arrivals: u64,
    known: HashMap<IpAddr, Instant>,
}

/// What an address has.
#[derive(Debug, Default)]
struct Held {
    is_proxy: bool,
    /// By arrival; told when they have to give way.
    connections: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place that is taken until this is dropped, or it has to be given away.
#[derive(Debug)]
pub struct Place {
    places: Places,
    address: IpAddr,
    arrival: u64,
}

impl Places {
    /// `all` in all, of which strangers may have `open`; `each`, but not less than one, for an address.
    pub fn new(all: usize, open: usize, each: usize) -> Self {
        Self(Arc::new(Inner { all, open: open.min(all), each: each.max(1), state: Mutex::default() }))
    }

    /// A place for a connection of an address, which may be a trusted proxy's. What is given with it is told when the connection has to give way.
    pub fn take(&self, address: IpAddr, is_proxy: bool) -> Option<(Place, oneshot::Receiver<()>)> {
        let Inner { all, open, each, .. } = *self.0;
        let mut state = self.state();
        let own = state.by.get(&address).map_or(0, |held| held.connections.len());
        if !is_proxy && own >= each {
            return None;
        }
        let is_stranger = !is_proxy && !state.known.contains_key(&address);
        if state.taken >= if is_stranger { open } else { all } {
            state.displace(if is_stranger { own.saturating_add(1) } else { 0 })?;
        }
        let (tell, told) = oneshot::channel();
        state.taken = state.taken.saturating_add(1);
        state.arrivals = state.arrivals.saturating_add(1);
        let arrival = state.arrivals;
        let held = state.by.entry(address).or_default();
        held.is_proxy = is_proxy;
        held.connections.insert(arrival, tell);
        Some((Place { places: self.clone(), address, arrival }, told))
    }

    /// An address is known from now on.
    pub fn vouch(&self, address: IpAddr) {
        let mut state = self.state();
        state.known.insert(address, Instant::now());
        if state.known.len() > MOST_KNOWN
            && let Some(oldest) = state.known.iter().min_by_key(|&(_, at)| *at).map(|(&address, _)| address)
        {
            state.known.remove(&oldest);
        }
    }

    /// Whether an address is known.
    pub fn knows(&self, address: IpAddr) -> bool {
        self.state().known.contains_key(&address)
    }

    /// Forgets addresses that were not vouched for in a long time.
    pub fn forget(&self) {
        self.state().known.retain(|_, at| at.elapsed() < MEMORY);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has either counted or not.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the oldest place of the stranger that has most, if that has more than so many.
    fn displace(&mut self, more_than: usize) -> Option<()> {
        let Self { by, known, taken, .. } = self;
        let strangers = by.iter_mut().filter(|(address, held)| !held.is_proxy && !known.contains_key(address));
        let (_, most) = strangers.max_by_key(|(_, held)| held.connections.len())?;
        if most.connections.len() <= more_than {
            return None;
        }
        let (_, tell) = most.connections.pop_first()?;
        *taken = taken.saturating_sub(1);
        // Who has just gone need not be told.
        let _ = tell.send(());
        Some(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        let Some(held) = state.by.get_mut(&self.address) else { return };
        // It is not there any more if it has given way.
        let was_there = held.connections.remove(&self.arrival).is_some();
        if held.connections.is_empty() {
            state.by.remove(&self.address);
        }
        if was_there {
            state.taken = state.taken.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, host])
    }

    type Taken = (Place, oneshot::Receiver<()>);

    fn take(places: &Places, host: u8) -> Option<Taken> {
        places.take(address(host), false)
    }

    fn has_to_go(taken: &mut Taken) -> bool {
        taken.1.try_recv().is_ok()
    }

    #[test]
    fn who_holds_many_from_few_addresses_keeps_nobody_out() {
        let places = Places::new(8, 6, 3);
        let mut many: Vec<Taken> = [1, 1, 1, 2, 2, 2].into_iter().map(|host| take(&places, host).unwrap()).collect();
        assert!(take(&places, 1).is_none(), "it has its share");
        let mut new = take(&places, 3).unwrap();
        assert_eq!(many.iter_mut().filter_map(|taken| has_to_go(taken).then_some(taken.0.arrival)).count(), 1);
        let mut second = take(&places, 3).unwrap();
        // One and two have two each by now, and so has three.
        assert!(take(&places, 3).is_none() && !has_to_go(&mut new) && !has_to_go(&mut second));
        drop((many, new, second));
        let state = places.state();
        assert_eq!((state.taken, state.by.len()), (0, 0));
    }

    #[test]
    fn who_holds_few_from_many_addresses_does_not_keep_out_who_is_known() {
        let places = Places::new(8, 6, 3);
        let mut many: Vec<Taken> = (1..=6).map(|host| take(&places, host).unwrap()).collect();
        assert!(take(&places, 7).is_none(), "a stranger finds no place");
        places.vouch(address(7));
        assert!(places.knows(address(7)) && !places.knows(address(1)));
        let mut known: Vec<Taken> = (0..3).map(|_| take(&places, 7).unwrap()).collect();
        assert!(take(&places, 7).is_none(), "it has its share");
        // Two were free, and one was a stranger's.
        assert_eq!(many.iter_mut().filter_map(|taken| has_to_go(taken).then_some(())).count(), 1);
        many.remove(0);
        assert!(take(&places, 8).is_none() && known.iter_mut().all(|taken| !has_to_go(taken)));
    }

    #[test]
    fn proxies_keep_their_places_and_have_no_share() {
        let places = Places::new(4, 3, 1);
        let mut proxied: Vec<Taken> = (0..3).map(|_| places.take(address(1), true).unwrap()).collect();
        assert!(take(&places, 2).is_none() && proxied.iter_mut().all(|taken| !has_to_go(taken)));
        proxied.push(places.take(address(1), true).unwrap());
        assert!(places.take(address(1), true).is_none(), "there are no more");
        proxied.truncate(2);
        assert!(take(&places, 2).is_some());
    }

    #[test]
    fn not_more_addresses_are_known_than_there_is_memory_for() {
        let places = Places::new(4, 3, 1);
        for number in 0..=u32::try_from(MOST_KNOWN).unwrap() {
            places.vouch(IpAddr::from(number.to_be_bytes()));
        }
        assert_eq!(places.state().known.len(), MOST_KNOWN);
        assert!(!places.knows(IpAddr::from([0; 4])) && places.knows(IpAddr::from([0, 0, 0x40, 0])));
    }
}
