//! What a proof says, and the proof file.
//!
//! ```text
//! "VERINFER"  8 bytes
//! version     u16        all integers little-endian
//! level       u16        security level in bits
//! graph       32 bytes   digest of the network, weights included
//! context     u32 + bytes
//! images      u32        at least 1
//! input       height u32, width u32, channels u32 (of an image), type u8 (0 unsigned, 1 signed), one byte for each element (NHWC, image
//!             after image)
//! output      likewise
//! body        u32 + bytes, the prover's messages in order
//! ```
//!
//! There is one encoding of each proof: every length is implied or exact, and nothing may follow.

use verinfer_graph::{DataType, Shape};

use crate::transcript::Transcript;

/// First bytes of a proof file.
pub const MAGIC: [u8; 8] = *b"VERINFER";

/// Version of the file format and of the argument.
pub const VERSION: u16 = 1;

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

/// What a proof says: the network with this digest, on each image of this input, gives the output at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// [`verinfer_graph::Graph::digest`].
    pub graph_digest: [u8; 32],
    /// Security level for which the proof was made, in bits.
    pub security_level: u16,
    /// Chosen by who asked for the proof.
    pub context: Vec<u8>,
    /// Number of images.
    pub images: u32,
    /// The network's inputs.
    pub input: PublicTensor,
    /// The network's outputs (logits where the model ends in a softmax).
    pub output: PublicTensor,
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

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.security_level.to_le_bytes());
        out.extend_from_slice(&self.graph_digest);
        out.extend_from_slice(&(self.context.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.context);
        out.extend_from_slice(&self.images.to_le_bytes());
        self.input.encode(out);
        self.output.encode(out);
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
        let graph_digest = reader.array("graph")?;
        let len = reader.len("context")?;
        if len > MAX_CONTEXT_BYTES {
            return Err(FormatError::ContextTooLong { len });
        }
        let context = reader.take("context", len)?.to_vec();
        let images = u32::from_le_bytes(reader.array("images")?);
        if images == 0 {
            return Err(FormatError::NoImages);
        }
        let input = reader.tensor("input", images)?;
        let output = reader.tensor("output", images)?;
        let len = reader.len("body")?;
        let body = reader.take("body", len)?.to_vec();
        match bytes.len().saturating_sub(reader.offset) {
            0 => Ok(Self { statement: Statement { graph_digest, security_level, context, images, input, output }, body }),
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
            graph_digest: [7; 32],
            security_level: 128,
            context: b"for tests".to_vec(),
            images: 2,
            input: tensor(DataType::U8),
            output: PublicTensor { values: vec![-128, -1, 0, 1, 2, 127], ..tensor(DataType::I8) },
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

    #[test]
    fn each_header_error_has_its_variant() {
        let change = |offset: usize, bytes: &[u8]| {
            let mut file = proof().encode();
            file[offset..offset + bytes.len()].copy_from_slice(bytes);
            Proof::decode(&file).unwrap_err()
        };
        assert_eq!(change(0, b"X"), FormatError::NotAProof);
        assert_eq!(change(8, &[9]), FormatError::UnsupportedVersion { found: 9 });
        assert_eq!(change(44, &u32::MAX.to_le_bytes()), FormatError::ContextTooLong { len: u32::MAX as usize });
        let images = 48 + 9;
        assert_eq!(change(images, &[0]), FormatError::NoImages);
        // What the output's shape is taken from has moved by an image.
        for other in [1, 3] {
            assert!(matches!(
                change(images, &[other]),
                FormatError::Truncated { field: "output", .. } | FormatError::ImpossibleShape { field: "output", .. }
            ));
        }
        assert_eq!(change(images, &u32::MAX.to_le_bytes()), FormatError::Truncated { field: "input", offset: proof().encode().len() });
        let input = images + 4;
        let sides = [u32::MAX; 3].map(u32::to_le_bytes).concat();
        let [height, width, channels] = [u32::MAX; 3];
        assert_eq!(change(input, &sides), FormatError::ImpossibleShape { field: "input", height, width, channels });
        assert_eq!(change(input + 12, &[2]), FormatError::UnknownType { field: "input", found: 2 });
        let error = FormatError::ImpossibleShape { field: "input", height: 0, width: 1, channels: 3 };
        assert_eq!(change(input, &[0]), error);
        assert!(matches!(change(input, &[9]), FormatError::Truncated { .. } | FormatError::UnknownType { .. }));
    }
}
