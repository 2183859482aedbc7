//! The requantization of a channel as a step function of its accumulator, and the shortest line that steps at the same places.
//!
//! After its clamp an output takes at most 256 values, so a channel is known by the accumulators at which it steps. A line
//! `(multiplier * acc + constant) / 2^bits` with a multiplier much shorter than TFLite's usually passes between all steps. Where the rounding has a sign,
//! the values up to zero have a constant of their own, `constant - sign_factor` (docs/protocol.md, section 1.3).

use verinfer_graph::{Graph, NodeId, Requantization, Rounding};

use super::requantize::{INTEGER_BITS, may_have_sign};
use crate::error::RelationError;
use crate::relation::Rescaling;

/// Fewest bits of a remainder that are tried.
const MIN_BITS: usize = 20;

/// The channels of a linear layer with hidden multipliers.
pub struct Layer {
    channels: Vec<Steps>,
    /// Whether the rounding has a sign.
    pub signed: bool,
    id: NodeId,
    op: String,
}

impl Layer {
    /// The layer of node `id`, whose output has `channels` channels. Whether it has a sign depends on the architecture alone.
    pub fn new(graph: &Graph, id: NodeId, requantization: &Requantization, channels: usize) -> Result<Self, RelationError> {
        let ranges = graph.accumulator_range(id).ok_or(RelationError::NoAccumulator { node: id.0 })?;
        let range = |c: usize| if ranges.len() == 1 { ranges[0] } else { ranges[c] };
        let channels = (0..channels).map(|c| Steps::new(requantization, c, range(c))).collect();
        Ok(Self { channels, signed: may_have_sign(requantization), id, op: graph.node(id).source.clone() })
    }

    /// The fewest bits of a remainder, at least `bits`, that are enough for every channel; `None` if there is no number of bits.
    pub fn bits(&self, mut bits: usize) -> Option<usize> {
        for channel in &self.channels {
            while channel.line(bits, self.signed).is_none() {
                bits += 1;
                if bits > INTEGER_BITS {
                    return None;
                }
            }
        }
        Some(bits)
    }

    /// Multipliers, constants and sign factors for a remainder of `bits` bits, as many as [`Layer::bits`] says or more.
    pub fn rescaling(&self, bits: usize) -> Result<Rescaling, RelationError> {
        let mut values = Rescaling::default();
        for channel in &self.channels {
            let line = (MIN_BITS..=bits).rev().find_map(|fewer| Some(channel.line(fewer, self.signed)?.widened(bits - fewer)));
            let too_wide = || RelationError::TooWide { node: self.id.0, op: self.op.clone(), bits, room: INTEGER_BITS };
            let line = line.ok_or_else(too_wide)?;
            values.multipliers.push(line.multiplier);
            values.constants.push(line.constant);
            values.sign_factors.push(line.sign_factor);
        }
        Ok(values)
    }

    /// Smallest and largest key of the layer for these constants.
    pub fn keys(&self, values: &Rescaling, bits: usize) -> (i64, i64) {
        let mut keys = (0, 0);
        for (c, channel) in self.channels.iter().enumerate() {
            for acc in [channel.range.0, channel.range.1] {
                let value = i128::from(values.multipliers[c]) * i128::from(acc) + i128::from(values.constants[c]);
                let key = value >> bits;
                let key = if self.signed && key <= 0 { (value - i128::from(values.sign_factors[c])) >> bits } else { key };
                // Out of 64 bits only where the envelope is refused.
                let key = i64::try_from(key).unwrap_or(if key < 0 { i64::MIN / 4 } else { i64::MAX / 4 });
                keys = (keys.0.min(key), keys.1.max(key));
            }
        }
        keys
    }
}

/// Constants of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    multiplier: i64,
    constant: i64,
    sign_factor: i64,
}

