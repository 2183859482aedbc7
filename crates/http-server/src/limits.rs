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
            patience: Duration::from_secs(15),
            requests_per_second: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
        }
    }
}
