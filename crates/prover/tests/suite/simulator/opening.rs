//! Simulator of the opening (docs/opening.md, 3): it knows weights and claim, but no cell. What is sent after the blinding vector is computed here
//! plainly, not by the prover's code.

use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;
use verinfer_relation::dot::dot;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K};
use verinfer_relation::merkle::{self, Digest};
use verinfer_relation::parameters::{Oracle, Parameters, mask_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::Challenger;

use super::oracle::Tape;

/// Writes an opening of `<f, w> = claim` on the tape, where `weights_at` is the multilinear extension of `w`. Returns the root of the first codeword,
/// which was to be sent before.
pub fn simulate(tape: &mut Tape, parameters: &Parameters, claim: K, weights_at: impl Fn(&[K]) -> K + Sync) -> Digest {
    let oracle = &parameters.oracles[0];

    // The sum over the mask cells and the rounds of the first fold: uniform.
    let points = [tape.challenge(steps::MASK_POINTS), tape.challenge(steps::MASK_POINTS)];
    let mask_sum = tape.element();
    tape.send(steps::MASK_SUM, &[mask_sum]);
    let scale = tape.challenge(steps::MASK_SUM);
    let mut claim = claim + scale * mask_sum;
    let mut low = vec![K::ZERO; oracle.fold];
    for coordinate in low.iter_mut().rev() {
        let message = [tape.element(), tape.element()];
        tape.send(steps::FOLD_ROUND, &message);
        *coordinate = tape.challenge(steps::FOLD_ROUND);
        claim = quadratic(message, claim, *coordinate);
    }

    // The folded vector is uniform; the blinding vector's sum follows from the claim.
    let column_weights = eq_table(&low, 1 << oracle.fold);
    let mut weights = folded_weights(parameters, &low, &weights_at);
    add_mask_weights(parameters, points, scale, &column_weights, &mut weights);
    let mut folded: Vec<K> = (0..parameters.num_rows).map(|_| tape.element()).collect();
    let event = tape.send(steps::BLINDING, &[K::ZERO]);
    let blinding = tape.challenge(steps::BLINDING);
    let inverse = blinding.inverse();
    tape.replace(event, super::oracle::encoded(&[inverse * (dot(&folded, &weights) - claim)]));

    // The honest prover of everything that follows, but for the first codeword's rows.
    folded.resize(oracle.degree, K::ZERO);
    weights.resize(oracle.degree, K::ZERO);
    let mut codeword: Option<Codeword> = None;
    let mut root = Digest::default();
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        if index > 0 {
            fold(tape, oracle, &mut folded, &mut weights);
        }
        let next = parameters.oracles.get(index + 1);
        let mut next_codeword = None;
        let mut outside = K::ZERO;
        match next {
            None => {
                tape.send(steps::FINAL_POLYNOMIAL, &folded);
            }
            Some(next) => {
                let encoded = Codeword::new(next, &folded);
                tape.absorb(steps::FOLDED_COMMITMENT, &encoded.root());
                outside = tape.challenge(steps::OUT_OF_DOMAIN);
                tape.send(steps::OUT_OF_DOMAIN, &[horner(&folded, outside)]);
                next_codeword = Some(encoded);
            }
        }
        tape.grind(parameters.grinding_bits);
        let rows = tape.indices(steps::QUERIES, oracle.domain.size(), oracle.num_queries);
        match &codeword {
            Some(codeword) => codeword.open(tape, &rows),
            None => {
                root = first_rows(tape, oracle, &rows, |row, values| {
                    let shown: K = values.iter().zip(&column_weights).map(|(&value, &weight)| weight * value).sum();
                    inverse * (horner(&folded, K::from(oracle.domain.point(row))) - shown)
                })
            }
        }
        if next.is_some() {
            let gamma = tape.challenge(steps::QUERY_COMBINATION);
            let points = std::iter::once(outside).chain(rows.iter().map(|&row| K::from(oracle.domain.point(row))));
            for (point, factor) in points.zip(gamma.powers().skip(1)) {
                weights.par_iter_mut().enumerate().for_each(|(i, weight)| *weight += factor * point.exp_u64(i as u64));
            }
        }
        codeword = next_codeword;
    }
    final_rounds(tape, parameters.final_variables, folded, weights);
    root
}

/// The weights of each row at the first fold's challenges.
fn folded_weights(parameters: &Parameters, low: &[K], weights_at: &(impl Fn(&[K]) -> K + Sync)) -> Vec<K> {
    let variables = parameters.log_cells - low.len();
    let at = |row: usize| {
        let bits = (0..variables).map(|bit| K::from_bool(row >> bit & 1 == 1));
        weights_at(&low.iter().copied().chain(bits).collect::<Vec<K>>())
    };
    (0..parameters.num_rows).into_par_iter().map(at).collect()
}

fn add_mask_weights(parameters: &Parameters, [x, y]: [K; 2], scale: K, column_weights: &[K], weights: &mut [K]) {
    let num_rows = mask_cells(parameters.log_cells) / column_weights.len();
    let powers: Vec<K> = x.powers().zip(y.powers()).map(|(x, y)| x + y).take(mask_cells(parameters.log_cells)).collect();
    let first = weights.len() - num_rows;
    for (weight, powers) in weights[first..].iter_mut().zip(powers.chunks_exact(column_weights.len())) {
        *weight += scale * dot(powers, column_weights);
    }
}

