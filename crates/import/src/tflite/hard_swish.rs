//! HARD_SWISH in 16-bit fixed point (`HardSwishPrepare`, `reference/hard_swish.h`), every step in the width of the kernel's.
//!
//! The kernel divides 16-bit integers by powers of two up to `2^31`, adds the zero point in 16 bits and clamps then: its masks and sums wrap, which
//! small input scales and large output scales reach.

use crate::error::Unsupported;
use crate::fixed_point::Multiplier;
use crate::tflite::activation::{operands, push_table};
use crate::tflite::lowering::{Context, Lowering};

/// HARD_SWISH.
pub fn lower_hard_swish(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let (input, output) = operands(lowering, context)?;
    let kernel = HardSwish::prepare(input.scale, output.scale)?;
    push_table(lowering, context, input, output, |value| {
        // Both are values of 8-bit types.
        let narrow = |value: i32| i16::try_from(value).map_err(|_| Unsupported::Overflow);
        Ok(i32::from(kernel.apply(narrow(value)?, narrow(input.zero_point)?, narrow(output.zero_point)?)))
    })
}

/// `HardSwishParams` without zero points.
struct HardSwish {
    /// From the fine input scale to the output's, right shift last.
    to_output: i16,
    output_shift: u32,
    /// From the fine input scale to 15 fractional bits of `x / 3`.
    to_reluish: i16,
    reluish_exponent: i32,
}

impl HardSwish {
    fn prepare(input_scale: f32, output_scale: f32) -> Result<Self, Unsupported> {
        let fine_input_scale = (1.0f32 / 128.0) * input_scale;
        let reluish_scale = 3.0f32 / 32768.0;
        let to_output = Multiplier::quantize(f64::from(fine_input_scale / output_scale))?;
        if to_output.shift > 0 {
            return Err(Unsupported::Factor { factor: f64::from(fine_input_scale / output_scale) });
        }
        let to_reluish = Multiplier::quantize(f64::from(fine_input_scale / reluish_scale))?;
        Ok(Self {
            to_output: narrow_multiplier(to_output.multiplier),
            output_shift: to_output.shift.unsigned_abs(),
            to_reluish: narrow_multiplier(to_reluish.multiplier),
            reluish_exponent: to_reluish.shift,
        })
    }

    /// The output for a stored input, before the clamp to the type.
    fn apply(&self, value: i16, input_zero_point: i16, output_zero_point: i16) -> i16 {
        // At most 255 * 2^7, the range of 16 bits.
        let fine = value.wrapping_sub(input_zero_point).wrapping_mul(1 << 7);
        let before_shift = doubling_high_mul(fine, self.to_output);
        // At most 2^30, so that the quotient has 16 bits; it is rounded towards zero.
        let product = i32::from(self.reluish(fine)).wrapping_mul(i32::from(before_shift)) / (1 << 15);
        rounding_divide_by_power_of_two(product as i16, self.output_shift).wrapping_add(output_zero_point)
    }

    /// `clamp((x + 3) / 6, 0, 1)` with 15 fractional bits.
    fn reluish(&self, fine: i16) -> i16 {
        let exponent = self.reluish_exponent;
        let mut value = fine;
        if exponent > 0 {
            value = saturating_shift_left(value, exponent.saturating_sub(1).unsigned_abs());
        }
        value = doubling_high_mul(value, self.to_reluish);
        if exponent > 0 {
            value = saturating_shift_left(value, 1);
        }
        if exponent < 0 {
            value = rounding_divide_by_power_of_two(value, exponent.unsigned_abs());
        }
        // From -2^15..2^15 to 0..2^15.
        (i32::from(value).wrapping_add(1 << 15) >> 1) as i16
    }
}

/// `DownScaleInt32ToInt16Multiplier`.
fn narrow_multiplier(multiplier: i32) -> i16 {
    const ROUNDING: i32 = 1 << 15;
    match multiplier.checked_add(ROUNDING) {
        Some(rounded) => i16::try_from(rounded >> 16).unwrap_or(i16::MAX),
        None => i16::MAX,
    }
}