impl Line {
    /// The same line for a remainder of so many more bits.
    fn widened(self, bits: usize) -> Self {
        let Self { multiplier, constant, sign_factor } = self;
        Self { multiplier: multiplier << bits, constant: constant << bits, sign_factor: sign_factor << bits }
    }
}

/// What a line must satisfy: at these accumulators it is at least, or below, these values.
#[derive(Clone, Debug, Default)]
struct Bounds {
    at_least: Vec<(i64, i64)>,
    below: Vec<(i64, i64)>,
}

impl Bounds {
    /// Smallest and largest constant of a line with this multiplier and values of `2^bits`; a side without bound is `None`.
    fn constants(&self, multiplier: i64, bits: usize) -> (Option<i128>, Option<i128>) {
        let level = |&(acc, value): &(i64, i64)| (i128::from(value) << bits) - i128::from(multiplier) * i128::from(acc);
        (self.at_least.iter().map(level).max(), self.below.iter().map(|bound| level(bound) - 1).min())
    }
}

/// The steps of one channel.
struct Steps {
    /// Worst-case range of the accumulator.
    range: (i64, i64),
    multiplier: i128,
    right_shift: usize,
    /// Of values above zero.
    positive: Bounds,
    /// Of values up to zero.
    others: Bounds,
}

impl Steps {
    fn new(requantization: &Requantization, channel: usize, range: (i64, i64)) -> Self {
        let shift = requantization.shift(channel);
        let multiplier = i128::from(requantization.multiplier(channel)) << shift.max(0);
        let right_shift = shift.min(0).unsigned_abs() as usize;
        let mut steps = Self { range, multiplier, right_shift, positive: Bounds::default(), others: Bounds::default() };
        let zero_point = i64::from(requantization.zero_point);
        let (low, high) = (i64::from(requantization.min) - zero_point, i64::from(requantization.max) - zero_point);
        for value in low + 1..=high {
            let bounds = if value > 0 { &mut steps.positive } else { &mut steps.others };
            match first_reaching(value, multiplier, right_shift, requantization.rounding, range) {
                Reached::Always => bounds.at_least.push((range.0, value)),
                Reached::Never => bounds.below.push((range.1, value)),
                Reached::From(acc) => {
                    bounds.at_least.push((acc, value));
                    bounds.below.push((acc - 1, value));
                }
            }
        }
        steps
    }

    /// A line for a remainder of `bits` bits, if one is found.
    fn line(&self, bits: usize, signed: bool) -> Option<Line> {
        // Values of the quotient; a key with a sign has one more bit.
        let unit = bits + usize::from(signed);
        let near = i64::try_from((self.multiplier << unit) >> (31 + self.right_shift)).ok()?;
        let multipliers = [near, near + 1, near - 1, near + 2, 0];
        multipliers.into_iter().filter(|&multiplier| multiplier >= 0).find_map(|multiplier| self.with_multiplier(multiplier, unit, signed))
    }

    fn with_multiplier(&self, multiplier: i64, unit: usize, signed: bool) -> Option<Line> {
        let (positive, others) = (self.positive.constants(multiplier, unit), self.others.constants(multiplier, unit));
        let sign_factor = if signed {
            // The constant lies in `positive`, the constant less the sign factor in `others`.
            let least = positive.0.zip(others.1).map_or(1, |(c, d)| (c - d).max(1));
            let most = positive.1.zip(others.0).map_or(i128::MAX, |(c, d)| c - d).min(1 << (unit - 1));
            middle(least, most)?
        } else {
            0
        };
        let least = positive.0.into_iter().chain(others.0.map(|d| d + sign_factor)).max();
        let most = positive.1.into_iter().chain(others.1.map(|d| d + sign_factor)).min();
        let constant = match (least, most) {
            (Some(least), Some(most)) => middle(least, most)?,
            (end, None) | (None, end) => end.unwrap_or(0),
        };
        let narrow = |value: i128| i64::try_from(value).ok();
        Some(Line { multiplier, constant: narrow(constant)?, sign_factor: narrow(sign_factor)? })
    }
}

