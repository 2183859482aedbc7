use std::ops::Range;

use crate::op::Window;
use crate::shape::Shape;

impl Window {
    /// The kernel rows whose taps exist at output row `y` of an input of `height` rows: always a contiguous range, possibly empty.
    pub fn row_taps(&self, height: usize, y: usize) -> Range<usize> {
        existing(height, y, self.kernel_h, self.stride_h, self.dilation_h, self.pad_top)
    }

    /// The kernel columns whose taps exist at output column `x` of an input of `width` columns.
    pub fn column_taps(&self, width: usize, x: usize) -> Range<usize> {
        existing(width, x, self.kernel_w, self.stride_w, self.dilation_w, self.pad_left)
    }

    /// Number of existing taps at output pixel `(y, x)`.
    pub fn num_existing_taps(&self, input: Shape, y: usize, x: usize) -> usize {
        self.row_taps(input.height, y).len() * self.column_taps(input.width, x).len()
    }
}

/// All `tap` with `0 <= position * stride + tap * dilation - pad < side`.
fn existing(side: usize, position: usize, kernel: usize, stride: usize, dilation: usize, pad: usize) -> Range<usize> {
    let start = position * stride;
    let first = pad.saturating_sub(start).div_ceil(dilation);
    let end = (side + pad).saturating_sub(start).div_ceil(dilation).min(kernel);
    first.min(end)..end
}
