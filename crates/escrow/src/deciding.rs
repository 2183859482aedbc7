//! Requests that are being decided on: no deadline after their reception is called meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use crate::clock::Clock;

/// When the requests were received that are being decided on, by agreement.
#[derive(Debug, Default)]
pub struct Decisions(Mutex<BTreeMap<AgreementId, Vec<Timestamp>>>);

/// A request is being decided on. Until it is dropped, no deadline after its reception is called.
#[derive(Debug)]
pub struct Deciding<'a> {
    decisions: &'a Decisions,
    agreement: AgreementId,
    /// When the request was received.
    pub received: Timestamp,
}

impl Decisions {
    /// A request about an agreement is received.
    pub fn begin(&self, agreement: AgreementId, clock: &Clock) -> Deciding<'_> {
        let mut decisions = self.lock();
        // The time is taken with the lock: a deadline that finds no request here is called before any that is received later.
        let received = clock.now();
        decisions.entry(agreement).or_default().push(received);
        Deciding { decisions: self, agreement, received }
    }

    /// Whether a request about an agreement is being decided on that was received before a deadline.
    pub fn are_pending(&self, agreement: AgreementId, deadline: Timestamp) -> bool {
        self.lock().get(&agreement).is_some_and(|received| received.iter().any(|&received| received < deadline))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgreementId, Vec<Timestamp>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        let mut decisions = self.decisions.lock();
        if let Some(received) = decisions.get_mut(&self.agreement) {
            if let Some(place) = received.iter().position(|&received| received == self.received) {
                received.swap_remove(place);
            }
            if received.is_empty() {
                decisions.remove(&self.agreement);
            }
        }
    }
}
