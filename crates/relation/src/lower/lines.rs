//! The lines of all channels of a node, for remainders of one number of bits.

use verinfer_graph::{Graph, NodeId, Requantization, Rounding};

use super::steps::{Line, Steps};
use crate::envelope;
use crate::error::RelationError;
use crate::relation::Rescaling;

/// Bits that no side of the equation may leave.
pub const INTEGER_BITS: usize = 62;

/// Fewest bits of a remainder.
const MIN_BITS: usize = 8;

/// Most bits of a remainder that are preferred to a sign.
const MAX_BITS_WITHOUT_SIGN: usize = 44;

/// The constants of a requantization.
pub struct Lines {
    /// By channel, or one for all.
    lines: Vec<Found>,
    /// Worst-case range of the accumulator, by channel.
    ranges: Vec<(i64, i64)>,
    /// Whether the rounding has a sign.
    pub signed: bool,
    /// Fewest bits of the remainder with which each channel has a line.
    pub bits: usize,
}

/// A line and the number of bits it was found for.
#[derive(Clone, Copy)]
struct Found {
    line: Line,
    bits: usize,
}

impl Lines {
    /// The lines of node `id`, whose output has `channels` channels, for accumulators up to `margin` out of their range. There is a sign only where some
    /// channel has no line without one. Channels of one multiplier share their line.
    ///
    /// # Errors
    ///
    /// There are none of so few bits that no side of the equation leaves [`INTEGER_BITS`].
    pub fn new(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize, margin: i64) -> Result<Self, RelationError> {
        let ranges = ranges(graph, id, channels, margin)?;
        let shared = requantization.multipliers.len() == 1 && requantization.shifts.len() == 1;
        let hull = ranges.iter().fold((i64::MAX, i64::MIN), |hull, range| (hull.0.min(range.0), hull.1.max(range.1)));
        let sources = if shared { std::slice::from_ref(&hull) } else { &ranges };
        let may_have_sign = may_have_sign(requantization);
        let find = |signed: bool, most: usize| {
            let steps = sources.iter().enumerate().map(|(channel, &range)| Steps::new(requantization, channel, range));
            // Where a channel needs a sign, the others are not tried without one.
            let skipped = |steps: &Steps| may_have_sign && !signed && steps.needs_sign();
            find(steps.map(|steps| (!skipped(&steps)).then_some(steps)), signed, MIN_BITS, most)
        };
        let without = find(false, if may_have_sign { MAX_BITS_WITHOUT_SIGN } else { INTEGER_BITS });
        let signed = may_have_sign && without.is_none();
        let found = without.or_else(|| find(signed, INTEGER_BITS));
        let (lines, bits) = found.ok_or_else(|| too_wide(graph, id))?;
        Ok(Self { lines, ranges, signed, bits })
    }

    /// The lines of a linear layer whose constants are hidden, of at least [`envelope::MIN_BITS`] bits: each channel's own, with a sign where the architecture allows one.
    ///
    /// # Errors
    ///
    /// As [`Lines::new`].
    pub fn hidden(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize) -> Result<Self, RelationError> {
        let ranges = ranges(graph, id, channels, 0)?;
        let signed = may_have_sign(requantization);
        let steps = ranges.iter().enumerate().map(|(channel, &range)| Some(Steps::new(requantization, channel, range)));
        let (lines, bits) = find(steps, signed, envelope::MIN_BITS, INTEGER_BITS).ok_or_else(|| too_wide(graph, id))?;
        Ok(Self { lines, ranges, signed, bits })
    }

    /// Multipliers, constants and sign factors for a remainder of `bits` bits; `None` if these are too few, or so many that 64 bits are left.
    pub fn rescaling(&self, bits: usize) -> Option<Rescaling> {
        let mut values = Rescaling::default();
        for channel in 0..self.ranges.len() {
            let found = self.of(channel);
            let line = found.line.widened(bits.checked_sub(found.bits)?)?;
            values.multipliers.push(line.multiplier);
            values.constants.push(line.constant);
            values.sign_factors.push(line.sign_factor);
        }
        Some(values)
    }

    /// Smallest and largest key, which more bits of the remainder do not change.
    pub fn keys(&self) -> (i64, i64) {
        let key = |Found { line, bits }: Found, acc| {
            let key = line.key(acc, bits, self.signed);
            // Out of 64 bits only where the remainder has no room either, which is refused.
            i64::try_from(key).unwrap_or(if key < 0 { i64::MIN / 4 } else { i64::MAX / 4 })
        };
        let ends = self.ranges.iter().enumerate().map(|(channel, range)| (key(self.of(channel), range.0), key(self.of(channel), range.1)));
        ends.fold((i64::MAX, i64::MIN), |keys, ends| (keys.0.min(ends.0), keys.1.max(ends.1)))
    }

