//! The verifier's claims as linear functionals, one definition for both sides.
//!
//! Notation of docs/protocol.md: `r` is the point at which the lookup argument ends, `rho` the one at which the contraction does.

use std::cell::OnceCell;
use std::sync::Arc;

use p3_field::PrimeCharacteristicRing;

use crate::affine::Affine;
use crate::eq::{RangeSums, eq_index, eq_prefix_sums};
use crate::field::{F, K, from_signed};
use crate::functional::{Dense, Functional, PixelWeights, Wiring};
use crate::layout::{Chunk, ColumnId, EqWeights, Placement};
use crate::masks::{CELLS_PER_SECRET, basis};
use crate::relation::{Bytes, Coefficients, Contraction, Factor, Form, Leaf, Location, Missing, Relation, Source};
use crate::table::{Folding, TableId};
use crate::wiring::{ChannelMap, PixelMap};

/// Weights of the accumulators in the claim on the leaves: by contraction, chunk of its output, and output channel. The weight of the
/// accumulator of a pixel is this times the pixel's equality weight.
pub type AccumulatorWeights = Vec<Vec<Vec<K>>>;

/// The claim on the leaves in parts.
pub struct LeafWeights {
    /// Weights of cells and input.
    pub functional: Functional,
    /// Weights of the accumulators, or of the accumulators times their hidden multipliers.
    pub accumulators: AccumulatorWeights,
    /// Weights of the signs times their hidden factors; empty where there are none.
    pub signs: AccumulatorWeights,
}

/// Writes `numerator(r) + mu * denominator(r)` of the lookup argument's leaves as a functional of cells, input, accumulators and scaled signs.
pub fn leaves(relation: &Relation, r: &EqWeights, folding: &Folding, mu: K) -> LeafWeights {
    let chunks = |contraction: &Contraction| &relation.layout.placement(contraction.output).chunks;
    let none = || relation.contractions.iter().map(|contraction| vec![Vec::new(); chunks(contraction).len()]).collect();
    let sums = RangeSums::eq(r.point());
    let functional = Functional { constant: mu, ..Functional::default() };
    let mut weights = LeafWeights { functional, accumulators: none(), signs: none() };
    for (index, (column, placement)) in relation.columns.iter().zip(relation.layout.placements()).enumerate() {
        let chunks = &placement.chunks;
        match &column.leaf {
            Leaf::Free => {}
            Leaf::Lookup { table, values } | Leaf::Row { table, values } => {
                let channels = vec![OnceCell::new(); chunks.len()];
                let reader = Reader { relation, r, sums: &sums, column: ColumnId(index), placement, channels };
                let total: K = chunks.iter().map(|chunk| reader.total(chunk)).sum();
                for (form, &power) in values.iter().zip(&folding.powers) {
                    reader.form(form, -(mu * power), &mut weights);
                }
                weights.functional.constant += total * mu * (folding.offset(*table) - K::ONE);
                if matches!(column.leaf, Leaf::Lookup { .. }) {
                    weights.functional.constant += total;
                } else {
                    weights.functional.columns.push((ColumnId(index), -K::ONE));
                }
            }
            Leaf::Multiplicity(table) => {
                for chunk in chunks {
                    let weight = eq_index(&r.point()[chunk.log_len..], chunk.first_slot);
                    weights.functional.constant += mu * weight * (rows(relation, folding, r, *table, chunk) - K::ONE);
                }
                weights.functional.columns.push((ColumnId(index), -K::ONE));
            }
            Leaf::Spare => {
                let weight = mu * eq_index(r.point(), chunks[0].first_cell(0));
                weights.functional.constant -= weight;
                weights.functional.add(Location::Column(ColumnId(index)), weight, PixelWeights::listed(basis().to_vec()), [K::ONE].into());
            }
        }
    }
    weights
}

/// A column whose leaves are being written.
struct Reader<'a> {
    relation: &'a Relation,
    r: &'a EqWeights,
    /// Sums of the leaf point's weights.
    sums: &'a RangeSums,
    column: ColumnId,
    placement: &'a Placement,
    /// The leaf point's weights of the channels, by chunk, where they are needed one by one.
    channels: Vec<OnceCell<Arc<[K]>>>,
}

