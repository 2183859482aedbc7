//! Step 7: opening of a linear functional of the committed vector (WHIR with the functional folded along).

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::dot::dot;
use verinfer_relation::eq::{eq_index, eq_table};
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::merkle::{self, Digest};
use verinfer_relation::parameters::{BLINDING_COLUMNS, Oracle, Parameters, mask_cells};
use verinfer_relation::steps;
use verinfer_relation::transcript::{Challenger, VerifierTranscript};

use crate::error::VerifyError;
use crate::lookups::quadratic;
use crate::powers::powers_at;

/// `weight * sum_i x^i h[i]` over the coefficients of a folded polynomial.
struct PowerClaim {
    weight: K,
    point: K,
    /// Number of coefficients.
    len: usize,
    /// Bits of an address that were bound before.
    bound: usize,
}

/// Checks `sum of weights[i] * vector[i] = claim` for the vector committed under `root`, where `weights_at` evaluates the weights' multilinear
/// extension. The weights of mask cells, and of all that follow them, must be zero.
pub fn verify(
    transcript: &mut VerifierTranscript<'_, impl Challenger>,
    parameters: &Parameters,
    mut root: Digest,
    mut claim: K,
    weights_at: impl FnOnce(&[K]) -> K,
) -> Result<(), VerifyError> {
    let masks = MaskWeights::receive(transcript, parameters, &mut claim)?;
    let mut blinding = K::ZERO;
    let mut point = vec![K::ZERO; parameters.log_cells];
    let mut bound = 0usize;
    let mut powers: Vec<PowerClaim> = Vec::new();
    let mut last = Vec::new();
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        // Each fold binds the lowest bits of an address that are left.
        let end = bound.saturating_add(oracle.fold);
        let folded = point.get_mut(bound..end).ok_or(VerifyError::Parameters)?;
        bound = end;
        for coordinate in folded.iter_mut().rev() {
            *coordinate = fold_round(transcript, steps::FOLD_ROUND, &mut claim)?;
        }
        let column_weights = eq_table(folded, 1usize << oracle.fold);
        if index == 0 {
            let [sum] = transcript.receive(steps::BLINDING)?;
            blinding = transcript.state().challenge(steps::BLINDING);
            claim += blinding * sum;
        }
        let value_at = |row: &[F]| if index == 0 { fold_first_row(row, &column_weights, blinding) } else { fold_row(row, &column_weights) };
        let next = parameters.oracles.get(index.saturating_add(1));
        let row_len = parameters.row_len(index);
        let Some(next) = next else {
            last = transcript.receive_many(steps::FINAL_POLYNOMIAL, parameters.final_len)?;
            let rows = queries(transcript, parameters, index, oracle, &root, row_len)?;
            for (row, values) in rows {
                if value_at(&values) != horner(&last, oracle.domain.point(row)) {
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
            powers.push(PowerClaim { weight, point: x, len: next.num_coefficients(), bound });
            weight *= gamma;
        };
        add(outside, outside_value);
        for (row, values) in rows {
            add(K::from(oracle.domain.point(row)), value_at(&values));
        }
        root = next_root;
    }
    let remaining = point.get_mut(bound..).ok_or(VerifyError::Parameters)?;
    for coordinate in remaining.iter_mut().rev() {
        *coordinate = fold_round(transcript, steps::FINAL_ROUND, &mut claim)?;
    }
    let value = dot(&last, &eq_table(remaining, last.len()));
    let weights = weights_at(&point) + masks.at(&point) + powers.iter().map(|power| power.at(&point)).sum::<K>();
    if value * weights == claim { Ok(()) } else { Err(VerifyError::CombinedClaim) }
}

impl PowerClaim {
    /// The multilinear extension of the weights `weight * x^i`.
    fn at(&self, point: &[K]) -> K {
        let (_, variables) = point.split_at_checked(self.bound).unwrap_or_default();
        self.weight * powers_at(self.point, variables, self.len)
    }
}

/// `scale * (x^i + y^i)` for the mask cell `i`, counted from the first one; zero for all other cells.
struct MaskWeights {
    scale: K,
    points: [K; 2],
    log_len: usize,
    /// The mask cells' addresses above `log_len` bits.
    block: usize,
}

impl MaskWeights {
    /// Receives the sum of the mask cells under their weights and adds a multiple of it to the claim.
    fn receive(
        transcript: &mut VerifierTranscript<'_, impl Challenger>,
        parameters: &Parameters,
        claim: &mut K,
    ) -> Result<Self, VerifyError> {
        let points = [transcript.state().challenge(steps::MASK_POINTS), transcript.state().challenge(steps::MASK_POINTS)];
        let [sum] = transcript.receive(steps::MASK_SUM)?;
        let scale = transcript.state().challenge(steps::MASK_SUM);
        *claim += scale * sum;
        let num_masks = mask_cells(parameters.log_cells);
        let log_len = usize::try_from(num_masks.trailing_zeros()).map_err(|_| VerifyError::Parameters)?;
        let block = parameters.num_stored().checked_sub(num_masks).ok_or(VerifyError::Parameters)? >> log_len;
        Ok(Self { scale, points, log_len, block })
    }

    /// The multilinear extension. The mask cells are an aligned block of `2^log_len` addresses, the last one of the vector.
    fn at(&self, point: &[K]) -> K {
        let (low, high) = point.split_at_checked(self.log_len).unwrap_or((point, &[]));
        let within = self.points.iter().map(|&x| powers_at(x, low, 1usize << self.log_len)).sum::<K>();
        self.scale * eq_index(high, self.block) * within
    }
}

/// One round of `sum_x f(x) w(x) = claim`.
fn fold_round(transcript: &mut VerifierTranscript<'_, impl Challenger>, label: &'static str, claim: &mut K) -> Result<K, VerifyError> {
    let [at_zero, leading] = transcript.receive(label)?;
    let challenge = transcript.state().challenge(label);
    *claim = quadratic(at_zero, *claim - at_zero, leading, challenge);
    Ok(challenge)
}

/// Rows of a codeword at random places, checked against its root.
fn queries(
    transcript: &mut VerifierTranscript<'_, impl Challenger>,
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
    for row in transcript.state().indices(steps::QUERIES, oracle.domain.size(), oracle.num_queries) {
        let values = transcript.hint(steps::ROW, row_len)?;
        leaves.push((row, merkle::leaf(&values, &mut buffer)));
        rows.push((row, values));
    }
    let found = merkle::root(oracle.domain.size(), leaves, || transcript.hint_bytes(steps::SIBLING))?;
    if found == Some(*root) { Ok(rows) } else { Err(VerifyError::MerkleRoot { oracle: index }) }
}

/// The folded first codeword at a row: base elements, then one extension element of the blinding vector.
fn fold_first_row(row: &[F], column_weights: &[K], blinding: K) -> K {
    let (values, last) = row.split_at_checked(column_weights.len()).unwrap_or((row, &[]));
    let (elements, _) = last.as_chunks::<{ BLINDING_COLUMNS }>();
    let blind: K = elements.iter().map(|&element| blinding * from_coordinates(element)).sum();
    blind + values.iter().zip(column_weights).map(|(&value, &weight)| weight * value).sum::<K>()
}

/// A folded later codeword at a row of extension elements.
fn fold_row(row: &[F], column_weights: &[K]) -> K {
    let (elements, _) = row.as_chunks::<3>();
    elements.iter().zip(column_weights).map(|(&element, &weight)| weight * from_coordinates(element)).sum()
}

/// `sum_i coefficients[i] x^i`.
fn horner(coefficients: &[K], x: F) -> K {
    coefficients.iter().rev().fold(K::ZERO, |sum, &coefficient| sum * x + coefficient)
}
