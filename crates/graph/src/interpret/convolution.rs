use rayon::prelude::*;

use super::{View, for_each_tap};
use crate::op::Conv;
use crate::shape::Shape;

/// Output pixels of one task, which share each filter while it is in cache.
const BLOCK: usize = 16;

/// Accumulators of a convolution (TFLite `reference_integer_ops::ConvPerChannel`, `reference_ops::Conv`, `FullyConnected`), in the NHWC order
/// of `output`.
pub(super) fn conv2d(conv: &Conv, input: View<'_>, output: Shape) -> Vec<i32> {
    let weights = centered_weights(conv);
    let patch_len = conv.window.num_taps() * input.shape.channels;
    let mut accumulators = vec![0; output.num_elements()];
    accumulators.par_chunks_mut(BLOCK * output.channels).enumerate().for_each_init(
        || vec![0; BLOCK * patch_len],
        |patches, (block, accumulators)| {
            let num_pixels = accumulators.len() / output.channels;
            let patches = &mut patches[..num_pixels * patch_len];
            for (offset, patch) in patches.chunks_mut(patch_len).enumerate() {
                let pixel = block * BLOCK + offset;
                gather(conv, input, pixel / output.width, pixel % output.width, patch);
            }
            for (channel, (filter, &bias)) in weights.chunks(patch_len).zip(&conv.bias).enumerate() {
                for (offset, patch) in patches.chunks(patch_len).enumerate() {
                    accumulators[offset * output.channels + channel] = bias.wrapping_add(dot(filter, patch));
                }
            }
        },
    );
    accumulators
}

/// Accumulators of a depthwise convolution (TFLite `DepthwiseConvPerChannel`, `DepthwiseConv`), in the NHWC order of `output`.
pub(super) fn depthwise(conv: &Conv, input: View<'_>, output: Shape) -> Vec<i32> {
    let weights = centered_weights(conv);
    let zero_point = conv.input_zero_point as i16;
    let multiplier = output.channels / input.shape.channels;
    let mut accumulators = vec![0; output.num_elements()];
    accumulators.par_chunks_mut(BLOCK * output.channels).enumerate().for_each(|(block, accumulators)| {
        for (offset, accumulators) in accumulators.chunks_mut(output.channels).enumerate() {
            accumulators.copy_from_slice(&conv.bias);
            let pixel = block * BLOCK + offset;
            for_each_tap(&conv.window, input, pixel / output.width, pixel % output.width, |tap, values| {
                let filter = &weights[tap * output.channels..][..output.channels];
                if multiplier == 1 {
                    for ((acc, &value), &weight) in accumulators.iter_mut().zip(values).zip(filter) {
                        *acc = acc.wrapping_add(product(value - zero_point, weight));
                    }
                } else {
                    let groups = accumulators.chunks_mut(multiplier).zip(filter.chunks(multiplier));
                    for ((accumulators, filter), &value) in groups.zip(values) {
                        for (acc, &weight) in accumulators.iter_mut().zip(filter) {
                            *acc = acc.wrapping_add(product(value - zero_point, weight));
                        }
                    }
                }
            });
        }
    });
    accumulators
}

/// Weights less their zero point, in -255..=255.
fn centered_weights(conv: &Conv) -> Vec<i16> {
    let zero_point = conv.weight_zero_point as i16;
    conv.weights.iter().map(|weight| weight - zero_point).collect()
}

/// Writes the window at output pixel `(y, x)`, less the zero point, to `patch` (`[tap][channel]`); a missing tap becomes zero.
fn gather(conv: &Conv, input: View<'_>, y: usize, x: usize, patch: &mut [i16]) {
    let zero_point = conv.input_zero_point as i16;
    let channels = input.shape.channels;
    patch.fill(0);
    for_each_tap(&conv.window, input, y, x, |tap, values| {
        for (slot, value) in patch[tap * channels..][..channels].iter_mut().zip(values) {
            *slot = value - zero_point;
        }
    });
}

#[inline]
fn dot(left: &[i16], right: &[i16]) -> i32 {
    left.iter().zip(right).fold(0, |sum: i32, (&left, &right)| sum.wrapping_add(product(left, right)))
}

#[inline]
fn product(left: i16, right: i16) -> i32 {
    i32::from(left).wrapping_mul(i32::from(right))
}
