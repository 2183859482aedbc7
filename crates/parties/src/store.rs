//! What a party must not forget: one file, to which is only ever appended.
//!
//! The escrow knows how far an agreement is; a party has to keep only what nobody else has: its random choices, what it was sent, what it answered. Every
//! [`Store::put`] is on disk when it returns, with all that was kept before. A choice is made by [`Store::once`], which gives the same value after every restart.
//!
//! ```text
//! "VERSTATE" 8 bytes, then records:
//! len        u32, little-endian: of the content
//! checksum   first 16 bytes of BLAKE3 of the content
//! content    postcard: scope, name, and the value's bytes, or nothing if it was removed
//! ```
//!
//! A file of which most no longer counts is written anew. The last record for a scope and name counts. A record that a crash has cut off is the last one, nobody has been told of it, and it is cut off altogether.

mod journal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use verinfer_protocols::digest::canonical;

pub use journal::is_state_file;
use journal::{Journal, Place};

/// The file of a party's state. One process at a time has it.
#[derive(Debug)]
pub struct Store(Mutex<Kept>);

/// Where in the journal everything is.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    journal: Journal,
    /// By scope and name.
    places: BTreeMap<(String, String), Place>,
    /// Bytes of the records that count.
    live: u64,
}

/// Bytes that may no longer count before a file is written anew while it is in use.
const SLACK: u64 = 1 << 26;

/// Why a state cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the state {path} is in use by another process")]
    InUse {
        /// The file.
        path: String,
    },
    /// The file is something else.
    #[error("{path} is not the state of a party")]
    NotAState {
        /// The file.
        path: String,
    },
    /// A value is longer than a record can be.
    #[error("`{name}` of `{scope}` is too long to be kept")]
    TooLong {
        /// What it belongs to.
        scope: String,
        /// What it is.
        name: String,
    },
    /// The file cannot be used.
    #[error("the state cannot be kept: {0}")]
    File(std::io::Error),
    /// What is there is not what this program writes.
    #[error("the state's `{name}` of `{scope}` cannot be read: {reason}")]
    Content {
        /// What it belongs to.
        scope: String,
        /// What it is.
        name: String,
        /// What is wrong.
        reason: postcard::Error,
    },
}

impl From<std::io::Error> for StoreError {
    fn from(cause: std::io::Error) -> Self {
        Self::File(cause)
    }
}

impl Store {
    /// Opens the file, or makes it. If most of it no longer counts, it is written anew.
    ///
    /// # Errors
    ///
    /// Another process has it, it is no state, or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (journal, places) = Journal::open(path)?;
        let live = places.values().map(Place::record_bytes).sum();
        let mut kept = Kept { path: path.to_owned(), journal, places, live };
        kept.tidy(0)?;
        Ok(Self(Mutex::new(kept)))
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
        self.kept().places.contains_key(&(scope.to_owned(), name.to_owned()))
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
        let from = kept.places.range((above.to_owned(), String::new())..);
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
        let from = kept.places.range((scope.to_owned(), String::new())..);
        from.map(|(key, _)| key).take_while(|(other, _)| other == scope).map(|(_, name)| name.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // What a thread that panicked has appended is either whole or told to nobody.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&self, scope: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let place = self.places.get(&(scope.to_owned(), name.to_owned()));
        place.map(|place| self.journal.value(place)).transpose()
    }

    fn put(&mut self, scope: &str, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let place = self.journal.append(scope, name, Some(value))?;
        self.journal.sync()?;
        self.insert(scope, name, place);
        Ok(())
    }

    fn append(&mut self, scope: &str, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let place = self.journal.append(scope, name, Some(value))?;
        self.insert(scope, name, place);
        Ok(())
    }

    fn insert(&mut self, scope: &str, name: &str, place: Place) {
        self.live += place.record_bytes();
        if let Some(earlier) = self.places.insert((scope.to_owned(), name.to_owned()), place) {
            self.live -= earlier.record_bytes();
        }
    }

    fn remove(&mut self, keys: Vec<(String, String)>) -> Result<(), StoreError> {
        for (scope, name) in &keys {
            self.journal.append(scope, name, None)?;
        }
        self.journal.sync()?;
        for key in &keys {
            if let Some(place) = self.places.remove(key) {
                self.live -= place.record_bytes();
            }
        }
        self.tidy(SLACK)
    }

    /// Writes the file anew if most of it no longer counts, and so many bytes more.
    fn tidy(&mut self, slack: u64) -> Result<(), StoreError> {
        if self.journal.bytes() / 2 > self.live + slack
            && let Some((journal, places)) = self.journal.rewrite(&self.path, &self.places)?
        {
            self.live = places.values().map(Place::record_bytes).sum();
            (self.journal, self.places) = (journal, places);
        }
        Ok(())
    }
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
