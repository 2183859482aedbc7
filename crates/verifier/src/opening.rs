//! Step 7: opening of a linear functional of the committed vector (WHIR with the functional folded along).

use p3_field::{PrimeCharacteristicRing, TwoAdicField};
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::functional::dot;
use verinfer_relation::merkle::{self, Digest};
use verinfer_relation::parameters::{Oracle, Parameters};
use verinfer_relation::steps;
use verinfer_relation::transcript::VerifierTranscript;

use crate::error::VerifyError;
use crate::lookups::quadratic;

/// A committed vector.
pub struct Commitment {
    /// Root of its codeword.
    pub root: Digest,
    /// Columns of the codeword that are not zero throughout.
    pub num_columns: usize,
}

/// `weight * sum_i x^i f[i]` over the vector of `2^variables` elements.
struct PowerClaim {
    weight: K,
    point: K,
    variables: usize,
}

/// Checks `sum of weights[i] * vector[i] = claim`, where `weights_at` evaluates the weights' multilinear extension.
pub fn verify(
    transcript: &mut VerifierTranscript<'_>,
    parameters: &Parameters,
    commitment: Commitment,
    mut claim: K,
    weights_at: impl FnOnce(&[K]) -> K,
) -> Result<(), VerifyError> {
    let Commitment { mut root, num_columns } = commitment;
    let mut point = vec![K::ZERO; parameters.log_cells];
    let mut powers: Vec<PowerClaim> = Vec::new();
    let mut last = Vec::new();
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        let rest = oracle.variables.checked_sub(oracle.fold).ok_or(VerifyError::Parameters)?;
        let folded = point.get_mut(rest..oracle.variables).ok_or(VerifyError::Parameters)?;
        for coordinate in folded.iter_mut().rev() {
            *coordinate = fold_round(transcript, steps::FOLD_ROUND, &mut claim)?;
        }
        let column_weights = eq_table(folded, 1usize << oracle.fold);
        let next = parameters.oracles.get(index.saturating_add(1));
        let row_len = if index == 0 { num_columns } else { column_weights.len().saturating_mul(3) };
        let Some(next) = next else {
            last = transcript.receive_many(steps::FINAL_POLYNOMIAL, 1usize << parameters.final_variables)?;
            let rows = queries(transcript, parameters, index, oracle, &root, row_len)?;
            for (row, values) in rows {
                if fold_row(index, &values, &column_weights) != horner(&last, domain_point(oracle, row)) {
                    return Err(VerifyError::FinalPolynomial { oracle: index, row });
                }
            }
            break;
        };
        let next_root = transcript.receive_bytes(steps::FOLDED_COMMITMENT)?;
        let outside = transcript.state().challenge(steps::OUT_OF_DOMAIN);
        let [outside_value] = transcript.receive(steps::OUT_OF_DOMAIN)?;
        let rows = queries(transcript, parameters, index, oracle, &root, row_len)?;
        let gamma = transcript.state().challenge(steps::QUERY_COMBINATION);
        let mut weight = gamma;
        let mut add = |x: K, value: K| {
            claim += weight * value;
            powers.push(PowerClaim { weight, point: x, variables: next.variables });
            weight *= gamma;
        };
        add(outside, outside_value);
        for (row, values) in rows {
            add(K::from(domain_point(oracle, row)), fold_row(index, &values, &column_weights));
        }
        root = next_root;
    }
    let remaining = point.get_mut(..parameters.final_variables).ok_or(VerifyError::Parameters)?;
    for coordinate in remaining.iter_mut().rev() {
        *coordinate = fold_round(transcript, steps::FINAL_ROUND, &mut claim)?;
    }
    let value = dot(&last, &eq_table(remaining, last.len()));
    let weights = weights_at(&point) + powers.iter().map(|power| power.at(&point)).sum::<K>();
    if value * weights == claim { Ok(()) } else { Err(VerifyError::CombinedClaim) }
}

impl PowerClaim {
    /// The multilinear extension of the weights `weight * x^i`.
    fn at(&self, point: &[K]) -> K {
        let mut power = self.point;
        let mut product = self.weight;
        for &coordinate in point.iter().take(self.variables) {
            product *= K::ONE + coordinate * (power - K::ONE);
            power = power.square();
        }
        product
    }
}

/// One round of `sum_x f(x) w(x) = claim`.
fn fold_round(transcript: &mut VerifierTranscript<'_>, label: &'static str, claim: &mut K) -> Result<K, VerifyError> {
    let [at_zero, leading] = transcript.receive(label)?;
    let challenge = transcript.state().challenge(label);
    *claim = quadratic(at_zero, *claim - at_zero, leading, challenge);
    Ok(challenge)
}

/// Rows of a codeword at random places, checked against its root.
fn queries(
    transcript: &mut VerifierTranscript<'_>,
    parameters: &Parameters,
    index: usize,
    oracle: &Oracle,
    root: &Digest,
    row_len: usize,
) -> Result<Vec<(usize, Vec<F>)>, VerifyError> {
    let state = transcript.state().clone();
    let nonce = u64::from_le_bytes(transcript.receive_bytes(steps::GRINDING)?);
    if !state.grinds(parameters.grinding_bits, nonce) {
        return Err(VerifyError::Grinding { oracle: index });
    }
    let mut rows = Vec::new();
    let mut leaves = Vec::new();
    let mut buffer = Vec::new();
    for row in transcript.state().indices(steps::QUERIES, oracle.log_height(), oracle.num_queries) {
        let values = transcript.hint(steps::ROW, row_len)?;
        leaves.push((row, merkle::leaf(&values, &mut buffer)));
        rows.push((row, values));
    }
    let found = merkle::root(oracle.log_height(), leaves, || transcript.hint_bytes(steps::SIBLING))?;
    if found == Some(*root) { Ok(rows) } else { Err(VerifyError::MerkleRoot { oracle: index }) }
}

/// The folded codeword at a row: base elements in the first codeword, extension elements in the others.
fn fold_row(index: usize, row: &[F], column_weights: &[K]) -> K {
    if index == 0 {
        return row.iter().zip(column_weights).map(|(&value, &weight)| weight * value).sum();
    }
    let (elements, _) = row.as_chunks::<3>();
    elements.iter().zip(column_weights).map(|(&element, &weight)| weight * from_coordinates(element)).sum()
}

/// The evaluation point of a row: rows are stored in bit-reversed order.
fn domain_point(oracle: &Oracle, row: usize) -> F {
    let bits = oracle.log_height();
    let mut generator = F::two_adic_generator(bits);
    let mut point = F::ONE;
    for bit in (0..bits).rev() {
        if row >> bit & 1 == 1 {
            point *= generator;
        }
        generator = generator.square();
    }
    point
}

/// `sum_i coefficients[i] x^i`.
fn horner(coefficients: &[K], x: F) -> K {
    coefficients.iter().rev().fold(K::ZERO, |sum, &coefficient| sum * x + coefficient)
}
