//! Sums and maxima over windows of many taps without dilation, in steps that hardly grow with the taps: along the width first, then along the
//! height.

use std::ops::Range;

use rayon::prelude::*;

use super::View;
use crate::op::Window;
use crate::shape::Shape;

/// Sums over the existing taps, in the NHWC order of `output`: a row of the window is the difference of two running sums, and a window takes up a
/// row where the one above has left one.
pub(super) fn sums(window: &Window, input: View<'_>, output: Shape) -> Vec<i64> {
    let row_len = output.width * output.channels;
    let mut sums = vec![0; output.num_elements()];
    let rows_of_block = window.kernel_h.max(output.height.div_ceil(4 * rayon::current_num_threads()));
    sums.par_chunks_mut(rows_of_block * row_len).enumerate().for_each(|(block, sums)| {
        let (mut running, mut sum) = (Vec::new(), vec![0; row_len]);
        let mut taken = 0..0;
        for (row, sums) in sums.chunks_exact_mut(row_len).enumerate() {
            let rows = existing(block * rows_of_block + row, window.kernel_h, window.stride_h, window.pad_top, input.shape.height);
            // Rows of the window before that are not in this one, and those of this one that were not in that.
            for left in taken.start..taken.end.min(rows.start) {
                add_row(window, input, left, &mut running, &mut sum, -1);
            }
            for new in taken.end.max(rows.start)..rows.end {
                add_row(window, input, new, &mut running, &mut sum, 1);
            }
            taken = rows;
            sums.copy_from_slice(&sum);
        }
    });
    sums
}

/// Adds `sign` times the sums over the window's columns in a row of the input.
fn add_row(window: &Window, input: View<'_>, row: usize, running: &mut Vec<i64>, sum: &mut [i64], sign: i64) {
    let Shape { width, channels, .. } = input.shape;
    running.clear();
    running.resize(channels, 0);
    for (at, &value) in input.values[row * width * channels..][..width * channels].iter().enumerate() {
        running.push(running[at] + i64::from(value));
    }
    for (x, sum) in sum.chunks_exact_mut(channels).enumerate() {
        let columns = existing(x, window.kernel_w, window.stride_w, window.pad_left, width);
        let (before, after) = (&running[columns.start * channels..], &running[columns.end * channels..]);
        for ((sum, before), after) in sum.iter_mut().zip(before).zip(after) {
            *sum += sign * (after - before);
        }
    }
}

/// Maxima over the existing taps, in the NHWC order of `output`.
pub(super) fn maxima(window: &Window, input: View<'_>, output: Shape) -> Vec<i16> {
    let Shape { height, width, channels } = input.shape;
    let row_len = output.width * channels;
    let mut rows = vec![0; height * row_len];
    let columns = Line { kernel: window.kernel_w, stride: window.stride_w, pad: window.pad_left, inner: channels };
    let lines = rows.par_chunks_exact_mut(row_len).zip(input.values.par_chunks_exact(width * channels));
    lines.for_each_init(Vec::new, |line, (row, values)| {
        line.clear();
        line.extend_from_slice(values);
        columns.maxima(line, row);
    });
    let mut maxima = vec![0; output.num_elements()];
    Line { kernel: window.kernel_h, stride: window.stride_h, pad: window.pad_top, inner: row_len }.maxima(&mut rows, &mut maxima);
    maxima
}

/// Windows along one axis, over vectors of `inner` values.
struct Line {
    kernel: usize,
    stride: usize,
    pad: usize,
    inner: usize,
}

impl Line {
    /// Writes the maximum of each window to `maxima`. `values` are overwritten with maxima over as many values as the largest power of two within the
    /// kernel; two of them, which may overlap, make a window.
    fn maxima(&self, values: &mut [i16], maxima: &mut [i16]) {
        let (inner, len) = (self.inner, values.len() / self.inner);
        // Windows that begin before the first value are those of all values up to some place.
        let num_begun = self.pad.div_ceil(self.stride).min(maxima.len() / inner);
        let (begun, whole) = maxima.split_at_mut(num_begun * inner);
        let mut end = 0;
        let mut up_to = vec![i16::MIN; inner];
        for (position, maximum) in begun.chunks_exact_mut(inner).enumerate() {
            let values_end = existing(position, self.kernel, self.stride, self.pad, len).end;
            values[end * inner..values_end * inner].chunks_exact(inner).for_each(|values| raise(&mut up_to, values));
            end = values_end;
            maximum.copy_from_slice(&up_to);
        }
        let doubled: usize = 1 << self.kernel.min(len).ilog2();
        for distance in (0..doubled.ilog2()).map(|power| 1 << power) {
            for first in 0..len - distance {
                let (at, after) = values.split_at_mut((first + distance) * inner);
                raise(&mut at[first * inner..][..inner], &after[..inner]);
            }
        }
        whole.par_chunks_exact_mut(inner).enumerate().for_each(|(position, maximum)| {
            let window = existing(num_begun + position, self.kernel, self.stride, self.pad, len);
            maximum.copy_from_slice(&values[window.start * inner..][..inner]);
            if window.len() > doubled {
                raise(maximum, &values[(window.end - doubled) * inner..][..inner]);
            }
        });
    }
}

/// Replaces values by larger ones.
fn raise(maximum: &mut [i16], values: &[i16]) {
    for (maximum, &value) in maximum.iter_mut().zip(values) {
        *maximum = value.max(*maximum);
    }
}

/// Elements of an axis of so many that a window covers.
fn existing(position: usize, kernel: usize, stride: usize, pad: usize, len: usize) -> Range<usize> {
    let (start, end) = (position * stride, position * stride + kernel);
    start.saturating_sub(pad).min(len)..end.saturating_sub(pad).min(len)
}

/// Steps that sums or maxima take, up to a small factor.
pub(super) fn work(window: &Window, input: Shape, output: Shape) -> u64 {
    let log_kernels = (u64::from(window.kernel_w.ilog2()), u64::from(window.kernel_h.ilog2()));
    let num_rows = (input.height as u64).saturating_mul(output.width as u64).saturating_mul(output.channels as u64);
    let along_width = (input.num_elements() as u64).saturating_mul(1 + log_kernels.0);
    along_width.saturating_add(num_rows.saturating_mul(1 + log_kernels.1)).saturating_add(output.num_elements() as u64)
}
