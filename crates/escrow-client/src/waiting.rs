//! Long waits for others: who has to wait is told for what, and what no waiting mends fails at once.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::tls::distrust;

/// Shorter waits are not worth a word.
const NOTICEABLE: Duration = Duration::from_secs(1);

static TELL: OnceLock<fn(&str)> = OnceLock::new();

/// Has long waits told by `tell`, one line each; the first call counts. Without it nothing is said.
pub fn told_by(tell: fn(&str)) {
    let _ = TELL.set(tell);
}

/// One wait.
#[derive(Debug)]
pub struct Wait {
    since: Instant,
    told: bool,
}

impl Default for Wait {
    fn default() -> Self {
        Self { since: Instant::now(), told: false }
    }
}

impl Wait {
    /// For how long.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Tells once, after a second, that whoever is at `url` is waited for, and why.
    pub fn tell(&mut self, url: &str, reason: impl FnOnce() -> String) {
        if self.told || self.elapsed() < NOTICEABLE {
            return;
        }
        self.told = true;
        if let Some(tell) = TELL.get() {
            tell(&format!("waiting for {url}: {}", reason()));
        }
    }
}

/// Whether an attempt fails in the same way however often it is made: there is no such address, or nobody there whose certificate holds.
///
/// What does not follow the protocol may be an answer that was cut off, and counts as passing.
pub fn is_permanent(error: &ureq::Error) -> bool {
    let is_permanent = matches!(
        error,
        ureq::Error::BadUri(_)
            | ureq::Error::Http(_)
            | ureq::Error::HostNotFound
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::RedirectFailed
            | ureq::Error::TooManyRedirects
    );
    is_permanent || distrust(error).is_some()
}
