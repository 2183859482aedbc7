//! TFLite's roundings as one division.
//!
//! `RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(acc, m), n)` with `n >= 1` is
//! `floor((acc m + 2^30 + 2^(30+n) - sigma 2^31) / 2^(31+n))`, `sigma = 1` if `acc m + 2^30 < 0`; with `n = 0` it is
//! `floor((acc m + 2^30) / 2^31)`; a single rounding is `floor((acc m + 2^(30+n)) / 2^(31+n))`. Channels are brought to one shift by scaling multiplier and constants with powers of two.
//!
//! Where the clamp starts below the zero point, sigma matters and is a cell. One more bit of the quotient is then looked up,
//! `key = floor((... - sigma 2^31) / 2^(30+n))`, and the table demands `sigma = [key <= 0]`: for the true sigma that always holds, and for the
//! false one it holds only where both give the same output (docs/protocol.md, section 1.1).

use verinfer_graph::{Graph, NodeId, Requantization, Rounding};

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
    /// Whether the remainder is longer than those of convolutions, so that only tables of few keys leave room for it (additions).
    pub long_remainder: bool,
    /// Smallest and largest key, without offset.
    pub keys: (i64, i64),
    /// Largest absolute value of `multiplier * acc + constant - sign_factor * sign` at this shift.
    magnitude: i128,
}

impl Plan {
    /// The plan of node `id`, whose output has `channels` channels. Hidden addends may take its accumulators up to `margin` out of their range.
    pub fn new(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize, margin: i64) -> Result<Self, RelationError> {
        let channels = Channels::new(graph, id, requantization, channels, margin)?;
        let signed = channels.signed;
        let shift = 31 + channels.right_shift - u32::from(signed);
        let values = channels.rescaling(graph, id, shift as usize)?;
        let mut plan = Self {
            signed,
            shift: shift as usize,
            long_remainder: shift > MAX_SHORT_REMAINDER,
            keys: channels.keys(&values, shift as usize),
            magnitude: channels.magnitude(&values).max(1i128 << shift),
            values: None,
        };
        plan.values = Some(values);
        Ok(plan)
    }

