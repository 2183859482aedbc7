use std::path::Path;

use verinfer_relation::statement::Proof as File;

use crate::statement::Statement;
use crate::{Result, files};

/// A proof file: a statement, and the messages that prove it if it is true. That one can be read says nothing of it: [`crate::Verifier`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    bytes: Vec<u8>,
    file: File,
}

impl Proof {
    pub(crate) fn new(file: File) -> Self {
        Self { bytes: file.encode(), file }
    }

    /// Reads a proof file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or as [`Proof::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_bytes(&files::read(path.as_ref(), files::PROOF_LIMIT)?)
    }

    /// Of the bytes of a proof file, which may be hostile.
    ///
    /// # Errors
    ///
    /// They are not such a file, or damaged or of another version: a rejection.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = File::decode(bytes)?;
        Ok(Self { bytes: bytes.to_vec(), file })
    }

    /// The bytes of the proof file.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the proof file, whole or not at all.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write(path.as_ref(), &self.bytes)
    }

    /// What it claims, unverified.
    pub fn claims(&self) -> Statement {
        Statement::new(&self.file.statement)
    }

    #[doc(hidden)] // For this workspace: statements change.
    pub const fn file(&self) -> &File {
        &self.file
    }
}
