//! The SQLite database of a state: one table, of which every row has a checksum.
//!
//! What is committed is in the database's file alone (`journal_mode = TRUNCATE`): the side file matters only for a transaction that a crash has cut off, so
//! that no damage to it takes away what was committed. A write-ahead log would hold committed rows that SQLite drops without a word where a bit has flipped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, absolute};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::{Key, StoreError};

/// What SQLite files begin with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// What states began with before they were databases.
const JOURNAL: &[u8] = b"VERSTATE";
/// `application_id`, "VRST".
const APPLICATION: i32 = 0x5652_5354;
/// Where it is in the file.
const APPLICATION_AT: std::ops::Range<usize> = 68..72;
/// `user_version`: the state's format, and that of what parties keep in it.
pub const FORMAT: i64 = 4;

const TABLE: &str =
    "CREATE TABLE kept (scope TEXT NOT NULL, name TEXT NOT NULL, checksum BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (scope, name))";

/// Whether bytes begin as a party's state does, or did in format 1.
pub fn is_state_file(bytes: &[u8]) -> bool {
    let is_ours = || bytes.get(APPLICATION_AT) == Some(&APPLICATION.to_be_bytes()[..]);
    bytes.starts_with(JOURNAL) || bytes.starts_with(SQLITE) && is_ours()
}

/// A database that this process has alone.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: String,
}

/// What one transaction changes.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    Put(&'a [u8]),
    Remove,
}

impl Database {
    /// Opens a file, or makes it, and checks all of it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // No name is special, as ":memory:" would be.
        let path = &absolute(path)?;
        // SQLite gives its side files the same mode.
        let is_new = verinfer_files::create_private_whole(path, make)?;
        let shown = path.display().to_string();
        let failed = |cause| StoreError::of(&shown, cause);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let is_empty = match take(&connection) {
            Ok(is_empty) => is_empty,
            // Only now: whoever closes a file gives up this process's locks on it.
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::NotADatabase) => return Err(foreign(path, shown, &cause)?),
            Err(cause) => return Err(failed(cause)),
        };
        let database = Self { connection, path: shown };
        if !is_empty {
            database.check()?;
        }
        if !is_new {
            verinfer_files::close_to_others(path)?;
        }
        Ok(database)
    }

    /// That the file is a state of this format, and a whole database.
    fn check(&self) -> Result<(), StoreError> {
        let path = || self.path.clone();
        if self.number("application_id")? != i64::from(APPLICATION) {
            return Err(StoreError::NotAState { path: path() });
        }
        let found = self.number("user_version")?;
        if found != FORMAT {
            return Err(StoreError::OtherFormat { path: path(), found });
        }
        let query = "SELECT sql FROM sqlite_schema WHERE type = 'table'";
        let table: Option<String> =
            self.connection.query_row(query, [], |row| row.get(0)).optional().map_err(|cause| self.damaged(cause))?;
        if table.as_deref() != Some(TABLE) {
            return Err(StoreError::DamagedFile { path: path(), reason: "its table is another one".to_owned() });
        }
        let reason: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|cause| self.damaged(cause))?;
        if reason != "ok" {
            return Err(StoreError::DamagedFile { path: path(), reason });
        }
        Ok(())
    }

    /// Scope, name and length of all values, each of which is what was kept.
    pub fn keys(&self) -> Result<BTreeMap<Key, u64>, StoreError> {
        let failed = |cause| self.failed(cause);
        let mut keys = BTreeMap::new();
        let mut query = self.connection.prepare("SELECT scope, name, checksum, value FROM kept").map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let text = |column| row.get_ref(column).ok().and_then(|text| text.as_bytes().ok()).unwrap_or_default();
            let [scope, name] = [0, 1].map(|column| String::from_utf8_lossy(text(column)).into_owned());
            let value = text(3);
            if text(2) != checksum(&scope, &name, value) {
                return Err(StoreError::Damaged { path: self.path.clone(), scope, name });
            }
            keys.insert((scope, name), value.len() as u64);
        }
        Ok(keys)
    }

    /// A value that is there.
    pub fn get(&self, scope: &str, name: &str) -> Result<Vec<u8>, StoreError> {
        let failed = |cause| self.failed(cause);
        let damaged = || StoreError::Damaged { path: self.path.clone(), scope: scope.to_owned(), name: name.to_owned() };
        let query = "SELECT checksum, value FROM kept WHERE scope = ?1 AND name = ?2";
        let mut query = self.connection.prepare(query).map_err(failed)?;
        let mut rows = query.query([scope, name]).map_err(failed)?;
        let row = rows.next().map_err(failed)?.ok_or_else(damaged)?;
        let bytes = |column| row.get_ref(column).ok().and_then(|bytes| bytes.as_bytes().ok()).unwrap_or_default();
        let value = bytes(1);
        if bytes(0) == checksum(scope, name, value) { Ok(value.to_vec()) } else { Err(damaged()) }
    }

    /// Makes changes: all of them are on disk when it returns, or none if it fails.
    pub fn change<'a>(&mut self, changes: impl IntoIterator<Item = (&'a str, &'a str, Change<'a>)>) -> Result<(), StoreError> {
        let Self { connection, path } = self;
        let failed = |cause| StoreError::of(path, cause);
        // Whatever fails, it is rolled back when it is dropped.
        let transaction = connection.transaction().map_err(failed)?;
        for (scope, name, change) in changes {
            let changed = match change {
                Change::Put(value) => {
                    let put = "INSERT INTO kept (scope, name, checksum, value) VALUES (?1, ?2, ?3, ?4) \
                               ON CONFLICT DO UPDATE SET checksum = excluded.checksum, value = excluded.value";
                    transaction.execute(put, params![scope, name, checksum(scope, name, value), value])
                }
                Change::Remove => transaction.execute("DELETE FROM kept WHERE scope = ?1 AND name = ?2", [scope, name]),
            };
            changed.map_err(|cause| match cause.sqlite_error_code() {
                Some(ErrorCode::TooBig) => StoreError::TooLong { scope: scope.to_owned(), name: name.to_owned() },
                _ => failed(cause),
            })?;
        }
        transaction.commit().map_err(failed)
    }

    fn number(&self, pragma: &str) -> Result<i64, StoreError> {
        self.connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, cause)
    }

    /// As [`Self::failed`]; a question that this file does not understand is damage, too.
    fn damaged(&self, cause: rusqlite::Error) -> StoreError {
        if cause.sqlite_error_code() == Some(ErrorCode::Unknown) {
            StoreError::DamagedFile { path: self.path.clone(), reason: cause.to_string() }
        } else {
            self.failed(cause)
        }
    }

    /// Lets the database have so many pages, as a full disk would.
    #[cfg(test)]
    pub fn limit_pages(&self, more: i64) {
        let most = self.number("page_count").unwrap() + more;
        let _: i64 = self.connection.query_row(&format!("PRAGMA max_page_count = {most}"), [], |row| row.get(0)).unwrap();
    }
}