    /// The plan of a node whose constants are hidden: known is only that its keys lie in `keys`.
    pub fn hidden(signed: bool, shift: usize, keys: (i64, i64)) -> Self {
        Self { values: None, signed, shift, long_remainder: false, keys, magnitude: 1i128 << shift }
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

/// The channels of a requantization, each in the form that suits its accumulators.
struct Channels {
    channels: Vec<Channel>,
    /// Worst-case range of the accumulator, by channel.
    ranges: Vec<(i64, i64)>,
    /// Largest right shift.
    right_shift: u32,
    /// Whether the rounding needs a sign.
    signed: bool,
}

impl Channels {
    /// The channels of node `id`, whose output has `channels` channels, for accumulators up to `margin` out of their range.
    fn new(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize, margin: i64) -> Result<Self, RelationError> {
        let ranges = graph.accumulator_range(id).ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let of = |values: &[i32], c: usize| i64::from(if values.len() == 1 { values[0] } else { values[c] });
        let range = |c: usize| if ranges.len() == 1 { ranges[0] } else { ranges[c] };
        let ranges: Vec<(i64, i64)> = (0..channels).map(range).map(|(low, high)| (low - margin, high + margin)).collect();
        let channels: Vec<Channel> = (0..channels)
            .map(|c| Channel::new(of(&requantization.multipliers, c), of(&requantization.shifts, c), requantization.rounding, ranges[c]))
            .collect();
        let right_shift = channels.iter().filter_map(Channel::right_shift).max().unwrap_or(0);
        let signed = may_have_sign(requantization) && channels.iter().any(Channel::needs_sign);
        Ok(Self { channels, ranges, right_shift, signed })
    }

    /// Multipliers, constants and sign factors for a remainder of `shift` bits, at least `31 + right_shift` less one if there is a sign.
    fn rescaling(&self, graph: &Graph, id: NodeId, shift: usize) -> Result<Rescaling, RelationError> {
        let too_wide = || RelationError::TooWide { node: id.0, op: graph.node(id).source.clone(), bits: shift, room: INTEGER_BITS };
        let right = u32::try_from(shift + usize::from(self.signed)).ok().and_then(|bits| bits.checked_sub(31)).ok_or_else(too_wide)?;
        if right < self.right_shift {
            return Err(too_wide());
        }
        let mut values = Rescaling::default();
        for channel in &self.channels {
            let (multiplier, constant, sign_factor) = channel.scaled(right, self.signed).ok_or_else(too_wide)?;
            values.multipliers.push(multiplier);
            values.constants.push(constant);
            values.sign_factors.push(sign_factor);
        }
        Ok(values)
    }

    /// Smallest and largest key, without offset, of constants for a remainder of `shift` bits.
    fn keys(&self, values: &Rescaling, shift: usize) -> (i64, i64) {
        let key = |channel: usize, acc: i64| {
            let value = i128::from(acc) * i128::from(values.multipliers[channel]) + i128::from(values.constants[channel]);
            let key = value >> shift;
            if self.signed && key <= 0 { (value - i128::from(values.sign_factors[channel])) >> shift } else { key }
        };
        let ends = (0..self.ranges.len()).map(|channel| (key(channel, self.ranges[channel].0), key(channel, self.ranges[channel].1)));
        let range = ends.fold((i128::MAX, i128::MIN), |range, ends| (range.0.min(ends.0), range.1.max(ends.1)));
        // Out of 64 bits only where the remainder has no room either, which is refused.
        let narrow = |key: i128| i64::try_from(key).unwrap_or(if key < 0 { i64::MIN / 4 } else { i64::MAX / 4 });
        (narrow(range.0), narrow(range.1))
    }

    /// Largest absolute value of the accumulator's side of the equation.
    fn magnitude(&self, values: &Rescaling) -> i128 {
        let constants = values.constants.iter().zip(&values.sign_factors);
        let sizes = self.ranges.iter().zip(&values.multipliers).zip(constants).map(|((&(min, max), &multiplier), (&constant, &factor))| {
            let acc = i128::from(min.abs().max(max.abs()));
            acc * i128::from(multiplier) + i128::from(constant.abs()) + i128::from(factor)
        });
        sizes.max().unwrap_or(0)
    }
}

/// Whether some multipliers of this requantization would need a sign cell.
pub fn may_have_sign(requantization: &Requantization) -> bool {
    requantization.rounding == Rounding::Twice && i32::from(requantization.min) < requantization.zero_point
}

/// Bits that no side of the equation may leave.
pub const INTEGER_BITS: usize = 62;

/// One channel's multiplier.
enum Channel {
    /// The output before zero point and clamp is the same for every accumulator in range.
    Constant(i64),
    /// TFLite's two roundings with this right shift.
    Double { multiplier: i64, right_shift: u32 },
    /// `floor((acc multiplier + constant) / 2^(31 + right_shift))`, equal to the two roundings on the whole range.
    Single { multiplier: i64, constant: i64, right_shift: u32 },
}

/// Bits of the remainders whose nodes share tables whatever their keys.
const MAX_SHORT_REMAINDER: u32 = 44;

/// Right shifts above this are worth replacing: they belong to channels whose outputs take few values.
const COMMON_RIGHT_SHIFT: u32 = 10;

/// Most output values of a channel for which a replacement is searched.
const MAX_STEPS: i64 = 1 << 8;

impl Channel {
    fn new(multiplier: i64, shift: i64, rounding: Rounding, (min, max): (i64, i64)) -> Self {
        let right_shift = (-shift).max(0) as u32;
        let multiplier = multiplier << shift.max(0);
        let round = |acc: i64| round(acc, multiplier, right_shift, rounding);
        let (low, high) = (round(min), round(max));
        if low == high {
            return Self::Constant(low);
        }
        if right_shift > COMMON_RIGHT_SHIFT && high - low <= MAX_STEPS {
            let steps: Vec<(i64, i64)> = (low + 1..=high).map(|value| (value, first_reaching(value, round, (min, max)))).collect();
            let ends = [(low, min), (high + 1, max + 1)];
            let found = (COMMON_RIGHT_SHIFT..right_shift).find_map(|target| single(&steps, ends, multiplier, right_shift, target));
            if let Some(channel) = found {
                return channel;
            }
        }
        match rounding {
            Rounding::Twice => Self::Double { multiplier, right_shift },
            // The product has at most 62 bits: were the shift above 31, the channel would be constant.
            Rounding::Once => Self::Single { multiplier, constant: 1 << (30 + right_shift), right_shift },
        }
    }

    fn right_shift(&self) -> Option<u32> {
        match self {
            Self::Constant(_) => None,
            Self::Double { right_shift, .. } | Self::Single { right_shift, .. } => Some(*right_shift),
        }
    }

    fn needs_sign(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Single { .. } => false,
            Self::Double { right_shift, .. } => *right_shift > 0,
        }
    }

    /// Multiplier, constant and sign factor for a common right shift; `None` on overflow.
    fn scaled(&self, right: u32, signed: bool) -> Option<(i64, i64, i64)> {
        let shift_left = |value: i64, bits: u32| value.checked_mul(1i64.checked_shl(bits).filter(|p| *p > 0)?);
        Some(match *self {
            Self::Constant(value) if signed => (0, shift_left(2 * value + 1, 30 + right)?, 0),
            Self::Constant(value) => (0, shift_left(value, 31 + right)?, 0),
            Self::Double { multiplier, right_shift: 0 } => (shift_left(multiplier, right)?, shift_left(1, 30 + right)?, 0),
            Self::Double { multiplier, right_shift } => {
                let fold = right - right_shift;
                let sign_factor = if signed { shift_left(1, 31 + fold)? } else { 0 };
                (shift_left(multiplier, fold)?, shift_left(1, 30 + fold)?.checked_add(shift_left(1, 30 + right)?)?, sign_factor)
            }
            Self::Single { multiplier, constant, right_shift } => {
                (shift_left(multiplier, right - right_shift)?, shift_left(constant, right - right_shift)?, 0)
            }
        })
    }
}

/// The rounded product without zero point and clamp.
fn round(acc: i64, multiplier: i64, right_shift: u32, rounding: Rounding) -> i64 {
    let product = i128::from(acc) * i128::from(multiplier);
    let high = (product + (1 << 30)) >> 31;
    match (rounding, right_shift) {
        (Rounding::Once, _) => ((product + (1 << (30 + right_shift))) >> (31 + right_shift)) as i64,
        (Rounding::Twice, 0) => high as i64,
        (Rounding::Twice, _) => ((high + (1 << (right_shift - 1)) - i128::from(high < 0)) >> right_shift) as i64,
    }
}

/// Smallest accumulator of the range whose rounded product is at least `value` (the largest one's is).
fn first_reaching(value: i64, round: impl Fn(i64) -> i64, (mut low, mut high): (i64, i64)) -> i64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if round(middle) >= value { high = middle } else { low = middle + 1 }
    }
    low
}

