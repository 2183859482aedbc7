use rayon::prelude::*;

use crate::op::Requantization;
use crate::requantize::Channel;

/// The outputs for all accumulators of a tensor in NHWC order.
pub(super) fn requantize_all(accumulators: &[i32], requantization: &Requantization, num_channels: usize) -> Vec<i16> {
    let channels: Vec<Channel> = (0..num_channels).map(|channel| Channel::new(requantization, channel)).collect();
    let mut output = vec![0; accumulators.len()];
    let block = num_channels * 4096_usize.div_ceil(num_channels);
    output.par_chunks_mut(block).zip(accumulators.par_chunks(block)).for_each(|(output, accumulators)| {
        for (output, accumulators) in output.chunks_mut(num_channels).zip(accumulators.chunks(num_channels)) {
            for ((output, &acc), channel) in output.iter_mut().zip(accumulators).zip(&channels) {
                *output = channel.apply(acc);
            }
        }
    });
    output
}
