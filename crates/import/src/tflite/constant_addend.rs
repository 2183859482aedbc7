//! An addition of constants in terms of what is public: the scales of its input and output.
//!
//! TFLite brings both operands to twice the larger of their scales, so that table and multiplier of the input depend on the constants' scale, which is
//! learned. The sum takes 256 values for each constant, and another table and multiplier, functions of the activations' scales alone, take them too
//! with another constant. It is found by comparing all of them; where there is none, TFLite's own numbers are kept, and the model's weights
//! cannot be hidden ([`verinfer_graph::Add::shows_no_scale`]).

use verinfer_graph::is_public_unit;

use crate::fixed_point::Multiplier;
use crate::tflite::lowering::Activation;

/// Largest logarithm of what one step of the input is in a table.
const MAX_LOG_UNIT: u32 = 19;

/// Constants are smaller in magnitude: what a hidden one may be.
const MAX_CONSTANT: i64 = (1 << 28) - 1;

/// A table, a multiplier, and the constants of all channels.
pub struct Sum {
    /// By stored value of the input.
    pub table: Vec<i32>,
    /// Of the sum.
    pub multiplier: Multiplier,
    /// By channel.
    pub constants: Vec<i32>,
}

/// An output of an addition before it is shifted by its zero point: it does not decrease with the sum.
struct Output {
    multiplier: Multiplier,
    zero_point: i64,
    range: (i64, i64),
}

impl Output {
    fn of(&self, sum: i64) -> i64 {
        let rounded = i32::try_from(sum).ok().and_then(|sum| self.multiplier.apply(sum)).unwrap_or_default();
        i64::from(rounded).saturating_add(self.zero_point).clamp(self.range.0, self.range.1)
    }

    /// The least sum within 31 bits whose output is at least each value above the smallest, `None` if there is none.
    fn steps(&self) -> Vec<Option<i64>> {
        let (first, last) = (-(1i64 << 30), (1i64 << 30).wrapping_sub(1));
        let step = |value: i64| {
            let (mut below, mut from) = (first, last);
            if self.of(last) < value {
                return None;
            }
            if self.of(first) >= value {
                return Some(first);
            }
            // The output is less than the value at `below`, and not at `from`.
            while from.wrapping_sub(below) > 1 {
                let middle = below.wrapping_add(from) >> 1;
                if self.of(middle) < value { below = middle } else { from = middle }
            }
            Some(from)
        };
        (self.range.0.wrapping_add(1)..=self.range.1).map(step).collect()
    }
}

/// The same sum in terms of the scales of input and output, if there is one. `negated` is whether the input is subtracted.
pub fn independent_of_scale(sum: &Sum, input: Activation, negated: bool, output: Activation, range: (i16, i16)) -> Option<Sum> {
    let range = (i64::from(range.0), i64::from(range.1));
    let zero_point = i64::from(output.zero_point);
    let (log_unit, multiplier) = (0..=MAX_LOG_UNIT).rev().find_map(|log_unit| {
        let factor = f64::from(input.scale) / (f64::from(output.scale) * f64::from(1u32 << log_unit));
        let multiplier = Multiplier::quantize_below_one(factor).ok()?;
        is_public_unit(log_unit, multiplier.multiplier, multiplier.shift).then_some((log_unit, multiplier))
    })?;
    let sign = if negated { -1 } else { 1 };
    let entry = |value: i16| (i64::from(value).wrapping_sub(i64::from(input.zero_point)).wrapping_mul(sign)) << log_unit;
    let table: Vec<i64> = (input.dtype.min()..=input.dtype.max()).map(entry).collect();
    let (given, found) = (Output { multiplier: sum.multiplier, zero_point, range }, Output { multiplier, zero_point, range });
    let steps = found.steps();
    // The least sum at which the output is at least a value.
    let step = |value: i64| {
        usize::try_from(value.wrapping_sub(range.0).wrapping_sub(1)).ok().and_then(|index| steps.get(index).copied()).flatten()
    };
    let constant = |constant: i32| {
        let (mut least, mut most) = (MAX_CONSTANT.wrapping_neg(), MAX_CONSTANT);
        for (&old, &new) in sum.table.iter().zip(&table) {
            let value = given.of(i64::from(old).wrapping_add(i64::from(constant)));
            if value > range.0 {
                least = least.max(step(value)?.wrapping_sub(new));
            }
            if value < range.1
                && let Some(next) = step(value.wrapping_add(1))
            {
                most = most.min(next.wrapping_sub(1).wrapping_sub(new));
            }
        }
        let middle = least.wrapping_add(most) >> 1;
        if least <= most { i32::try_from(middle).ok() } else { None }
    };
    let mut known: Vec<(i32, i32)> = Vec::new();
    let mut constants = Vec::with_capacity(sum.constants.len());
    for &old in &sum.constants {
        let new = match known.iter().find(|(other, _)| *other == old) {
            Some(&(_, new)) => new,
            None => {
                let new = constant(old)?;
                known.push((old, new));
                new
            }
        };
        constants.push(new);
    }
    let table = table.into_iter().map(|entry| i32::try_from(entry).ok()).collect::<Option<Vec<i32>>>()?;
    Some(Sum { table, multiplier, constants })
}

#[cfg(test)]
mod tests;