/// `SaturatingLeftShift`.
fn saturating_shift_left(value: i16, amount: u32) -> i16 {
    let shifted = i64::from(value) << amount.min(32);
    shifted.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
}

/// `gemmlowp::SaturatingRoundingDoublingHighMul` of 16-bit values; `b` is not negative, so that it cannot saturate.
fn doubling_high_mul(a: i16, b: i16) -> i16 {
    let product = i32::from(a).wrapping_mul(i32::from(b));
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    (product.wrapping_add(nudge) / (1 << 15)) as i16
}

/// `gemmlowp::RoundingDivideByPOT` of 16-bit values: to the nearest, half away from zero, while `exponent` is below 16. From 16 on the mask of the
/// remainder wraps to -1, so that quotients are 1 and -1. `exponent` is 0 to 31.
fn rounding_divide_by_power_of_two(value: i16, exponent: u32) -> i16 {
    let mask = (1i64 << exponent.min(31)).wrapping_sub(1) as i16;
    let threshold = (mask >> 1).wrapping_add(i16::from(value < 0));
    let quotient = i32::from(value) >> exponent.min(31);
    (quotient as i16).wrapping_add(i16::from(value & mask > threshold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_divide_by_large_powers_of_two_as_the_kernel_does() {
        assert_eq!(
            [-32768, -16385, -16384, -1, 0, 1, 16383, 16384].map(|v| rounding_divide_by_power_of_two(v, 15)),
            [-1, -1, -1, 0, 0, 0, 0, 1]
        );
        for exponent in [16, 17, 30, 31] {
            assert_eq!([-32768, -7, -1, 0, 1, 32767].map(|v| rounding_divide_by_power_of_two(v, exponent)), [-1, -1, -1, 1, 1, 1]);
        }
        assert_eq!([5, -5, 7].map(|v| rounding_divide_by_power_of_two(v, 1)), [3, -3, 4]);
    }

    /// Outputs of LiteRT 2.3.0, `BUILTIN_REF`; where the input scale is small or the output scale large, the 16 bits wrap.
    #[test]
    fn outputs_equal_those_of_the_reference_kernel_at_every_scale() {
        let inputs = [-128, -100, -33, -4, -1, 0, 1, 2, 5, 40, 90, 127];
        for (input_scale, output_scale, input_zero_point, output_zero_point, expected) in [
            (0.05, 0.05, 3, -20, [-20, -20, -27, -23, -22, -21, -21, -20, -19, 10, 67, 104]),
            (1e-7, 1e-7, -20, 5, [-49, -35, -1, 13, 15, 15, 16, 16, 18, 35, 60, 79]),
            (1e-9, 2e-9, 0, 0, [-32, -25, -8, -1, 0, 0, 0, 1, 1, 10, 23, 32]),
            (0.1, 100.0, -128, -128, [-127; 12]),
            (0.1, 5000.0, 10, -3, [-2, -2, -2, -4, -4, -4, -4, -4, -4, -2, -2, -2]),
            (1e-3, 1e4, 0, 7, [6, 6, 6, 6, 6, 8, 8, 8, 8, 8, 8, 8]),
            (1e4, 79.0, -128, 127, [127; 12]),
            (3.0, 0.0235, -128, 0, [0, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 127]),
            (1e4, 1e4, -3, 2, [2, 2, 2, 2, 4, 5, 6, 7, 10, 45, 95, 127]),
        ] {
            let kernel = HardSwish::prepare(input_scale, output_scale).unwrap();
            let found = inputs.map(|value| kernel.apply(value, input_zero_point, output_zero_point).clamp(-128, 127));
            assert_eq!(found, expected, "{input_scale} to {output_scale}");
        }
        assert!(HardSwish::prepare(200.0, 1.5).is_err());
    }
}
