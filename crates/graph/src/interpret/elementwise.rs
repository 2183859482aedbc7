use rayon::prelude::*;

use super::View;
use crate::graph::TensorId;
use crate::op::{Add, Lookup, Mul, Operand};
use crate::shape::{DataType, Shape};

/// Accumulators of an addition (TFLite `reference_ops::Add` after the rescaling of each operand), in the NHWC order of `output`.
pub(super) fn add<'a>(add: &Add, operand: &impl Fn(TensorId) -> View<'a>, output: Shape) -> Vec<i32> {
    let left = operand(add.left);
    let rescaled = |value, table: &[i32], dtype| table[table_index(value, dtype)];
    match &add.right {
        Operand::Tensor { tensor, table } => {
            let right = operand(*tensor);
            for_each_pair(left, right, |a, b| rescaled(a, &add.left_table, left.dtype).wrapping_add(rescaled(b, table, right.dtype)))
        }
        Operand::Constant(constants) => {
            let mut accumulators = vec![0; output.num_elements()];
            accumulators.par_chunks_mut(output.channels).zip(left.values.par_chunks(output.channels)).for_each(|(accumulators, values)| {
                for ((acc, &value), &constant) in accumulators.iter_mut().zip(values).zip(constants) {
                    *acc = rescaled(value, &add.left_table, left.dtype).wrapping_add(constant);
                }
            });
            accumulators
        }
    }
}

/// Accumulators of a multiplication (TFLite `reference_integer_ops::Mul`, `reference_ops::Mul`), in the NHWC order of `left`.
pub(super) fn mul(mul: &Mul, left: View<'_>, right: View<'_>) -> Vec<i32> {
    for_each_pair(left, right, |a, b| (i32::from(a) - mul.left_zero_point) * (i32::from(b) - mul.right_zero_point))
}

/// Outputs of a table, in the order of `input`.
pub(super) fn lookup(lookup: &Lookup, input: View<'_>) -> Vec<i16> {
    input.values.par_iter().with_min_len(4096).map(|&value| lookup.table[table_index(value, input.dtype)]).collect()
}

/// `compute` of each element of `left` and the element of `right` that belongs to it; a side of one is repeated.
fn for_each_pair(left: View<'_>, right: View<'_>, compute: impl Fn(i16, i16) -> i32 + Sync) -> Vec<i32> {
    let Shape { width, channels, .. } = left.shape;
    let right_row_step = if right.shape.height == 1 { 0 } else { right.shape.width };
    let right_column_step = usize::from(right.shape.width != 1);
    let mut output = vec![0; left.values.len()];
    output.par_chunks_mut(width * channels).enumerate().for_each(|(y, row)| {
        for (x, pixel) in row.chunks_mut(channels).enumerate() {
            let left = left.pixel(y * width + x);
            match right.pixel(y * right_row_step + x * right_column_step) {
                [right] => {
                    for (out, &left) in pixel.iter_mut().zip(left) {
                        *out = compute(left, *right);
                    }
                }
                right => {
                    for ((out, &left), &right) in pixel.iter_mut().zip(left).zip(right) {
                        *out = compute(left, right);
                    }
                }
            }
        }
    });
    output
}

/// Position of `value` in a table of all values of its type.
fn table_index(value: i16, dtype: DataType) -> usize {
    usize::from((value - dtype.min()).unsigned_abs())
}
