//! Step 7: opening of the combined claim.

use p3_dft::TwoAdicSubgroupDft;
use p3_field::{BasedVectorSpace, PackedFieldExtension, PrimeCharacteristicRing};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::parameters::{Oracle, Parameters, mask_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::{ProverTranscript, Transcript};

use crate::codeword::{Codeword, Dft};
use crate::packed::{PackedK, WIDTH, ZERO, fold, pack, splat, sum_lanes, unpack};

mod masks;
#[cfg(feature = "measure-masks")]
pub mod measure;
mod rows;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod views;

pub use masks::Masks;

/// Proves `sum of weights[i] * vector[i]` over the stored cells; the last of them, which hold the masks, have weight zero.
pub fn prove(
    transcript: &mut ProverTranscript,
    dft: &Dft,
    parameters: &Parameters,
    codeword: Codeword,
    vector: Vec<F>,
    masks: Masks,
    mut weights: Vec<PackedK>,
) {
    add_mask_weights(transcript, parameters, &vector, &mut weights);
    let mut folding = rows::fold(transcript, parameters.oracles[0].fold, vector, weights);
    folding.blind(transcript, &masks.blinding);
    folding.resize(parameters.oracles[0].degree);
    finish(transcript, dft, parameters, codeword, folding);
}

/// Sends the sum of the mask cells under random weights, and adds a random multiple of these weights to the claim's.
fn add_mask_weights(transcript: &mut ProverTranscript, parameters: &Parameters, vector: &[F], weights: &mut [PackedK]) {
    let points = [transcript.state().challenge(steps::MASK_POINTS), transcript.state().challenge(steps::MASK_POINTS)];
    let cells = &vector[vector.len() - mask_cells(parameters.log_cells)..];
    let mask_weights = mask_weights(points, cells.len());
    let sum: K = cells.iter().zip(&mask_weights).map(|(&cell, &weight)| weight * cell).sum();
    transcript.send(steps::MASK_SUM, &[sum]);
    let scale = splat(transcript.state().challenge(steps::MASK_SUM));
    let block = weights.len() - mask_weights.len() / WIDTH;
    weights[block..].iter_mut().zip(pack(&mask_weights)).for_each(|(weight, mask)| *weight += mask * scale);
}

/// `x^i + y^i`. One geometric sequence would leave the rounds' messages dependent: docs/opening.md, 3.
fn mask_weights([x, y]: [K; 2], len: usize) -> Vec<K> {
    powers(K::ONE, x).zip(powers(K::ONE, y)).map(|(x, y)| x + y).take(len).collect()
}

/// Everything after the first codeword's rounds: the vector is uniform from here on, whatever the cells are.
fn finish(transcript: &mut ProverTranscript, dft: &Dft, parameters: &Parameters, codeword: Codeword, folding: Folding) {
    finish_altering(transcript, dft, parameters, codeword, folding, |_, _| ());
}

/// As [`finish`], with other polynomials than the codewords fold to.
fn finish_altering(
    transcript: &mut ProverTranscript,
    dft: &Dft,
    parameters: &Parameters,
    mut codeword: Codeword,
    mut folding: Folding,
    alter: impl Fn(usize, &mut Folding),
) {
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        if index > 0 {
            folding.fold(transcript, oracle.fold);
        }
        alter(index, &mut folding);
        let vector = folding.vector();
        let Some(next) = parameters.oracles.get(index + 1) else {
            transcript.send(steps::FINAL_POLYNOMIAL, &vector);
            queries(transcript, parameters, oracle, &codeword);
            break;
        };
        let next_codeword = Codeword::of_extension(dft, next, &vector);
        transcript.send_bytes(steps::FOLDED_COMMITMENT, &next_codeword.root());
        let outside = transcript.state().challenge(steps::OUT_OF_DOMAIN);
        transcript.send(steps::OUT_OF_DOMAIN, &[horner(&vector, outside)]);
        let rows = queries(transcript, parameters, oracle, &codeword);
        let gamma = transcript.state().challenge(steps::QUERY_COMBINATION);
        folding.add_powers(dft, oracle, gamma, outside, &rows);
        codeword = next_codeword;
    }
    folding.final_rounds(transcript, parameters.final_variables);
}

