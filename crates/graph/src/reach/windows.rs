//! What lies under the windows of an operator: which of up to 64 things, for each output pixel, in time that does not grow with the window.

use std::ops::{BitOr, Range};

use crate::op::Window;
use crate::shape::Shape;

/// Which of some things are there, by bits.
pub(super) trait Mask: Copy + Default + BitOr<Output = Self> {}

impl Mask for u8 {}

impl Mask for u64 {}

/// For each output pixel the union of what `present` says of the existing taps of its window.
pub(super) fn under<T: Mask>(window: &Window, input: Shape, output: Shape, present: impl Fn(usize) -> T) -> Vec<T> {
    let columns: Vec<Run> = (0..output.width)
        .map(|x| Run::new(x, &window.column_taps(input.width, x), window.stride_w, window.dilation_w, window.pad_left))
        .collect();
    let rows: Vec<Run> = (0..output.height)
        .map(|y| Run::new(y, &window.row_taps(input.height, y), window.stride_h, window.dilation_h, window.pad_top))
        .collect();
    let mut line = Vec::new();
    let mut narrowed = Vec::with_capacity(input.height * output.width);
    for y in 0..input.height {
        line.clear();
        line.extend((0..input.width).map(|x| present(y * input.width + x)));
        narrowed.extend(unions(&line, &columns, window.dilation_w));
    }
    let mut masks = vec![T::default(); output.num_pixels()];
    for x in 0..output.width {
        line.clear();
        line.extend((0..input.height).map(|y| narrowed[y * output.width + x]));
        for (y, mask) in unions(&line, &rows, window.dilation_h).into_iter().enumerate() {
            masks[y * output.width + x] = mask;
        }
    }
    masks
}

/// The taps of a window in one direction: so many from a first place on, each a dilation after the one before.
struct Run {
    first: usize,
    count: usize,
}

impl Run {
    fn new(position: usize, taps: &Range<usize>, stride: usize, dilation: usize, pad: usize) -> Self {
        Self { first: (position * stride + taps.start * dilation).saturating_sub(pad), count: taps.len() }
    }
}

/// The union over each run of `line`, from unions over powers of two.
fn unions<T: Mask>(line: &[T], runs: &[Run], dilation: usize) -> Vec<T> {
    let mut unions = vec![T::default(); runs.len()];
    let mut doubled = line.to_vec();
    let mut length = 1;
    loop {
        for (union, run) in unions.iter_mut().zip(runs) {
            if (length..2 * length).contains(&run.count) {
                *union = doubled[run.first] | doubled[run.first + (run.count - length) * dilation];
            }
        }
        if runs.iter().all(|run| run.count < 2 * length) {
            return unions;
        }
        for index in 0..doubled.len() {
            let next = index.saturating_add(length * dilation);
            doubled[index] = doubled[index] | doubled.get(next).copied().unwrap_or_default();
        }
        length *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_are_those_over_the_taps_one_by_one() {
        let mut state = 7_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..300 {
            let input = Shape::new(1 + random(9), 1 + random(9), 1);
            let window = Window {
                kernel_h: 1 + random(7),
                kernel_w: 1 + random(7),
                stride_h: 1 + random(3),
                stride_w: 1 + random(3),
                dilation_h: 1 + random(3),
                dilation_w: 1 + random(3),
                pad_top: random(4),
                pad_left: random(4),
            };
            let output = Shape::new(1 + random(4), 1 + random(4), 1);
            let bits: Vec<u64> = (0..input.num_pixels()).map(|_| 1 << random(64)).collect();
            let found = under(&window, input, output, |pixel| bits[pixel]);
            for y in 0..output.height {
                for x in 0..output.width {
                    let sources = (0..window.num_taps()).filter_map(|tap| window.source(input, y, x, tap));
                    let expected = sources.fold(0, |union, pixel| union | bits[pixel]);
                    assert_eq!(found[y * output.width + x], expected, "{window:?} {input} at {y},{x}");
                }
            }
        }
    }
}
