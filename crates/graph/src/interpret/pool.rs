use rayon::prelude::*;

use super::{View, for_each_tap, sliding};
use crate::op::{MaxPool, SumPool, Window};
use crate::shape::Shape;

/// Most taps of a window that is read tap by tap.
const MAX_READ_TAPS: usize = 16;

/// Outputs of a sum pool (TFLite `AveragePool`, `Mean`), in the NHWC order of `output`.
pub(super) fn sum_pool(pool: &SumPool, input: View<'_>, output: Shape) -> Vec<i16> {
    let sums = if is_read_by_taps(&pool.window) { sums(&pool.window, input, output) } else { sliding::sums(&pool.window, input, output) };
    let minimum = i64::from(input.dtype.min());
    let mut values = vec![0; output.num_elements()];
    for_each_pixel(&mut values, output, |y, x, pixel| {
        let count = pool.window.num_existing_taps(input.shape, y, x);
        // Validation has left a table for every count that occurs.
        let table = pool.tables.iter().find(|(taps, _)| *taps == count).map_or(&[][..], |(_, table)| table);
        let sums = &sums[(y * output.width + x) * output.channels..];
        for (out, &sum) in pixel.iter_mut().zip(sums) {
            *out = table[(sum - count as i64 * minimum) as usize];
        }
    });
    values
}

/// Outputs of a maximum pool (TFLite `MaxPool`), in the NHWC order of `output`.
pub(super) fn max_pool(pool: &MaxPool, input: View<'_>, output: Shape) -> Vec<i16> {
    let mut values =
        if is_read_by_taps(&pool.window) { maxima(&pool.window, input, output) } else { sliding::maxima(&pool.window, input, output) };
    values.par_iter_mut().with_min_len(4096).for_each(|value| *value = (*value).max(pool.min).min(pool.max));
    values
}

/// Steps that a pool takes, up to a small factor.
pub(super) fn work(window: &Window, input: Shape, output: Shape) -> u64 {
    let elements = |shape: Shape| shape.num_elements() as u64;
    if is_read_by_taps(window) { elements(output).saturating_mul(window.num_taps() as u64) } else { sliding::work(window, input, output) }
}

/// Whether each tap of each output is read, and not a sum or maximum of several.
fn is_read_by_taps(window: &Window) -> bool {
    window.num_taps() <= MAX_READ_TAPS || (window.dilation_h, window.dilation_w) != (1, 1)
}

/// Sums over the existing taps.
fn sums(window: &Window, input: View<'_>, output: Shape) -> Vec<i64> {
    let mut sums = vec![0; output.num_elements()];
    for_each_pixel(&mut sums, output, |y, x, pixel| {
        for_each_tap(window, input, y, x, |_, values| {
            for (sum, &value) in pixel.iter_mut().zip(values) {
                *sum += i64::from(value);
            }
        });
    });
    sums
}

/// Maxima over the existing taps.
fn maxima(window: &Window, input: View<'_>, output: Shape) -> Vec<i16> {
    let mut maxima = vec![input.dtype.min(); output.num_elements()];
    for_each_pixel(&mut maxima, output, |y, x, pixel| {
        for_each_tap(window, input, y, x, |_, values| {
            for (out, &value) in pixel.iter_mut().zip(values) {
                *out = value.max(*out);
            }
        });
    });
    maxima
}

fn for_each_pixel<T: Send>(values: &mut [T], output: Shape, compute: impl Fn(usize, usize, &mut [T]) + Sync) {
    values
        .par_chunks_mut(output.channels)
        .enumerate()
        .for_each(|(pixel, values)| compute(pixel / output.width, pixel % output.width, values));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shape::DataType;

    /// Kernel, stride, padding, side and number of outputs, each of which has a tap.
    fn axis() -> impl Strategy<Value = (usize, usize, usize, usize, usize)> {
        (1usize..=20, 1usize..=5, 0usize..=22, 1usize..=25, 1usize..=40).prop_map(|(kernel, stride, pad, side, most)| {
            let exists = |y: usize| (0..kernel).any(|tap| (y * stride + tap).checked_sub(pad).is_some_and(|row| row < side));
            let len = (0..most).take_while(|&y| exists(y)).count();
            (kernel, stride, if len == 0 { 0 } else { pad }, side, len.max(1))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sliding_windows_have_the_sums_and_maxima_of_their_taps(rows in axis(), columns in axis(), channels in 1usize..4, seed in any::<u32>()) {
            let window = Window {
                kernel_h: rows.0,
                kernel_w: columns.0,
                stride_h: rows.1,
                stride_w: columns.1,
                pad_top: rows.2,
                pad_left: columns.2,
                ..Window::POINT
            };
            let (shape, output) = (Shape::new(rows.3, columns.3, channels), Shape::new(rows.4, columns.4, channels));
            let value = |i: usize| ((i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 24) as i16 - 128;
            let values: Vec<i16> = (0..shape.num_elements()).map(value).collect();
            let input = View { values: &values, shape, dtype: DataType::I8 };
            prop_assert_eq!(sliding::sums(&window, input, output), sums(&window, input, output));
            prop_assert_eq!(sliding::maxima(&window, input, output), maxima(&window, input, output));
        }
    }
}