/// The folded vector and weights: the coefficients of the folded polynomial and as many weights, and zeros that fill the last register. All
/// further weights are zero too.
struct Folding {
    values: Vec<PackedK>,
    weights: Vec<PackedK>,
    /// Number of elements.
    len: usize,
}

/// Registers that a thread works on at once.
const BLOCK: usize = 1 << 10;

impl Folding {
    /// Sends the sum of the blinding vector under the weights, and adds a random multiple of it to the vector.
    fn blind(&mut self, transcript: &mut ProverTranscript, blinding: &[K]) {
        let blinding = pack(blinding);
        let sum = reduce(blinding.len(), |i| [blinding[i] * self.weights[i], ZERO]);
        transcript.send(steps::BLINDING, &[sum_lanes(sum[0])]);
        let scale = splat(transcript.state().challenge(steps::BLINDING));
        self.values.par_iter_mut().zip(blinding).with_min_len(BLOCK).for_each(|(value, blinding)| *value += blinding * scale);
    }

    /// Appends zeros up to a length, or cuts.
    fn resize(&mut self, len: usize) {
        for registers in [&mut self.values, &mut self.weights] {
            registers.resize(len.div_ceil(WIDTH), ZERO);
        }
        self.len = len;
    }

    /// Binds the lowest `fold` bits, highest first: of a matrix of `2^fold` columns, column by column.
    fn fold(&mut self, transcript: &mut ProverTranscript, fold: usize) {
        self.values = columns(&self.values, self.len, fold);
        self.weights = columns(&self.weights, self.len, fold);
        for _ in 0..fold {
            self.round(transcript);
        }
        self.len >>= fold;
    }

    /// Folds the second half of the columns onto the first.
    fn round(&mut self, transcript: &mut ProverTranscript) {
        let half = self.values.len() / 2;
        let (f0, f1) = self.values.split_at_mut(half);
        let (w0, w1) = self.weights.split_at_mut(half);
        let sums = reduce(half, |i| [f0[i] * w0[i], (f1[i] - f0[i]) * (w1[i] - w0[i])]);
        let c = splat(send(transcript, steps::FOLD_ROUND, sums));
        for (low, high) in [(f0, f1), (w0, w1)] {
            low.par_iter_mut().zip(high).with_min_len(BLOCK).for_each(|(low, high)| *low = fold(*low, *high, c));
        }
        self.values.truncate(half);
        self.weights.truncate(half);
    }

    /// Binds the `variables` bits that are left, highest first.
    fn final_rounds(&self, transcript: &mut ProverTranscript, variables: usize) {
        let [mut f, mut w] = [&self.values, &self.weights].map(|registers| {
            let mut values = unpack(registers);
            values.resize(1 << variables, K::ZERO);
            values
        });
        for _ in 0..variables {
            let half = f.len() / 2;
            let mut sums = [K::ZERO; 2];
            for i in 0..half {
                sums[0] += f[i] * w[i];
                sums[1] += (f[i + half] - f[i]) * (w[i + half] - w[i]);
            }
            transcript.send(steps::FINAL_ROUND, &sums);
            let c = transcript.state().challenge(steps::FINAL_ROUND);
            for values in [&mut f, &mut w] {
                *values = (0..half).map(|i| values[i] + c * (values[i + half] - values[i])).collect();
            }
        }
    }

    /// The vector.
    fn vector(&self) -> Vec<K> {
        let mut values = unpack(&self.values);
        values.truncate(self.len);
        values
    }

