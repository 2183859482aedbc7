//! The requantization of a channel as a step function of its accumulator, and the shortest line that steps at the same places.
//!
//! After its clamp an output takes at most 256 values, so a channel is known by the accumulators at which it steps. A line
//! `(multiplier * acc + constant) / 2^bits` with a multiplier much shorter than TFLite's usually passes between all steps. Where the rounding has a sign,
//! the values up to zero have a constant of their own, `constant - sign_factor` (docs/protocol.md, section 1.1).

use verinfer_graph::{Requantization, Rounding};

/// Constants of one channel: the quotient of an accumulator is the floor of `(multiplier * acc + constant - sign_factor * sign) / 2^bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub multiplier: i64,
    pub constant: i64,
    pub sign_factor: i64,
}

impl Line {
    /// The same line for a remainder of so many more bits; `None` if it leaves 64 bits.
    pub fn widened(self, bits: usize) -> Option<Self> {
        let factor = 1i64.checked_shl(u32::try_from(bits).ok()?).filter(|factor| *factor > 0)?;
        let wide = |value: i64| value.checked_mul(factor);
        Some(Self { multiplier: wide(self.multiplier)?, constant: wide(self.constant)?, sign_factor: wide(self.sign_factor)? })
    }

    /// The looked-up key of an accumulator: the quotient or, with a sign, twice it and one more bit.
    pub fn key(self, acc: i64, bits: usize, signed: bool) -> i128 {
        let value = i128::from(self.multiplier) * i128::from(acc) + i128::from(self.constant);
        let key = value >> bits;
        if signed && key <= 0 { (value - i128::from(self.sign_factor)) >> bits } else { key }
    }
}

/// Bits that `multiplier * acc` and the level of a value may have.
const LEVEL_BITS: u32 = 62;

/// Bits by which a line may turn out shorter than the span of its steps demands.
const MARGIN_BITS: u32 = 4;

/// Values of both signs, beside more than which no line without a sign is looked for: those up to zero
/// are reached one or two accumulators later than a line through the others reaches them, and the more
/// steps there are, the less a line can bend.
const MANY_STEPS: usize = 64;

/// The steps of one channel.
pub struct Steps {
    /// Worst-case range of the accumulator.
    range: (i64, i64),
    multiplier: i64,
    right_shift: u32,
    /// Values above zero.
    positive: Values,
    /// Values up to zero.
    others: Values,
}

/// Consecutive values, and from which accumulators on they are reached.
#[derive(Default)]
struct Values {
    /// The value that the first entry of `from` reaches.
    first: i64,
    /// By value, the first accumulator that reaches it.
    from: Vec<i64>,
    /// The largest value that every accumulator reaches.
    always: Option<i64>,
    /// The smallest value that none reaches.
    never: Option<i64>,
}

impl Steps {
    /// The steps of a channel for accumulators in `range`.
    pub fn new(requantization: &Requantization, channel: usize, range: (i64, i64)) -> Self {
        let shift = requantization.shift(channel);
        let multiplier = i64::from(requantization.multiplier(channel)) << shift.max(0);
        let right_shift = shift.min(0).unsigned_abs();
        let rounding = requantization.rounding;
        let reached = [range.0, range.1].map(|acc| round(acc, multiplier, right_shift, rounding));
        let zero_point = i64::from(requantization.zero_point);
        let (low, high) = (i64::from(requantization.min) - zero_point, i64::from(requantization.max) - zero_point);
        let values = |low: i64, high: i64| {
            let [bottom, top] = reached;
            if low > high {
                return Values::default();
            }
            let first = low.max(bottom + 1);
            Values {
                first,
                from: first_reaching(first, high.min(top), multiplier, right_shift, rounding),
                always: (bottom >= low).then(|| bottom.min(high)),
                never: (top < high).then(|| low.max(top + 1)),
            }
        };
        let (positive, others) = (values(low.max(0) + 1, high), values(low + 1, high.min(0)));
        Self { range, multiplier, right_shift, positive, others }
    }

    /// Whether a line without sign is as good as out of the question.
    pub fn needs_sign(&self) -> bool {
        self.right_shift > 0 && self.positive.from.len().min(self.others.from.len()) > MANY_STEPS
    }

    /// Bits of the remainder, fewer than which are not worth trying: their multipliers are too coarse to follow the steps from the first to the last one.
    pub fn fewest_bits(&self) -> usize {
        let ends = [&self.others, &self.positive].map(|values| values.from.first().zip(values.from.last()));
        let (first, last) =
            ends.into_iter().flatten().fold((i64::MAX, i64::MIN), |ends, (&first, &last)| (ends.0.min(first), ends.1.max(last)));
        match last.checked_sub(first) {
            Some(span) if span > 0 => (span.ilog2() + self.right_shift).saturating_sub(MARGIN_BITS) as usize,
            _ => 0,
        }
    }

    /// The accumulators at which there is a step.
    #[cfg(test)]
    pub fn accumulators(&self) -> impl Iterator<Item = i64> {
        self.others.from.iter().chain(&self.positive.from).copied()
    }

    /// A line for a remainder of `bits` bits, if one is found.
    pub fn line(&self, bits: usize, signed: bool) -> Option<Line> {
        // Values of the quotient; a key with a sign has one more bit.
        let unit = bits + usize::from(signed);
        if self.positive.from.is_empty() && self.others.from.is_empty() {
            return self.with_multiplier(0, unit, signed);
        }
        let near = i64::try_from((i128::from(self.multiplier) << unit) >> (31 + self.right_shift)).ok()?;
        [near, near + 1, near - 1, near + 2].into_iter().find_map(|multiplier| self.with_multiplier(multiplier, unit, signed))
    }

