use crate::op::{Requantization, Rounding};

/// The output of channel `channel` for accumulator `acc`: TFLite's `MultiplyByQuantizedMultiplier`, zero point, clamp.
///
/// `requantization` must satisfy what [`crate::Graph::new`] checks and `acc` lie in the node's accumulator range; the result is then between
/// `requantization.min` and `requantization.max`.
pub fn requantize(acc: i32, requantization: &Requantization, channel: usize) -> i16 {
    Channel::new(requantization, channel).apply(acc)
}

impl Requantization {
    /// The multiplier of an output channel.
    pub fn multiplier(&self, channel: usize) -> i32 {
        entry(&self.multipliers, channel)
    }

    /// The shift of an output channel: positive left, negative right.
    pub fn shift(&self, channel: usize) -> i32 {
        entry(&self.shifts, channel)
    }

    /// `acc` rescaled with the constants of channel `channel`, before zero point and clamp. Non-decreasing in `acc`.
    pub fn quotient(&self, acc: i32, channel: usize) -> i64 {
        Channel::new(self, channel).quotient(acc)
    }
}

/// The constants of one output channel.
pub(crate) struct Channel {
    multiplier: i64,
    left_shift: u32,
    right_shift: u32,
    rounding: Rounding,
    zero_point: i64,
    min: i64,
    max: i64,
}

impl Channel {
    pub(crate) fn new(requantization: &Requantization, channel: usize) -> Self {
        let shift = requantization.shift(channel);
        Self {
            multiplier: i64::from(requantization.multiplier(channel)),
            left_shift: shift.max(0).unsigned_abs(),
            right_shift: shift.min(0).unsigned_abs(),
            rounding: requantization.rounding,
            zero_point: i64::from(requantization.zero_point),
            min: i64::from(requantization.min),
            max: i64::from(requantization.max),
        }
    }

    #[inline]
    pub(crate) fn apply(&self, acc: i32) -> i16 {
        (self.quotient(acc) + self.zero_point).max(self.min).min(self.max) as i16
    }

    #[inline]
    fn quotient(&self, acc: i32) -> i64 {
        let shifted = i64::from(acc.wrapping_shl(self.left_shift));
        if self.rounding == Rounding::Once {
            let product = i128::from(shifted * self.multiplier);
            return ((product + (1_i128 << (30 + self.right_shift))) >> (31 + self.right_shift)) as i64;
        }
        // SaturatingRoundingDoublingHighMul truncates after a nudge that depends on the sign; this floor is the same. It saturates only
        // for a negative multiplier.
        let high = (shifted * self.multiplier + (1 << 30)) >> 31;
        // RoundingDivideByPOT: nearest, ties away from zero.
        let mask = (1_i64 << self.right_shift) - 1;
        let threshold = (mask >> 1) + i64::from(high < 0);
        (high >> self.right_shift) + i64::from((high & mask) > threshold)
    }
}

fn entry(constants: &[i32], channel: usize) -> i32 {
    match constants {
        [all] => *all,
        each => each[channel],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SaturatingRoundingDoublingHighMul` of gemmlowp's fixedpoint.h, literally.
    fn high_mul(a: i32, b: i32) -> i32 {
        let overflow = a == b && a == i32::MIN;
        let ab_64 = i64::from(a) * i64::from(b);
        let nudge: i64 = if ab_64 >= 0 { 1 << 30 } else { 1 - (1 << 30) };
        let ab_x2_high32 = ((ab_64 + nudge) / (1_i64 << 31)) as i32;
        if overflow { i32::MAX } else { ab_x2_high32 }
    }

    /// `RoundingDivideByPOT` of gemmlowp's fixedpoint.h, literally.
    fn rounding_divide_by_pot(x: i32, exponent: i32) -> i32 {
        let mask = ((1_i64 << exponent) - 1) as i32;
        let remainder = x & mask;
        let threshold = (mask >> 1) + i32::from(x < 0);
        (x >> exponent) + i32::from(remainder > threshold)
    }

    /// `MultiplyByQuantizedMultiplier` of TFLite's common.h, literally.
    fn reference(x: i32, multiplier: i32, shift: i32) -> i32 {
        let left_shift = if shift > 0 { shift } else { 0 };
        let right_shift = if shift > 0 { 0 } else { -shift };
        rounding_divide_by_pot(high_mul(x * (1 << left_shift), multiplier), right_shift)
    }

    fn one(multiplier: i32, shift: i32, zero_point: i32) -> Requantization {
        Requantization { multipliers: vec![multiplier], shifts: vec![shift], rounding: Rounding::Twice, zero_point, min: -128, max: 127 }
    }

    #[test]
    fn quotients_equal_tflite_on_random_and_extreme_values() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let edges = [i32::MIN, i32::MIN + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, i32::MAX - 1, i32::MAX];
        for round in 0..400_000_u32 {
            let shift = (random() % 62) as i32 - 31;
            let multiplier = match round % 4 {
                0 => [0, 1, 1 << 30, i32::MAX][random() as usize % 4],
                _ => (random() >> 1) as i32,
            };
            let acc = match round % 3 {
                0 => edges[random() as usize % edges.len()],
                1 => random() as i32,
                _ => random() as i32 >> (random() % 31),
            } >> shift.max(0);
            let quotient = one(multiplier, shift, 0).quotient(acc, 0);
            assert_eq!(quotient, i64::from(reference(acc, multiplier, shift)), "acc {acc} multiplier {multiplier} shift {shift}");
        }
    }

    #[test]
    fn the_first_rounding_takes_ties_up_and_the_second_away_from_zero() {
        // Multiplier 2^30 is one half.
        let half = one(1 << 30, 0, 0);
        assert_eq!([-3, -1, 1, 3].map(|acc| half.quotient(acc, 0)), [-1, 0, 1, 2]);
        // 2^31 - 1 is nearly one, so the shift alone rounds.
        let shift = one(i32::MAX, -1, 0);
        assert_eq!([-3, -1, 1, 3].map(|acc| shift.quotient(acc, 0)), [-2, -1, 1, 2]);
        // Both together round twice: 5 / 4 -> 2.5 -> 3 -> 1.5 -> 2.
        assert_eq!(one(1 << 30, -1, 0).quotient(5, 0), 2);
    }

    #[test]
    fn right_shifts_beyond_31_still_round() {
        assert_eq!(one(i32::MAX, -33, 0).quotient(i32::MAX, 0), 0);
        assert_eq!(one(i32::MAX, -33, 0).quotient(i32::MIN, 0), 0);
        assert_eq!(one(i32::MAX, -62, 0).quotient(i32::MIN, 0), 0);
    }

    #[test]
    fn zero_point_is_added_before_the_clamp() {
        let requantization = one(1 << 30, 1, 100);
        assert_eq!(requantize(20, &requantization, 0), 120);
        assert_eq!(requantize(30, &requantization, 0), 127);
        assert_eq!(requantize(-300, &requantization, 0), -128);
    }

    #[test]
    fn constants_are_chosen_by_channel() {
        let requantization = Requantization {
            multipliers: vec![1 << 30, 1 << 29],
            shifts: vec![1],
            rounding: Rounding::Twice,
            zero_point: 0,
            min: -128,
            max: 127,
        };
        assert_eq!([0, 1].map(|channel| requantize(20, &requantization, channel)), [20, 10]);
        let outputs = [20, 20, 8, 8].into_iter().enumerate().map(|(i, acc)| requantize(acc, &requantization, i % 2));
        assert_eq!(outputs.collect::<Vec<_>>(), [20, 10, 8, 4]);
    }
}
