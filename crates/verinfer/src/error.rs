use std::io;
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use verinfer_commitments::{CommitError, FileError};
use verinfer_estimate::TooMuchMemory;
use verinfer_files::WriteError;
use verinfer_graph::GraphError;
use verinfer_import::{ImportError, InputError};
use verinfer_prover::ProveError;
use verinfer_relation::RelationError;
use verinfer_relation::statement::FormatError;
use verinfer_verifier::VerifyError;

/// What the functions of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done, or a proof not accepted ([`Error::is_rejection`]).
///
/// Programs compare [`Error::kind`], which is stable; people read the message and that of each [`source`](std::error::Error::source). Serialized, an error is
/// an object with `kind` and `message`.
///
/// # Examples
///
/// ```
/// let error = verinfer::Model::from_bytes(b"GGUF").unwrap_err();
/// assert_eq!(error.kind(), "unsupported_model");
/// assert!(error.to_string().starts_with("the model cannot be imported: not a TFLite model: this is a GGUF file"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is longer than one of its kind.
    #[error("{} is longer than {limit} bytes", path.display())]
    FileTooLong {
        /// Its path.
        path: PathBuf,
        /// Most bytes that are read.
        limit: u64,
    },
    /// A file cannot be written; under its name is what was there before.
    #[error("cannot write {}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: WriteError,
    },
    /// A file is neither a model nor one that this crate writes.
    #[error("it is neither a model nor a proof nor a file of a commitment")]
    UnknownFile,
    /// A model's file is damaged, or holds what cannot be imported exactly.
    #[error("the model cannot be imported: {0}")]
    Import(ImportError),
    /// The built-in model has no such sample.
    #[error("the samples are the digits 0 to 9, not {digit}")]
    NoSample {
        /// Asked for.
        digit: usize,
    },
    /// A picture or an array is no input of the model.
    #[error("it is no input of the model: {0}")]
    Input(Box<InputError>),
    /// The number of values is not that of the shape.
    #[error("{found} values for a tensor of {expected} elements")]
    TensorLength {
        /// Values.
        found: usize,
        /// Elements of the shape.
        expected: usize,
    },
    /// A value that elements of this type do not have.
    #[error("element {index} is {value}, which is no {element}")]
    TensorValue {
        /// In C order.
        index: usize,
        /// The value.
        value: i64,
        /// The type.
        element: crate::ElementType,
    },
    /// An example has no tensor for an input of the model.
    #[error("the example has no tensor for the input `{name}`")]
    MissingInput {
        /// The input.
        name: String,
    },
    /// An example has a tensor for an input that the model does not have.
    #[error("the model has no input `{name}`; it has {known}")]
    UnknownInput {
        /// In the example.
        name: String,
        /// Of the model.
        known: String,
    },
    /// A tensor is of another shape or type than the model's input.
    #[error("the input `{name}` is {expected}, the tensor given is {found}")]
    InputMismatch {
        /// The input.
        name: String,
        /// What is given.
        found: String,
        /// What the model takes.
        expected: String,
    },
    /// The model has several outputs, or none, where one was asked for.
    #[error("there are {found} tensors where one was asked for")]
    NotOne {
        /// How many.
        found: usize,
    },
    /// The network does not run on an input.
    #[error("the network cannot be run: {0}")]
    Run(GraphError),
    /// Nothing was given to prove about.
    #[error("a proof is about at least one example")]
    NoExamples,
    /// Another number of labels than examples.
    #[error("{found} classes are given for {examples} images: each needs one")]
    LabelCount {
        /// Labels.
        found: usize,
        /// Examples.
        examples: usize,
    },
    /// A class that the model does not have.
    #[error("there is no class {class}: the network has {classes}")]
    NoSuchClass {
        /// Asked for.
        class: u32,
        /// How many there are.
        classes: usize,
    },
    /// What should be proved is not true.
    #[error("what should be proved is not true: {0}")]
    ClaimNotTrue(String),
    /// A claim that no proof makes.
    #[error("{0}")]
    ImpossibleClaim(String),
    /// A security level that no proof has.
    #[error("the security level is {found} bits; it can be 32 to 128")]
    SecurityLevel {
        /// Asked for.
        found: u16,
    },
    /// There is no commitment to a value, or a secret belongs to another one.
    #[error(transparent)]
    Commit(Box<CommitError>),
    /// The file of a commitment is damaged, or another one than is needed.
    #[error(transparent)]
    CommitmentFile(Box<FileError>),
    /// A secret belongs to something else than what should be proved about.
    #[error("the secret of the {kind} (number {index}, counted from 0) cannot be used: {cause}")]
    ForeignSecret {
        /// `model`, `input` or `label`.
        kind: &'static str,
        /// Which of those given.
        index: usize,
        /// What it belongs to, or why there is no commitment to the value.
        cause: Box<CommitError>,
    },
    /// Another number of secrets or commitments than of what they are to.
    #[error("{found} secrets of {kind}s are given for {expected} images: each needs one")]
    SecretCount {
        /// `input` or `label`.
        kind: &'static str,
        /// Given.
        found: usize,
        /// Needed.
        expected: usize,
    },
    /// A commitment is to a tensor of another shape or type than the network's.
    #[error("this is a commitment to {found}, but the network's {kind} is {expected}")]
    OtherTensor {
        /// `input` or `output`.
        kind: &'static str,
        /// Behind the commitment.
        found: String,
        /// Of the network.
        expected: String,
    },
    /// The proof would take more memory than it may.
    #[error(transparent)]
    Memory(#[from] TooMuchMemory),
    /// There is no proof of it.
    #[error(transparent)]
    Prove(Box<ProveError>),
    /// The network cannot be proved, or something of it not be hidden.
    #[error("the network cannot be proved: {0}")]
    Unprovable(Box<RelationError>),
    /// A proof is not accepted.
    #[error(transparent)]
    Rejected(Box<VerifyError>),
}

