//! The ciphertexts of a transfer in a party's state: one by one, so that no more than one of them has to be in memory, and the list of their digests last, so
//! that after a crash either all of them count or none.

use serde::{Deserialize, Serialize};
use verinfer_protocols::digest::Digest;

use crate::store::{Store, StoreError, numbered};

/// The ciphertexts that a party has sealed in a transfer, or those that it has received.
#[derive(Debug)]
pub struct Kept<'a> {
    store: &'a Store,
    scope: String,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Of each ciphertext, in the order of the items.
    pub digests: Vec<Digest>,
    /// Of all ciphertexts.
    pub bytes: u64,
}

const LIST: &str = "list";

impl<'a> Kept<'a> {
    /// Those of a scope in which nothing else is.
    pub const fn new(store: &'a Store, scope: String) -> Self {
        Self { store, scope }
    }

    /// Whether all of them are kept.
    pub fn is_whole(&self) -> bool {
        self.store.has(&self.scope, LIST)
    }

    /// What is kept; nothing if it is not all of them.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn list(&self) -> Result<Option<List>, StoreError> {
        self.store.get(&self.scope, LIST)
    }

    /// Keeps ciphertexts in the order of the items. What was kept before a crash is kept anew.
    ///
    /// # Errors
    ///
    /// They cannot be written, or one of them is an error.
    pub fn keep<C: AsRef<[u8]>, E: From<StoreError>>(&self, ciphertexts: impl IntoIterator<Item = Result<C, E>>) -> Result<List, E> {
        let mut list = List { digests: Vec::new(), bytes: 0 };
        for (position, ciphertext) in (0..).zip(ciphertexts) {
            let ciphertext = ciphertext?;
            let bytes = ciphertext.as_ref();
            self.store.append(&self.scope, &numbered(position), bytes)?;
            list.digests.push(Digest::of_bytes(bytes));
            list.bytes += bytes.len() as u64;
        }
        self.store.put(&self.scope, LIST, &list)?;
        Ok(list)
    }

    /// The ciphertext of an item; nothing if it is not kept.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn get(&self, position: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(&self.scope, &numbered(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "agreement/stage/received";

    fn ciphertexts() -> Vec<Vec<u8>> {
        (1..=3).map(|byte| vec![byte; 10]).collect()
    }

    /// Whenever a crash comes, the list is there only with everything that it lists, and everything can be kept anew.
    #[test]
    fn no_part_of_a_transfer_counts_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let store = Store::open(&path).unwrap();
        for sealed in 0..=ciphertexts().len() {
            for (position, ciphertext) in (0..).zip(&ciphertexts()[..sealed]) {
                store.append(SCOPE, &numbered(position), ciphertext).unwrap();
            }
            // What is on disk now is what a crash leaves.
            let left = folder.path().join(format!("left {sealed}"));
            std::fs::copy(&path, &left).unwrap();
            let after = Store::open(&left).unwrap();
            let kept = Kept::new(&after, SCOPE.to_owned());
            assert!(!kept.is_whole() && kept.list().unwrap().is_none());
            let list = kept.keep(ciphertexts().into_iter().map(Ok::<_, StoreError>)).unwrap();
            assert_eq!((list.digests.len(), list.bytes), (3, 30));
            let again = folder.path().join(format!("again {sealed}"));
            std::fs::copy(&left, &again).unwrap();
            let after = Store::open(&again).unwrap();
            let kept = Kept::new(&after, SCOPE.to_owned());
            assert_eq!(kept.list().unwrap(), Some(list));
            for (position, ciphertext) in (0..).zip(ciphertexts()) {
                assert_eq!(kept.get(position).unwrap(), Some(ciphertext));
            }
            assert_eq!(kept.get(3).unwrap(), None);
        }
    }

    #[test]
    fn what_cannot_be_made_leaves_no_list() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let kept = Kept::new(&store, SCOPE.to_owned());
        let failing = ciphertexts().into_iter().map(Ok).chain([Err(StoreError::InUse { path: String::new() })]);
        assert!(kept.keep(failing).is_err());
        assert!(!kept.is_whole() && kept.list().unwrap().is_none());
        store.forget("agreement").unwrap();
        assert!(store.names(SCOPE).is_empty());
    }
}