impl Reader<'_> {
    /// Adds `scale * sum over chunks, channels and pixels of channels[c] * pixels[p] * form(c, p)`.
    fn form(&self, form: &Form, scale: K, weights: &mut LeafWeights) {
        let num_chunks = self.placement.chunks.len();
        for index in 0..num_chunks {
            weights.functional.constant += scale * self.constant(&form.constant, index);
        }
        for term in &form.terms {
            match (&term.source, &term.factor) {
                (Source::Integers(bytes), factor) => {
                    // The pixel weights of a chunk sum to one.
                    let mut sum = Vec::new();
                    (0..num_chunks).for_each(|index| add_scaled(&mut sum, K::ONE, self.channels(index)));
                    let (scale, channels) = scaled(factor, scale, &sum.into());
                    integers(bytes, scale, &channels, &mut weights.functional);
                }
                (Source::Cell(column), Factor::Uniform(factor)) if *column == self.column => {
                    weights.functional.columns.push((*column, scale * *factor));
                }
                (source, factor) => {
                    for index in 0..num_chunks {
                        let (scale, channels) = scaled(factor, scale, self.channels(index));
                        self.source(source, index, scale, channels, weights);
                    }
                }
            }
        }
    }

    /// The leaf point's weights of the channels of a chunk.
    fn channels(&self, index: usize) -> &Arc<[K]> {
        self.channels[index].get_or_init(|| self.r.channels(&self.placement.chunks[index], self.placement.channels).into())
    }

    /// Their sum, which is that of the weights of all cells of the chunk.
    fn total(&self, chunk: &Chunk) -> K {
        self.sums.sum(chunk.cells(self.placement.channels))
    }

    /// `sum over channels and pixels of a chunk of channels[c] * pixels[p] * constant(c, p)`.
    fn constant(&self, constant: &Coefficients, index: usize) -> K {
        let chunk = &self.placement.chunks[index];
        match constant {
            Coefficients::Uniform(value) if *value == F::ZERO => K::ZERO,
            Coefficients::Uniform(value) => self.total(chunk) * *value,
            Coefficients::Channel(values) => self.channels(index).iter().zip(values).map(|(&weight, &value)| weight * value).sum(),
            Coefficients::Pixel(values) => {
                let values = values.iter().copied().cycle().skip(chunk.first_pixel % values.len());
                self.total(chunk) * self.pixel_sum(chunk, values)
            }
            Coefficients::Grid(by_place) => self.total(chunk) * self.pixel_sum(chunk, by_place.values_from(chunk.first_pixel)),
            Coefficients::Missing(missing) => {
                let sum = |missing: &Missing| {
                    let within = self.sums.sum(chunk.first_cell(missing.channels.start)..chunk.first_cell(missing.channels.end));
                    let has_source = missing.pixels.pulled_back_sum(chunk.pixels(), self.r.pixels(chunk));
                    (self.total(chunk) - within * has_source) * missing.value
                };
                missing.iter().map(sum).sum()
            }
        }
    }

    /// `sum over pixels of the chunk of eq(r, pixel) * value`.
    fn pixel_sum(&self, chunk: &Chunk, values: impl Iterator<Item = F>) -> K {
        self.r.pixels(chunk).iter().zip(values).map(|(&weight, value)| weight * value).sum()
    }

    /// Adds `scale * sum over channels and pixels of a chunk of channels[c] * pixels[p] * source(c, p)`.
    fn source(&self, source: &Source, index: usize, scale: K, channels: Arc<[K]>, weights: &mut LeafWeights) {
        let LeafWeights { functional, accumulators, signs } = weights;
        let chunk = &self.placement.chunks[index];
        let wired = |map: &PixelMap| PixelWeights::wired(*map, chunk);
        match source {
            Source::Cell(column) => functional.add(Location::Column(*column), scale, PixelWeights::Leaf(*chunk), channels),
            Source::Integers(bytes) => integers(bytes, scale, &channels, functional),
            Source::Accumulator(id) | Source::ScaledAccumulator(id) => add_scaled(&mut accumulators[id.0][index], scale, &channels),
            Source::ScaledSign(id) => add_scaled(&mut signs[id.0][index], scale, &channels),
            Source::Tensor { location, pixels, channels: ChannelMap::Same, .. } => {
                functional.add(*location, scale, wired(pixels), channels)
            }
            Source::Tensor { location, shape, pixels, channels: map } => {
                functional.add(*location, scale, wired(pixels), map.pull_back(&channels, shape.channels).into());
            }
            // In the same shape nothing is reordered.
            Source::Reordered { location } if self.relation.stored_channels(*location) == channels.len() => {
                functional.add(*location, scale, PixelWeights::Leaf(*chunk), channels);
            }
            Source::Reordered { location } => {
                let channels: Vec<K> = channels.iter().map(|&channel| scale * channel).collect();
                let pixels = self.r.pixels(chunk).iter();
                let weights = pixels.flat_map(|&pixel| channels.iter().map(move |&channel| pixel * channel)).collect();
                functional.dense.push(Dense { location: *location, first: chunk.first_pixel * channels.len(), weights });
            }
        }
    }
}

/// `scale * factor * channels`, as a scale and channels.
fn scaled(factor: &Factor, scale: K, channels: &Arc<[K]>) -> (K, Arc<[K]>) {
    match factor {
        Factor::Uniform(value) => (scale * *value, Arc::clone(channels)),
        Factor::Channel(values) => (scale, channels.iter().zip(values).map(|(&weight, &value)| weight * value).collect()),
    }
}