impl Error {
    /// The name of what is wrong; stable, in lower case with underscores. That of a rejected proof is the check that failed.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "unreadable_file",
            Self::FileTooLong { .. } => "file_too_long",
            Self::Write { .. } => "unwritable_file",
            Self::UnknownFile => "unknown_file",
            Self::Import(_) => "unsupported_model",
            Self::NoSample { .. } => "no_sample",
            Self::Input(_) => "not_an_input",
            Self::TensorLength { .. } => "tensor_length",
            Self::TensorValue { .. } => "tensor_value",
            Self::MissingInput { .. } => "missing_input",
            Self::UnknownInput { .. } => "unknown_input",
            Self::InputMismatch { .. } => "input_mismatch",
            Self::NotOne { .. } => "not_one_tensor",
            Self::Run(_) => "not_runnable",
            Self::NoExamples => "no_images",
            Self::LabelCount { .. } => "label_count",
            Self::NoSuchClass { .. } => "no_such_class",
            Self::ClaimNotTrue(_) => "claim_not_true",
            Self::ImpossibleClaim(_) => "impossible_claim",
            Self::SecurityLevel { .. } => "security_level",
            Self::ForeignSecret { .. } => "foreign_secret",
            Self::Commit(error) => commit_kind(error),
            Self::CommitmentFile(_) => "malformed_commitment_file",
            Self::SecretCount { .. } => "secret_count",
            Self::OtherTensor { .. } => "other_tensor",
            Self::Memory(_) => "too_much_memory",
            Self::Prove(error) => prove_kind(error),
            Self::Unprovable(error) => relation_kind(error),
            Self::Rejected(error) => error.kind(),
        }
    }

    /// Whether a proof was looked at and not accepted; everything else is a mistake in what was asked, or of the machine.
    pub const fn is_rejection(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }
}

const fn commit_kind(error: &CommitError) -> &'static str {
    if matches!(error, CommitError::Foreign { .. }) {
        "foreign_secret"
    } else if matches!(error, CommitError::Randomness { .. }) {
        "no_randomness"
    } else {
        "not_committable"
    }
}

const fn prove_kind(error: &ProveError) -> &'static str {
    match error {
        ProveError::Graph(_) => "not_runnable",
        ProveError::Relation(error) => relation_kind(error),
        ProveError::SharedSalt => "shared_salt",
        ProveError::Commitment(_) => "not_committable",
        ProveError::Reduction(_) => "degenerate_challenge",
        ProveError::Cancelled => "cancelled",
        ProveError::Randomness { .. } => "no_randomness",
        ProveError::ContextTooLong { .. } => "context_too_long",
        ProveError::Insecure { .. } => "insecure_parameters",
    }
}

const fn relation_kind(error: &RelationError) -> &'static str {
    match error {
        RelationError::TooLarge { .. } | RelationError::TooManyConnections { .. } => "too_large",
        RelationError::TooWide { .. }
        | RelationError::NoAccumulator { .. }
        | RelationError::Layout(_)
        | RelationError::Contraction(_)
        | RelationError::Incomplete(_)
        | RelationError::NoParameters { .. }
        | RelationError::NoImages
        | RelationError::TableTooLarge { .. }
        | RelationError::NoClasses { .. }
        | RelationError::Predicate { .. }
        | RelationError::Score { .. }
        | RelationError::Labels { .. }
        | RelationError::Commitment(_)
        | RelationError::ShowsScale { .. }
        | RelationError::Envelope(_)
        | RelationError::NotHideable { .. } => "unprovable_network",
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report {
            kind: &'static str,
            message: String,
        }
        Report { kind: self.kind(), message: self.to_string() }.serialize(serializer)
    }
}

impl From<CommitError> for Error {
    fn from(cause: CommitError) -> Self {
        Self::Commit(Box::new(cause))
    }
}

impl From<FileError> for Error {
    fn from(cause: FileError) -> Self {
        Self::CommitmentFile(Box::new(cause))
    }
}

impl From<ImportError> for Error {
    fn from(cause: ImportError) -> Self {
        Self::Import(cause)
    }
}

impl From<InputError> for Error {
    fn from(cause: InputError) -> Self {
        Self::Input(Box::new(cause))
    }
}

impl From<GraphError> for Error {
    fn from(cause: GraphError) -> Self {
        Self::Run(cause)
    }
}

impl From<ProveError> for Error {
    fn from(cause: ProveError) -> Self {
        Self::Prove(Box::new(cause))
    }
}

impl From<RelationError> for Error {
    fn from(cause: RelationError) -> Self {
        Self::Unprovable(Box::new(cause))
    }
}

impl From<VerifyError> for Error {
    fn from(cause: VerifyError) -> Self {
        Self::Rejected(Box::new(cause))
    }
}

/// A proof that cannot be read is rejected.
impl From<FormatError> for Error {
    fn from(cause: FormatError) -> Self {
        Self::Rejected(Box::new(cause.into()))
    }
}
