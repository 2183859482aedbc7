//! Proofs from untrusted bytes.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::as_conversions,
    clippy::arithmetic_side_effects
)]

use verinfer_graph::{DataType, Shape};

use super::{FormatError, InputClaim, MAGIC, MAX_CONTEXT_BYTES, ModelClaim, OutputClaim, Proof, PublicTensor, Statement, VERSION};
use crate::commitment::{COMMITMENT_BYTES, Commitment};
use crate::envelope::Envelope;
use crate::setting::Predicate;

impl Proof {
    /// Reads a proof file. Allocates no more than the file's length.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader { bytes, offset: 0, wanted: 0 };
        let proof = Self::read(&mut reader)?;
        match bytes.len().saturating_sub(reader.offset) {
            0 => Ok(proof),
            extra => Err(FormatError::TrailingBytes { extra }),
        }
    }

    /// How many bytes of a proof file are needed that begins with these: all of it where they say so, or else what they say that there is more at
    /// least. A file is read in a few such steps, and no further than a proof goes.
    pub fn needed(prefix: &[u8], limit: usize) -> Result<usize, FormatError> {
        let mut reader = Reader { bytes: prefix, offset: 0, wanted: 0 };
        let needed = match Self::read(&mut reader) {
            Ok(_) => reader.offset,
            Err(FormatError::Truncated { .. }) => reader.wanted,
            Err(error) => return Err(error),
        };
        if needed <= limit { Ok(needed) } else { Err(FormatError::TooLong { needed, limit }) }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        // A file that is shorter and does not begin so is no proof either.
        let begin = reader.bytes.get(..MAGIC.len()).unwrap_or(reader.bytes);
        if !MAGIC.starts_with(begin) || begin.is_empty() {
            return Err(FormatError::NotAProof);
        }
        reader.take("magic", MAGIC.len())?;
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
        Ok(Self { statement: Statement { security_level, context, images, model, input, output }, body })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    /// Where what could not be taken ends.
    wanted: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], FormatError> {
        let truncated = FormatError::Truncated { field, offset: self.bytes.len() };
        let end = self.offset.saturating_add(len);
        match self.bytes.get(self.offset..end) {
            Some(taken) => {
                self.offset = end;
                Ok(taken)
            }
            None => {
                self.wanted = end;
                Err(truncated)
            }
        }
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FormatError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(field, N)?);
        Ok(out)
    }

    fn len(&mut self, field: &'static str) -> Result<usize, FormatError> {
        Ok(size(u32::from_le_bytes(self.array(field)?)))
    }

    fn integer(&mut self, field: &'static str) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    fn commitment(&mut self, field: &'static str) -> Result<Commitment, FormatError> {
        let bytes = self.take(field, COMMITMENT_BYTES)?;
        Commitment::from_bytes(bytes).map_err(|reason| FormatError::Commitment { field, reason })
    }

    /// What is there once for each image, `len` bytes each.
    fn for_each_image<T>(
        &mut self,
        field: &'static str,
        images: u32,
        len: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, FormatError>,
    ) -> Result<Vec<T>, FormatError> {
        let start = self.offset;
        self.take(field, size(images).saturating_mul(len))?;
        self.offset = start;
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
            [1] => Ok(InputClaim::Hidden(self.for_each_image("input", images, COMMITMENT_BYTES, |reader| reader.commitment("input"))?)),
            [found] => Err(FormatError::UnknownForm { field: "input", found }),
        }
    }

    fn output(&mut self, images: u32) -> Result<OutputClaim, FormatError> {
        match self.array("output")? {
            [0] => Ok(OutputClaim::Shown(self.tensor("output", images)?)),
            [1] => Ok(OutputClaim::Hidden(self.for_each_image("output", images, COMMITMENT_BYTES, |reader| reader.commitment("output"))?)),
            [2] => {
                let k = self.integer("output")?;
                Ok(OutputClaim::Rank { k, labels: self.for_each_image("label", images, 4, |reader| reader.integer("label"))? })
            }
            [3] => Ok(OutputClaim::AtLeast { class: self.integer("output")?, value: i16::from_le_bytes(self.array("output")?) }),
            [4] => {
                let (k, count) = (self.integer("output")?, self.integer("output")?);
                Ok(OutputClaim::Correct {
                    k,
                    count,
                    labels: self.for_each_image("label", images, COMMITMENT_BYTES, |reader| reader.commitment("label"))?,
                })
            }
            [5] => {
                let predicate = self.predicate()?;
                Ok(OutputClaim::Decided { predicate, holds: self.for_each_image("decision", images, 1, Self::bit)? })
            }
            [found] => Err(FormatError::UnknownForm { field: "output", found }),
        }
    }

    fn predicate(&mut self) -> Result<Predicate, FormatError> {
        match self.array("predicate")? {
            [0] => Ok(Predicate::Top { class: self.integer("predicate")?, k: self.integer("predicate")? }),
            [1] => Ok(Predicate::AtLeast { class: self.integer("predicate")?, value: i16::from_le_bytes(self.array("predicate")?) }),
            [found] => Err(FormatError::UnknownForm { field: "predicate", found }),
        }
    }

    fn bit(&mut self) -> Result<bool, FormatError> {
        match self.array("decision")? {
            [0] => Ok(false),
            [1] => Ok(true),
            [found] => Err(FormatError::UnknownForm { field: "decision", found }),
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
        let len = [width, channels, images].into_iter().try_fold(size(height), |product, side| product.checked_mul(size(side)));
        let len = len.filter(|&len| len > 0).ok_or(impossible)?;
        let values = self.take(field, len)?.iter().map(|&byte| match dtype {
            DataType::U8 => i16::from(byte),
            DataType::I8 => i16::from(byte.cast_signed()),
        });
        let shape = Shape::new(size(height), size(width), size(channels));
        Ok(PublicTensor { shape, dtype, values: values.collect() })
    }
}

/// A length in memory. On a machine of 16 bits, which no file fits, too long ones are too long still.
fn size(len: u32) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
