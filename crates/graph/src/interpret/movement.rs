use super::View;
use crate::graph::TensorId;
use crate::op::{Concat, Pad};
use crate::shape::Shape;

/// `input` with a constant border, in the NHWC order of `output` (TFLite `Pad`, `PadV2`).
pub(super) fn pad(pad: &Pad, input: View<'_>, output: Shape) -> Vec<i16> {
    let mut values = vec![pad.value; output.num_elements()];
    for y in 0..input.shape.height {
        for x in 0..input.shape.width {
            let pixel = (y + pad.before.height) * output.width + x + pad.before.width;
            let start = pixel * output.channels + pad.before.channels;
            values[start..][..input.shape.channels].copy_from_slice(input.pixel(y * input.shape.width + x));
        }
    }
    values
}

/// The inputs joined along an axis, in the NHWC order of `output` (TFLite `Concatenation`).
pub(super) fn concat<'a>(concat: &Concat, operand: &impl Fn(TensorId) -> View<'a>, output: Shape) -> Vec<i16> {
    let num_runs = match concat.axis {
        0 => 1,
        1 => output.height,
        _ => output.num_pixels(),
    };
    let mut values = Vec::with_capacity(output.num_elements());
    for run in 0..num_runs {
        for &input in &concat.inputs {
            let input = operand(input).values;
            let length = input.len() / num_runs;
            values.extend_from_slice(&input[run * length..][..length]);
        }
    }
    values
}