    /// Adds `gamma x^i` for the out-of-domain point and the following powers of gamma for the queried rows.
    ///
    /// `sum_j gamma_j g^(i e_j)` over the rows `j` of a coset with exponents `e_j` is a Fourier transform of the `gamma_j`, times a third root of unity.
    fn add_powers(&mut self, dft: &Dft, oracle: &Oracle, gamma: K, outside: K, rows: &[usize]) {
        let domain = oracle.domain;
        let mut spectra = vec![vec![F::ZERO; 3 << domain.log_coset]; domain.cosets];
        for (&row, weight) in rows.iter().zip(powers(gamma.square(), gamma)) {
            let (coset, exponent) = domain.exponent(row);
            let coordinates: &[F] = weight.as_basis_coefficients_slice();
            spectra[coset][3 * exponent..][..3].copy_from_slice(coordinates);
        }
        let mut sums: Vec<K> = powers(gamma, outside).take(self.len).collect();
        let transforms: Vec<_> =
            spectra.into_par_iter().map(|spectrum| dft.dft_batch(RowMajorMatrix::new(spectrum, 3)).to_row_major_matrix().values).collect();
        for (coset, transformed) in transforms.iter().enumerate() {
            let scales: [F; 3] = std::array::from_fn(|exponent| domain.shift(coset).exp_u64(exponent as u64));
            let element = |i: usize| -> K {
                let at = 3 * (i & ((1 << domain.log_coset) - 1));
                from_coordinates([transformed[at], transformed[at + 1], transformed[at + 2]]) * scales[i % 3]
            };
            sums.par_iter_mut().with_min_len(BLOCK).enumerate().for_each(|(i, sum)| *sum += element(i));
        }
        sums.resize(self.len.next_multiple_of(WIDTH), K::ZERO);
        self.weights.iter_mut().zip(pack(&sums)).for_each(|(weight, sum)| *weight += sum);
    }
}

/// The matrix of `len >> fold` rows whose elements in row-major order are the first `len`, column by column; zeros fill the last register of a
/// column.
fn columns(registers: &[PackedK], len: usize, fold: usize) -> Vec<PackedK> {
    let values = unpack(registers);
    let num_rows = len >> fold;
    let stride = num_rows.div_ceil(WIDTH);
    let register = |i: usize| {
        let (column, row) = (i / stride, i % stride * WIDTH);
        PackedK::from_ext_fn(|lane| if row + lane < num_rows { values[((row + lane) << fold) + column] } else { K::ZERO })
    };
    (0..stride << fold).into_par_iter().with_min_len(BLOCK).map(register).collect()
}

/// `first, first * ratio, first * ratio^2, ...`
fn powers(first: K, ratio: K) -> impl Iterator<Item = K> {
    std::iter::successors(Some(first), move |&power| Some(power * ratio))
}

/// Grinds, draws rows and opens them.
fn queries(transcript: &mut ProverTranscript, parameters: &Parameters, oracle: &Oracle, codeword: &Codeword) -> Vec<usize> {
    let nonce = grind(transcript.state(), parameters.grinding_bits);
    transcript.send_bytes(steps::GRINDING, &nonce.to_le_bytes());
    let rows = transcript.state().indices(steps::QUERIES, oracle.domain.size(), oracle.num_queries);
    codeword.open(transcript, &rows);
    rows
}

/// The smallest nonce that grinds.
fn grind(state: &Transcript, bits: usize) -> u64 {
    const BATCH: u64 = 1 << 14;
    (0..)
        .map(|batch| batch * BATCH)
        .find_map(|start| (start..start + BATCH).into_par_iter().find_first(|&nonce| state.grinds(bits, nonce)))
        .unwrap_or_default()
}

fn send(transcript: &mut ProverTranscript, label: &'static str, sums: [PackedK; 2]) -> K {
    transcript.send(label, &sums.map(sum_lanes));
    transcript.state().challenge(label)
}

fn reduce(len: usize, term: impl Fn(usize) -> [PackedK; 2] + Sync + Send) -> [PackedK; 2] {
    let add = |a: [PackedK; 2], b: [PackedK; 2]| [a[0] + b[0], a[1] + b[1]];
    (0..len).into_par_iter().with_min_len(BLOCK).fold(|| [ZERO; 2], |sum, i| add(sum, term(i))).reduce(|| [ZERO; 2], add)
}

fn horner(coefficients: &[K], x: K) -> K {
    coefficients.iter().rev().fold(K::ZERO, |sum, &coefficient| sum * x + coefficient)
}
