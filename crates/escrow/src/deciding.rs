//! Requests that are being decided on: no deadline after their reception is called meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::time::Timestamp;

use crate::clock::Clock;

/// When the requests were received that are being decided on, by agreement.
#[derive(Debug, Default)]
pub struct Decisions {
    pending: Mutex<BTreeMap<AgreementId, Vec<Timestamp>>>,
    /// Those that were waiting when the escrow was stopped, and may come again.
    held: Mutex<Vec<(AgreementId, Timestamp)>>,
}

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

    /// A request about an agreement comes again that was received then.
    pub fn resume(&self, agreement: AgreementId, received: Timestamp) -> Deciding<'_> {
        self.lock().entry(agreement).or_default().push(received);
        Deciding { decisions: self, agreement, received }
    }

    /// Requests about these agreements, received then, may come again.
    pub fn hold(&self, waited: Vec<(AgreementId, Timestamp)>) {
        *self.held() = waited;
    }

    /// No more of those that [`Decisions::hold`] is about will come.
    pub fn release(&self) {
        self.held().clear();
    }

    /// Whether a request about an agreement that waited when the escrow was stopped may come again: only then does it count when it was first received.
    pub fn may_return(&self, agreement: AgreementId) -> bool {
        self.held().iter().any(|&(other, _)| other == agreement)
    }

    /// Whether a request about an agreement is being decided on, or may come again, that was received before a deadline.
    pub fn are_pending(&self, agreement: AgreementId, deadline: Timestamp) -> bool {
        let is_held = self.held().iter().any(|&(other, received)| other == agreement && received < deadline);
        is_held || self.lock().get(&agreement).is_some_and(|received| received.iter().any(|&received| received < deadline))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AgreementId, Vec<Timestamp>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, Vec<(AgreementId, Timestamp)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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
