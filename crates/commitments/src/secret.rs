use std::fmt;

use verinfer_relation::commitment::Commitment;

use crate::error::{CommitError, FileError};
use crate::kind::Kind;
use crate::public;
use crate::reader::Reader;
use crate::salt::Salt;

/// First bytes of a secret file.
pub const MAGIC: [u8; 8] = *b"VERSECRT";

/// Version of the format.
const VERSION: u16 = 1;

/// The salt of a commitment. Whoever has it can test guesses of the committed values: it is to be kept as they are.
///
/// ```text
/// "VERSECRT"  8 bytes
/// version     u16      1, little-endian
/// kind        u8       0 model, 1 input, 2 output, 3 label
/// salt        1280 bytes
/// commitment  1024 bytes
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// What the commitment is to.
    pub kind: Kind,
    /// Its salt.
    pub salt: Salt,
    /// The commitment.
    pub commitment: Commitment,
}

/// Whether bytes begin as a secret file does.
pub fn is_secret_file(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl Secret {
    /// The secret file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(self.kind.byte());
        out.extend_from_slice(self.salt.as_slice());
        out.extend(self.commitment.to_bytes());
        out
    }

    /// Reads a secret file.
    ///
    /// # Errors
    ///
    /// The first fault of the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 8] = reader.array("magic").map_err(|_| FileError::NotSecret)?;
        match magic {
            MAGIC => {}
            public::MAGIC => return Err(FileError::IsPublic),
            _ => return Err(FileError::NotSecret),
        }
        let found = u16::from_le_bytes(reader.array("version")?);
        if found != VERSION {
            return Err(FileError::UnsupportedVersion { found, expected: VERSION });
        }
        let [byte] = reader.array("kind")?;
        let kind = Kind::from_byte(byte).ok_or(FileError::UnknownKind { found: byte })?;
        let salt = Box::new(reader.array("salt")?);
        let commitment = reader.commitment()?;
        reader.finish()?;
        Ok(Self { kind, salt, commitment })
    }

    /// Reads the secret file of a commitment of this kind.
    ///
    /// # Errors
    ///
    /// As [`Secret::decode`]; also if it is of another kind.
    pub fn decode_as(bytes: &[u8], expected: Kind) -> Result<Self, FileError> {
        let secret = Self::decode(bytes)?;
        if secret.kind == expected { Ok(secret) } else { Err(FileError::OtherKind { found: secret.kind, expected }) }
    }

    /// Demands that this is the secret of a commitment that has been computed anew with its salt.
    ///
    /// # Errors
    ///
    /// [`CommitError::Foreign`]: the committed value is another one.
    pub fn check(&self, recomputed: &Commitment) -> Result<(), CommitError> {
        if self.commitment == *recomputed { Ok(()) } else { Err(CommitError::Foreign { kind: self.kind }) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("kind", &self.kind).finish_non_exhaustive()
    }
}
