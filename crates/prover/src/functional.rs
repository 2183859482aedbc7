//! Step 6: the weights of the combined claim, written out for every cell.

use std::collections::BTreeMap;

use rayon::prelude::*;
use verinfer_relation::Relation;
use verinfer_relation::commitment::{DEGREE, Weights};
use verinfer_relation::field::K;
use verinfer_relation::functional::Functional;
use verinfer_relation::layout::{Chunk, ColumnId, EqWeights};
use verinfer_relation::relation::Location;

use p3_field::{PackedFieldExtension, PrimeCharacteristicRing};

use crate::packed::{PackedK, WIDTH, ZERO, pack, splat};
use crate::vectors::filled;

/// Weights of the first `num_cells` cells (rounded up to a register).
pub fn write(relation: &Relation, functional: &Functional, r: &EqWeights, num_cells: usize) -> Vec<PackedK> {
    let mut out = filled(num_cells.div_ceil(WIDTH), ZERO);
    for ((column, index), channels) in whole_chunks(relation, functional) {
        let chunk = &relation.layout.placement(column).chunks[index];
        add(&mut out, chunk, r.pixels(chunk), &channels);
    }
    for product in &functional.products {
        let Location::Column(column) = product.location else { continue };
        let chunks = &relation.layout.placement(column).chunks;
        if chunks.iter().any(|chunk| product.pixels.are_of(chunk)) {
            continue;
        }
        let channels: Vec<K> = product.channels.iter().map(|&channel| product.scale * channel).collect();
        product.pixels.read(r, |weights| {
            for chunk in chunks {
                let (first, within) = weights.within(chunk.pixels());
                if !within.is_empty() {
                    let mut pixels = vec![K::ZERO; 1 << chunk.log_len];
                    pixels[first - chunk.first_pixel..][..within.len()].copy_from_slice(within);
                    add(&mut out, chunk, &pixels, &channels);
                }
            }
        });
    }
    for part in &functional.commitments {
        let weights = part.check.weights();
        let values = &mut out[part.bases.values / WIDTH..];
        add_committed(&weights, part.scale, values);
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

/// The products that weight a chunk's pixels as the leaf point does, summed for each chunk: weights of its channels.
fn whole_chunks(relation: &Relation, functional: &Functional) -> BTreeMap<(ColumnId, usize), Vec<K>> {
    let mut sums = BTreeMap::new();
    for product in &functional.products {
        let Location::Column(column) = product.location else { continue };
        let chunks = relation.layout.placement(column).chunks.iter().enumerate();
        for (index, _) in chunks.filter(|(_, chunk)| product.pixels.are_of(chunk)) {
            let sum = sums.entry((column, index)).or_insert_with(|| vec![K::ZERO; product.channels.len()]);
            for (to, &channel) in sum.iter_mut().zip(product.channels.iter()) {
                *to += product.scale * channel;
            }
        }
    }
    sums
}

/// Registers that a thread works on at once.
const BLOCK: usize = 512;

/// Adds `pixels[p] * channels[c]` to the cells of a chunk.
fn add(out: &mut [PackedK], chunk: &Chunk, pixels: &[K], channels: &[K]) {
    let plane = 1usize << chunk.log_len;
    if plane < WIDTH {
        for (channel, &weight) in channels.iter().enumerate() {
            for (i, &pixel) in pixels.iter().enumerate() {
                let cell = chunk.first_cell(channel) + i;
                out[cell / WIDTH].add_assign_lane(cell % WIDTH, weight * pixel);
            }
        }
        return;
    }
    let pixels = pack(pixels);
    let block = BLOCK.min(pixels.len());
    let region = &mut out[chunk.first_cell(0) / WIDTH..chunk.first_cell(channels.len()) / WIDTH];
    region.par_chunks_mut(block).with_min_len(BLOCK / block).enumerate().for_each(|(index, cells)| {
        let position = index * block;
        let weight = splat(channels[position / pixels.len()]);
        let offset = position % pixels.len();
        for (cell, &pixel) in cells.iter_mut().zip(&pixels[offset..]) {
            *cell += pixel * weight;
        }
    });
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
