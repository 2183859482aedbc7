//! Reading files no further than those of their kind go.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use verinfer_import::{HEAD_BYTES, Importers};

use crate::{Error, Result};

/// Longest model, picture or array that is read, in bytes.
pub const MODEL_LIMIT: u64 = 1 << 30;
/// Longest picture or array, in bytes.
pub const INPUT_LIMIT: u64 = 1 << 28;
/// Longest file of a commitment, in bytes: an architecture has at most 4 MiB.
pub const COMMITMENT_LIMIT: u64 = 1 << 23;
/// Longest proof, in bytes, where it is not known what it is about.
pub const PROOF_LIMIT: u64 = 1 << 28;

/// Reads a whole file of at most `limit` bytes; of a longer one hardly more than that.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    read_if(path, |_| Some(limit))
}

/// Reads a model file, of another one as much as tells what it is.
pub fn read_model(path: &Path) -> Result<Vec<u8>> {
    read_if(path, model_limit)
}

/// Bytes that are read of a file that begins so if it is a model, or an archive, whose end says what it holds.
pub fn model_limit(head: &[u8]) -> Option<u64> {
    (Importers::default().of(head).is_some() || head.starts_with(b"PK")).then_some(MODEL_LIMIT)
}

/// As [`read`], with a limit that its first bytes say; these alone if it is not what is looked for.
pub fn read_if(path: &Path, limit: impl FnOnce(&[u8]) -> Option<u64>) -> Result<Vec<u8>> {
    let cannot_read = |source| Error::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(cannot_read)?;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(cannot_read)?;
    let Some(limit) = limit(&bytes) else { return Ok(bytes) };
    file.take(limit.saturating_add(1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes).map_err(cannot_read)?;
    if bytes.len() as u64 > limit { Err(Error::FileTooLong { path: path.to_path_buf(), limit }) } else { Ok(bytes) }
}

/// Writes a file, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    verinfer_files::write(path, bytes).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// Writes a file that only its owner can read; one that is there is not replaced.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    verinfer_files::write_private(path, bytes, false).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}
