//! Step 6: the weights of the combined claim, written out for every cell.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use verinfer_relation::Relation;
use verinfer_relation::commitment::{DEGREE, Weights};
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::functional::{Functional, Product};
use verinfer_relation::layout::{Chunk, ColumnId, EqWeights, Layout};
use verinfer_relation::relation::Location;

use p3_field::{PackedFieldExtension, PrimeCharacteristicRing};

use crate::packed::{PackedK, WIDTH, ZERO, pack, splat, unpack};
use crate::vectors::filled;

/// Weights of the first `num_cells` cells (rounded up to a register).
pub fn write(relation: &Relation, functional: &Functional, r: &EqWeights, num_cells: usize) -> Vec<PackedK> {
    let mut out = filled(num_cells.div_ceil(WIDTH), ZERO);
    let of_commitments = || functional.commitments.par_iter().map(|part| part.check.weights()).collect::<Vec<_>>();
    let (parts, of_commitments) = rayon::join(|| parts(relation, functional, r), of_commitments);
    let (small, large): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.chunk.log_len < LOG_WIDTH);
    write_all(&mut out, &large);
    for part in &small {
        for channel in 0..part.num_channels {
            for (i, cell) in (part.chunk.first_cell(channel)..part.chunk.first_cell(channel + 1)).enumerate() {
                let weights = part.terms.iter().map(|term| -> K { unpack(&term.pixels)[i] * term.channels[channel] });
                let weight: K = weights.sum();
                out[cell / WIDTH].add_assign_lane(cell % WIDTH, weight);
            }
        }
    }
    for (part, weights) in functional.commitments.iter().zip(&of_commitments) {
        let values = &mut out[part.bases.values / WIDTH..];
        add_committed(weights, part.scale, values);
        for (base, weights) in [(part.bases.digests, &weights.digests), (part.bases.salt, &weights.salt)] {
            for (cell, &weight) in (base..).zip(weights) {
                out[cell / WIDTH].add_assign_lane(cell % WIDTH, part.scale * weight);
            }
        }
    }
    for dense in &functional.dense {
        let Location::Column(column) = dense.location else { continue };
        let placement = relation.layout.placement(column);
        for chunk in &placement.chunks {
            for channel in 0..placement.channels {
                for (i, pixel) in chunk.pixels().enumerate() {
                    let element = (pixel * placement.channels + channel).checked_sub(dense.first);
                    if let Some(&weight) = element.and_then(|element| dense.weights.get(element)) {
                        let cell = chunk.first_cell(channel) + i;
                        out[cell / WIDTH].add_assign_lane(cell % WIDTH, weight);
                    }
                }
            }
        }
    }
    out
}

const LOG_WIDTH: usize = WIDTH.ilog2() as usize;

/// A chunk and all that weights it.
struct Part {
    chunk: Chunk,
    num_channels: usize,
    terms: Vec<Term>,
}

/// Weights `pixels[pixel] * channels[channel]` of the cells of a chunk, or of as many parts of its channels as there are weights.
struct Term {
    pixels: Arc<[PackedK]>,
    channels: Vec<K>,
}

/// All weights by chunk. Those that weight its pixels as the leaf point does are one term.
fn parts(relation: &Relation, functional: &Functional, r: &EqWeights) -> Vec<Part> {
    let layout = &relation.layout;
    let leaf_pixels = LeafPixels::new(r);
    let mut parts = Parts { layout, parts: BTreeMap::new() };
    for &(column, scale) in &functional.columns {
        let placement = layout.placement(column);
        for (index, chunk) in placement.chunks.iter().enumerate() {
            let channels = r.channels(chunk, placement.channels).into_iter().map(|channel| scale * channel);
            parts.push(column, index, leaf_pixels.term(chunk, channels));
        }
    }
    let of_product = |product: &Product| {
        let Location::Column(column) = product.location else { return Vec::new() };
        let chunks = &layout.placement(column).chunks;
        let channels = || product.channels.iter().map(|&channel| product.scale * channel);
        if let Some((index, chunk)) = chunks.iter().enumerate().find(|(_, chunk)| product.pixels.are_of(chunk)) {
            return vec![(column, index, leaf_pixels.term(chunk, channels()))];
        }
        product.pixels.read(r, |weights| {
            let of_chunk = |(index, chunk): (usize, &Chunk)| {
                let (first, within) = weights.within(chunk.pixels());
                (!within.is_empty()).then(|| {
                    let mut pixels = vec![K::ZERO; 1 << chunk.log_len];
                    pixels[first - chunk.first_pixel..][..within.len()].copy_from_slice(within);
                    (column, index, Term { pixels: packed(&pixels), channels: channels().collect() })
                })
            };
            chunks.iter().enumerate().filter_map(of_chunk).collect()
        })
    };
    let of_products: Vec<_> = functional.products.par_iter().map(of_product).collect();
    of_products.into_iter().flatten().for_each(|(column, index, term)| parts.push(column, index, term));
    let mut parts: Vec<Part> = parts.parts.into_values().collect();
    parts.par_iter_mut().for_each(join);
    parts
}

