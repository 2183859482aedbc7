//! How many agreements a party that serves has at once.
//!
//! An agreement has a place from its acceptance until it has ended. Which have one is in the state; what a party had just accepted when it was killed, it finds
//! in the escrow's list.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use verinfer_escrow_client::ClientError;
use verinfer_protocols::digest::AgreementId;

use crate::drive::Step;
use crate::error::PartyError;
use crate::store::{Store, StoreError};

/// The places for agreements that a party has accepted.
#[derive(Debug)]
pub struct Places {
    store: Arc<Store>,
    most: u16,
    /// Agreements that are just being accepted.
    accepting: Mutex<BTreeSet<AgreementId>>,
}

/// Names of agreements that have a place.
const TAKEN: &str = "taken";

impl Places {
    /// The places in a state, of which at most so many are taken.
    pub const fn new(store: Arc<Store>, most: u16) -> Self {
        Self { store, most, accepting: Mutex::new(BTreeSet::new()) }
    }

    /// How many there are.
    pub const fn most(&self) -> u16 {
        self.most
    }

    /// Accepts an agreement if there is a place for it, which it has from then on, unless the escrow refuses.
    ///
    /// # Errors
    ///
    /// There is none, or `accept` fails.
    pub fn accept(&self, id: AgreementId, accept: impl FnOnce() -> Result<Step, PartyError>) -> Result<Step, PartyError> {
        self.claim(id)?;
        let result = accept();
        // Held until the place is taken, so that nobody counts between.
        let mut accepting = self.accepting();
        accepting.remove(&id);
        let may_be_accepted = match &result {
            Ok(_) => true,
            Err(PartyError::Escrow(error)) => !matches!(error, ClientError::Refused { .. }),
            Err(_) => false,
        };
        if may_be_accepted {
            self.keep(id)?;
        }
        result
    }

    /// The agreements that have a place.
    pub fn taken(&self) -> BTreeSet<AgreementId> {
        named(&self.store, TAKEN)
    }

    /// Gives an agreement that was accepted its place, however many there are.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep(&self, id: AgreementId) -> Result<(), StoreError> {
        if self.store.has(TAKEN, &id.to_string()) { Ok(()) } else { self.store.put(TAKEN, &id.to_string(), &()) }
    }

    /// Frees the place of an agreement that has ended.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn free(&self, id: AgreementId) -> Result<(), StoreError> {
        if self.store.has(TAKEN, &id.to_string()) { self.store.remove(TAKEN, &id.to_string()) } else { Ok(()) }
    }

    fn claim(&self, id: AgreementId) -> Result<(), PartyError> {
        let mut accepting = self.accepting();
        let mut taken = self.taken();
        taken.extend(accepting.iter());
        if !taken.contains(&id) && taken.len() >= usize::from(self.most) {
            return Err(PartyError::NoPlace { most: self.most });
        }
        accepting.insert(id);
        Ok(())
    }

    fn accepting(&self) -> MutexGuard<'_, BTreeSet<AgreementId>> {
        // Whoever panicked has either put something in or not.
        self.accepting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agreements by whose names there are values in a scope.
pub(crate) fn named(store: &Store, scope: &str) -> BTreeSet<AgreementId> {
    store.names(scope).iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [AgreementId; 3] = [AgreementId([1; 32]), AgreementId([2; 32]), AgreementId([3; 32])];

    fn accepted() -> Result<Step, PartyError> {
        Ok(Step::Moved)
    }

    fn refused() -> Result<Step, PartyError> {
        Err(ClientError::Refused { status: 402, kind: "overdrawn".to_owned(), message: String::new() }.into())
    }

    fn is_full(places: &Places, id: AgreementId) -> bool {
        matches!(places.accept(id, || panic!("accepted")), Err(PartyError::NoPlace { .. }))
    }

    #[test]
    fn no_more_agreements_are_accepted_than_there_are_places_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Places::new(Arc::new(Store::open(&folder.path().join("state")).unwrap()), 2);
        let places = open();
        // One that was accepted when the party was killed.
        places.keep(IDS[0]).unwrap();
        assert_eq!(places.accept(IDS[1], accepted).unwrap(), Step::Moved);
        assert!(is_full(&places, IDS[2]));
        drop(places);

        let places = open();
        assert!(is_full(&places, IDS[2]));
        places.free(IDS[0]).unwrap();
        assert_eq!(places.accept(IDS[2], accepted).unwrap(), Step::Moved);
        assert!(is_full(&places, IDS[0]));
    }

    #[test]
    fn place_is_taken_while_an_agreement_is_accepted_and_free_if_the_escrow_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Arc::new(Store::open(&folder.path().join("state")).unwrap()), 1);
        let result = places.accept(IDS[0], || {
            assert!(is_full(&places, IDS[1]));
            refused()
        });
        assert!(matches!(result, Err(PartyError::Escrow(_))));
        assert_eq!(places.accept(IDS[1], accepted).unwrap(), Step::Moved);
    }

    #[test]
    fn agreement_that_may_have_been_accepted_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Arc::new(Store::open(&folder.path().join("state")).unwrap()), 1);
        let lost = || Err(ClientError::Answer { request: "the request".to_owned(), reason: "cut off".to_owned() }.into());
        assert!(places.accept(IDS[0], lost).is_err());
        assert!(is_full(&places, IDS[1]));
        assert_eq!(places.accept(IDS[0], accepted).unwrap(), Step::Moved);
    }
}
