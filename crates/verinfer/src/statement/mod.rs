//! What a proof says and what it does not: in words, and as data that `serde` writes.

use std::fmt;

use serde::Serialize;
use verinfer_relation::statement as file;
use verinfer_relation::statement::PublicTensor;

use crate::tensor::{ElementType, sides};

mod caveats;
mod possible;
mod words;

pub use caveats::Caveat;
pub(crate) use caveats::{Context, does_not_say, warnings};
pub use possible::PossibleOutputs;
pub use words::{ModelReport, PredicateReport, Words};

/// What a proof claims, whether it is proved or not.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Statement {
    /// Digest of the whole integer program, hexadecimal; `None` if it is hidden.
    pub network_digest: Option<String>,
    /// What is hidden, and what is said about it.
    #[serde(flatten)]
    pub words: Words,
    /// Shape of each input and digest of all, if they are shown.
    pub input: Option<TensorDigest>,
    /// Shape of each output and digest of all, if they are shown.
    pub output_tensor: Option<TensorDigest>,
    /// What the proof is bound to, as text.
    pub context: String,
    /// Level for which the proof was made, in bits.
    pub security_level: u16,
}

/// A tensor by its digest.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TensorDigest {
    /// Sides, of one example.
    pub shape: Vec<usize>,
    /// Type of the elements.
    pub dtype: ElementType,
    /// BLAKE3 of the elements' bytes in C order, example after example, hexadecimal.
    pub blake3: String,
}

impl Statement {
    #[doc(hidden)] // For this workspace: statements change.
    pub fn new(statement: &file::Statement) -> Self {
        let words = Words::new(statement);
        Self {
            network_digest: words.network_digest().map(ToString::to_string),
            words,
            input: statement.input.shown().map(TensorDigest::new),
            output_tensor: statement.output.shown().map(TensorDigest::new),
            context: String::from_utf8_lossy(&statement.context).into_owned(),
            security_level: statement.security_level,
        }
    }

    /// What is proved of what, in one sentence.
    pub fn says(&self) -> &str {
        self.words.says()
    }
}

impl TensorDigest {
    fn new(tensor: &PublicTensor) -> Self {
        // Both types keep the low byte of the two's complement.
        let bytes: Vec<u8> = tensor.values.iter().map(|value| value.to_le_bytes()[0]).collect();
        Self { shape: sides(tensor.shape), dtype: ElementType::of(tensor.dtype), blake3: blake3::hash(&bytes).to_hex().to_string() }
    }
}

impl fmt::Display for TensorDigest {
    /// `8x8x1 int8, BLAKE3 ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(f, "{} {}, BLAKE3 {}", sides.join("x"), self.dtype, self.blake3)
    }
}
