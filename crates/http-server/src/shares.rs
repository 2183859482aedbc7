//! What is in use, in all and by each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A quantity of which there is so much in all, and a part of it for each address.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: usize,
    /// Of all, what strangers may have.
    open: usize,
    each: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// Something that is in use until this is dropped.
#[derive(Debug)]
pub struct Claim {
    shares: Shares,
    address: IpAddr,
    /// Whether its address is known, so that no part is closed to it.
    is_known: bool,
    amount: usize,
}

impl Shares {
    /// `all` in all, of which strangers may have `open`; `each`, but not less than one, for an address.
    pub fn new(all: usize, open: usize, each: usize) -> Self {
        Self(Arc::new(Inner { all, open: open.min(all), each: each.max(1), used: Mutex::default() }))
    }

    /// Something of which nothing is in use yet.
    pub fn claim(&self, address: IpAddr, is_known: bool) -> Claim {
        Claim { shares: self.clone(), address, is_known, amount: 0 }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        // A thread that panicked has either counted or not.
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Whether there was so much more, which is then in use.
    #[must_use]
    pub fn grow(&mut self, amount: usize) -> bool {
        let Inner { all, open, each, .. } = *self.shares.0;
        let all = if self.is_known { all } else { open };
        let mut used = self.shares.used();
        let before = used.by.get(&self.address).copied().unwrap_or(0);
        let (Some(in_all), Some(own)) = (used.all.checked_add(amount), before.checked_add(amount)) else { return false };
        if in_all > all || own > each {
            return false;
        }
        used.all = in_all;
        used.by.insert(self.address, own);
        self.amount += amount;
        true
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut used = self.shares.used();
        used.all -= self.amount;
        if let Some(own) = used.by.get_mut(&self.address) {
            *own -= self.amount;
            if *own == 0 {
                used.by.remove(&self.address);
            }
        }
    }
}

/// Whom an address counts as: a network of IPv6 that is given to one customer has many addresses.
pub fn whom(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more_and_gives_it_back() {
        let shares = Shares::new(10, 10, 4);
        let mut claims: Vec<Claim> = (1..=3).map(|host| shares.claim(IpAddr::from([127, 0, 0, host]), false)).collect();
        assert!(claims[0].grow(3) && !claims[0].grow(2) && claims[0].grow(1) && !claims[0].grow(1));
        assert!(claims[1].grow(4) && !claims[2].grow(3) && claims[2].grow(2), "ten in all");
        assert!(!claims[2].grow(usize::MAX));
        claims.remove(0);
        assert!(claims[1].grow(2));
        drop(claims);
        let Used { all, by } = &*shares.used();
        assert_eq!((*all, by.len()), (0, 0));
    }

    #[test]
    fn a_part_is_for_who_is_known() {
        let shares = Shares::new(10, 6, 8);
        let [mut stranger, mut known] =
            [false, true].map(|is_known| shares.claim(IpAddr::from([127, 0, 0, 1 + u8::from(is_known)]), is_known));
        assert!(!stranger.grow(7) && stranger.grow(6) && !stranger.grow(1));
        assert!(known.grow(4) && !known.grow(1), "ten in all");
        drop(stranger);
        assert!(known.grow(4) && !known.grow(1), "its share");
    }

    #[test]
    fn a_network_counts_as_one() {
        let network = |address: &str| whom(address.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
