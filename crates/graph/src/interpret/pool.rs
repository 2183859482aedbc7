use rayon::prelude::*;

use super::{View, for_each_tap};
use crate::op::{MaxPool, SumPool};
use crate::shape::Shape;

/// Outputs of a sum pool (TFLite `AveragePool`, `Mean`), in the NHWC order of `output`.
pub(super) fn sum_pool(pool: &SumPool, input: View<'_>, output: Shape) -> Vec<i16> {
    let minimum = i64::from(input.dtype.min());
    for_each_pixel(output, |y, x, pixel| {
        let count = pool.window.num_existing_taps(input.shape, y, x);
        let mut sums = vec![0_i64; output.channels];
        for_each_tap(&pool.window, input, y, x, |_, values| {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += i64::from(value) - minimum;
            }
        });
        // Validation has left a table for every count that occurs.
        let table = pool.tables.iter().find(|(taps, _)| *taps == count).map_or(&[][..], |(_, table)| table);
        for (out, &sum) in pixel.iter_mut().zip(&sums) {
            *out = table[sum as usize];
        }
    })
}

/// Outputs of a maximum pool (TFLite `MaxPool`), in the NHWC order of `output`.
pub(super) fn max_pool(pool: &MaxPool, input: View<'_>, output: Shape) -> Vec<i16> {
    for_each_pixel(output, |y, x, pixel| {
        pixel.fill(input.dtype.min());
        for_each_tap(&pool.window, input, y, x, |_, values| {
            for (out, &value) in pixel.iter_mut().zip(values) {
                *out = value.max(*out);
            }
        });
        for out in pixel {
            *out = (*out).max(pool.min).min(pool.max);
        }
    })
}

fn for_each_pixel(output: Shape, compute: impl Fn(usize, usize, &mut [i16]) + Sync) -> Vec<i16> {
    let mut values = vec![0; output.num_elements()];
    values
        .par_chunks_mut(output.channels)
        .enumerate()
        .for_each(|(pixel, values)| compute(pixel / output.width, pixel % output.width, values));
    values
}
