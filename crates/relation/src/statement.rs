//! What a proof says, and the proof file.
//!
//! ```text
//! "VERINFER"  8 bytes
//! version     u16        all integers little-endian
//! level       u16        security level in bits
//! context     u32 + bytes
//! images      u32        at least 1
//! model       u8         0: digest of the network, weights included: 32 bytes
//!                        1: digest of the architecture: 32 bytes; envelope: u8 limbs, u8 bits, four i32 keys; commitment: 1024 bytes
//! input       u8         0: height u32, width u32, channels u32 (of an image), type u8 (0 unsigned, 1 signed), one byte for each element (NHWC,
//!                        image after image)
//!                        1: for each image a commitment: 1024 bytes
//! output      u8         0: as the input
//!                        1: for each image a commitment: 1024 bytes
//!                        2: top u32, for each image a label u32: each label has fewer than top classes ahead of it
//!                        3: class u32, score i16: the class has at least this score in each image
//!                        4: top u32, count u32, for each image a commitment to its label: 1024 bytes: so many labels have fewer than top classes
//!                        ahead of them
//!                        5: predicate u8 (0: class u32, top u32: fewer than top classes are ahead of the class; 1: class u32, score i16: the class has
//!                        at least this score), for each image u8: 1 if it holds, 0 if it does not
//! body        u32 + bytes, the prover's messages in order
//! ```
//!
//! There is one encoding of each proof: every length is implied or exact, and nothing may follow.

mod decode;
mod encode;
mod error;
#[cfg(test)]
mod tests;

use verinfer_graph::{DataType, Shape};

use crate::commitment::{COMMITMENT_BYTES, Commitment};
use crate::envelope::Envelope;
use crate::relation::ObjectKind;
use crate::setting::{OutputForm, Predicate, Setting};
use crate::transcript::Transcript;

pub use error::FormatError;

/// First bytes of a proof file.
pub const MAGIC: [u8; 8] = *b"VERINFER";

/// Version of the file format and of the argument.
pub const VERSION: u16 = 5;

/// Whether bytes begin as a proof file does, of whatever version.
pub fn is_proof_file(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Longest context.
pub const MAX_CONTEXT_BYTES: usize = 1 << 16;

/// Longest body: the arguments about the largest committed vectors, with all commitments in them, have less.
pub const MAX_BODY_BYTES: usize = 1 << 24;

/// A tensor as it stands in a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicTensor {
    /// Shape, for each image.
    pub shape: Shape,
    /// Stored type.
    pub dtype: DataType,
    /// Elements in NHWC order, image after image.
    pub values: Vec<i16>,
}

/// What a proof says: the model, on each image of the input, gives the output at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Security level for which the proof was made, in bits.
    pub security_level: u16,
    /// Chosen by who asked for the proof.
    pub context: Vec<u8>,
    /// Number of images.
    pub images: u32,
    /// The network.
    pub model: ModelClaim,
    /// Its inputs.
    pub input: InputClaim,
    /// Its outputs (logits where the model ends in a softmax).
    pub output: OutputClaim,
}

/// What a proof says about the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelClaim {
    /// Everything.
    Public {
        /// [`verinfer_graph::Graph::digest`].
        digest: [u8; 32],
    },
    /// Its architecture, and a commitment to what it has learned.
    Hidden {
        /// [`verinfer_graph::Graph::architecture_digest`].
        architecture: [u8; 32],
        /// What is public about its multipliers.
        envelope: Envelope,
        /// The commitment.
        commitment: Box<Commitment>,
    },
}

/// What a proof says about the inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputClaim {
    /// Their values.
    Shown(PublicTensor),
    /// A commitment to each.
    Hidden(Vec<Commitment>),
}

/// What a proof says about the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputClaim {
    /// Their values.
    Shown(PublicTensor),
    /// A commitment to each.
    Hidden(Vec<Commitment>),
    /// In each image fewer than `k` classes are ahead of its label; of equal scores the first is ahead.
    Rank {
        /// By image.
        labels: Vec<u32>,
        /// One for the top class.
        k: u32,
    },
    /// In each image the class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        value: i16,
    },
    /// In so many images fewer than `k` classes are ahead of the label.
    Correct {
        /// A commitment to the label of each image.
        labels: Vec<Commitment>,
        /// One for the top class.
        k: u32,
        /// How many.
        count: u32,
    },
    /// Whether a predicate holds in each image.
    Decided {
        /// One for all images.
        predicate: Predicate,
        /// By image.
        holds: Vec<bool>,
    },
}

impl InputClaim {
    /// The values, if they are shown.
    pub fn shown(&self) -> Option<&PublicTensor> {
        match self {
            Self::Shown(tensor) => Some(tensor),
            Self::Hidden(_) => None,
        }
    }
}

impl OutputClaim {
    /// The values, if they are shown.
    pub fn shown(&self) -> Option<&PublicTensor> {
        match self {
            Self::Shown(tensor) => Some(tensor),
            Self::Hidden(_) | Self::Rank { .. } | Self::AtLeast { .. } | Self::Correct { .. } | Self::Decided { .. } => None,
        }
    }
}

/// A statement with the messages that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What is claimed.
    pub statement: Statement,
    /// The prover's messages.
    pub body: Vec<u8>,
}

impl Proof {
    /// Bytes that a proof file has at most which is about so many images with so many elements of input and output each.
    pub fn max_len(images: usize, input_len: usize, output_len: usize) -> usize {
        // Everything of fixed length is less than two commitments.
        let of_image = input_len.max(COMMITMENT_BYTES).saturating_add(output_len.max(COMMITMENT_BYTES));
        let statement = images.saturating_mul(of_image).saturating_add(2 * COMMITMENT_BYTES + MAX_CONTEXT_BYTES);
        statement.saturating_add(MAX_BODY_BYTES)
    }
}

impl Statement {
    /// A transcript that has absorbed everything the proof says and the shape of the argument.
    pub fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::new();
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        transcript.absorb("statement", &bytes);
        transcript
    }

    /// What is public and what is hidden.
    pub fn setting(&self) -> Setting {
        let weights = match &self.model {
            ModelClaim::Public { .. } => None,
            ModelClaim::Hidden { envelope, .. } => Some(*envelope),
        };
        let output = match &self.output {
            OutputClaim::Shown(_) => OutputForm::Shown,
            OutputClaim::Hidden(_) => OutputForm::Committed,
            OutputClaim::Rank { labels, k } => OutputForm::Rank { labels: labels.clone(), k: *k },
            OutputClaim::AtLeast { class, value } => OutputForm::AtLeast { class: *class, value: *value },
            OutputClaim::Correct { k, count, .. } => OutputForm::Correct { k: *k, count: *count },
            OutputClaim::Decided { predicate, holds } => OutputForm::Decided { predicate: *predicate, holds: holds.clone() },
        };
        Setting { weights, hidden_input: self.input.shown().is_none(), output }
    }

    /// The commitment to an object.
    pub fn commitment(&self, kind: ObjectKind) -> Option<&Commitment> {
        match (kind, &self.model, &self.input, &self.output) {
            (ObjectKind::Model, ModelClaim::Hidden { commitment, .. }, _, _) => Some(commitment),
            (ObjectKind::Input(image), _, InputClaim::Hidden(commitments), _) => commitments.get(image),
            (ObjectKind::Output(image), _, _, OutputClaim::Hidden(commitments)) => commitments.get(image),
            (ObjectKind::Label(image), _, _, OutputClaim::Correct { labels, .. }) => labels.get(image),
            _ => None,
        }
    }
}
