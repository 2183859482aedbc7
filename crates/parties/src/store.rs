//! What a party must not forget: one file, an SQLite database.
//!
//! The escrow knows how far an agreement is; a party has to keep only what nobody else has: its random choices, what it was sent, what it answered. Every
//! [`Store::put`] is on disk when it returns, with all that was kept before. A choice is made by [`Store::once`], which gives the same value after every restart.
//!
//! Only its owner can read the file and the side file that is there while something is written. What is forgotten is overwritten and gone from both. When a state
//! is opened, all of it is checked; damage is an error, and nothing is changed then.

mod database;
mod error;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use verinfer_protocols::digest::canonical;

pub use database::is_state_file;
use database::{Change, Database, FORMAT};
pub use error::StoreError;

/// The file of a party's state. One process at a time has it, until the last of its clones is dropped.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    database: Database,
    /// How many bytes each value has, by scope and name.
    values: BTreeMap<Key, u64>,
    /// Those that are not in the database yet; there may be earlier ones.
    waiting: BTreeMap<Key, Vec<u8>>,
    waiting_bytes: u64,
}

type Key = (String, String);

/// Bytes of values that wait, or are removed in one transaction; one value may be longer.
const BATCH: u64 = 1 << 23;

/// What a value takes besides its bytes, about.
const OVERHEAD: u64 = 256;

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// Another process has it, it is no state or a damaged one, or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::open(path)?;
        let values = database.keys()?;
        Ok(Self(Arc::new(Mutex::new(Kept { database, values, waiting: BTreeMap::new(), waiting_bytes: 0 }))))
    }

    /// Keeps a value, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn put<T: Serialize + ?Sized>(&self, scope: &str, name: &str, value: &T) -> Result<(), StoreError> {
        self.kept().put(scope, name, &canonical(value))
    }

    /// Keeps a value, in place of an earlier one, without waiting for the disk. A crash may lose it, but only with all that was kept later: who keeps much
    /// keeps a mark after it, with [`Store::put`], by which all of it counts.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn append<T: Serialize + ?Sized>(&self, scope: &str, name: &str, value: &T) -> Result<(), StoreError> {
        self.kept().append(scope, name, &canonical(value))
    }

    /// A value that was kept.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn get<T: DeserializeOwned>(&self, scope: &str, name: &str) -> Result<Option<T>, StoreError> {
        let bytes = self.kept().get(scope, name)?;
        bytes.map(|bytes| decode(scope, name, &bytes)).transpose()
    }

    /// Whether there is such a value.
    pub fn has(&self, scope: &str, name: &str) -> bool {
        self.kept().values.contains_key(&(scope.to_owned(), name.to_owned()))
    }

    /// The value that was kept, or else the one that is made now, kept before anybody sees it.
    ///
    /// # Errors
    ///
    /// It cannot be made, read or written.
    pub fn once<T, E>(&self, scope: &str, name: &str, make: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<StoreError>,
    {
        if let Some(value) = self.get(scope, name)? {
            return Ok(value);
        }
        let value = make()?;
        let mut kept = self.kept();
        // Two threads may have made one: the first counts.
        match kept.get(scope, name)? {
            Some(bytes) => Ok(decode(scope, name, &bytes)?),
            None => {
                kept.put(scope, name, &canonical(&value))?;
                Ok(value)
            }
        }
    }

    /// Forgets a value.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn remove(&self, scope: &str, name: &str) -> Result<(), StoreError> {
        self.kept().remove(vec![(scope.to_owned(), name.to_owned())])
    }

    /// Forgets all values of the scopes under `above/`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn forget(&self, above: &str) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let under = |scope: &str| scope.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
        let from = kept.values.range((above.to_owned(), String::new())..);
        let keys = from.map(|(key, _)| key).take_while(|(scope, _)| scope.starts_with(above));
        let keys = keys.filter(|(scope, _)| under(scope)).cloned().collect();
        kept.remove(keys)
    }

    /// All values of a scope, by name, ascending; each is read when it is asked for.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn list<T: DeserializeOwned>(&self, scope: &str) -> impl Iterator<Item = Result<(String, T), StoreError>> {
        let read = move |name: String| {
            let value = self.get(scope, &name)?;
            Ok(value.map(|value| (name, value)))
        };
        self.names(scope).into_iter().map(read).filter_map(Result::transpose)
    }

    /// The names of a scope's values, ascending.
    pub fn names(&self, scope: &str) -> Vec<String> {
        let kept = self.kept();
        let from = kept.values.range((scope.to_owned(), String::new())..);
        from.map(|(key, _)| key).take_while(|(other, _)| other == scope).map(|(_, name)| name.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What a thread that panicked has kept is either whole or told to nobody.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&self, scope: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (scope.to_owned(), name.to_owned());
        match self.waiting.get(&key) {
            Some(value) => Ok(Some(value.clone())),
            None if self.values.contains_key(&key) => self.database.get(scope, name).map(Some),
            None => Ok(None),
        }
    }

    /// Writes what waits, and one value more. If it fails, what waits still does, and an earlier value is still there.
    fn put(&mut self, scope: &str, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let last = (scope, name, Change::Put(value));
        self.database.change(waiting(&self.waiting).chain([last]))?;
        self.written();
        self.values.insert((scope.to_owned(), name.to_owned()), value.len() as u64);
        Ok(())
    }

    fn append(&mut self, scope: &str, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let bytes = value.len() as u64;
        if self.waiting_bytes + bytes > BATCH {
            return self.put(scope, name, value);
        }
        let key = (scope.to_owned(), name.to_owned());
        self.waiting.insert(key.clone(), value.to_vec());
        self.waiting_bytes += bytes + OVERHEAD;
        self.values.insert(key, bytes);
        Ok(())
    }

    /// In several transactions, so that the side file stays short.
    fn remove(&mut self, keys: Vec<Key>) -> Result<(), StoreError> {
        self.flush()?;
        let mut rest = keys.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let is_within = |key: &&Key| {
                let is_within = bytes <= BATCH;
                bytes += self.values.get(*key).map_or(0, |bytes| bytes + OVERHEAD);
                is_within
            };
            let batch: Vec<&Key> = rest.iter().take_while(is_within).collect();
            self.database.change(batch.iter().map(|(scope, name)| (scope.as_str(), name.as_str(), Change::Remove)))?;
            for key in &batch {
                self.values.remove(*key);
            }
            rest = rest.get(batch.len()..).unwrap_or_default();
        }
        Ok(())
    }

    /// Writes what waits.
    fn flush(&mut self) -> Result<(), StoreError> {
        if !self.waiting.is_empty() {
            self.database.change(waiting(&self.waiting))?;
            self.written();
        }
        Ok(())
    }

    fn written(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What waits may be lost, but need not be.
        let _ = self.flush();
    }
}

fn waiting(values: &BTreeMap<Key, Vec<u8>>) -> impl Iterator<Item = (&str, &str, Change<'_>)> {
    values.iter().map(|((scope, name), value)| (scope.as_str(), name.as_str(), Change::Put(value)))
}

/// The name of a value of which there are many: names are ordered as the numbers are.
pub fn numbered(index: u32) -> String {
    format!("{index:08}")
}

fn decode<T: DeserializeOwned>(scope: &str, name: &str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|reason| StoreError::Content { scope: scope.to_owned(), name: name.to_owned(), reason })
}

#[cfg(test)]
mod tests;
