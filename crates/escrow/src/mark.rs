//! How far an escrow's log has come, written down outside of its database: a copy that was restored in its place shows that it is older.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use verinfer_files::WriteError;
use verinfer_protocols::digest::Digest;

use crate::error::ServiceError;
use crate::store::{Store, StoreError};

/// How often it is written down how far the log has come.
const BEAT: Duration = Duration::from_secs(1);

/// A place of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Entries.
    pub position: u64,
    /// Digest of them.
    pub digest: Digest,
}

/// What a log must go on from.
#[derive(Clone, Debug)]
pub struct Marks {
    /// The file that holds how far it has come.
    pub file: PathBuf,
    /// A place that somebody knows.
    pub not_before: Option<Mark>,
}

/// A text or file is no mark, cannot be read or written, or a log does not go on from one.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The text is none.
    #[error("expected POSITION:DIGEST, the number of an entry and the 64 hexadecimal digits of the log's digest there")]
    Form,
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The log is older than what is written down, or another one.
    #[error("the log does not go on from what is written in {}", file.display())]
    Behind {
        /// Where it is written.
        file: PathBuf,
        /// What is wrong with the log.
        #[source]
        cause: Box<StoreError>,
    },
    /// The database does not say how far its log has come.
    #[error(transparent)]
    Store(Box<StoreError>),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.digest)
    }
}

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, MarkError> {
        let (position, digest) = text.split_once(':').ok_or(MarkError::Form)?;
        Ok(Self { position: position.parse().map_err(|_| MarkError::Form)?, digest: digest.parse().map_err(|_| MarkError::Form)? })
    }
}

impl Marks {
    /// Checks that a store's log goes on from what is written down and known. Gives whether the file is there.
    ///
    /// # Errors
    ///
    /// It does not, the file cannot be read, or the database fails.
    pub async fn check(&self, store: &Store) -> Result<bool, ServiceError> {
        if let Some(mark) = self.not_before {
            store.check_mark(mark).await?;
        }
        let Some(mark) = read(&self.file)? else { return Ok(false) };
        match self.check_one(store, mark).await {
            Ok(()) => Ok(true),
            Err(MarkError::Store(cause)) => Err((*cause).into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn check_one(&self, store: &Store, mark: Mark) -> Result<(), MarkError> {
        store.check_mark(mark).await.map_err(|cause| {
            if matches!(cause, StoreError::Older { .. } | StoreError::OtherLog { .. }) {
                MarkError::Behind { file: self.file.clone(), cause: Box::new(cause) }
            } else {
                MarkError::Store(Box::new(cause))
            }
        })
    }

    /// Writes down how far a store's log has come, unless more is written already, which must be true, as must be what was found last.
    async fn go_on(&self, store: &Store, last: Option<Mark>) -> Result<Mark, MarkError> {
        // The file first: another process of the escrow may write down more of the log meanwhile.
        let written = read(&self.file)?;
        for mark in written.into_iter().chain(last.filter(|last| Some(*last) != written)) {
            self.check_one(store, mark).await?;
        }
        let head = store.head().await.map_err(|cause| MarkError::Store(Box::new(cause)))?;
        let mark = Mark { position: head.position, digest: head.digest };
        if written.is_none_or(|written| written.position < mark.position) {
            write(&self.file, mark)?;
        }
        Ok(mark)
    }
}

/// The mark in a file; nothing if there is no file.
///
/// # Errors
///
/// It cannot be read, or holds none.
pub fn read(path: &Path) -> Result<Option<Mark>, MarkError> {
    match std::fs::read_to_string(path) {
        Ok(text) => text.trim_end().parse().map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a mark into a file: it holds the one before or this one, also after a loss of power.
///
/// # Errors
///
/// It cannot be written.
pub fn write(path: &Path, mark: Mark) -> Result<(), MarkError> {
    Ok(verinfer_files::write_private(path, format!("{mark}\n").as_bytes(), true)?)
}

/// Writes the end of a store's log into the file, as often as it has gone on, until the log is not the one that was written down, which is said then.
pub async fn keep(store: Arc<Store>, marks: Marks) -> MarkError {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut has_failed) = (None, false);
    loop {
        beat.tick().await;
        match marks.go_on(&store, last).await {
            Ok(mark) => (last, has_failed) = (Some(mark), false),
            Err(error @ MarkError::Behind { .. }) => return error,
            // What the database says while it fails is somebody else's matter.
            Err(MarkError::Store(_)) => {}
            Err(error @ (MarkError::Form | MarkError::Read(_) | MarkError::Write(_))) => {
                if !has_failed {
                    tracing::error!(%error, file = %marks.file.display(), "how far the log has come cannot be written down");
                }
                has_failed = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        assert_eq!(read(&path).unwrap(), None);
        for position in [0, 7] {
            let mark = Mark { position, digest: Digest([3; 32]) };
            write(&path, mark).unwrap();
            assert_eq!(read(&path).unwrap(), Some(mark));
        }
        for wrong in ["", "7", "7:", ":00", "x:y"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(read(&path), Err(MarkError::Form)), "{wrong}");
        }
    }
}
