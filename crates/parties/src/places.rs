//! Which agreements a party that serves has at once: no more than it can keep all deadlines of.
//!
//! An agreement has a place from just before its acceptance until it has ended. Which have one is in the state, on disk before anything is accepted: a party
//! that was killed has not promised anybody more than it knows of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use verinfer_escrow_client::ClientError;
use verinfer_protocols::digest::AgreementId;

use crate::drive::Step;
use crate::error::PartyError;
use crate::load::Load;
use crate::store::{Store, StoreError};

/// The places for agreements that a party has accepted.
#[derive(Debug)]
pub struct Places {
    store: Arc<Store>,
    most: u16,
    /// One place is taken at a time, so that none is counted too late.
    claiming: Mutex<()>,
}

/// The loads of agreements that have a place, by name.
const PLACES: &str = "places";

impl Places {
    /// The places in a state, of which at most so many are taken.
    pub const fn new(store: Arc<Store>, most: u16) -> Self {
        Self { store, most, claiming: Mutex::new(()) }
    }

    /// How many there are.
    pub const fn most(&self) -> u16 {
        self.most
    }

    /// Accepts an agreement if there is a place and time for it, which it has from then on, unless it turns out not to be accepted.
    ///
    /// # Errors
    ///
    /// There is none, or `accept` fails.
    pub fn accept(&self, id: AgreementId, load: Load, accept: impl FnOnce() -> Result<Step, PartyError>) -> Result<Step, PartyError> {
        self.claim(id, load)?;
        let result = accept();
        let may_be_accepted = match &result {
            Ok(_) => true,
            // What was refused as busy may have been carried out before.
            Err(PartyError::Escrow(error)) => error.is_transient() || !matches!(error, ClientError::Refused { .. }),
            Err(_) => false,
        };
        if !may_be_accepted {
            self.free(id)?;
        }
        result
    }

    /// The agreements that have a place.
    pub fn taken(&self) -> BTreeSet<AgreementId> {
        named(&self.store, PLACES)
    }

    /// Frees the place of an agreement that has ended, or that is not accepted after all.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn free(&self, id: AgreementId) -> Result<(), StoreError> {
        if self.store.has(PLACES, &id.to_string()) { self.store.remove(PLACES, &id.to_string()) } else { Ok(()) }
    }

    fn claim(&self, id: AgreementId, load: Load) -> Result<(), PartyError> {
        // Whoever panicked has either written a place or not.
        let _turn = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loads: BTreeMap<String, Load> = self.store.list(PLACES).collect::<Result<_, _>>()?;
        let name = id.to_string();
        if loads.insert(name.clone(), load) == Some(load) {
            return Ok(());
        }
        if loads.len() > usize::from(self.most) {
            return Err(PartyError::NoPlace { most: self.most });
        }
        if !Load::fit(&loads.values().copied().collect::<Vec<_>>()) {
            return Err(PartyError::NoTime { others: loads.len().saturating_sub(1) });
        }
        Ok(self.store.put(PLACES, &name, &load)?)
    }
}

/// The agreements by whose names there are values in a scope.
pub(crate) fn named(store: &Store, scope: &str) -> BTreeSet<AgreementId> {
    store.names(scope).iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::time::Millis;

    use super::*;
    use crate::time::{Time, Work};

    const IDS: [AgreementId; 3] = [AgreementId([1; 32]), AgreementId([2; 32]), AgreementId([3; 32])];

    /// So many seconds of work, within ten.
    fn load(seconds: u32) -> Load {
        let time = Time { respond: Millis(0), item: Millis(0), inference: Millis(0), proof: Millis(1000), longest: Millis(10_000) };
        time.load(&[(Millis(10_000), Work { proofs: seconds, ..Work::default() })]).unwrap()
    }

    fn open(folder: &tempfile::TempDir, most: u16) -> Places {
        Places::new(Arc::new(Store::open(&folder.path().join("state")).unwrap()), most)
    }

    fn accepted() -> Result<Step, PartyError> {
        Ok(Step::Moved)
    }

    fn refused() -> Result<Step, PartyError> {
        Err(ClientError::Refused { status: 402, kind: "overdrawn".to_owned(), message: String::new() }.into())
    }

    fn is_full(places: &Places, id: AgreementId) -> bool {
        matches!(places.accept(id, load(0), || panic!("accepted")), Err(PartyError::NoPlace { .. }))
    }

    #[test]
    fn no_more_agreements_are_accepted_than_there_are_places_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let places = open(&folder, 2);
        assert_eq!(places.accept(IDS[0], load(0), accepted).unwrap(), Step::Moved);
        assert_eq!(places.accept(IDS[1], load(0), accepted).unwrap(), Step::Moved);
        assert!(is_full(&places, IDS[2]));
        drop(places);

        let places = open(&folder, 2);
        assert!(is_full(&places, IDS[2]));
        places.free(IDS[0]).unwrap();
        assert_eq!(places.accept(IDS[2], load(0), accepted).unwrap(), Step::Moved);
        assert!(is_full(&places, IDS[0]));
    }

    #[test]
    fn no_more_is_promised_at_once_than_can_be_done_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let places = open(&folder, 64);
        let has_no_time = |id, seconds| matches!(places.accept(id, load(seconds), || panic!()), Err(PartyError::NoTime { others: 1 | 2 }));
        assert_eq!(places.accept(IDS[0], load(6), accepted).unwrap(), Step::Moved);
        assert!(has_no_time(IDS[1], 5));
        assert_eq!(places.accept(IDS[1], load(4), accepted).unwrap(), Step::Moved);
        assert!(has_no_time(IDS[2], 1));
        // The same again, after a crash, is no more than before.
        assert_eq!(places.accept(IDS[0], load(6), accepted).unwrap(), Step::Moved);
        places.free(IDS[0]).unwrap();
        assert_eq!(places.accept(IDS[2], load(6), accepted).unwrap(), Step::Moved);
    }

    #[test]
    fn place_is_taken_while_an_agreement_is_accepted_and_free_if_the_escrow_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let places = open(&folder, 1);
        let result = places.accept(IDS[0], load(0), || {
            assert!(is_full(&places, IDS[1]));
            refused()
        });
        assert!(matches!(result, Err(PartyError::Escrow(_))));
        assert_eq!(places.accept(IDS[1], load(0), accepted).unwrap(), Step::Moved);
    }

    #[test]
    fn agreement_that_may_have_been_accepted_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let places = open(&folder, 1);
        let lost = || Err(ClientError::Answer { request: "the request".to_owned(), reason: "cut off".to_owned() }.into());
        assert!(places.accept(IDS[0], load(0), lost).is_err());
        assert!(is_full(&places, IDS[1]));
        assert_eq!(places.accept(IDS[0], load(0), accepted).unwrap(), Step::Moved);
    }
}
