//! The first codeword's rounds: each row of the matrix, `2^fold` consecutive cells, is folded to one element.
//!
//! While a row has several registers, whole registers are folded onto each other. Then the elements of [`WIDTH`] rows are transposed, so that the
//! lanes of a register belong to different rows, and the same goes on. Folding is in place: a group of registers keeps its place and uses
//! fewer and fewer of them. Each pass folds with the last challenge and computes the sums of the next message.

use p3_field::{BasedVectorSpace, PackedValue};
use rayon::prelude::*;
use verinfer_relation::field::F;
use verinfer_relation::steps;
use verinfer_relation::transcript::ProverTranscript;

use super::{Folding, send};
use crate::packed::{PackedF, PackedK, WIDTH, ZERO, fold as fold_pair, splat};
use crate::vectors::filled;

/// Sends `fold` rounds, which bind the bits of a cell's place in its row, highest first.
pub(super) fn fold(transcript: &mut ProverTranscript, fold: usize, vector: Vec<F>, weights: Vec<PackedK>) -> Folding {
    let used = (1usize << fold) / WIDTH;
    let rows = if used > 1 {
        let base = PackedF::pack_slice(&vector);
        let c = splat(send(transcript, steps::FOLD_ROUND, base_sums(base, &weights, used)));
        let (rows, sums) = Groups::of_base(base, weights, used, c);
        drop(vector);
        rows.fold(transcript, sums)
    } else {
        let lifted = PackedF::pack_slice(&vector).iter().map(|&value| PackedK::from(value)).collect();
        Single { values: lifted, value_stride: 1, weights, weight_stride: 1 }
    };
    if WIDTH == 1 {
        return rows.into_folding();
    }
    let (lanes, sums) = rows.transpose();
    lanes.fold(transcript, sums).into_folding()
}

/// Consecutive registers that are folded to one: of each group, the first `used` ones count.
struct Groups {
    values: Vec<PackedK>,
    value_stride: usize,
    weights: Vec<PackedK>,
    weight_stride: usize,
    used: usize,
}

/// Groups of which one register is left.
struct Single {
    values: Vec<PackedK>,
    value_stride: usize,
    weights: Vec<PackedK>,
    weight_stride: usize,
}

/// Registers that a thread works on at once.
const BLOCK: usize = 1 << 11;

impl Groups {
    /// The first round, which takes the vector out of the base field.
    fn of_base(base: &[PackedF], mut weights: Vec<PackedK>, len: usize, c: PackedK) -> (Self, [PackedK; 2]) {
        let used = len / 2;
        let mut values: Vec<PackedK> = filled(base.len() / 2, ZERO);
        let block = BLOCK.max(len);
        let blocks = values.par_chunks_mut(block / 2).zip(weights.par_chunks_mut(block)).zip(base.par_chunks(block));
        let sums = blocks.fold(zero_sums, |mut sums, ((values, weights), base)| {
            for ((f, w), base) in values.chunks_exact_mut(used).zip(weights.chunks_exact_mut(len)).zip(base.chunks_exact(len)) {
                let (low, high) = base.split_at(used);
                for ((f, &low), &high) in f.iter_mut().zip(low).zip(high) {
                    *f = c * (high - low) + low;
                }
                fold_half(w, c);
                add_sums(&mut sums, f, &w[..used]);
            }
            sums
        });
        let sums = sums.reduce(zero_sums, add);
        (Self { values, value_stride: used, weights, weight_stride: len, used }, sums)
    }

    /// All rounds, given the first one's sums.
    fn fold(mut self, transcript: &mut ProverTranscript, mut sums: [PackedK; 2]) -> Single {
        while self.used > 1 {
            let c = splat(send(transcript, steps::FOLD_ROUND, sums));
            sums = self.round(c);
        }
        let Self { values, value_stride, weights, weight_stride, .. } = self;
        Single { values, value_stride, weights, weight_stride }
    }

    /// Folds by one challenge; the sums of the next message, zero if there is none.
    fn round(&mut self, c: PackedK) -> [PackedK; 2] {
        let (used, half) = (self.used, self.used / 2);
        self.used = half;
        let groups = (BLOCK / self.weight_stride).max(1);
        let values = self.values.par_chunks_mut(self.value_stride * groups);
        let blocks = values.zip(self.weights.par_chunks_mut(self.weight_stride * groups));
        let sums = blocks.fold(zero_sums, |mut sums, (values, weights)| {
            for (f, w) in values.chunks_exact_mut(self.value_stride).zip(weights.chunks_exact_mut(self.weight_stride)) {
                fold_half(&mut f[..used], c);
                fold_half(&mut w[..used], c);
                add_sums(&mut sums, &f[..half], &w[..half]);
            }
            sums
        });
        sums.reduce(zero_sums, add)
    }
}

