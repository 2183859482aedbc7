//! The integer SOFTMAX of TFLite's reference kernels (`reference/softmax.h`, gemmlowp's `fixedpoint.h`), to compare whole files with their outputs.

/// Probabilities of each row of 8-bit logits less the smallest value of their type, in steps of 1/256.
pub fn softmax(logits: &[i32], classes: usize, beta: f32, scale: f32) -> Vec<i32> {
    let real = (f64::from(beta) * f64::from(scale) * f64::from(1 << 26)).min(2f64.powi(31) - 1.0);
    let left_shift = real.log2().floor() as i32 + 1;
    let multiplier = (real / 2f64.powi(left_shift) * 2f64.powi(31)).round() as i64;
    let (multiplier, left_shift) = if multiplier == 1 << 31 { (1 << 30, left_shift + 1) } else { (multiplier, left_shift) };
    let diff_min = -((31.0 * f64::from(1 << 26) / 2f64.powi(left_shift)).floor() as i32);
    logits.chunks(classes).flat_map(|row| softmax_row(row, multiplier as i32, left_shift, diff_min)).collect()
}

fn softmax_row(row: &[i32], multiplier: i32, left_shift: i32, diff_min: i32) -> Vec<i32> {
    let largest = *row.iter().max().unwrap();
    let exp = |logit: i32| {
        let diff = logit - largest;
        (diff >= diff_min).then(|| exp_on_negative_values(high_mul(diff << left_shift, multiplier)))
    };
    let sum = row.iter().filter_map(|&logit| exp(logit)).fold(0i32, |sum, exp| sum + divide(exp, 12));
    let headroom = sum.leading_zeros() as i32;
    let bits_over_unit = 12 - headroom;
    let shifted = ((sum as u32) << headroom).wrapping_sub(1 << 31) as i32;
    let scale = one_over_one_plus(shifted);
    let output = |&logit: &i32| exp(logit).map_or(0, |exp| divide(high_mul(scale, exp), bits_over_unit + 31 - 8).min(255));
    row.iter().map(output).collect()
}

/// `exp(a)` with 31 fractional bits, for `a` with 26.
fn exp_on_negative_values(a: i32) -> i32 {
    const QUARTER: i32 = 1 << 24;
    if a == 0 {
        return i32::MAX;
    }
    let within = (a & (QUARTER - 1)) - QUARTER;
    let mut result = exp_on_last_quarter(saturating_shift(within, 5));
    let remainder = within.wrapping_sub(a);
    let factors = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];
    for (bit, factor) in (24..).zip(factors) {
        if remainder & (1 << bit) != 0 {
            result = high_mul(result, factor);
        }
    }
    result
}

/// `exp(a)` for `a` from -1/4 to 0.
fn exp_on_last_quarter(a: i32) -> i32 {
    let constant = 1_895_147_668;
    let x = a + (1 << 28);
    let x2 = high_mul(x, x);
    let (x3, x4) = (high_mul(x2, x), high_mul(x2, x2));
    let sum = divide(high_mul(divide(x4, 2) + x3, 715_827_883) + x2, 1);
    constant + high_mul(constant, x + sum)
}

/// `1 / (1 + a)` for `a` from 0 to 1, all with 31 fractional bits.
fn one_over_one_plus(a: i32) -> i32 {
    let half = ((i64::from(a) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut x = 1_515_870_810 + high_mul(half, -1_010_580_540);
    for _ in 0..3 {
        let rest = (1 << 29) - high_mul(half, x);
        x += saturating_shift(high_mul(x, rest), 2);
    }
    saturating_shift(x, 1)
}

fn saturating_shift(value: i32, bits: u32) -> i32 {
    (i64::from(value) << bits).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// `SaturatingRoundingDoublingHighMul`.
fn high_mul(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    i32::try_from((product + nudge) / (1 << 31)).unwrap_or(i32::MAX)
}

/// `RoundingDivideByPOT`.
fn divide(value: i32, bits: i32) -> i32 {
    let mask = (1i64 << bits) - 1;
    let threshold = (mask >> 1) + i64::from(value < 0);
    ((i64::from(value) >> bits) + i64::from(i64::from(value) & mask > threshold)) as i32
}
