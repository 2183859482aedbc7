//! What is public about hidden multipliers: how precise the requantizations are, and how large their keys may be.
//!
//! One envelope holds for all linear layers of a network, so that it says little about any of them. With it, the relation of a network with
//! hidden weights depends on the architecture alone.

use p3_field::PrimeField64;
use verinfer_graph::{DataType, Graph, NodeId, Op};

use crate::error::RelationError;
use crate::field::F;
use crate::lower::lines::{INTEGER_BITS, Lines};
use crate::relation::Contraction;

/// The public part of hidden multipliers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Limbs of a remainder.
    pub num_limbs: u8,
    /// Bits of a limb.
    pub limb_bits: u8,
    /// Smallest and largest key of layers whose rounding has no sign, without zero point.
    pub keys: (i32, i32),
    /// Smallest and largest key of layers whose rounding has a sign: twice the quotient.
    pub signed_keys: (i32, i32),
}

/// Why numbers are not an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Too few or too many bits for the remainder.
    #[error("a remainder of {num_limbs} limbs of {limb_bits} bits is impossible")]
    Limbs {
        /// Limbs.
        num_limbs: u8,
        /// Bits of a limb.
        limb_bits: u8,
    },
    /// A range of keys is empty, has too many values, or leaves the field no room for the remainder.
    #[error("keys {first}..={last} are impossible for a remainder of {bits} bits")]
    Keys {
        /// First key.
        first: i32,
        /// Last key.
        last: i32,
        /// Bits of the remainder.
        bits: usize,
    },
}

/// Bits of the hidden constants `multiplier * bias + rounding`, which are signed.
pub const CONSTANT_BITS: usize = 62;

/// Hidden addends of additions are at least minus this and below this: operands of TFLite's ADD, 8 bits shifted by 20, are halved at least.
pub const ADDEND_BOUND: i64 = 1 << 28;

/// Bits that the keys' side of a requantization may have.
const KEY_SIDE_BITS: u32 = 62;

/// Fewest bits of a remainder.
pub const MIN_BITS: usize = 20;

/// Most keys of a range: layers that show their constants have at most 2^22 each, from both sides of zero,
/// and the ends are rounded outwards by a quarter at most.
const MAX_KEYS: i64 = (2 << 22) + (2 << 20);

/// Leading bits to which the ends of a range of keys are rounded outwards.
const SIGNIFICANT_BITS: u32 = 3;

/// Demands that nothing public of a network whose weights are hidden follows from its learned values or their scales, besides the envelope.
///
/// # Errors
///
/// An addition of constants has a table that shows their scale.
pub fn check_public(graph: &Graph) -> Result<(), RelationError> {
    let shows = |node: &verinfer_graph::Node| matches!(&node.op, Op::Add(add) if !add.shows_no_scale());
    match graph.nodes().iter().enumerate().find(|(_, node)| shows(node)) {
        Some((index, node)) => Err(RelationError::ShowsScale { node: index, op: node.source.clone() }),
        None => Ok(()),
    }
}

impl Envelope {
    /// Bytes of an encoded envelope.
    pub const BYTES: usize = 18;

