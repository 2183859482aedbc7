use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// What strangers may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Bytes of a body, where the handler of a request allows no more or less.
    pub body_bytes: usize,
    /// Bytes of all bodies that are being read or worked on at the same time, but for the first 64 KiB of each, and of the answers for which [`Room`](crate::Room) was taken.
    pub bodies_bytes: usize,
    /// One address has at most one part in so many of the connections and of the bodies' bytes. A [proxy](crate::Proxies) has no share of connections: its clients have theirs of bodies.
    pub shares: NonZeroUsize,
    /// One part in so many of the connections and of the bodies' bytes is for addresses that are known: from which somebody whom the server knows has
    /// [asked](crate::vouch) within a day. None where nobody is known.
    pub kept: Option<NonZeroUsize>,
    /// How long the header of a request may take, then its body, how long an answer may wait to be read on, and how long one that takes room may be read.
    pub patience: Duration,
    /// Requests of one address in a second, on average; as many again at once.
    pub requests_per_second: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            body_bytes: 1 << 22,
            bodies_bytes: 1 << 28,
            shares: NonZeroUsize::MIN.saturating_add(3),
            kept: Some(NonZeroUsize::MIN.saturating_add(3)),
            patience: Duration::from_secs(15),
            requests_per_second: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl Limits {
    /// Of so much, what strangers may have.
    pub(crate) const fn open(&self, all: usize) -> usize {
        match self.kept {
            Some(parts) => all.saturating_sub(all / parts.get()),
            None => all,
        }
    }
}
