//! How far an escrow's log has come, written down outside of its database: a copy that was restored in its place shows that it is older.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use verinfer_files::WriteError;
use verinfer_protocols::digest::Digest;

use crate::store::Store;

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

/// A text or file is no mark, or cannot be read or written.
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

/// Writes the end of a store's log into a file, as often as it has gone on, until this is dropped.
pub async fn keep(store: Arc<Store>, path: PathBuf, mut last: Option<Mark>) {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_failed = false;
    loop {
        beat.tick().await;
        // What the database says while it fails is somebody else's matter.
        let Ok(head) = store.head().await else { continue };
        let mark = Mark { position: head.position, digest: head.digest };
        if last.is_some_and(|last| mark.position <= last.position) {
            continue;
        }
        match write(&path, mark) {
            Ok(()) => (last, has_failed) = (Some(mark), false),
            Err(error) if !has_failed => {
                tracing::error!(%error, file = %path.display(), "how far the log has come cannot be written down");
                has_failed = true;
            }
            Err(_) => {}
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
