//! The verifier's claims as linear functionals, one definition for both sides.
//!
//! Notation of docs/protocol.md: `r` is the point at which the lookup argument ends, `rho` the one at which the contraction does.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Shape;

use crate::affine::Affine;
use crate::eq::{eq_index, eq_prefix_sums};
use crate::field::{F, K, from_signed};
use crate::functional::Functional;
use crate::layout::{Chunk, ColumnId, EqWeights};
use crate::masks::{CELLS_PER_SECRET, basis};
use crate::relation::{Bytes, Coefficients, Factor, Form, Leaf, Location, Relation, Source};
use crate::table::{Folding, TableId};
use crate::wiring::{PixelMap, PixelWeights};

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
    let mut functional = Functional { constant: mu, ..Functional::default() };
    let none = || relation.contractions.iter().map(|contraction| vec![Vec::new(); contraction.blocks.len()]).collect();
    let (mut accumulators, mut signs): (AccumulatorWeights, AccumulatorWeights) = (none(), none());
    for (column, placement) in relation.columns.iter().zip(relation.layout.placements()) {
        for (index, chunk) in placement.chunks.iter().enumerate() {
            match &column.leaf {
                Leaf::Free | Leaf::Spare => {}
                Leaf::Lookup { table, values } | Leaf::Row { table, values } => {
                    let channels = r.channels(chunk, placement.channels);
                    let total: K = channels.iter().copied().sum();
                    functional.constant += total * mu * (folding.offset(*table) - K::ONE);
                    if matches!(column.leaf, Leaf::Lookup { .. }) {
                        functional.constant += total;
                    }
                    for (form, &power) in values.iter().zip(&folding.powers) {
                        let factor = -(mu * power);
                        let scaled: Vec<K> = channels.iter().map(|&weight| factor * weight).collect();
                        let mut sink = Sink {
                            relation,
                            num_pixels: placement.pixels,
                            r,
                            functional: &mut functional,
                            accumulators: &mut accumulators,
                            signs: &mut signs,
                        };
                        sink.form(form, index, chunk, &scaled);
                    }
                }
                Leaf::Multiplicity(table) => {
                    let weight = r.channels(chunk, 1).first().copied().unwrap_or_default();
                    functional.constant += mu * weight * (rows(relation, folding, r, *table, chunk) - K::ONE);
                }
            }
        }
    }
    for (index, column) in relation.columns.iter().enumerate() {
        let id = ColumnId(index);
        let chunks = &relation.layout.placement(id).chunks;
        match column.leaf {
            Leaf::Free | Leaf::Lookup { .. } => {}
            Leaf::Multiplicity(_) | Leaf::Row { .. } => {
                for (chunk_index, chunk) in chunks.iter().enumerate() {
                    let weights: Vec<K> = r.channels(chunk, column.channels).into_iter().map(|weight| -weight).collect();
                    functional.add_chunk(id, chunk_index, &weights);
                }
            }
            Leaf::Spare => {
                let weight = mu * eq_index(r.point(), chunks[0].first_cell(0));
                functional.constant -= weight;
                let values = basis().map(|element| element * weight).to_vec();
                functional.add_product(Location::Column(id), PixelWeights { first: 0, values }, vec![K::ONE]);
            }
        }
    }
    LeafWeights { functional, accumulators, signs }
}

/// Where the terms of a form go.
struct Sink<'a> {
    relation: &'a Relation,
    /// Pixels of the column whose leaves are being written.
    num_pixels: usize,
    r: &'a EqWeights,
    functional: &'a mut Functional,
    accumulators: &'a mut AccumulatorWeights,
    signs: &'a mut AccumulatorWeights,
}

impl Sink<'_> {
    /// Adds `sum over channels and pixels of the chunk of channels[c] * pixels[p] * form(c, p)`.
    fn form(&mut self, form: &Form, index: usize, chunk: &Chunk, channels: &[K]) {
        let total = || channels.iter().copied().sum::<K>();
        self.functional.constant += match &form.constant {
            Coefficients::Uniform(value) if *value == F::ZERO => K::ZERO,
            Coefficients::Uniform(value) => total() * *value,
            Coefficients::Channel(values) => channels.iter().zip(values).map(|(&weight, &value)| weight * value).sum(),
            Coefficients::Pixel(values) => total() * self.pixel_sum(chunk, values),
            Coefficients::Outside { value, channels: inner, pixels } => {
                let box_pixels = self.pixel_sum(chunk, pixels);
                let box_channels: K = channels[inner.clone()].iter().copied().sum();
                (total() - box_channels * box_pixels) * *value
            }
        };
        for term in &form.terms {
            let scaled: Vec<K> = match &term.factor {
                Factor::Uniform(value) => channels.iter().map(|&weight| weight * *value).collect(),
                Factor::Channel(values) => channels.iter().zip(values).map(|(&weight, &value)| weight * value).collect(),
            };
            self.source(&term.source, index, chunk, &scaled);
        }
    }

    /// `sum over pixels of the chunk of eq(r, pixel) * values[pixel within its image]`.
    fn pixel_sum(&self, chunk: &Chunk, values: &[F]) -> K {
        let pixels = self.r.pixels(chunk).iter().zip(chunk.pixels());
        pixels.map(|(&weight, pixel)| weight * values[pixel % values.len()]).sum()
    }

    fn source(&mut self, source: &Source, index: usize, chunk: &Chunk, channels: &[K]) {
        match source {
            Source::Cell(column) => self.functional.add_chunk(*column, index, channels),
            // The pixel weights of a chunk sum to one.
            Source::Integers(bytes) => integers(bytes, channels, self.functional),
            Source::Accumulator(id) | Source::ScaledAccumulator(id) => add(&mut self.accumulators[id.0][index], channels),
            Source::ScaledSign(id) => add(&mut self.signs[id.0][index], channels),
            Source::Tensor { location, shape, pixels, channels: map } => {
                let channels = map.pull_back(channels, shape.channels);
                let _ = add_pixels(self.relation, self.functional, (*location, *shape), pixels, (index, chunk), self.r, channels);
            }
            Source::Reordered { location } => {
                let mut weights = vec![K::ZERO; channels.len() * self.num_pixels];
                for (pixel, &weight) in chunk.pixels().zip(self.r.pixels(chunk)) {
                    for (to, &channel) in weights[pixel * channels.len()..].iter_mut().zip(channels) {
                        *to = weight * channel;
                    }
                }
                self.functional.dense.push((*location, weights));
            }
        }
    }
}