fn middle(least: i128, most: i128) -> Option<i128> {
    (least <= most).then(|| least + (most - least) / 2)
}

/// From where on a channel reaches a value, within a range of accumulators.
enum Reached {
    Always,
    From(i64),
    Never,
}

/// The first accumulator whose rounded product is at least `value`: TFLite's high multiplication is at least `v` if and only if
/// `acc * multiplier + 2^30 >= v * 2^31`; its right shift of `v` is at least `value` from `value * 2^n - 2^(n-1)` on, and one later for values up to zero.
fn first_reaching(value: i64, multiplier: i128, right_shift: usize, rounding: Rounding, (min, max): (i64, i64)) -> Reached {
    let value = i128::from(value);
    let product = match (rounding, right_shift) {
        (Rounding::Once, n) => (value << (31 + n)) - (1 << (30 + n)),
        (Rounding::Twice, 0) => (value << 31) - (1 << 30),
        (Rounding::Twice, n) => (((value << n) - (1 << (n - 1)) + i128::from(value <= 0)) << 31) - (1 << 30),
    };
    if multiplier == 0 {
        return if product <= 0 { Reached::Always } else { Reached::Never };
    }
    let first = match (i64::try_from(product), i64::try_from(multiplier)) {
        // The quotient is rounded towards zero, which is up for negative products.
        (Ok(product), Ok(multiplier)) => i128::from(product / multiplier + i64::from(product > 0 && product % multiplier != 0)),
        _ => product / multiplier + i128::from(product > 0 && product % multiplier != 0),
    };
    if first <= i128::from(min) {
        Reached::Always
    } else if first > i128::from(max) {
        Reached::Never
    } else {
        Reached::From(first as i64)
    }
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
    fn quotient(line: Line, bits: usize, signed: bool, acc: i64) -> i64 {
        let value = line.multiplier * acc + line.constant;
        let key = value >> bits;
        let key = if signed && key <= 0 { (value - line.sign_factor) >> bits } else { key };
        if signed { key >> 1 } else { key }
    }

    #[test]
    fn a_line_steps_where_the_rounding_does() {
        let mut state = 3;
        let (mut shortest, mut found) = (0, 0);
        for _ in 0..3000 {
            let n = random(&mut state) % 16;
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
            let reach = 1i64 << (6 + random(&mut state) % 16);
            let range = (-(random(&mut state) as i64 % reach), random(&mut state) as i64 % reach);
            let signed = may_have_sign(&requantization);
            let steps = Steps::new(&requantization, 0, range);
            let Some(bits) = (MIN_BITS..=48).find(|&bits| steps.line(bits, signed).is_some()) else { panic!("{requantization:?}") };
            found += 1;
            shortest += usize::from(bits < 31 + n as usize);
            let line = steps.line(bits, signed).unwrap();
            assert!(!signed || (1..=1 << bits).contains(&line.sign_factor));
            let mut accs: Vec<i64> = vec![range.0, range.1, 0, 1, -1];
            accs.extend(steps.positive.at_least.iter().chain(&steps.others.at_least).flat_map(|&(acc, _)| [acc - 1, acc, acc + 1]));
            accs.extend((0..50).map(|_| range.0 + random(&mut state) as i64 % (range.1 - range.0 + 1)));
            for acc in accs.into_iter().filter(|acc| (range.0..=range.1).contains(acc)) {
                let clamped = (quotient(line, bits, signed, acc) + i64::from(zero_point))
                    .clamp(i64::from(requantization.min), i64::from(requantization.max));
                assert_eq!(clamped, i64::from(requantize(acc as i32, &requantization, 0)), "{acc} {line:?} {bits} {requantization:?}");
            }
        }
        assert!(found == 3000 && shortest > 2000, "{shortest} of {found} lines are shorter than TFLite's");
    }
}