/// Adds `scale * sum of channels[c] * integer[c]`.
pub fn integers(bytes: &Bytes, scale: K, channels: &[K], functional: &mut Functional) {
    for (column, factors) in bytes.terms() {
        let factors = factors.into_iter().map(K::from).collect();
        functional.add(Location::Column(column), scale, PixelWeights::listed(channels.to_vec()), factors);
    }
    functional.constant -= scale * channels.iter().copied().sum::<K>() * from_signed(bytes.offset);
}

/// `sum += scale * channels`, where nothing is a sum of zeros.
fn add_scaled(sum: &mut Vec<K>, scale: K, channels: &[K]) {
    sum.resize(channels.len(), K::ZERO);
    for (to, &from) in sum.iter_mut().zip(channels) {
        *to += scale * from;
    }
}

/// `sum over rows of the table in the chunk of eq(r, row) * denominator(row)`.
fn rows(relation: &Relation, folding: &Folding, r: &EqWeights, id: TableId, chunk: &Chunk) -> K {
    let (first, end) = (chunk.first_pixel, chunk.pixels().end);
    let point = r.low_point(chunk);
    let mut sum = folding.offset(id);
    let table = &relation.tables[id.0];
    let mut before = (K::ZERO, K::ZERO);
    for run in &table.runs {
        if run.end <= first || run.start >= end {
            continue;
        }
        let after = eq_prefix_sums(point, run.end.min(end) - first);
        let (weight, weighted) = (after.0 - before.0, after.1 - before.1);
        before = after;
        let key = (table.first, 1);
        let output = table.has_output().then_some((run.base, run.step));
        for ((base, step), &power) in std::iter::once(key).chain(output).zip(&folding.powers) {
            sum -= power * (weight * from_signed(base + step * first as i64) + weighted * from_signed(step));
        }
    }
    sum
}

/// Adds `scale * A(rho)`, the activation side of the batched contraction.
pub fn contraction_inputs(relation: &Relation, r: &EqWeights, rho: &EqWeights, scale: K, functional: &mut Functional) {
    for contraction in &relation.contractions {
        let chunks = &relation.layout.placement(contraction.output).chunks;
        let (rows, channels) = (contraction.grid.row_weights(rho), input_channels(contraction, contraction.grid.entry_weights(rho)));
        let mut pixels = K::ZERO;
        let mut wirings = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            for tap in 0..contraction.window.num_taps() {
                let (weight, map) = (rows[contraction.row(index, tap)], contraction.tap(tap));
                pixels += weight * map.pulled_back_sum(chunk.pixels(), r.pixels(chunk));
                if map == PixelMap::Same {
                    functional.add(contraction.input, scale * weight, PixelWeights::Leaf(*chunk), Arc::clone(&channels));
                } else {
                    wirings.push(Wiring { weight, map, chunk: *chunk });
                }
            }
        }
        functional.constant -= scale * pixels * channels.iter().copied().sum::<K>() * from_signed(contraction.input_zero_point);
        if !wirings.is_empty() {
            functional.add(contraction.input, scale, PixelWeights::Wired(wirings), channels);
        }
    }
}

/// Weights of the inner channels of a contraction, by input channel.
fn input_channels(contraction: &Contraction, inner: &[K]) -> Arc<[K]> {
    if contraction.input_shape.channels == inner.len() {
        return inner.into();
    }
    let mut channels = vec![K::ZERO; contraction.input_shape.channels];
    for (i, &weight) in inner.iter().enumerate() {
        channels[contraction.input_channel(i)] += weight;
    }
    channels.into()
}

/// Adds `scale * sum of zeta^i output[i]` (NHWC order, image after image).
pub fn output(relation: &Relation, zeta: K, scale: K, functional: &mut Functional) {
    let column = relation.column(relation.output);
    let channels: Vec<K> = zeta.powers().take(column.channels).collect();
    let pixels = zeta.exp_u64(column.channels as u64).powers().take(column.pixels).collect();
    functional.add(Location::Column(relation.output), scale, PixelWeights::listed(pixels), channels.into());
}

/// `sum of zeta^i output[i]`.
pub fn output_value(output: &[i16], zeta: K) -> K {
    output.iter().rev().fold(K::ZERO, |sum, &value| sum * zeta + from_signed(i64::from(value)))
}

/// Adds `coefficient * secret` for each term of a form.
pub fn secrets(relation: &Relation, form: &Affine, functional: &mut Functional) {
    let mut weights = vec![K::ZERO; relation.column(relation.secrets).pixels];
    for &(index, coefficient) in &form.terms {
        for (weight, element) in weights.iter_mut().skip(CELLS_PER_SECRET * index).zip(basis()) {
            *weight += coefficient * element;
        }
    }
    functional.add(Location::Column(relation.secrets), K::ONE, PixelWeights::listed(weights), [K::ONE].into());
}
