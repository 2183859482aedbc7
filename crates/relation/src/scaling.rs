//! The second batched contraction: hidden multipliers times contracted weights, and hidden sign factors times contracted signs.
//!
//! `sum_I P[I] Q[I]` over layers, chunks of their output and output channels: with the accumulators' weight `a` and the multiplier `m`,
//! `P = a m` and `Q = sum over taps and inner channels of eq(rho, J) (weight - zero point)`; then, for layers with signs, with the signs' weight `b` and
//! the sign factor `k`, `P = xi b k` and `Q = sum over pixels of eq(r, pixel) sign`. Notation of docs/protocol.md.

use std::sync::Arc;

use p3_field::PrimeCharacteristicRing;

use crate::claims::{AccumulatorWeights, integers};
use crate::field::K;
use crate::functional::{Functional, PixelWeights};
use crate::grid::{Grid, GridError};
use crate::layout::EqWeights;
use crate::relation::{Contraction, HiddenLayer, Location, Relation};

/// The accumulators of a layer, or its signs.
pub struct Part<'a> {
    /// Index of the layer.
    pub layer: usize,
    /// The layer.
    pub contraction: &'a Contraction,
    /// Its hidden columns.
    pub hidden: &'a HiddenLayer,
    /// Whether this is about the signs.
    pub sign: bool,
    /// Its indices: a row of output channels for each chunk of the output's pixels.
    pub grid: Grid,
}

/// All parts: accumulators of all layers, then their signs.
pub fn parts(relation: &Relation) -> Vec<Part<'_>> {
    let mut parts = without_indices(&relation.contractions);
    parts.iter_mut().zip(&relation.scaling).for_each(|(part, grid)| part.grid = *grid);
    parts
}

/// The indices of all parts, in their order, once those of the first contraction are known.
pub fn place(contractions: &[Contraction]) -> Result<Vec<Grid>, GridError> {
    Grid::place(&without_indices(contractions).iter().map(Part::shape).collect::<Vec<_>>())
}

fn without_indices(contractions: &[Contraction]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for sign in [false, true] {
        for (layer, contraction) in contractions.iter().enumerate() {
            if let Some(hidden) = contraction.hidden.as_ref().filter(|hidden| !sign || hidden.sign.is_some()) {
                parts.push(Part { layer, contraction, hidden, sign, grid: Grid::default() });
            }
        }
    }
    parts
}

impl Part<'_> {
    /// Rows and entries of a row: chunks of the output's pixels and output channels.
    pub fn shape(&self) -> (usize, usize) {
        (self.contraction.grid.rows / self.contraction.window.num_taps(), self.contraction.output_shape.channels)
    }
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
    /// The public factor of `P`: one for the whole part, and by chunk and channel.
    pub fn of(&self, part: &Part<'_>) -> (K, &[Vec<K>]) {
        if part.sign { (self.xi, &self.signs[part.layer]) } else { (K::ONE, &self.accumulators[part.layer]) }
    }

    /// Adds `scale * P(rho')`.
    pub fn add(&self, relation: &Relation, rho: &EqWeights, scale: K, functional: &mut Functional) {
        for part in parts(relation) {
            let (factor, chunks) = self.of(&part);
            let mut channels = vec![K::ZERO; part.grid.width];
            for (&row, chunk) in part.grid.row_weights(rho).iter().zip(chunks) {
                channels.iter_mut().zip(chunk).for_each(|(sum, &weight)| *sum += row * weight);
            }
            channels.iter_mut().zip(part.grid.entry_weights(rho)).for_each(|(sum, &entry)| *sum *= entry);
            match &part.hidden.sign {
                Some((_, sign_factor)) if part.sign => integers(sign_factor, scale * factor, &channels, functional),
                _ => integers(&part.hidden.multiplier, scale * factor, &channels, functional),
            }
        }
    }
}

/// Adds `scale * Q(rho')`, where `inner` is `rho`.
pub fn add_contracted(relation: &Relation, inner: &EqWeights, rho: &EqWeights, scale: K, functional: &mut Functional) {
    for part in parts(relation) {
        match &part.hidden.sign {
            Some((sign, _)) if part.sign => {
                let channels: Arc<[K]> = part.grid.entry_weights(rho).into();
                let chunks = &relation.layout.placement(*sign).chunks;
                for (chunk, row) in chunks.iter().zip(part.grid.row_weights(rho)) {
                    functional.add(Location::Column(*sign), scale * row, PixelWeights::Leaf(*chunk), Arc::clone(&channels));
                }
            }
            _ => add_weights(&part, inner, rho, scale, functional),
        }
    }
}

/// Adds `scale * sum over chunks, taps, channels c and i of eq(rho', [chunk, c]) * eq(rho, [chunk, tap, i]) * (weight - zero point)[c, tap, i]`.
///
/// Both factor, so that the sum over chunks is one number for each tap.
fn add_weights(part: &Part<'_>, inner: &EqWeights, rho: &EqWeights, scale: K, functional: &mut Functional) {
    let contraction = part.contraction;
    let (inner_rows, inner_entries) = (contraction.grid.row_weights(inner), contraction.grid.entry_weights(inner));
    let (rows, channels) = (part.grid.row_weights(rho), part.grid.entry_weights(rho));
    let mut taps = vec![K::ZERO; contraction.window.num_taps()];
    for (&row, inner_rows) in rows.iter().zip(inner_rows.chunks_exact(taps.len())) {
        taps.iter_mut().zip(inner_rows).for_each(|(sum, &inner_row)| *sum += row * inner_row);
    }
    let (pixels, planes): (Vec<K>, Vec<K>) = if contraction.depthwise {
        // A plane for each tap, in which the pixels are the channels.
        (channels.iter().zip(inner_entries).map(|(&channel, &entry)| channel * entry).collect(), taps)
    } else {
        (taps.iter().flat_map(|&tap| inner_entries.iter().map(move |&entry| tap * entry)).collect(), channels.to_vec())
    };
    // Weights and their zero point are both stored less the type's smallest value.
    let zero_point = pixels.iter().copied().sum::<K>() * planes.iter().copied().sum::<K>();
    functional.add(Location::Column(part.hidden.zero_point), -scale, PixelWeights::listed(vec![zero_point]), [K::ONE].into());
    functional.add(Location::Column(part.hidden.weights), scale, PixelWeights::listed(pixels), planes.into());
}