impl Single {
    /// Groups whose registers are the lanes of the registers left of [`WIDTH`] groups, and the sums of the next message.
    fn transpose(mut self) -> (Groups, [PackedK; 2]) {
        let (value_stride, weight_stride) = (WIDTH * self.value_stride, WIDTH * self.weight_stride);
        let groups = (BLOCK / weight_stride).max(1);
        let blocks = self.values.par_chunks_mut(value_stride * groups).zip(self.weights.par_chunks_mut(weight_stride * groups));
        let sums = blocks.fold(zero_sums, |mut sums, (values, weights)| {
            for (f, w) in values.chunks_exact_mut(value_stride).zip(weights.chunks_exact_mut(weight_stride)) {
                transpose(f, self.value_stride);
                transpose(w, self.weight_stride);
                add_sums(&mut sums, &f[..WIDTH], &w[..WIDTH]);
            }
            sums
        });
        let sums = sums.reduce(zero_sums, add);
        (Groups { values: self.values, value_stride, weights: self.weights, weight_stride, used: WIDTH }, sums)
    }

    /// One register of each group.
    fn into_folding(self) -> Folding {
        let first = |registers: Vec<PackedK>, stride: usize| registers.into_iter().step_by(stride).collect();
        let values: Vec<PackedK> = first(self.values, self.value_stride);
        let len = values.len() * WIDTH;
        Folding { values, weights: first(self.weights, self.weight_stride), len }
    }
}

/// Transposes a square of [`WIDTH`] elements a side: from the registers at multiples of `stride` to the first ones.
fn transpose(square: &mut [PackedK], stride: usize) {
    let rows: [PackedK; WIDTH] = std::array::from_fn(|row| square[row * stride]);
    let coordinates: [&[PackedF]; WIDTH] = std::array::from_fn(|row| rows[row].as_basis_coefficients_slice());
    for (column, register) in square.iter_mut().take(WIDTH).enumerate() {
        let coordinate = |i: usize| PackedF::from_fn(|row| coordinates[row][i].as_slice()[column]);
        *register = PackedK::from_basis_coefficients_fn(coordinate);
    }
}

/// The sums of the first message from a vector over the base field, in rows of `len` registers.
fn base_sums(base: &[PackedF], weights: &[PackedK], len: usize) -> [PackedK; 2] {
    let block = BLOCK.max(len);
    let sums = base.par_chunks(block).zip(weights.par_chunks(block)).fold(zero_sums, |mut sums, (base, weights)| {
        for (f, w) in base.chunks_exact(len).zip(weights.chunks_exact(len)) {
            let ((f0, f1), (w0, w1)) = (f.split_at(len / 2), w.split_at(len / 2));
            for ((&f0, &f1), (&w0, &w1)) in f0.iter().zip(f1).zip(w0.iter().zip(w1)) {
                sums[0] += w0 * f0;
                sums[1] += (w1 - w0) * (f1 - f0);
            }
        }
        sums
    });
    sums.reduce(zero_sums, add)
}

/// Adds a group's part of a message.
fn add_sums(sums: &mut [PackedK; 2], f: &[PackedK], w: &[PackedK]) {
    let ((f0, f1), (w0, w1)) = (f.split_at(f.len() / 2), w.split_at(w.len() / 2));
    if f0.is_empty() {
        return;
    }
    for ((&f0, &f1), (&w0, &w1)) in f0.iter().zip(f1).zip(w0.iter().zip(w1)) {
        sums[0] += f0 * w0;
        sums[1] += (f1 - f0) * (w1 - w0);
    }
}

/// Folds the upper half of some registers onto the lower.
fn fold_half(registers: &mut [PackedK], c: PackedK) {
    let (low, high) = registers.split_at_mut(registers.len() / 2);
    low.iter_mut().zip(high).for_each(|(low, high)| *low = fold_pair(*low, *high, c));
}

fn zero_sums() -> [PackedK; 2] {
    [ZERO; 2]
}

fn add(a: [PackedK; 2], b: [PackedK; 2]) -> [PackedK; 2] {
    [a[0] + b[0], a[1] + b[1]]
}