/// What the leaf point gives to the pixels of chunks.
struct LeafPixels<'a> {
    point: &'a [K],
    /// By the logarithm of a chunk's length, as far as a table is kept.
    tables: Vec<Arc<[PackedK]>>,
}

/// Logarithm of the length of the longest table: longer chunks are several planes of this length to a channel.
const LOG_PLANE: usize = 12;

impl<'a> LeafPixels<'a> {
    fn new(r: &'a EqWeights) -> Self {
        let point = r.point();
        let tables = (0..=LOG_PLANE.min(point.len())).map(|log_len| packed(&eq_table(&point[..log_len], 1 << log_len))).collect();
        Self { point, tables }
    }

    /// The term with these weights of channels.
    fn term(&self, chunk: &Chunk, channels: impl Iterator<Item = K>) -> Term {
        let log_plane = chunk.log_len.min(LOG_PLANE);
        let planes = eq_table(&self.point[log_plane..chunk.log_len], 1 << (chunk.log_len - log_plane));
        let channels = channels.flat_map(|channel| planes.iter().map(move |&plane| channel * plane)).collect();
        Term { pixels: self.tables[log_plane].clone(), channels }
    }
}

/// Parts by column and number of the chunk.
struct Parts<'a> {
    layout: &'a Layout,
    parts: BTreeMap<(ColumnId, usize), Part>,
}

impl Parts<'_> {
    fn push(&mut self, column: ColumnId, index: usize, term: Term) {
        let placement = self.layout.placement(column);
        let part = || Part { chunk: placement.chunks[index], num_channels: placement.channels, terms: Vec::new() };
        self.parts.entry((column, index)).or_insert_with(part).terms.push(term);
    }
}

/// Makes one term of those with the same pixels' weights.
fn join(part: &mut Part) {
    let mut joined: Vec<Term> = Vec::new();
    for term in part.terms.drain(..) {
        match joined.iter_mut().find(|known| Arc::ptr_eq(&known.pixels, &term.pixels)) {
            Some(known) => known.channels.iter_mut().zip(&term.channels).for_each(|(sum, &channel)| *sum += channel),
            None => joined.push(term),
        }
    }
    part.terms = joined;
}

/// Some weights, and zeros that fill the last register.
fn packed(weights: &[K]) -> Arc<[PackedK]> {
    let register = |weights: &[K]| PackedK::from_ext_fn(|lane| weights.get(lane).copied().unwrap_or_default());
    weights.par_chunks(WIDTH).with_min_len(BLOCK).map(register).collect()
}

/// Registers that a thread works on at once: what its cache holds.
const BLOCK: usize = 128;

/// Writes the weights of chunks of whole registers.
fn write_all(out: &mut [PackedK], parts: &[Part]) {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| part.chunk.first_cell(0));
    let (mut rest, mut end) = (out, 0);
    let mut blocks = Vec::new();
    for part in parts {
        let [first, last] = [0, part.num_channels].map(|channel| part.chunk.first_cell(channel) / WIDTH);
        let (_, from_first) = std::mem::take(&mut rest).split_at_mut(first - end);
        let (cells, after) = from_first.split_at_mut(last - first);
        (rest, end) = (after, last);
        blocks.extend(cells.chunks_mut(BLOCK).zip((0..).step_by(BLOCK)).map(|(cells, position)| (part, position, cells)));
    }
    blocks.into_par_iter().for_each(|(part, position, cells)| {
        for term in &part.terms {
            write_block(term, position, cells);
        }
    });
}

/// Adds a term to the registers of a chunk from a position on.
fn write_block(term: &Term, mut position: usize, mut cells: &mut [PackedK]) {
    let plane = term.pixels.len();
    while !cells.is_empty() {
        let pixels = &term.pixels[position % plane..];
        let weight = splat(term.channels[position / plane]);
        let len = pixels.len().min(cells.len());
        let (of_channel, others) = std::mem::take(&mut cells).split_at_mut(len);
        of_channel.iter_mut().zip(pixels).for_each(|(cell, &pixel)| *cell += pixel * weight);
        (cells, position) = (others, position + of_channel.len());
    }
}

/// Adds the weights of committed values, which begin at the first register.
fn add_committed(weights: &Weights, scale: K, out: &mut [PackedK]) {
    const REGISTERS: usize = DEGREE / WIDTH;
    let columns = weights.num_values().div_ceil(DEGREE);
    let regions = out.par_chunks_mut(REGISTERS).take(columns).enumerate().with_min_len(64);
    regions.for_each(|(index, cells)| {
        let (factor, column) = weights.column(index);
        let factor = factor * scale;
        let len = (weights.num_values() - index * DEGREE).min(DEGREE);
        if len == DEGREE {
            for (cell, weight) in cells.iter_mut().zip(pack(column)) {
                *cell += weight * splat(factor);
            }
        } else {
            for (i, &weight) in column[..len].iter().enumerate() {
                cells[i / WIDTH].add_assign_lane(i % WIDTH, factor * weight);
            }
        }
    });
}