/// Makes an empty state. It gets its name only afterwards, so that who is killed meanwhile leaves no half of one.
fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::of(&path.display().to_string(), cause);
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.execute_batch(&format!("PRAGMA auto_vacuum = FULL; BEGIN EXCLUSIVE; {}; COMMIT", empty())).map_err(failed)?;
    connection.close().map_err(|(_, cause)| failed(cause))
}

/// What an empty state holds.
fn empty() -> String {
    format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; {TABLE}")
}

/// Takes the database for this process, and says how it is to be kept. Whether it was empty: then its table is made.
fn take(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF",
    )?;
    // From here on nobody else writes, and after the transaction nobody reads: locks are kept.
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let is_empty = pages == 0;
    let mode = "PRAGMA journal_mode = TRUNCATE";
    let take = if is_empty {
        format!("PRAGMA auto_vacuum = FULL; {mode}; BEGIN EXCLUSIVE; {}; COMMIT", empty())
    } else {
        format!("{mode}; BEGIN EXCLUSIVE; COMMIT")
    };
    connection.execute_batch(&take)?;
    Ok(is_empty)
}

/// What a file is that SQLite does not read.
fn foreign(path: &Path, shown: String, cause: &rusqlite::Error) -> Result<StoreError, StoreError> {
    let mut head = Vec::new();
    File::open(path)?.take(SQLITE.len() as u64).read_to_end(&mut head)?;
    Ok(if head.starts_with(JOURNAL) {
        StoreError::Journal { path: shown }
    } else if head == SQLITE {
        StoreError::DamagedFile { path: shown, reason: cause.to_string() }
    } else {
        StoreError::NotAState { path: shown }
    })
}

/// BLAKE3 of the lengths and bytes of scope, name and value.
fn checksum(scope: &str, name: &str, value: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [scope.as_bytes(), name.as_bytes(), value] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}