    /// Limbs, bits and the four ends of the ranges, little-endian.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..2].copy_from_slice(&[self.num_limbs, self.limb_bits]);
        let keys = [self.keys.0, self.keys.1, self.signed_keys.0, self.signed_keys.1];
        for (to, key) in bytes[2..].chunks_exact_mut(4).zip(keys) {
            to.copy_from_slice(&key.to_le_bytes());
        }
        bytes
    }

    /// Reads an envelope, which may be impossible ([`Envelope::check`]).
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [num_limbs, limb_bits, keys @ ..] = bytes;
        let (keys, _) = keys.as_chunks::<4>();
        let key = |index: usize| keys.get(index).map_or(0, |&bytes| i32::from_le_bytes(bytes));
        Self { num_limbs, limb_bits, keys: (key(0), key(1)), signed_keys: (key(2), key(3)) }
    }

    /// Bits of a remainder.
    pub fn shift(&self) -> usize {
        usize::from(self.num_limbs) * usize::from(self.limb_bits)
    }

    /// The envelope of a network: the fewest bits for which every channel of the linear layers has constants that give its outputs, in the limbs that make the fewest cells; keys for
    /// every accumulator in range, rounded outwards to three significant bits.
    pub fn of(graph: &Graph) -> Result<Self, RelationError> {
        let mut layers = Vec::new();
        let mut bits = MIN_BITS;
        for (index, node) in graph.nodes().iter().enumerate() {
            if let Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) = &node.op {
                let shape = graph.spec(node.output).shape;
                // The lines that a prover uses, made longer: the keys stay what they are.
                let lines = Lines::hidden(graph, NodeId(index), &conv.requantization, shape.channels)?;
                bits = bits.max(lines.bits);
                layers.push((lines.signed, lines.keys(), shape.num_elements()));
            }
        }
        let elements: usize = layers.iter().map(|&(_, _, elements)| elements).sum();
        let cost = |widest: &usize| bits.div_ceil(*widest) * elements + (1usize << bits.div_ceil(bits.div_ceil(*widest)));
        let num_limbs = bits.div_ceil((8..=22).min_by_key(cost).unwrap_or(16));
        let limb_bits = bits.div_ceil(num_limbs);
        let mut ranges = [(0, 0); 2];
        for (signed, keys, _) in layers {
            let range = &mut ranges[usize::from(signed)];
            *range = (range.0.min(keys.0), range.1.max(keys.1));
        }
        let [keys, signed_keys] = ranges.map(|(low, high)| (-outwards(-low), outwards(high)));
        let narrow = |(low, high): (i64, i64)| (low.max(i64::from(i32::MIN)) as i32, high.min(i64::from(i32::MAX)) as i32);
        let envelope =
            Self { num_limbs: num_limbs as u8, limb_bits: limb_bits as u8, keys: narrow(keys), signed_keys: narrow(signed_keys) };
        envelope.check()?;
        Ok(envelope)
    }

    /// Demands that no key with its remainder can wrap around the field, whatever the hidden constants are.
    pub fn check(&self) -> Result<(), EnvelopeError> {
        let Self { num_limbs, limb_bits, .. } = *self;
        let bits = self.shift();
        if !(1..=22).contains(&limb_bits) || !(MIN_BITS..=INTEGER_BITS - 4).contains(&bits) {
            return Err(EnvelopeError::Limbs { num_limbs, limb_bits });
        }
        for (first, last) in [self.keys, self.signed_keys] {
            // Tables hold the keys less or more a zero point, or twice that.
            let largest = i64::from(first).abs().max(i64::from(last).abs()) + 2 * 256;
            let fits = i128::from(largest + 3) << bits <= 1i128 << KEY_SIDE_BITS;
            if first > 0 || last < 0 || i64::from(last) - i64::from(first) > MAX_KEYS || !fits {
                return Err(EnvelopeError::Keys { first, last, bits });
            }
        }
        Ok(())
    }
}

/// The smallest integer with three significant bits that is at least `value`, zero for what is not positive.
fn outwards(value: i64) -> i64 {
    if value <= 0 {
        return 0;
    }
    let drop = (i64::BITS - value.leading_zeros()).saturating_sub(SIGNIFICANT_BITS);
    (((value - 1) >> drop) + 1) << drop
}

/// Bits of the hidden multipliers of a layer: the most for which `multiplier * acc + constant - sign_factor * sign` and its key with the remainder
/// differ by less than the field's order, for any 8-bit input, weights and zero point of weights. `None` if there is no room for any.
pub fn multiplier_bits(graph: &Graph, contraction: &Contraction) -> Option<usize> {
    contraction.conv(graph)?;
    let (low, high) = graph.value_range(contraction.tensor);
    let distance = |low: i64, high: i64, zero: i64| i128::from((low - zero).abs().max((high - zero).abs()));
    let input = distance(i64::from(low), i64::from(high), contraction.input_zero_point);
    let (low, high) = weight_range(graph, contraction);
    let weight = i128::from(high - low);
    let terms = contraction.window.num_taps() * if contraction.depthwise { 1 } else { contraction.input_shape.channels };
    let acc = input * weight * terms as i128;
    let room = i128::from(F::ORDER_U64) - 1 - (1i128 << (CONSTANT_BITS - 1)) - (1i128 << (INTEGER_BITS - 4)) - (1i128 << KEY_SIDE_BITS);
    let largest = room / acc.max(1);
    let bits = (i128::BITS - largest.leading_zeros()) as usize;
    (bits > 1).then(|| (bits - 1).min(INTEGER_BITS))
}

/// Smallest and largest value of the stored weights of a layer: those of the type of its input.
pub fn weight_range(graph: &Graph, contraction: &Contraction) -> (i64, i64) {
    byte_range(graph.spec(contraction.tensor).dtype)
}

/// Smallest and largest value of a type.
pub fn byte_range(dtype: DataType) -> (i64, i64) {
    (i64::from(dtype.min()), i64::from(dtype.max()))
}
