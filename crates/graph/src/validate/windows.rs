use std::collections::BTreeSet;

use super::operators::Context;
use crate::error::GraphError;
use crate::graph::TensorId;
use crate::op::Window;

/// Largest window parameter.
const MAX_PARAMETER: u64 = 1 << 16;

/// Most taps, and largest distance between the first and the last: keeps every pixel coordinate within 32 bits.
const MAX_EXTENT: u64 = 1 << 28;

/// Checks a window from `input` to the node's output. Rows below and columns to the right of the input are given by the output's size
/// alone: it may be anything from the places where whole windows fit to the places where one tap exists.
pub(super) fn check(context: &Context<'_>, window: &Window, input: TensorId) -> Result<(), GraphError> {
    check_parameters(context, window)?;
    let (input, output) = (context.shape(input), context.output_shape());
    let rows = Axis {
        name: "row",
        output: output.height,
        whole: whole_windows(input.height, window.kernel_h, window.stride_h, window.dilation_h, window.pad_top),
    };
    rows.check(context, |y| !window.row_taps(input.height, y).is_empty())?;
    let columns = Axis {
        name: "column",
        output: output.width,
        whole: whole_windows(input.width, window.kernel_w, window.stride_w, window.dilation_w, window.pad_left),
    };
    columns.check(context, |x| !window.column_taps(input.width, x).is_empty())
}

/// Checks that `counts` are the numbers of existing taps that occur, in increasing order. The window has been checked.
pub(super) fn check_tap_counts(context: &Context<'_>, window: &Window, input: TensorId, counts: &[usize]) -> Result<(), GraphError> {
    let (input, output) = (context.shape(input), context.output_shape());
    if let Some(index) = counts.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(GraphError::PoolTableOrder { at: context.at(), index: index + 1 });
    }
    let rows: BTreeSet<usize> = (0..output.height).map(|y| window.row_taps(input.height, y).len()).collect();
    let columns: BTreeSet<usize> = (0..output.width).map(|x| window.column_taps(input.width, x).len()).collect();
    let mut used = vec![false; counts.len()];
    for row in &rows {
        for column in &columns {
            let count = row * column;
            match counts.binary_search(&count) {
                Ok(index) => used[index] = true,
                Err(_) => {
                    return Err(GraphError::MissingPoolTable { at: context.at(), count });
                }
            }
        }
    }
    match used.iter().position(|used| !used) {
        Some(index) => Err(GraphError::UnusedPoolTable { at: context.at(), count: counts[index] }),
        None => Ok(()),
    }
}

fn check_parameters(context: &Context<'_>, window: &Window) -> Result<(), GraphError> {
    for (parameter, value) in [
        ("kernel height", window.kernel_h),
        ("kernel width", window.kernel_w),
        ("row stride", window.stride_h),
        ("column stride", window.stride_w),
        ("row dilation", window.dilation_h),
        ("column dilation", window.dilation_w),
    ] {
        if value == 0 {
            return Err(GraphError::ZeroWindow { at: context.at(), parameter });
        }
        check_limit(context, parameter, value as u64, MAX_PARAMETER)?;
    }
    check_limit(context, "top padding", window.pad_top as u64, MAX_PARAMETER)?;
    check_limit(context, "left padding", window.pad_left as u64, MAX_PARAMETER)?;
    let [kernel_h, kernel_w] = [window.kernel_h as u64, window.kernel_w as u64];
    check_limit(context, "number of taps", kernel_h * kernel_w, MAX_EXTENT)?;
    check_limit(context, "height", (kernel_h - 1) * window.dilation_h as u64, MAX_EXTENT)?;
    check_limit(context, "width", (kernel_w - 1) * window.dilation_w as u64, MAX_EXTENT)
}

fn check_limit(context: &Context<'_>, parameter: &'static str, value: u64, limit: u64) -> Result<(), GraphError> {
    if value > limit {
        return Err(GraphError::WindowTooLarge { at: context.at(), parameter, value, limit });
    }
    Ok(())
}

/// Number of first positions at which all taps lie above the lower (left of the right) edge of the input.
fn whole_windows(side: usize, kernel: usize, stride: usize, dilation: usize, pad: usize) -> usize {
    (side + pad).checked_sub((kernel - 1) * dilation + 1).map_or(0, |room| room / stride + 1)
}

/// One direction of a window.
struct Axis {
    name: &'static str,
    output: usize,
    whole: usize,
}

impl Axis {
    fn check(&self, context: &Context<'_>, has_tap: impl Fn(usize) -> bool) -> Result<(), GraphError> {
        let tensor = context.output().0;
        for position in 0..self.output {
            if !has_tap(position) {
                return Err(GraphError::NoTap { at: context.at(), tensor, axis: self.name, position });
            }
        }
        if self.output < self.whole {
            let (found, expected) = (self.output, self.whole);
            return Err(GraphError::OutputTooSmall { at: context.at(), tensor, axis: self.name, found, expected });
        }
        Ok(())
    }
}