    fn with_multiplier(&self, multiplier: i64, unit: usize, signed: bool) -> Option<Line> {
        let largest = self.range.0.abs().max(self.range.1.abs());
        if multiplier < 0 || i128::from(multiplier) * i128::from(largest) >= 1 << LEVEL_BITS {
            return None;
        }
        let (positive, others) =
            (self.positive.constants(multiplier, unit, self.range)?, self.others.constants(multiplier, unit, self.range)?);
        let sign_factor = if signed {
            // The constant lies in `positive`, the constant less the sign factor in `others`.
            let least = positive.0.zip(others.1).map_or(1, |(c, d)| c.saturating_sub(d).max(1));
            let most = positive.1.zip(others.0).map_or(i64::MAX, |(c, d)| c.saturating_sub(d)).min(1 << (unit - 1));
            middle(least, most)?
        } else {
            0
        };
        let least = positive.0.into_iter().chain(others.0.map(|d| d.saturating_add(sign_factor))).max();
        let most = positive.1.into_iter().chain(others.1.map(|d| d.saturating_add(sign_factor))).min();
        let constant = match (least, most) {
            (Some(least), Some(most)) => middle(least, most)?,
            (end, None) | (None, end) => end.unwrap_or(0),
        };
        Some(Line { multiplier, constant, sign_factor })
    }
}

impl Values {
    /// Smallest and largest constant of a line with this multiplier, whose product with the accumulators of `range` has at most [`LEVEL_BITS`] bits, and
    /// values of `2^unit`; a side without bound is `None`. No constants where levels would leave 64 bits.
    fn constants(&self, multiplier: i64, unit: usize, range: (i64, i64)) -> Option<(Option<i64>, Option<i64>)> {
        let last = self.first + self.from.len() as i64;
        let largest = [self.first, last, self.always.unwrap_or(0), self.never.unwrap_or(0)].into_iter().map(i64::abs).max()?;
        if i128::from(largest) << unit > 1 << LEVEL_BITS {
            return None;
        }
        let level = |value: i64, acc: i64| (value << unit) - multiplier * acc;
        let (mut least, mut most) = (self.always.map(|value| level(value, range.0)), self.never.map(|value| level(value, range.1) - 1));
        let (mut highest, mut lowest) = (i64::MIN, i64::MAX);
        for (value, &acc) in (self.first..).zip(&self.from) {
            let level = level(value, acc);
            (highest, lowest) = (highest.max(level), lowest.min(level));
        }
        if !self.from.is_empty() {
            // At the step the line is at least the value, one accumulator earlier it is below.
            least = Some(least.map_or(highest, |least| least.max(highest)));
            let below = lowest + multiplier - 1;
            most = Some(most.map_or(below, |most| most.min(below)));
        }
        Some((least, most))
    }
}

fn middle(least: i64, most: i64) -> Option<i64> {
    (least <= most).then(|| i64::midpoint(least, most))
}

/// The rounded product without zero point and clamp, of any accumulator.
fn round(acc: i64, multiplier: i64, right_shift: u32, rounding: Rounding) -> i64 {
    let product = i128::from(acc) * i128::from(multiplier);
    let high = (product + (1 << 30)) >> 31;
    match (rounding, right_shift) {
        (Rounding::Once, _) => ((product + (1 << (30 + right_shift))) >> (31 + right_shift)) as i64,
        (Rounding::Twice, 0) => high as i64,
        (Rounding::Twice, _) => ((high + (1 << (right_shift - 1)) - i128::from(high < 0)) >> right_shift) as i64,
    }
}

/// By value from `first` to `last`, all of one side of zero, the first accumulator whose rounded product is at least the value: TFLite's high multiplication is
/// at least `v` if and only if `acc * multiplier + 2^30 >= v * 2^31`; its right shift of `v` is at least `value` from `value * 2^n - 2^(n-1)` on, and one later for
/// values up to zero. All of them are reached, so that there is a multiplier.
fn first_reaching(first: i64, last: i64, multiplier: i64, right_shift: u32, rounding: Rounding) -> Vec<i64> {
    if first > last {
        return Vec::new();
    }
    let value = i128::from(first);
    let product = match (rounding, right_shift) {
        (Rounding::Once, n) => (value << (31 + n)) - (1 << (30 + n)),
        (Rounding::Twice, 0) => (value << 31) - (1 << 30),
        (Rounding::Twice, n) => (((value << n) - (1 << (n - 1)) + i128::from(value <= 0)) << 31) - (1 << 30),
    };
    // The quotient is rounded up: one more than that of one less, rounded down.
    let (mut quotient, mut remainder) = divide(product - 1, multiplier);
    let (step, rest) = divide(1 << (31 + right_shift), multiplier);
    let mut from = Vec::with_capacity((last - first + 1) as usize);
    for _ in first..=last {
        from.push(quotient + 1);
        // Only after the last value may this leave the accumulators' range.
        quotient = quotient.saturating_add(step);
        remainder += rest;
        if remainder >= multiplier {
            remainder -= multiplier;
            quotient = quotient.saturating_add(1);
        }
    }
    from
}

/// Quotient, rounded down, and remainder.
fn divide(dividend: i128, divisor: i64) -> (i64, i64) {
    match i64::try_from(dividend) {
        Ok(dividend) => (dividend.div_euclid(divisor), dividend.rem_euclid(divisor)),
        Err(_) => {
            let (quotient, remainder) = (dividend.div_euclid(i128::from(divisor)), dividend.rem_euclid(i128::from(divisor)));
            (i64::try_from(quotient).unwrap_or(i64::MAX), remainder as i64)
        }
    }
}
