//! The weight side of the batched contraction.
//!
//! `B[block + tap * inner + i] = sum over output channels of accumulator weight * (weight - zero point)`; for depthwise layers the channel is
//! kept, so that the sum has one term.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Conv, Graph};

use crate::claims::AccumulatorWeights;
use crate::field::{K, from_signed};
use crate::lanes::{Lanes, WeightedSum};
use crate::relation::{Contraction, Relation};

/// The part of `B` that belongs to one contraction, from its accumulators' weights by chunk and channel.
pub fn contract(contraction: &Contraction, conv: &Conv, chunks: &[Vec<K>]) -> Vec<K> {
    let zero = i64::from(conv.weight_zero_point);
    let len = contraction.block_len();
    let mut out = Vec::with_capacity(chunks.len() * len);
    for channels in chunks {
        if contraction.depthwise {
            let rows = conv.weights.chunks_exact(channels.len());
            out.extend(rows.flat_map(|row| row.iter().zip(channels).map(|(&w, &channel)| channel * from_signed(i64::from(w) - zero))));
        } else {
            let mut sum = WeightedSum::new(len);
            for (row, &channel) in conv.weights.chunks_exact(len).zip(channels) {
                sum.add(channel, row);
            }
            let offset = sum.total() * from_signed(zero);
            out.extend(sum.finish().into_iter().map(|value| value - offset));
        }
    }
    out
}

/// `sum over taps and inner channels of e * (weight - zero point)` for each output channel, where `e` belongs to one block of the contraction.
pub fn contract_inner(contraction: &Contraction, conv: &Conv, e: &[K]) -> Vec<K> {
    let zero = from_signed(i64::from(conv.weight_zero_point));
    let channels = contraction.output_shape.channels;
    if contraction.depthwise {
        let mut sums = vec![K::ZERO; channels];
        for (row, e) in conv.weights.chunks_exact(channels).zip(e.chunks_exact(channels)) {
            for ((sum, &w), &e) in sums.iter_mut().zip(row).zip(e) {
                *sum += e * (from_signed(i64::from(w)) - zero);
            }
        }
        sums
    } else {
        let lanes = Lanes::new(e);
        let total = e.iter().copied().sum::<K>() * zero;
        conv.weights.chunks_exact(e.len()).map(|row| lanes.dot(row) - total).collect()
    }
}

/// `B(rho)`, where `e[i] = eq(rho, i)`: what [`contract`] gives for all contractions, summed with `e`.
pub fn evaluate(relation: &Relation, graph: &Graph, accumulators: &AccumulatorWeights, e: &[K]) -> K {
    let mut sum = K::ZERO;
    for (contraction, chunks) in relation.contractions.iter().zip(accumulators) {
        let Some(conv) = contraction.conv(graph) else { continue };
        for (channels, &block) in chunks.iter().zip(&contraction.blocks) {
            let contracted = contract_inner(contraction, conv, &e[block..block + contraction.block_len()]);
            sum += contracted.into_iter().zip(channels).map(|(value, &channel)| value * channel).sum::<K>();
        }
    }
    sum
}
