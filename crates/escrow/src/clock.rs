//! The escrow's clock: it goes on from where it was when the escrow was last up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use verinfer_protocols::time::{Millis, Timestamp};

/// Tells the escrow's time. It never goes back.
#[derive(Clone, Debug)]
pub enum Clock {
    /// Goes on with real time.
    Running {
        /// Its time at `since`.
        base: Timestamp,
        /// When it was started.
        since: Instant,
    },
    /// Stands still until it is set, for tests.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Goes on from a time.
    pub fn from(base: Timestamp) -> Self {
        Self::Running { base, since: Instant::now() }
    }

    /// Stands at a time.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(at.0)))
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Running { base, since } => base.after(Millis(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Sets a manual clock forward; a running one cannot be set.
    pub fn set(&self, to: Timestamp) {
        if let Self::Manual(at) = self {
            at.fetch_max(to.0, Ordering::SeqCst);
        }
    }
}

/// The time of the machine, where a new escrow's clock begins.
pub fn machine_time() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
