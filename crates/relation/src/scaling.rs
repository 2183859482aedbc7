//! The second batched contraction: hidden multipliers times contracted weights, and hidden sign factors times contracted signs.
//!
//! `sum_I P[I] Q[I]` over layers, chunks of their output and output channels: with the accumulators' weight `a` and the multiplier `m`,
//! `P = a m` and `Q = sum over taps and inner channels of eq(rho, J) (weight - zero point)`; then, for layers with signs, with the signs' weight `b` and
//! the sign factor `k`, `P = xi b k` and `Q = sum over pixels of eq(r, pixel) sign`. Notation of docs/protocol.md.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;

use crate::claims::{AccumulatorWeights, integers};
use crate::envelope::weight_range;
use crate::field::{F, K, from_signed};
use crate::functional::{Functional, PixelWeights};
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

/// The blocks of each layer's accumulators, and those of each layer's signs.
fn layers<'b, 'a>(blocks: &'b [Block<'a>]) -> impl Iterator<Item = &'b [Block<'a>]> {
    blocks.chunk_by(|a, b| (a.layer, a.sign) == (b.layer, b.sign))
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
        for layer in layers(&blocks(relation)) {
            let mut channels = vec![K::ZERO; layer[0].contraction.output_shape.channels];
            for block in layer {
                for ((sum, weight), &e) in channels.iter_mut().zip(self.of(block)).zip(block.of(e)) {
                    *sum += weight * e;
                }
            }
            match &layer[0].hidden.sign {
                Some((_, factor)) if layer[0].sign => integers(factor, scale, &channels, functional),
                _ => integers(&layer[0].hidden.multiplier, scale, &channels, functional),
            }
        }
    }
}

/// Adds `scale * Q(rho')`, where `e[i] = eq(rho', i)` and `inner[j] = eq(rho, j)`. `graph` is read for zero points only.
pub fn add_contracted(relation: &Relation, graph: &Graph, inner: &[K], e: &[K], scale: K, functional: &mut Functional) {
    for layer in layers(&blocks(relation)) {
        match &layer[0].hidden.sign {
            Some((sign, _)) if layer[0].sign => {
                for block in layer {
                    let chunk = &relation.layout.placement(*sign).chunks[block.chunk];
                    functional.add(Location::Column(*sign), scale, PixelWeights::same(chunk), block.of(e).into());
                }
            }
            _ => add_weights(layer, graph, inner, e, scale, functional),
        }
    }
}

/// Adds `scale * sum over blocks of channels[c] * inner[tap, i] * (weight - zero point)[c, tap, i]`, all blocks being of one layer.
fn add_weights(layer: &[Block<'_>], graph: &Graph, inner: &[K], e: &[K], scale: K, functional: &mut Functional) {
    let contraction = layer[0].contraction;
    let Some(conv) = contraction.conv(graph) else { return };
    let zero: F = from_signed(i64::from(conv.weight_zero_point) - weight_range(graph, contraction).0);
    let location = Location::Column(layer[0].hidden.weights);
    let inner = |block: &Block<'_>| &inner[contraction.blocks[block.chunk]..][..contraction.block_len()];
    if contraction.depthwise {
        // A plane for each tap, in which the pixels are the channels.
        let num_taps = contraction.window.num_taps();
        for tap in 0..num_taps {
            let mut weights = vec![K::ZERO; contraction.output_shape.channels];
            for block in layer {
                let inner = &inner(block)[tap * weights.len()..];
                for ((sum, &channel), &e) in weights.iter_mut().zip(block.of(e)).zip(inner) {
                    *sum += channel * e;
                }
            }
            functional.constant -= scale * weights.iter().copied().sum::<K>() * zero;
            let plane = (0..num_taps).map(|other| if other == tap { K::ONE } else { K::ZERO }).collect();
            functional.add(location, scale, PixelWeights::listed(weights), plane);
        }
    } else {
        for block in layer {
            let (inner, channels) = (inner(block), block.of(e));
            functional.constant -= scale * inner.iter().copied().sum::<K>() * channels.iter().copied().sum::<K>() * zero;
            functional.add(location, scale, PixelWeights::listed(inner.to_vec()), channels.into());
        }
    }
}
