//! Integer constants that round exactly as a double does.
//!
//! TFLite's reference FULLY_CONNECTED computes `round(acc * factor)` in double precision. Only finitely many accumulators and outputs matter,
//! so the multiplier may be any integer with which every output begins at the same accumulator; the one nearest to `factor` is taken.

use crate::error::Unsupported;
use crate::fixed_point::Multiplier;

/// Multiplier and shift such that `floor((acc * multiplier + 2^(30 - shift)) / 2^(31 - shift))`, clamped to `outputs`, equals
/// `round(acc * factor)` (half away from zero, in double precision), clamped, for every accumulator in `accumulators`.
///
/// # Errors
///
/// [`Unsupported::Factor`] as [`Multiplier::quantize`] and for outputs that leave 32 bits; [`Unsupported::NoExactMultiplier`] if there is none.
pub fn round_once(factor: f64, outputs: (i64, i64), accumulators: (i64, i64)) -> Result<Multiplier, Unsupported> {
    let nominal = Multiplier::quantize(factor)?;
    let round = |acc: i64| (acc as f64 * factor).round() as i64;
    let (least, most) = accumulators;
    if i32::try_from(round(least)).is_err() || i32::try_from(round(most)).is_err() {
        return Err(Unsupported::Factor { factor });
    }
    // 2^(exponent - 1) * (2 k - 1) is where output k begins.
    let exponent = 31i32.saturating_sub(nominal.shift).unsigned_abs();
    let mut bounds = Bounds { low: 0, high: i128::from(i32::MAX) };
    for output in outputs.0.saturating_add(1)..=outputs.1 {
        let begin = i128::from(output.saturating_mul(2).saturating_sub(1)) << exponent.saturating_sub(1);
        let first = first_with(output, factor, round).clamp(least, most.saturating_add(1));
        if first <= most {
            bounds.at_least(first, begin);
        }
        if first > least {
            bounds.below(first.saturating_sub(1), begin);
        }
    }
    let multiplier = i128::from(nominal.multiplier).max(bounds.low).min(bounds.high);
    match i32::try_from(multiplier) {
        Ok(multiplier) if bounds.low <= bounds.high => Ok(Multiplier { multiplier, shift: nominal.shift }),
        Ok(_) | Err(_) => Err(Unsupported::NoExactMultiplier { factor }),
    }
}

/// Smallest accumulator whose rounded product is at least `output`.
fn first_with(output: i64, factor: f64, round: impl Fn(i64) -> i64) -> i64 {
    let mut first = ((output as f64 - 0.5) / factor).ceil() as i64;
    while round(first) < output && first < i64::from(u32::MAX) {
        first = first.saturating_add(1);
    }
    while round(first.saturating_sub(1)) >= output && first > i64::from(u32::MAX).saturating_neg() {
        first = first.saturating_sub(1);
    }
    first
}

/// Multipliers that satisfy all conditions so far.
struct Bounds {
    low: i128,
    high: i128,
}

impl Bounds {
    /// `acc * multiplier >= begin`.
    fn at_least(&mut self, acc: i64, begin: i128) {
        let acc = i128::from(acc);
        match acc.signum() {
            1 => self.low = self.low.max(div_ceil(begin, acc)),
            -1 => self.high = self.high.min(div_floor(begin.saturating_neg(), acc.saturating_neg())),
            _ if begin > 0 => self.high = -1,
            _ => {}
        }
    }

    /// `acc * multiplier < begin`.
    fn below(&mut self, acc: i64, begin: i128) {
        let acc = i128::from(acc);
        let last = begin.saturating_sub(1);
        match acc.signum() {
            1 => self.high = self.high.min(div_floor(last, acc)),
            -1 => self.low = self.low.max(div_ceil(last.saturating_neg(), acc.saturating_neg())),
            _ if begin <= 0 => self.high = -1,
            _ => {}
        }
    }
}

/// Quotient towards minus infinity; `divisor` is positive.
fn div_floor(dividend: i128, divisor: i128) -> i128 {
    dividend.checked_div_euclid(divisor).unwrap_or(0)
}

/// Quotient towards plus infinity; `divisor` is positive.
fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    div_floor(dividend.saturating_neg(), divisor).saturating_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accumulator_rounds_as_a_double_does() {
        let mut factor = 0.9;
        let mut num_exact = 0;
        for step in 0..60 {
            factor *= 0.837 + f64::from(step) * 1e-4;
            let range = (-70_000, 65_000);
            let Ok(Multiplier { multiplier, shift }) = round_once(factor, (-120, 135), range) else {
                continue;
            };
            num_exact += 1;
            let exponent = 31 - shift;
            for acc in range.0..=range.1 {
                let once = (i128::from(acc) * i128::from(multiplier) + (1 << (exponent - 1))) >> exponent;
                let double = (acc as f64 * factor).round() as i128;
                assert_eq!(once.clamp(-120, 135), double.clamp(-120, 135), "{acc} * {factor}");
            }
        }
        assert!(num_exact > 55, "{num_exact}");
    }

    #[test]
    fn ties_of_both_signs_go_away_from_zero() {
        let Multiplier { multiplier, shift } = round_once(0.25, (-100, 100), (-1000, 1000)).unwrap();
        let exponent = 31 - shift;
        for acc in -1000i64..=1000 {
            let once = (acc * i64::from(multiplier) + (1 << (exponent - 1))) >> exponent;
            assert_eq!(once.clamp(-100, 100), ((acc as f64 / 4.0).round() as i64).clamp(-100, 100));
        }
    }

    #[test]
    fn a_factor_without_exact_multiplier_is_refused() {
        let range = (i64::from(i32::MIN), i64::from(i32::MAX));
        let refused = |factor: f64| matches!(round_once(factor, (-128, 127), range), Err(Unsupported::NoExactMultiplier { .. }));
        let num_refused = (1..=100).filter(|&step| refused(1e-7 * (1.0 + f64::from(step) * 1e-3))).count();
        assert!((1..100).contains(&num_refused), "{num_refused}");
    }

    #[test]
    fn a_factor_of_zero_gives_zero() {
        assert_eq!(round_once(0.0, (-128, 127), (-10_000, 10_000)), Ok(Multiplier { multiplier: 0, shift: 0 }));
    }
}
