//! The weight side of the batched contraction.
//!
//! `B[chunk, tap, i] = sum over output channels of accumulator weight * (weight - zero point)`; for depthwise layers the channel is kept, so that
//! the sum has one term.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Conv, Graph};

use crate::claims::AccumulatorWeights;
use crate::dot::dot;
use crate::field::{F, K, from_signed};
use crate::lanes::{Lanes, WeightedSum};
use crate::layout::EqWeights;
use crate::relation::{Contraction, Relation};

/// The part of `B` that belongs to one contraction, from its accumulators' weights by chunk and channel: row after row of its grid.
pub fn contract(contraction: &Contraction, conv: &Conv, chunks: &[Vec<K>]) -> Vec<K> {
    let zero = i64::from(conv.weight_zero_point);
    let len = contraction.row_len();
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

/// `sum over taps and inner channels of eq(rho, [chunk, tap, i]) * (weight - zero point)` for each chunk and output channel.
pub fn contract_inner(contraction: &Contraction, conv: &Conv, rho: &EqWeights) -> Vec<Vec<K>> {
    let zero = i64::from(conv.weight_zero_point);
    let (rows, entries) = (contraction.grid.row_weights(rho), contraction.grid.entry_weights(rho));
    let by_chunk = rows.chunks(contraction.window.num_taps());
    if contraction.depthwise {
        let integers: Vec<F> = conv.weights.iter().map(|&w| from_signed(i64::from(w) - zero)).collect();
        let taps = || integers.chunks_exact(entries.len());
        let sum = |rows: &[K], channel: usize| taps().zip(rows).map(|(tap, &row)| row * tap[channel]).sum::<K>() * entries[channel];
        by_chunk.map(|rows| (0..entries.len()).map(|channel| sum(rows, channel)).collect()).collect()
    } else {
        let lanes = Lanes::new(entries);
        let total = entries.iter().copied().sum::<K>() * from_signed(zero);
        // By channel and tap: the same for all chunks.
        let sums: Vec<K> = conv.weights.chunks_exact(entries.len()).map(|row| lanes.dot(row) - total).collect();
        by_chunk.map(|rows| sums.chunks_exact(rows.len()).map(|sums| dot(sums, rows)).collect()).collect()
    }
}

/// `B(rho)`: what [`contract`] gives for all contractions, summed with `eq(rho, J)`.
pub fn evaluate(relation: &Relation, graph: &Graph, accumulators: &AccumulatorWeights, rho: &EqWeights) -> K {
    let mut sum = K::ZERO;
    for (contraction, chunks) in relation.contractions.iter().zip(accumulators) {
        let Some(conv) = contraction.conv(graph) else { continue };
        let contracted = contract_inner(contraction, conv, rho);
        sum += contracted.iter().zip(chunks).map(|(values, channels)| dot(values, channels)).sum::<K>();
    }
    sum
}