    /// Largest absolute value of `multiplier * acc + constant - sign_factor * sign`, of constants that [`Lines::rescaling`] gives.
    pub fn magnitude(&self, values: &Rescaling) -> i128 {
        let constants = values.constants.iter().zip(&values.sign_factors);
        let sizes = self.ranges.iter().zip(&values.multipliers).zip(constants).map(|((&(min, max), &multiplier), (&constant, &factor))| {
            let acc = i128::from(min.abs().max(max.abs()));
            acc * i128::from(multiplier) + i128::from(constant).abs() + i128::from(factor)
        });
        sizes.max().unwrap_or(0)
    }

    fn of(&self, channel: usize) -> Found {
        self.lines[if self.lines.len() == 1 { 0 } else { channel }]
    }
}

/// Whether some multipliers of this requantization would need a sign cell. Depends on nothing learned.
pub fn may_have_sign(requantization: &Requantization) -> bool {
    requantization.rounding == Rounding::Twice && i32::from(requantization.min) < requantization.zero_point
}

/// A line for each channel, and the fewest bits from `least` to `most` that are enough for all of them, as far as they are tried; `None` without, and where there
/// are no steps of a channel.
fn find(channels: impl Iterator<Item = Option<Steps>>, signed: bool, least: usize, most: usize) -> Option<(Vec<Found>, usize)> {
    let mut bits = least;
    let mut lines = Vec::new();
    for steps in channels {
        let steps = steps?;
        bits = bits.max(steps.fewest_bits());
        let line = loop {
            if bits > most {
                return None;
            }
            if let Some(line) = steps.line(bits, signed) {
                break line;
            }
            bits += 1;
        };
        lines.push(Found { line, bits });
    }
    Some((lines, bits))
}

/// Worst-case range of the accumulator of each channel, and `margin` beyond.
fn ranges(graph: &Graph, id: NodeId, channels: usize, margin: i64) -> Result<Vec<(i64, i64)>, RelationError> {
    let ranges = graph.accumulator_range(id).ok_or(RelationError::NoAccumulator { node: id.0 })?;
    let range = |channel: usize| if ranges.len() == 1 { ranges[0] } else { ranges[channel] };
    Ok((0..channels).map(range).map(|(low, high)| (low - margin, high + margin)).collect())
}

fn too_wide(graph: &Graph, id: NodeId) -> RelationError {
    RelationError::TooWide { node: id.0, op: graph.node(id).source.clone(), bits: INTEGER_BITS, room: INTEGER_BITS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verinfer_graph::requantize;

    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 16
    }

    /// What the relation makes of an accumulator, without the clamp.
    fn quotient(found: Found, signed: bool, acc: i64) -> i128 {
        let key = found.line.key(acc, found.bits, signed);
        if signed { key >> 1 } else { key }
    }

    #[test]
    fn a_line_steps_where_the_rounding_does() {
        let mut state = 3;
        let (mut shorter, mut unsigned) = (0, 0);
        for case in 0..4000 {
            let n = random(&mut state) % 24;
            let zero_point = (random(&mut state) % 256) as i32;
            let (a, b) = ((random(&mut state) % 256) as i16, (random(&mut state) % 256) as i16);
            let requantization = Requantization {
                multipliers: vec![(1 << 30) + (random(&mut state) % (1 << 30)) as i32],
                shifts: vec![-(n as i32) + i32::from(random(&mut state).is_multiple_of(32))],
                rounding: if random(&mut state).is_multiple_of(3) { Rounding::Once } else { Rounding::Twice },
                zero_point,
                min: a.min(b),
                max: a.max(b),
            };
            let reach = 1i64 << (3 + random(&mut state) % 26);
            let range = (-(random(&mut state) as i64 % reach), random(&mut state) as i64 % reach);
            let steps = || [Some(Steps::new(&requantization, 0, range))].into_iter();
            let architectural = may_have_sign(&requantization);
            let mut lines = vec![(find(steps(), architectural, MIN_BITS, INTEGER_BITS).unwrap().0[0], architectural)];
            if architectural && let Some((found, _)) = find(steps(), false, MIN_BITS, INTEGER_BITS) {
                lines.push((found[0], false));
                unsigned += 1;
            }
            shorter += usize::from(lines[0].0.bits < 31 + n as usize);
            for (found, signed) in lines {
                assert!(!signed || (1..=1 << found.bits).contains(&found.line.sign_factor));
                let mut accs: Vec<i64> = vec![range.0, range.1, 0, 1, -1];
                accs.extend(Steps::new(&requantization, 0, range).accumulators().flat_map(|acc| [acc - 1, acc, acc + 1]));
                accs.extend((0..50).map(|_| range.0 + random(&mut state) as i64 % (range.1 - range.0 + 1)));
                for acc in accs.into_iter().filter(|acc| (range.0..=range.1).contains(acc)) {
                    let clamped = (quotient(found, signed, acc) + i128::from(zero_point))
                        .clamp(i128::from(requantization.min), i128::from(requantization.max));
                    assert_eq!(clamped, i128::from(requantize(acc as i32, &requantization, 0)), "{case}: {acc} {requantization:?}");
                }
            }
        }
        assert!(shorter > 2800 && unsigned > 100, "{shorter} lines are shorter than TFLite's, {unsigned} need no sign");
    }
}
