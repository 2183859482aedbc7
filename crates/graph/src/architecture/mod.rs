//! What is public about a network whose learned values are hidden: its architecture.
//!
//! *Learned* are the weights, their zero point, biases, multipliers and shifts of [`Op::Conv2d`] and [`Op::DepthwiseConv2d`] and the values of
//! [`Operand::Constant`]. Everything else is architecture: operators, wiring, shapes, types, windows, zero points of activations, clamps, rounding modes,
//! whether multipliers and shifts are per channel, all tables, and the requantization of [`Op::Add`] and [`Op::Mul`]. Why each of these is public is
//! in docs/security.md. Names are neither: they are bound by nothing and left out.
//!
//! An encoding is [`PREFIX`], a version byte and the `postcard` encoding of `record::Record`. A network has one; decoding refuses all others.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use crate::error::GraphError;
use crate::graph::Graph;
use crate::op::{Conv, Op, Operand};
use record::Record;

mod build;
mod record;
mod runs;
#[cfg(test)]
mod tests;

/// The first bytes of an encoded architecture.
const PREFIX: &[u8; 7] = b"VERARCH";

/// The byte after the prefix.
const VERSION: u8 = 2;

/// Longest encoding that is decoded, in bytes.
const MAX_LENGTH: usize = 1 << 22;

/// What [`Graph::decode_architecture`] may build from shapes and runs, in units of at most four bytes: one for each learned value and each
/// entry of a table of a pool, four for each range of accumulators.
const MAX_UNITS: u64 = 1 << 28;

const DIGEST_CONTEXT: &str = "verinfer graph v3: architecture without learned values or names";

/// Why bytes are not the encoding of an architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and names each field")]
pub enum ArchitectureError {
    #[error("the architecture has {found} bytes, more than {limit}")]
    TooLong { found: usize, limit: usize },
    #[error("the bytes do not begin like an architecture")]
    Prefix,
    #[error("the architecture has version {found}, expected {expected}")]
    Version { found: u8, expected: u8 },
    #[error("the architecture is cut off or malformed: {reason}")]
    Malformed { reason: String },
    #[error("{count} bytes follow the architecture")]
    TrailingBytes { count: usize },
    #[error("learned values and tables of the architecture take more than {limit} units of four bytes")]
    TooLarge { limit: u64 },
    #[error("the architecture is not in its canonical encoding")]
    NotCanonical,
    #[error("the architecture is not that of a valid network: {0}")]
    Graph(GraphError),
}

impl From<GraphError> for ArchitectureError {
    fn from(cause: GraphError) -> Self {
        Self::Graph(cause)
    }
}

/// Numbers of learned values of a network; see [`Graph::learned_len`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnedLen {
    /// Weights of convolutions.
    pub weights: usize,
    /// Biases of convolutions: their output channels.
    pub biases: usize,
    /// Multipliers of convolutions, one for each layer or for each output channel.
    pub multipliers: usize,
    /// Shifts of convolutions, likewise.
    pub shifts: usize,
    /// Constants of additions, one for each output channel.
    pub constants: usize,
}

impl Graph {
    /// Commits to the architecture: to everything but learned values, [`crate::TensorSpec::name`] and [`crate::Node::source`]. Equal for
    /// [`Graph::without_learned`].
    pub fn architecture_digest(&self) -> [u8; 32] {
        blake3::derive_key(DIGEST_CONTEXT, &Record::new(self).encode())
    }

    /// The same architecture with learned values that say nothing: weights and their zero point 0, biases 0, multipliers `2^30` and shifts
    /// 0 (as many as before), and as constants of additions the value closest to zero with which no sum leaves 32 bits: 0 but in networks
    /// made for it. Names are those of kinds and indices.
    ///
    /// A function of the architecture. [`Graph::value_range`] is that of `self`; [`Graph::accumulator_range`] and
    /// [`Graph::quotient_range`] are not.
    #[allow(clippy::expect_used, reason = "neutral values are legal wherever any are")]
    pub fn without_learned(&self) -> Self {
        Record::new(self).build(u64::MAX).expect("the architecture of a valid network is valid")
    }

    /// Encodes the architecture; no learned value and no name is read.
    ///
    /// [`Graph::decode_architecture`] takes encodings of up to 4 MiB and up to `2^28` learned values and entries of tables of pools (a
    /// tap counts for up to 16, an output channel for 7).
    pub fn encode_architecture(&self) -> Vec<u8> {
        encode(&Record::new(self))
    }

    /// The network that [`Graph::without_learned`] gives for the one whose encoding `bytes` is.
    ///
    /// `bytes` may be hostile. Besides about a hundred times the length of `bytes`, which is at most 4 MiB, at most 1 GiB is allocated. Range
    /// analysis of a hostile network within these limits can take some ten seconds.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, or the first fault of the network; also for bytes that decode, but are not what
    /// [`Graph::encode_architecture`] gives.
    pub fn decode_architecture(bytes: &[u8]) -> Result<Self, ArchitectureError> {
        Self::decode_architecture_within(MAX_UNITS, bytes)
    }

    /// As [`Graph::decode_architecture`], where it is known that there are fewer learned values and entries of tables of pools: at most four bytes are
    /// allocated for each of `max_units`, and time goes down with it.
    ///
    /// # Errors
    ///
    /// As [`Graph::decode_architecture`].
    pub fn decode_architecture_within(max_units: u64, bytes: &[u8]) -> Result<Self, ArchitectureError> {
        if bytes.len() > MAX_LENGTH {
            return Err(ArchitectureError::TooLong { found: bytes.len(), limit: MAX_LENGTH });
        }
        let (&version, body) = bytes.strip_prefix(PREFIX).and_then(<[u8]>::split_first).ok_or(ArchitectureError::Prefix)?;
        if version != VERSION {
            return Err(ArchitectureError::Version { found: version, expected: VERSION });
        }
        let graph = Record::decode(body)?.build(max_units)?;
        if graph.encode_architecture() != bytes {
            return Err(ArchitectureError::NotCanonical);
        }
        Ok(graph)
    }

    /// How many values are learned; a function of the architecture.
    pub fn learned_len(&self) -> LearnedLen {
        self.nodes().iter().fold(LearnedLen::default(), |sum, node| match &node.op {
            Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => sum.with_convolution(conv),
            Op::Add(add) => match &add.right {
                Operand::Constant(constants) => LearnedLen { constants: sum.constants.saturating_add(constants.len()), ..sum },
                Operand::Tensor { .. } => sum,
            },
            Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => sum,
        })
    }
}

impl LearnedLen {
    /// All of them.
    pub const fn total(&self) -> usize {
        let Self { weights, biases, multipliers, shifts, constants } = *self;
        weights.saturating_add(biases).saturating_add(multipliers).saturating_add(shifts).saturating_add(constants)
    }

    const fn with_convolution(self, conv: &Conv) -> Self {
        Self {
            weights: self.weights.saturating_add(conv.weights.len()),
            biases: self.biases.saturating_add(conv.bias.len()),
            multipliers: self.multipliers.saturating_add(conv.requantization.multipliers.len()),
            shifts: self.shifts.saturating_add(conv.requantization.shifts.len()),
            ..self
        }
    }
}

fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = PREFIX.to_vec();
    bytes.push(VERSION);
    bytes.extend(record.encode());
    bytes
}
