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
//! body        u32 + bytes, the prover's messages in order
//! ```
//!
//! There is one encoding of each proof: every length is implied or exact, and nothing may follow.

use verinfer_graph::{DataType, Shape};

use crate::commitment::{COMMITMENT_BYTES, Commitment, CommitmentError};
use crate::envelope::Envelope;
use crate::relation::ObjectKind;
use crate::setting::{OutputForm, Setting};
use crate::transcript::Transcript;

/// First bytes of a proof file.
pub const MAGIC: [u8; 8] = *b"VERINFER";

/// Version of the file format and of the argument.
pub const VERSION: u16 = 3;

/// Longest context.
pub const MAX_CONTEXT_BYTES: usize = 1 << 16;

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
            Self::Hidden(_) | Self::Rank { .. } | Self::AtLeast { .. } | Self::Correct { .. } => None,
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

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.security_level.to_le_bytes());
        out.extend_from_slice(&(self.context.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.context);
        out.extend_from_slice(&self.images.to_le_bytes());
        self.model.encode(out);
        self.input.encode(out);
        self.output.encode(out);
    }
}

fn encode_commitments(commitments: &[Commitment], out: &mut Vec<u8>) {
    commitments.iter().for_each(|commitment| out.extend(commitment.to_bytes()));
}

impl ModelClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Public { digest } => {
                out.push(0);
                out.extend_from_slice(digest);
            }
            Self::Hidden { architecture, envelope, commitment } => {
                out.push(1);
                out.extend_from_slice(architecture);
                out.extend_from_slice(&envelope.to_bytes());
                out.extend(commitment.to_bytes());
            }
        }
    }
}

impl InputClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Shown(tensor) => {
                out.push(0);
                tensor.encode(out);
            }
            Self::Hidden(commitments) => {
                out.push(1);
                encode_commitments(commitments, out);
            }
        }
    }
}

impl OutputClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Shown(tensor) => {
                out.push(0);
                tensor.encode(out);
            }
            Self::Hidden(commitments) => {
                out.push(1);
                encode_commitments(commitments, out);
            }
            Self::Rank { labels, k } => {
                out.push(2);
                out.extend_from_slice(&k.to_le_bytes());
                labels.iter().for_each(|label| out.extend_from_slice(&label.to_le_bytes()));
            }
            Self::AtLeast { class, value } => {
                out.push(3);
                out.extend_from_slice(&class.to_le_bytes());
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Correct { labels, k, count } => {
                out.push(4);
                out.extend_from_slice(&k.to_le_bytes());
                out.extend_from_slice(&count.to_le_bytes());
                encode_commitments(labels, out);
            }
        }
    }
}

impl PublicTensor {
    fn encode(&self, out: &mut Vec<u8>) {
        for side in [self.shape.height, self.shape.width, self.shape.channels] {
            out.extend_from_slice(&(side as u32).to_le_bytes());
        }
        out.push(match self.dtype {
            DataType::U8 => 0,
            DataType::I8 => 1,
        });
        out.extend(self.values.iter().map(|&value| (value & 0xff) as u8));
    }
}

