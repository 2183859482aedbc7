//! TFLite's roundings as one division.
//!
//! The output of a requantization is the floor of `(multiplier * acc + constant - sign_factor * sign) / 2^shift`, moved and clamped, with constants that [`super::lines`] finds.
//! Where the clamp starts below the zero point and TFLite rounds twice, the sign matters and is a cell. One more bit of the quotient is then looked up, and the
//! table demands `sign = [key <= 0]`: for the true sign that always holds, and for the false one it holds only where both give the same output
//! (docs/protocol.md, section 1.1).

use verinfer_graph::{Graph, NodeId, Requantization};

use super::lines::Lines;
use crate::error::RelationError;
use crate::relation::Rescaling;

/// The requantization of a node before its remainder is cut into limbs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The constants, `None` where they are hidden.
    pub values: Option<Rescaling>,
    /// Whether there is a sign cell.
    pub signed: bool,
    /// Bits of the remainder.
    pub shift: usize,
    /// Smallest and largest key, without offset.
    pub keys: (i64, i64),
    /// Which of the tables of its clamp and of the sign it uses: nodes share them, unless the keys of one leave the remainder of another no room.
    pub table: usize,
    /// Largest absolute value of `multiplier * acc + constant - sign_factor * sign` at this shift.
    magnitude: i128,
}

impl Plan {
    /// The plan of node `id`, whose output has `channels` channels. Hidden addends may take its accumulators up to `margin` out of their range.
    pub fn new(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize, margin: i64) -> Result<Self, RelationError> {
        let lines = Lines::new(graph, id, requantization, channels, margin)?;
        let values = lines.rescaling(lines.bits).ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let magnitude = lines.magnitude(&values).max(1i128 << lines.bits);
        Ok(Self { values: Some(values), signed: lines.signed, shift: lines.bits, keys: lines.keys(), table: 0, magnitude })
    }

    /// The plan of a node whose constants are hidden: known is only that its keys lie in `keys`.
    pub fn hidden(signed: bool, shift: usize, keys: (i64, i64)) -> Self {
        Self { values: None, signed, shift, keys, table: 0, magnitude: 1i128 << shift }
    }

    /// Brings the remainder to `bits` bits.
    pub fn widen(&mut self, bits: usize) {
        let factor = 1i64 << (bits - self.shift);
        if let Some(values) = &mut self.values {
            for values in [&mut values.multipliers, &mut values.constants, &mut values.sign_factors] {
                values.iter_mut().for_each(|value| *value *= factor);
            }
        }
        self.magnitude *= i128::from(factor);
        self.shift = bits;
    }

    /// Largest number of bits of the remainder for which the accumulator's side of the equation stays within `bits` bits.
    pub fn max_bits(&self, bits: u32) -> usize {
        let used = i128::BITS - self.magnitude.leading_zeros();
        self.shift.saturating_sub(used.saturating_sub(bits) as usize) + bits.saturating_sub(used) as usize
    }
}
