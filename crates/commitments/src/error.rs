use verinfer_graph::{ArchitectureError, GraphError, Shape};
use verinfer_relation::RelationError;
use verinfer_relation::commitment::CommitmentError;
use verinfer_relation::envelope::EnvelopeError;

use crate::kind::Kind;

/// Why there is no commitment to a value.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The network cannot be hidden, or the values have no commitment.
    #[error(transparent)]
    Relation(#[from] RelationError),
    /// The values have no commitment.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// The architecture is one that nobody could read.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// No network has a tensor of this shape.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Another number of values than the tensor has.
    #[error("{found} values for a tensor of {shape}")]
    Length {
        /// Values.
        found: usize,
        /// The tensor.
        shape: Shape,
    },
    /// A value that the tensor's type does not have.
    #[error("element {index} is {value}, which is not in {min}..={max}")]
    Value {
        /// Index in NHWC order.
        index: usize,
        /// The value.
        value: i16,
        /// Smallest of the type.
        min: i16,
        /// Largest of the type.
        max: i16,
    },
    /// A label beyond the two bytes that it has.
    #[error("class {label} is impossible: labels are below 65536")]
    Label {
        /// The class.
        label: u32,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {reason}")]
    Randomness {
        /// What it says.
        reason: String,
    },
    /// A secret was made for another value of its kind.
    #[error("this secret belongs to another {kind}")]
    Foreign {
        /// What it is the secret of.
        kind: Kind,
    },
}

/// Why bytes are not the file of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The first bytes are not those of a public file.
    #[error("this is not the public file of a commitment")]
    NotPublic,
    /// The first bytes are not those of a secret file.
    #[error("this is not the secret file of a commitment")]
    NotSecret,
    /// A secret file in the place of a public one.
    #[error("this is the secret file of a commitment, which nobody else may see; its public file is needed here")]
    IsSecret,
    /// A public file in the place of a secret one.
    #[error("this is the public file of a commitment; its secret file is needed here")]
    IsPublic,
    /// Another version.
    #[error("the file has version {found}; this program reads version {expected}")]
    UnsupportedVersion {
        /// Version in the file.
        found: u16,
        /// The one that is read.
        expected: u16,
    },
    /// A kind that does not exist.
    #[error("the file is about an unknown kind of value, {found}")]
    UnknownKind {
        /// Byte in the file.
        found: u8,
    },
    /// Another kind than is needed.
    #[error("this belongs to a commitment to {}, not to {}", found.with_article(), expected.with_article())]
    OtherKind {
        /// Kind in the file.
        found: Kind,
        /// Kind needed.
        expected: Kind,
    },
    /// The file ends inside a field.
    #[error("the file ends inside `{field}` at byte {offset}")]
    Truncated {
        /// Field being read.
        field: &'static str,
        /// Where the file ends.
        offset: usize,
    },
    /// Bytes follow the last field.
    #[error("{extra} bytes follow the end of the file's content")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// The commitment is not the encoding of one.
    #[error("the file's commitment is malformed: {0}")]
    Commitment(CommitmentError),
    /// The architecture is not the encoding of one.
    #[error("the file's architecture is malformed: {0}")]
    Architecture(ArchitectureError),
    /// The public part of the multipliers is impossible.
    #[error("the file's envelope is impossible: {0}")]
    Envelope(EnvelopeError),
    /// A type byte is neither 0 nor 1.
    #[error("the file's tensor has an unknown type {found}")]
    UnknownType {
        /// Byte in the file.
        found: u8,
    },
    /// A tensor is empty or too large for a commitment.
    #[error("the file's tensor has the impossible shape {height}x{width}x{channels}")]
    ImpossibleShape {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Channels.
        channels: u32,
    },
}

impl From<CommitmentError> for FileError {
    fn from(cause: CommitmentError) -> Self {
        Self::Commitment(cause)
    }
}

impl From<ArchitectureError> for FileError {
    fn from(cause: ArchitectureError) -> Self {
        Self::Architecture(cause)
    }
}

impl From<EnvelopeError> for FileError {
    fn from(cause: EnvelopeError) -> Self {
        Self::Envelope(cause)
    }
}
