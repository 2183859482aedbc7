use verinfer_graph::{DataType, Graph, Shape};
use verinfer_relation::commitment::{Commitment, Plan};
use verinfer_relation::envelope::Envelope;

use crate::error::FileError;
use crate::kind::Kind;
use crate::reader::Reader;
use crate::secret;

/// First bytes of a public file.
pub const MAGIC: [u8; 8] = *b"VERCOMMT";

/// Version of the format.
const VERSION: u16 = 2;

/// What the architecture of a committed model may imply ([`Graph::decode_architecture_within`]): a commitment holds `2^22` bytes, and thus at most as many
/// learned values.
const MAX_ARCHITECTURE_UNITS: u64 = 1 << 24;

/// What everybody may know of a commitment.
///
/// ```text
/// "VERCOMMT"  8 bytes
/// version     u16      2; all integers little-endian
/// kind        u8       0 model, 1 input, 2 output, 3 label
/// model       u32 + bytes: architecture (Graph::encode_architecture), envelope 18 bytes
/// input, output        height u32, width u32, channels u32, type u8 (0 unsigned, 1 signed)
/// label                nothing
/// commitment  1024 bytes
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// What it is to.
    pub committed: Committed,
    /// The commitment.
    pub commitment: Commitment,
}

/// What a commitment is to, without the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// What a network has learned.
    Model {
        /// The network with neutral learned values ([`Graph::decode_architecture`]). Names of tensors and operators are not in the file: nothing binds them.
        architecture: Box<Graph>,
        /// What is public about its multipliers.
        envelope: Envelope,
    },
    /// One input: bytes of this type in a tensor of this shape.
    Input {
        /// Height, width, channels.
        shape: Shape,
        /// The range of each value.
        dtype: DataType,
    },
    /// One output.
    Output {
        /// Height, width, channels.
        shape: Shape,
        /// The range of each value.
        dtype: DataType,
    },
    /// A class, below 65536.
    Label,
}

/// Whether bytes begin as a public file does.
pub fn is_public_file(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

impl Committed {
    /// Which kind of value.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Model { .. } => Kind::Model,
            Self::Input { .. } => Kind::Input,
            Self::Output { .. } => Kind::Output,
            Self::Label => Kind::Label,
        }
    }
}

impl Public {
    /// The public file.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(self.committed.kind().byte());
        match &self.committed {
            Committed::Model { architecture, envelope } => {
                let bytes = architecture.encode_architecture();
                // What can be decoded again is shorter than 2^22.
                out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend(bytes);
                out.extend_from_slice(&envelope.to_bytes());
            }
            Committed::Input { shape, dtype } | Committed::Output { shape, dtype } => {
                for side in [shape.height, shape.width, shape.channels] {
                    // A committed tensor has at most 2^22 elements.
                    out.extend_from_slice(&u32::try_from(side).unwrap_or(u32::MAX).to_le_bytes());
                }
                out.push(match dtype {
                    DataType::U8 => 0,
                    DataType::I8 => 1,
                });
            }
            Committed::Label => {}
        }
        out.extend(self.commitment.to_bytes());
        out
    }

    /// Reads a public file. It may be hostile: besides about a hundred times the length of `bytes`, at most 64 MiB are allocated.
    ///
    /// # Errors
    ///
    /// The first fault of the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FileError> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 8] = reader.array("magic").map_err(|_| FileError::NotPublic)?;
        match magic {
            MAGIC => {}
            secret::MAGIC => return Err(FileError::IsSecret),
            _ => return Err(FileError::NotPublic),
        }
        let found = u16::from_le_bytes(reader.array("version")?);
        if found != VERSION {
            return Err(FileError::UnsupportedVersion { found, expected: VERSION });
        }
        let [byte] = reader.array("kind")?;
        let committed = match Kind::from_byte(byte).ok_or(FileError::UnknownKind { found: byte })? {
            Kind::Model => model(&mut reader)?,
            Kind::Input => {
                let (shape, dtype) = tensor(&mut reader)?;
                Committed::Input { shape, dtype }
            }
            Kind::Output => {
                let (shape, dtype) = tensor(&mut reader)?;
                Committed::Output { shape, dtype }
            }
            Kind::Label => Committed::Label,
        };
        let commitment = reader.commitment()?;
        reader.finish()?;
        Ok(Self { committed, commitment })
    }

    /// Reads the public file of a commitment of this kind.
    ///
    /// # Errors
    ///
    /// As [`Public::decode`]; also if it is of another kind.
    pub fn decode_as(bytes: &[u8], expected: Kind) -> Result<Self, FileError> {
        let public = Self::decode(bytes)?;
        let found = public.committed.kind();
        if found == expected { Ok(public) } else { Err(FileError::OtherKind { found, expected }) }
    }
}

fn model(reader: &mut Reader<'_>) -> Result<Committed, FileError> {
    const FIELD: &str = "architecture";
    let len = u32::from_le_bytes(reader.array(FIELD)?);
    // No file that was read whole is longer than an address.
    let bytes = reader.take(FIELD, usize::try_from(len).unwrap_or(usize::MAX))?;
    let envelope = Envelope::from_bytes(reader.array("envelope")?);
    envelope.check()?;
    let architecture = Box::new(Graph::decode_architecture_within(MAX_ARCHITECTURE_UNITS, bytes)?);
    Ok(Committed::Model { architecture, envelope })
}

fn tensor(reader: &mut Reader<'_>) -> Result<(Shape, DataType), FileError> {
    let mut side = || Ok::<u32, FileError>(u32::from_le_bytes(reader.array("shape")?));
    let (height, width, channels) = (side()?, side()?, side()?);
    let impossible = || FileError::ImpossibleShape { height, width, channels };
    let sides = [height, width, channels].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
    let len = sides.into_iter().try_fold(1_usize, usize::checked_mul).ok_or_else(impossible)?;
    Plan::new(len).map_err(|_| impossible())?;
    let dtype = match reader.array("type")? {
        [0] => DataType::U8,
        [1] => DataType::I8,
        [found] => return Err(FileError::UnknownType { found }),
    };
    let [height, width, channels] = sides;
    Ok((Shape::new(height, width, channels), dtype))
}
