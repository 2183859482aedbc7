use verinfer_graph::{DataType, Requantization, Rounding};

use super::Rng;

/// Constants for accumulators of magnitude about `size`. The first attempts draw from the whole domain (right shifts beyond all values, left
/// shifts, constants by channel, tiny multipliers), the last ones only what a trained network has.
pub fn random_requantization(rng: &mut Rng, dtype: DataType, num_channels: usize, size: i64, attempt: u32) -> Requantization {
    let entries = if rng.one_in(2) { num_channels } else { 1 };
    let log_size = i64::from(64 - size.max(1).leading_zeros());
    let style = if attempt >= 3 { 0 } else { rng.below(8) };
    let shift = |rng: &mut Rng| match style {
        // About eight bits of output.
        0..=3 => 8 - log_size + rng.between(-2, 1),
        // Few values, or one.
        4 => -log_size - rng.between(0, 3),
        5 => rng.between(-62, -12),
        6 => rng.between(0, (29 - log_size).clamp(0, 4)),
        // Mixed.
        _ => 8 - log_size - rng.between(0, 24),
    };
    let shifts: Vec<i32> = (0..entries).map(|_| shift(rng).clamp(-62, 30) as i32).collect();
    let multiplier = |rng: &mut Rng| match rng.below(12) {
        0 => *rng.pick(&[0, 1, (1 << 30) - 1, i32::MAX]),
        1 => 1 << 30,
        2 if attempt < 3 => rng.between(0, i64::from(i32::MAX)) as i32,
        _ => rng.between(1 << 30, i64::from(i32::MAX)) as i32,
    };
    let multipliers = (0..entries).map(|_| multiplier(rng)).collect();
    let (min, max) = (i64::from(dtype.min()), i64::from(dtype.max()));
    let any = rng.between(min, max);
    let zero_point = *rng.pick(&[min, max, (min + max + 1) / 2, any]) as i32;
    let clamp = match rng.below(4) {
        // ReLU.
        0 => (i64::from(zero_point), max),
        1 => {
            let (a, b) = (rng.between(min, max), rng.between(min, max));
            (a.min(b), a.max(b))
        }
        _ => (min, max),
    };
    let rounding = if rng.one_in(4) { Rounding::Once } else { Rounding::Twice };
    Requantization { multipliers, shifts, rounding, zero_point, min: clamp.0 as i16, max: clamp.1 as i16 }
}