/// Adds `sum of channels[c] * integer[c]`.
pub fn integers(bytes: &Bytes, channels: &[K], functional: &mut Functional) {
    for (column, factors) in bytes.terms() {
        let pixels = PixelWeights { first: 0, values: channels.to_vec() };
        functional.add_product(Location::Column(column), pixels, factors.into_iter().map(K::from).collect());
    }
    functional.constant -= channels.iter().copied().sum::<K>() * from_signed(bytes.offset);
}

/// Adds the weights of one form to those of others.
fn add(sum: &mut Vec<K>, channels: &[K]) {
    sum.resize(channels.len(), K::ZERO);
    for (to, from) in sum.iter_mut().zip(channels) {
        *to += *from;
    }
}

/// Whether the chunk of this index has the same pixels in another column: columns in regions may be cut in another way.
fn has_chunk(relation: &Relation, column: ColumnId, (index, chunk): (usize, &Chunk)) -> bool {
    relation.layout.placement(column).chunks.get(index).is_some_and(|other| other.pixels() == chunk.pixels())
}

/// Adds `channels[c] * (pull-back of the chunk's pixel weights)`, as chunk weights where the wiring is the identity. Returns the sum of the
/// pulled-back pixel weights.
fn add_pixels(
    relation: &Relation,
    functional: &mut Functional,
    (location, shape): (Location, Shape),
    map: &PixelMap,
    (index, chunk): (usize, &Chunk),
    r: &EqWeights,
    channels: Vec<K>,
) -> K {
    match (location, map) {
        (Location::Column(column), PixelMap::Same) if has_chunk(relation, column, (index, chunk)) => {
            functional.add_chunk(column, index, &channels);
            K::ONE
        }
        _ => {
            let pixels = map.pull_back(chunk.pixels(), r.pixels(chunk), relation.images * shape.num_pixels());
            let total = pixels.values.iter().copied().sum();
            functional.add_product(location, pixels, channels);
            total
        }
    }
}

/// `sum over rows of the table in the chunk of eq(r, row) * denominator(row)`.
fn rows(relation: &Relation, folding: &Folding, r: &EqWeights, id: TableId, chunk: &Chunk) -> K {
    let (first, end) = (chunk.first_pixel, chunk.pixels().end);
    let point = r.low_point(chunk);
    let mut sum = folding.offset(id);
    let mut before = (K::ZERO, K::ZERO);
    for run in &relation.runs[id.0] {
        if run.end <= first || run.start >= end {
            continue;
        }
        let after = eq_prefix_sums(point, run.end.min(end) - first);
        let (weight, weighted) = (after.0 - before.0, after.1 - before.1);
        before = after;
        for (&(base, step), &power) in run.columns.iter().zip(&folding.powers) {
            sum -= power * (weight * from_signed(base + step * first as i64) + weighted * from_signed(step));
        }
    }
    sum
}

/// Adds `scale * A(rho)`, the activation side of the batched contraction, where `e[i] = eq(rho, i)`.
pub fn contraction_inputs(relation: &Relation, r: &EqWeights, e: &[K], scale: K, functional: &mut Functional) {
    for contraction in &relation.contractions {
        let chunks = &relation.layout.placement(contraction.output).chunks;
        let inner = contraction.inner_channels();
        for (index, (chunk, &block)) in chunks.iter().zip(&contraction.blocks).enumerate() {
            for tap in 0..contraction.window.num_taps() {
                let mut channels = vec![K::ZERO; contraction.input_shape.channels];
                for (i, &weight) in e[block + tap * inner..][..inner].iter().enumerate() {
                    channels[contraction.input_channel(i)] += weight * scale;
                }
                let total: K = channels.iter().copied().sum();
                let input = (contraction.input, contraction.input_shape);
                let present = add_pixels(relation, functional, input, &contraction.tap(tap), (index, chunk), r, channels);
                functional.constant -= total * present * from_signed(contraction.input_zero_point);
            }
        }
    }
}

/// Adds `scale * sum of zeta^i output[i]` (NHWC order, image after image).
pub fn output(relation: &Relation, zeta: K, scale: K, functional: &mut Functional) {
    let column = relation.column(relation.output);
    let channels: Vec<K> = zeta.powers().take(column.channels).map(|power| power * scale).collect();
    let values = zeta.exp_u64(column.channels as u64).powers().take(column.pixels).collect();
    let pixels = PixelWeights { first: 0, values };
    functional.add_product(Location::Column(relation.output), pixels, channels);
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
    functional.dense.push((Location::Column(relation.secrets), weights));
}