/// A single rounding with a smaller shift that steps at the same accumulators, if there is one.
///
/// `steps` are the values above the smallest with the first accumulator that reaches each; at the ends of the range, `first.1` still gives
/// `first.0`, and `last.0` is first reached by `last.1`, which is out of range.
fn single(steps: &[(i64, i64)], [first, last]: [(i64, i64); 2], multiplier: i64, from: u32, to: u32) -> Option<Channel> {
    let multiplier = (multiplier + (1 << (from - to - 1))) >> (from - to);
    let level = |value: i64| i128::from(value) << (31 + to);
    let product = |acc: i64| i128::from(acc) * i128::from(multiplier);
    let lower = steps.iter().chain([&first]).map(|&(value, acc)| level(value) - product(acc)).max()?;
    let upper = steps.iter().chain([&last]).map(|&(value, acc)| level(value) - product(acc - 1) - 1).min()?;
    let constant = i64::try_from(lower + (upper - lower) / 2).ok().filter(|_| lower <= upper)?;
    Some(Channel::Single { multiplier, constant, right_shift: to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(acc: i64, multiplier: i64, right_shift: u32) -> i64 {
        let product = acc * multiplier;
        let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
        let high = (product + nudge) / (1 << 31);
        let mask = (1i64 << right_shift) - 1;
        let threshold = (mask >> 1) + i64::from(high < 0);
        (high >> right_shift) + i64::from((high & mask) > threshold)
    }

    #[test]
    fn one_floor_equals_the_two_roundings() {
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let acc = (state >> 40) as i64 - (1 << 23);
            let multiplier = (1 << 30) + (state & 0x3fff_ffff) as i64;
            let right_shift = (state >> 32) as u32 % 16;
            assert_eq!(round(acc, multiplier, right_shift, Rounding::Twice), literal(acc, multiplier, right_shift));
        }
    }

    #[test]
    fn every_channel_kind_splits_into_the_rounded_product() {
        for (multiplier, shift, range, signed) in [
            (1_518_500_250, -7, (-40_000, 40_000), true),
            (1_518_500_250, -7, (-40_000, 40_000), false),
            (1_073_741_824, -1, (-3_000, 3_000), true),
            (1_900_000_001, 0, (-300, 300), true),
            (1_900_000_001, 1, (-300, 300), true),
            (1_400_000_000, -30, (-70_000, 70_000), true),
            (1_400_000_000, -16, (-200_000, 200_000), true),
            (1_400_000_000, -16, (-200_000, 200_000), false),
        ] {
            let channel = Channel::new(multiplier, shift, Rounding::Twice, range);
            let right = channel.right_shift().unwrap_or(3);
            let (m, c, s) = channel.scaled(right, signed).unwrap();
            let bits = 31 + right - u32::from(signed);
            for acc in (range.0..=range.1).step_by(7) {
                let mut key = (acc * m + c) >> bits;
                if signed && key <= 0 {
                    key = (acc * m + c - s) >> bits;
                }
                let quotient = if signed { key >> 1 } else { key };
                let expected = round(acc, multiplier << shift.max(0), (-shift).max(0) as u32, Rounding::Twice);
                if signed || expected > 0 {
                    assert_eq!(quotient, expected, "{multiplier} {shift} {acc}");
                } else {
                    assert!(quotient <= 0, "only the sign of the quotient matters below the clamp");
                }
            }
        }
    }

    /// A range that begins or ends right at a step of the rounding.
    #[test]
    fn a_replacement_is_right_at_both_ends_of_the_range() {
        let mut state = 7u64;
        let mut replaced = 0;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let multiplier = (1 << 30) + (state >> 34) as i64;
            let right_shift = 11 + (state & 7) as u32;
            let rounding = if state & 8 == 0 { Rounding::Twice } else { Rounding::Once };
            let at = |acc: i64| round(acc, multiplier, right_shift, rounding);
            let width = 1000 + (state >> 20 & 0xffff) as i64;
            let step = first_reaching(1 + (state >> 16 & 3) as i64 - 2, at, (-(1 << 30), 1 << 30));
            for (min, max) in [(step, step + width), (step - 1, step + width), (step - width, step - 1), (step - width, step)] {
                let channel = Channel::new(multiplier, -i64::from(right_shift), rounding, (min, max));
                let Channel::Single { multiplier, constant, right_shift } = channel else { continue };
                replaced += 1;
                for acc in [min, min + 1, max - 1, max] {
                    assert_eq!((acc * multiplier + constant) >> (31 + right_shift), at(acc), "{min}..={max} at {acc}");
                }
            }
        }
        assert!(replaced > 10_000, "only {replaced} channels were replaced");
    }
}
