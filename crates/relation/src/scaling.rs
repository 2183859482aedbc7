//! The second batched contraction: hidden multipliers times contracted weights, and hidden sign factors times contracted signs.
//!
//! `sum_I P[I] Q[I]` over layers, chunks of their output and output channels: with the accumulators' weight `a` and the multiplier `m`,
//! `P = a m` and `Q = sum over taps and inner channels of eq(rho, J) (weight - zero point)`; then, for layers with signs, with the signs' weight `b` and
//! the sign factor `k`, `P = xi b k` and `Q = sum over pixels of eq(r, pixel) sign`. Notation of docs/protocol.md.

use verinfer_graph::Graph;

use crate::claims::{AccumulatorWeights, integers};
use crate::envelope::weight_range;
use crate::field::{F, K, from_signed};
use crate::functional::{Dense, Functional, PixelWeights};
use crate::relation::{Contraction, HiddenLayer, Location, Relation};

/// Consecutive indices: the output channels of one chunk of one layer.
pub struct Block<'a> {
    /// Index of the layer.
    pub layer: usize,
    /// The layer.
    pub contraction: &'a Contraction,
    /// Its hidden columns.
    pub hidden: &'a HiddenLayer,
    /// Index of the chunk of its output.
    pub chunk: usize,
    /// First index.
    pub first: usize,
    /// Whether the block is about the signs.
    pub sign: bool,
}

impl Block<'_> {
    /// The part of a vector that belongs to the block.
    pub fn of<'v>(&self, vector: &'v [K]) -> &'v [K] {
        &vector[self.first..][..self.contraction.output_shape.channels]
    }
}

/// All blocks, in the order of their indices.
pub fn blocks(relation: &Relation) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut first = 0;
    for sign in [false, true] {
        for (layer, contraction) in relation.contractions.iter().enumerate() {
            let Some(hidden) = contraction.hidden.as_ref().filter(|hidden| !sign || hidden.sign.is_some()) else { continue };
            for chunk in 0..contraction.blocks.len() {
                blocks.push(Block { layer, contraction, hidden, chunk, first, sign });
                first += contraction.output_shape.channels;
            }
        }
    }
    blocks
}

/// Weights of the accumulators and of the signs, and the challenge that combines them.
#[derive(Clone, Copy)]
pub struct Scales<'a> {
    /// By layer, chunk and channel.
    pub accumulators: &'a AccumulatorWeights,
    /// By layer, chunk and channel.
    pub signs: &'a AccumulatorWeights,
    /// Weight of the signs' part.
    pub xi: K,
}

impl Scales<'_> {
    /// The public factor of `P` in a block, by channel.
    pub fn of(&self, block: &Block<'_>) -> Vec<K> {
        if block.sign {
            self.signs[block.layer][block.chunk].iter().map(|&weight| self.xi * weight).collect()
        } else {
            self.accumulators[block.layer][block.chunk].clone()
        }
    }

    /// Adds `scale * P(rho')`, where `e[i] = eq(rho', i)`.
    pub fn add(&self, relation: &Relation, e: &[K], scale: K, functional: &mut Functional) {
        for block in blocks(relation) {
            let channels: Vec<K> = self.of(&block).iter().zip(block.of(e)).map(|(&weight, &e)| weight * e).collect();
            match &block.hidden.sign {
                Some((_, factor)) if block.sign => integers(factor, scale, &channels, functional),
                _ => integers(&block.hidden.multiplier, scale, &channels, functional),
            }
        }
    }
}

/// Adds `scale * Q(rho')`, where `e[i] = eq(rho', i)` and `inner[j] = eq(rho, j)`. `graph` is read for zero points only.
pub fn add_contracted(relation: &Relation, graph: &Graph, inner: &[K], e: &[K], scale: K, functional: &mut Functional) {
    for block in blocks(relation) {
        match &block.hidden.sign {
            Some((sign, _)) if block.sign => {
                let chunk = &relation.layout.placement(*sign).chunks[block.chunk];
                functional.add(Location::Column(*sign), scale, PixelWeights::same(chunk), block.of(e).into());
            }
            _ => add_weights(&block, graph, inner, block.of(e), scale, functional),
        }
    }
}

/// Adds `scale * sum of channels[c] * inner[tap, i] * (weight - zero point)[c, tap, i]`.
fn add_weights(block: &Block<'_>, graph: &Graph, inner: &[K], channels: &[K], scale: K, functional: &mut Functional) {
    let contraction = block.contraction;
    let Some(conv) = contraction.conv(graph) else { return };
    let zero: F = from_signed(i64::from(conv.weight_zero_point) - weight_range(graph, contraction).0);
    let location = Location::Column(block.hidden.weights);
    let inner = &inner[contraction.blocks[block.chunk]..][..contraction.block_len()];
    if contraction.depthwise {
        let row = |(c, &channel): (usize, &K)| {
            let scaled = scale * channel;
            inner[c..].iter().step_by(channels.len()).map(move |&e| e * scaled)
        };
        let weights: Vec<K> = channels.iter().enumerate().flat_map(row).collect();
        functional.constant -= weights.iter().copied().sum::<K>() * zero;
        functional.dense.push(Dense { location, first: 0, weights });
    } else {
        functional.constant -= scale * inner.iter().copied().sum::<K>() * channels.iter().copied().sum::<K>() * zero;
        functional.add(location, scale, PixelWeights::listed(inner.to_vec()), channels.into());
    }
}
