//! TFLite's fixed-point arithmetic, as importing needs it (`kernels/internal/quantization_util.cc`, `common.h`).

use crate::error::Unsupported;

/// A real factor as a 31-bit multiplier and a shift: `real = multiplier * 2^(shift - 31)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// 0 to 2^31 - 1; of a negative factor, -2^31 to -2^30.
    pub multiplier: i32,
    /// -31 to 30.
    pub shift: i32,
}

impl Multiplier {
    /// `QuantizeMultiplier`.
    ///
    /// # Errors
    ///
    /// [`Unsupported::Factor`] for a negative or not finite factor, and for one of 2^30 or more.
    pub fn quantize(real: f64) -> Result<Self, Unsupported> {
        if real < 0.0 { Err(Unsupported::Factor { factor: real }) } else { Self::quantize_signed(real) }
    }

    /// `QuantizeMultiplier` of a factor that may be negative.
    ///
    /// # Errors
    ///
    /// [`Unsupported::Factor`] for a factor that is not finite, and for one of 2^30 or more in magnitude.
    pub fn quantize_signed(real: f64) -> Result<Self, Unsupported> {
        if !real.is_finite() {
            return Err(Unsupported::Factor { factor: real });
        }
        if real == 0.0 {
            return Ok(Self { multiplier: 0, shift: 0 });
        }
        let (fraction, mut shift) = libm::frexp(real);
        // At most 2^31 in magnitude, exactly representable.
        let mut fixed = (fraction * f64::from(1u32 << 31)).round() as i64;
        if fixed == 1 << 31 {
            fixed = 1 << 30;
            shift = shift.saturating_add(1);
        }
        if shift < -31 {
            return Ok(Self { multiplier: 0, shift: 0 });
        }
        match i32::try_from(fixed) {
            Ok(multiplier) if shift <= 30 => Ok(Self { multiplier, shift }),
            Ok(_) | Err(_) => Err(Unsupported::Factor { factor: real }),
        }
    }

    /// `QuantizeMultiplierSmallerThanOneExp`.
    ///
    /// # Errors
    ///
    /// [`Unsupported::Factor`] where TFLite stops the program: a factor outside 0 to 1 exclusive, or one that rounds to 1.
    pub fn quantize_below_one(real: f64) -> Result<Self, Unsupported> {
        let quantized = Self::quantize(real)?;
        if real > 0.0 && real < 1.0 && quantized.shift <= 0 { Ok(quantized) } else { Err(Unsupported::Factor { factor: real }) }
    }

    /// `MultiplyByQuantizedMultiplier` with its two roundings; `None` if the left shift leaves 32 bits.
    pub fn apply(self, value: i32) -> Option<i32> {
        let shifted = i64::from(value).checked_shl(self.shift.max(0).unsigned_abs())?;
        let shifted = i32::try_from(shifted).ok()?;
        let high = doubling_high_mul(shifted, self.multiplier);
        Some(rounding_divide_by_power_of_two(high, self.shift.min(0).unsigned_abs()))
    }
}

/// `gemmlowp::SaturatingRoundingDoublingHighMul` of 32-bit values.
fn doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    // |a * b| is below 2^62.
    let product = i64::from(a).wrapping_mul(i64::from(b));
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    (product.wrapping_add(nudge) / (1 << 31)) as i32
}

/// `gemmlowp::RoundingDivideByPOT`: to the nearest, half away from zero. `exponent` is 0 to 31.
fn rounding_divide_by_power_of_two(value: i32, exponent: u32) -> i32 {
    let wide = i64::from(value);
    let mask = (1i64 << exponent.min(31)).wrapping_sub(1);
    let threshold = (mask >> 1).wrapping_add(i64::from(value < 0));
    let up = i64::from(wide & mask > threshold);
    // The quotient of a 32-bit value rounds to one.
    (wide >> exponent.min(31)).wrapping_add(up) as i32
}

/// `TfLiteRound` and a cast to `int32_t`; `None` where the cast is undefined.
pub fn round_to_i32(value: f32) -> Option<i32> {
    let rounded = value.round();
    (-2_147_483_648.0..2_147_483_648.0).contains(&rounded).then_some(rounded as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_those_of_quantization_util() {
        for (real, multiplier, shift) in [
            (0.0, 0, 0),
            (1.0, 1 << 30, 1),
            (0.5, 1 << 30, 0),
            (0.25, 1 << 30, -1),
            (0.3, 1_288_490_189, -1),
            (1.0 - 1e-12, 1 << 30, 1),
            (1e-11, 0, 0),
        ] {
            assert_eq!(Multiplier::quantize(real), Ok(Multiplier { multiplier, shift }));
        }
        for real in [-0.5, f64::NAN, f64::INFINITY, 2f64.powi(31)] {
            assert!(matches!(Multiplier::quantize(real), Err(Unsupported::Factor { .. })));
        }
    }

    #[test]
    fn negative_factors_round_as_positive_ones_do() {
        assert_eq!(Multiplier::quantize_signed(-0.3), Ok(Multiplier { multiplier: -1_288_490_189, shift: -1 }));
        assert_eq!(Multiplier::quantize_signed(-(1.0 - 1e-12)), Ok(Multiplier { multiplier: i32::MIN, shift: 0 }));
        let third = Multiplier::quantize_signed(-1.0 / 3.0).unwrap();
        assert_eq!([-5, -4, -1, 0, 1, 2, 4].map(|value| third.apply(value)), [2, 2, 1, 0, -1, -1, -2].map(Some));
        assert_eq!(doubling_high_mul(i32::MIN, i32::MIN), i32::MAX);
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        assert_eq!(rounding_divide_by_power_of_two(5, 1), 3);
        assert_eq!(rounding_divide_by_power_of_two(-5, 1), -3);
        assert_eq!(rounding_divide_by_power_of_two(-6, 2), -2);
        assert_eq!(rounding_divide_by_power_of_two(7, 0), 7);
        assert_eq!(rounding_divide_by_power_of_two(i32::MIN, 31), -1);
    }
}