impl Proof {
    /// The proof file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        self.statement.encode(&mut out);
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.body);
        out
    }

    /// Reads a proof file. Allocates no more than the file's length.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader { bytes, offset: 0 };
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(FormatError::NotAProof);
        }
        reader.offset = MAGIC.len();
        let found = u16::from_le_bytes(reader.array("version")?);
        if found != VERSION {
            return Err(FormatError::UnsupportedVersion { found });
        }
        let security_level = u16::from_le_bytes(reader.array("level")?);
        let len = reader.len("context")?;
        if len > MAX_CONTEXT_BYTES {
            return Err(FormatError::ContextTooLong { len });
        }
        let context = reader.take("context", len)?.to_vec();
        let images = u32::from_le_bytes(reader.array("images")?);
        if images == 0 {
            return Err(FormatError::NoImages);
        }
        let model = reader.model()?;
        let input = reader.input(images)?;
        let output = reader.output(images)?;
        let len = reader.len("body")?;
        let body = reader.take("body", len)?.to_vec();
        match bytes.len().saturating_sub(reader.offset) {
            0 => Ok(Self { statement: Statement { security_level, context, images, model, input, output }, body }),
            extra => Err(FormatError::TrailingBytes { extra }),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], FormatError> {
        let truncated = FormatError::Truncated { field, offset: self.bytes.len() };
        let end = self.offset.checked_add(len).ok_or_else(|| truncated.clone())?;
        let taken = self.bytes.get(self.offset..end).ok_or(truncated)?;
        self.offset = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FormatError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(field, N)?);
        Ok(out)
    }

    fn len(&mut self, field: &'static str) -> Result<usize, FormatError> {
        Ok(u32::from_le_bytes(self.array(field)?) as usize)
    }

    fn integer(&mut self, field: &'static str) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    fn commitment(&mut self, field: &'static str) -> Result<Commitment, FormatError> {
        let bytes = self.take(field, COMMITMENT_BYTES)?;
        Commitment::from_bytes(bytes).map_err(|reason| FormatError::Commitment { field, reason })
    }

    /// What is there once for each image.
    fn for_each_image<T>(&mut self, images: u32, mut read: impl FnMut(&mut Self) -> Result<T, FormatError>) -> Result<Vec<T>, FormatError> {
        (0..images).map(|_| read(self)).collect()
    }

    fn model(&mut self) -> Result<ModelClaim, FormatError> {
        match self.array("model")? {
            [0] => Ok(ModelClaim::Public { digest: self.array("model")? }),
            [1] => {
                let architecture = self.array("model")?;
                let envelope = Envelope::from_bytes(self.array("envelope")?);
                Ok(ModelClaim::Hidden { architecture, envelope, commitment: Box::new(self.commitment("model")?) })
            }
            [found] => Err(FormatError::UnknownForm { field: "model", found }),
        }
    }

    fn input(&mut self, images: u32) -> Result<InputClaim, FormatError> {
        match self.array("input")? {
            [0] => Ok(InputClaim::Shown(self.tensor("input", images)?)),
            [1] => Ok(InputClaim::Hidden(self.for_each_image(images, |reader| reader.commitment("input"))?)),
            [found] => Err(FormatError::UnknownForm { field: "input", found }),
        }
    }

    fn output(&mut self, images: u32) -> Result<OutputClaim, FormatError> {
        match self.array("output")? {
            [0] => Ok(OutputClaim::Shown(self.tensor("output", images)?)),
            [1] => Ok(OutputClaim::Hidden(self.for_each_image(images, |reader| reader.commitment("output"))?)),
            [2] => {
                let k = self.integer("output")?;
                Ok(OutputClaim::Rank { k, labels: self.for_each_image(images, |reader| reader.integer("label"))? })
            }
            [3] => Ok(OutputClaim::AtLeast { class: self.integer("output")?, value: i16::from_le_bytes(self.array("output")?) }),
            [4] => {
                let (k, count) = (self.integer("output")?, self.integer("output")?);
                Ok(OutputClaim::Correct { k, count, labels: self.for_each_image(images, |reader| reader.commitment("label"))? })
            }
            [found] => Err(FormatError::UnknownForm { field: "output", found }),
        }
    }

    /// A tensor, whose elements must be there for all images.
    fn tensor(&mut self, field: &'static str, images: u32) -> Result<PublicTensor, FormatError> {
        let mut side = || Ok::<u32, FormatError>(u32::from_le_bytes(self.array(field)?));
        let (height, width, channels) = (side()?, side()?, side()?);
        let dtype = match self.array::<1>(field)? {
            [0] => DataType::U8,
            [1] => DataType::I8,
            [found] => return Err(FormatError::UnknownType { field, found }),
        };
        let impossible = FormatError::ImpossibleShape { field, height, width, channels };
        let len = [width, channels, images].into_iter().try_fold(height as usize, |product, side| product.checked_mul(side as usize));
        let len = len.filter(|&len| len > 0).ok_or(impossible)?;
        let values = self.take(field, len)?.iter().map(|&byte| match dtype {
            DataType::U8 => i16::from(byte),
            DataType::I8 => i16::from(byte.cast_signed()),
        });
        let shape = Shape::new(height as usize, width as usize, channels as usize);
        Ok(PublicTensor { shape, dtype, values: values.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> Proof {
        let tensor = |dtype| PublicTensor { shape: Shape::new(1, 1, 3), dtype, values: vec![0, 1, 2, 3, 4, 127] };
        let statement = Statement {
            security_level: 128,
            context: b"for tests".to_vec(),
            images: 2,
            model: ModelClaim::Public { digest: [7; 32] },
            input: InputClaim::Shown(tensor(DataType::U8)),
            output: OutputClaim::Shown(PublicTensor { values: vec![-128, -1, 0, 1, 2, 127], ..tensor(DataType::I8) }),
        };
        Proof { statement, body: vec![1, 2, 3] }
    }

    #[test]
    fn a_proof_survives_the_round_trip() {
        assert_eq!(Proof::decode(&proof().encode()), Ok(proof()));
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        let bytes = proof().encode();
        for len in 0..bytes.len() {
            assert!(Proof::decode(&bytes[..len]).is_err(), "{len}");
        }
        let longer = [bytes, vec![0]].concat();
        assert_eq!(Proof::decode(&longer), Err(FormatError::TrailingBytes { extra: 1 }));
    }

    fn commitment(seed: u64) -> Commitment {
        Commitment(std::array::from_fn(|i| crate::field::from_signed((seed * 1000) as i64 + i as i64)))
    }

    #[test]
    fn every_form_survives_the_round_trip_and_says_its_setting() {
        let envelope = Envelope { num_limbs: 2, limb_bits: 21, keys: (-512, 1024), signed_keys: (-3, 4) };
        let outputs = [
            OutputClaim::Hidden(vec![commitment(1), commitment(2)]),
            OutputClaim::Rank { labels: vec![3, 1000], k: 5 },
            OutputClaim::AtLeast { class: 7, value: -128 },
            OutputClaim::Correct { labels: vec![commitment(3), commitment(4)], k: 1, count: 2 },
        ];
        for output in outputs {
            let mut hidden = proof();
            let architecture = [9; 32];
            hidden.statement.model = ModelClaim::Hidden { architecture, envelope, commitment: Box::new(commitment(5)) };
            hidden.statement.input = InputClaim::Hidden(vec![commitment(6), commitment(7)]);
            hidden.statement.output = output;
            let bytes = hidden.encode();
            assert_eq!(Proof::decode(&bytes), Ok(hidden.clone()));
            let setting = hidden.statement.setting();
            assert_eq!((setting.weights, setting.hidden_input), (Some(envelope), true));
            assert!((0..bytes.len()).all(|len| Proof::decode(&bytes[..len]).is_err()));
        }
    }

    #[test]
    fn each_header_error_has_its_variant() {
        let change = |offset: usize, bytes: &[u8]| {
            let mut file = proof().encode();
            file[offset..offset + bytes.len()].copy_from_slice(bytes);
            Proof::decode(&file).unwrap_err()
        };
        assert_eq!(change(0, b"X"), FormatError::NotAProof);
        assert_eq!(change(8, &[9]), FormatError::UnsupportedVersion { found: 9 });
        assert_eq!(change(12, &u32::MAX.to_le_bytes()), FormatError::ContextTooLong { len: u32::MAX as usize });
        let images = 16 + 9;
        assert_eq!(change(images, &[0]), FormatError::NoImages);
        // What the output's shape is taken from has moved by an image.
        for other in [1, 3] {
            assert!(matches!(
                change(images, &[other]),
                FormatError::Truncated { .. } | FormatError::ImpossibleShape { .. } | FormatError::UnknownForm { field: "output", .. }
            ));
        }
        assert_eq!(change(images, &u32::MAX.to_le_bytes()), FormatError::Truncated { field: "input", offset: proof().encode().len() });
        let [model, form] = [images + 4, images + 4 + 33];
        assert_eq!(change(model, &[2]), FormatError::UnknownForm { field: "model", found: 2 });
        assert_eq!(change(form, &[2]), FormatError::UnknownForm { field: "input", found: 2 });
        let input = form + 1;
        let sides = [u32::MAX; 3].map(u32::to_le_bytes).concat();
        let [height, width, channels] = [u32::MAX; 3];
        assert_eq!(change(input, &sides), FormatError::ImpossibleShape { field: "input", height, width, channels });
        assert_eq!(change(input + 12, &[2]), FormatError::UnknownType { field: "input", found: 2 });
        let error = FormatError::ImpossibleShape { field: "input", height: 0, width: 1, channels: 3 };
        assert_eq!(change(input, &[0]), error);
        assert!(matches!(change(input, &[9]), FormatError::Truncated { .. } | FormatError::UnknownType { .. }));
    }
}
