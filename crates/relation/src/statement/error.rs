use super::{MAX_CONTEXT_BYTES, VERSION};
use crate::commitment::CommitmentError;

/// Why bytes are not a proof file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The file ends inside a field.
    #[error("the file ends inside `{field}` at byte {offset}")]
    Truncated {
        /// Field being read.
        field: &'static str,
        /// Where the file ends.
        offset: usize,
    },
    /// The first bytes are not [`MAGIC`].
    #[error("this is not a Verinfer proof")]
    NotAProof,
    /// Another version.
    #[error("the proof has version {found}; this verifier reads version {VERSION}")]
    UnsupportedVersion {
        /// Version in the file.
        found: u16,
    },
    /// The byte that says in which form a field is has no meaning.
    #[error("`{field}` is in the unknown form {found}")]
    UnknownForm {
        /// Field being read.
        field: &'static str,
        /// Byte in the file.
        found: u8,
    },
    /// A commitment is not the encoding of one.
    #[error("`{field}`: {reason}")]
    Commitment {
        /// Field being read.
        field: &'static str,
        /// What is wrong with it.
        reason: CommitmentError,
    },
    /// A type byte is neither 0 nor 1.
    #[error("`{field}` has an unknown type {found}")]
    UnknownType {
        /// Field being read.
        field: &'static str,
        /// Byte in the file.
        found: u8,
    },
    /// The batch is empty.
    #[error("the proof is about no image")]
    NoImages,
    /// A tensor is empty, or its size in all images overflows.
    #[error("`{field}` has the impossible shape {height}x{width}x{channels}")]
    ImpossibleShape {
        /// Field being read.
        field: &'static str,
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Channels.
        channels: u32,
    },
    /// The context is longer than [`MAX_CONTEXT_BYTES`].
    #[error("the context has {len} bytes; at most {MAX_CONTEXT_BYTES} are allowed")]
    ContextTooLong {
        /// Its length.
        len: usize,
    },
    /// Bytes follow the body.
    #[error("{extra} bytes follow the end of the proof")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// The file is longer than a proof of what it is about can be.
    #[error("the proof says that it has {needed} bytes or more; of what it is to be about it has at most {limit}")]
    TooLong {
        /// What it says at least.
        needed: usize,
        /// What it may have.
        limit: usize,
    },
}