/// Shows uniform rows beside the blinding vector's elements that follow, with uniform strings as siblings. Returns the root over them.
fn first_rows(tape: &Tape, oracle: &Oracle, rows: &[usize], blinding: impl Fn(usize, &[F]) -> K) -> Digest {
    let mut leaves = Vec::new();
    for &row in rows {
        let mut values: Vec<F> = (0..1 << oracle.fold).map(|_| tape.base()).collect();
        let element = blinding(row, &values);
        let coordinates: &[F] = element.as_basis_coefficients_slice();
        values.extend(coordinates);
        tape.hint(&values);
        leaves.push((row, merkle::leaf(&values, &mut Vec::new())));
    }
    let sibling = || {
        let sibling: Digest = tape.bytes();
        tape.hint_bytes(&sibling);
        Ok::<_, std::convert::Infallible>(sibling)
    };
    merkle::root(oracle.domain.size(), leaves, sibling).unwrap().unwrap()
}

/// Sumcheck over the lowest bits, highest first.
fn fold(tape: &mut Tape, oracle: &Oracle, f: &mut Vec<K>, w: &mut Vec<K>) {
    for bit in (0..oracle.fold).rev() {
        round(tape, steps::FOLD_ROUND, 1 << bit, f, w);
    }
}

fn final_rounds(tape: &mut Tape, variables: usize, mut f: Vec<K>, mut w: Vec<K>) {
    f.resize(1 << variables, K::ZERO);
    w.resize(1 << variables, K::ZERO);
    for bit in (0..variables).rev() {
        round(tape, steps::FINAL_ROUND, 1 << bit, &mut f, &mut w);
    }
}

/// Binds the bit of value `half`, the highest one of each group of `2 half` elements.
fn round(tape: &mut Tape, label: &'static str, half: usize, f: &mut Vec<K>, w: &mut Vec<K>) {
    let mut sums = [K::ZERO; 2];
    for (f, w) in f.chunks_exact(2 * half).zip(w.chunks_exact(2 * half)) {
        for i in 0..half {
            sums[0] += f[i] * w[i];
            sums[1] += (f[i + half] - f[i]) * (w[i + half] - w[i]);
        }
    }
    tape.send(label, &sums);
    let c = tape.challenge(label);
    for values in [f, w] {
        let pairs = values.chunks_exact(2 * half).map(|group| group.split_at(half));
        *values = pairs.flat_map(|(low, high)| low.iter().zip(high).map(move |(&low, &high)| low + c * (high - low))).collect();
    }
}

/// A codeword of extension elements.
struct Codeword {
    rows: Vec<Vec<F>>,
    levels: Vec<Vec<Digest>>,
}

impl Codeword {
    fn new(oracle: &Oracle, vector: &[K]) -> Self {
        let width = 3 << oracle.fold;
        let mut values: Vec<F> =
            vector.iter().flat_map(|value| BasedVectorSpace::<F>::as_basis_coefficients_slice(value).to_vec()).collect();
        assert_eq!(oracle.domain.cosets, 1);
        values.resize(width << oracle.domain.log_coset, F::ZERO);
        let encoded = Radix2DitParallel::default().dft_batch(RowMajorMatrix::new(values, width)).bit_reverse_rows().to_row_major_matrix();
        let rows: Vec<Vec<F>> = encoded.values.chunks_exact(width).map(<[F]>::to_vec).collect();
        let mut levels: Vec<Vec<Digest>> = vec![rows.iter().map(|row| merkle::leaf(row, &mut Vec::new())).collect()];
        while levels[levels.len() - 1].len() > 1 {
            let parents = levels[levels.len() - 1].chunks_exact(2).map(|pair| merkle::node(&pair[0], &pair[1])).collect();
            levels.push(parents);
        }
        Self { rows, levels }
    }

    fn root(&self) -> Digest {
        self.levels[self.levels.len() - 1][0]
    }

    fn open(&self, tape: &Tape, indices: &[usize]) {
        indices.iter().for_each(|&index| tape.hint(&self.rows[index]));
        let mut known = indices.to_vec();
        for level in &self.levels[..self.levels.len() - 1] {
            for &index in &known {
                if known.binary_search(&(index ^ 1)).is_err() {
                    tape.hint_bytes(&level[index ^ 1]);
                }
            }
            known.iter_mut().for_each(|index| *index >>= 1);
            known.dedup();
        }
    }
}

fn horner(coefficients: &[K], x: K) -> K {
    coefficients.iter().rev().fold(K::ZERO, |sum, &coefficient| sum * x + coefficient)
}

/// The polynomial with this value at 0, leading coefficient, and sum of its values at 0 and 1, at `x`.
fn quadratic([at_zero, leading]: [K; 2], sum: K, x: K) -> K {
    at_zero + x * (sum - at_zero.double() - leading + leading * x)
}
