use verinfer_relation::commitment::{COMMITMENT_BYTES, Commitment};

use crate::error::FileError;

/// Reads the fields of a file one after the other.
pub struct Reader<'a> {
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, rest: bytes }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], FileError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(FileError::Truncated { field, offset: self.bytes.len() })?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FileError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(field, N)?);
        Ok(out)
    }

    /// The next commitment.
    pub fn commitment(&mut self) -> Result<Commitment, FileError> {
        Ok(Commitment::from_bytes(self.take("commitment", COMMITMENT_BYTES)?)?)
    }

    /// Demands that nothing is left.
    pub const fn finish(self) -> Result<(), FileError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(FileError::TrailingBytes { extra }),
        }
    }
}
