//! Step 3: the fractional sumchecks, from the sum of all fractions down to one claim on the leaves.
//!
//! Layer `t` has one fraction for each cell address with its bits `3..3+t` removed; layer 0 are the leaves. The eight fractions of the last
//! layer are sent. A point of a layer lists the coordinates of its remaining bits, bits 0 to 2 first.

use p3_field::{Field, PrimeCharacteristicRing};
use verinfer_relation::field::K;
use verinfer_relation::steps;
use verinfer_relation::transcript::VerifierTranscript;

use crate::error::VerifyError;

/// What the lookup argument leaves to check: the multilinear extensions of the leaves' numerators and denominators at a point.
#[must_use]
pub struct LeafClaim {
    /// Coordinates of the bits of a cell's address, least significant first.
    pub point: Vec<K>,
    /// Claimed numerator.
    pub numerator: K,
    /// Claimed denominator.
    pub denominator: K,
}

/// Fractions sent in the clear.
const TOP: usize = 8;

/// Reduces "the fractions of all cells sum to zero" to a claim on the leaves.
pub fn verify(transcript: &mut VerifierTranscript<'_>, log_cells: usize) -> Result<LeafClaim, VerifyError> {
    let numerators = transcript.receive::<TOP>(steps::FRACTIONS)?;
    let denominators = transcript.receive::<TOP>(steps::FRACTIONS)?;
    check_sum(&numerators, &denominators)?;
    let mut point = transcript.state().challenges(steps::FRACTION_POINT, 3);
    let mut numerator = interpolate(&numerators, &point);
    let mut denominator = interpolate(&denominators, &point);
    for layer in (0..log_cells.saturating_sub(3)).rev() {
        let lambda = transcript.state().challenge(steps::LAYER_COMBINATION);
        let mut claim = numerator + lambda * denominator;
        let bound = rounds(transcript, &point, &mut claim)?;
        let [n0, n1, d0, d1] = transcript.receive(steps::LAYER_CHILDREN)?;
        if claim != n0 * d1 + n1 * d0 + lambda * d0 * d1 {
            return Err(VerifyError::LayerChildren { layer });
        }
        let child = transcript.state().challenge(steps::LAYER_CHILDREN);
        numerator = n0 + child * (n1 - n0);
        denominator = d0 + child * (d1 - d0);
        let (lanes, rest) = bound.split_at_checked(3).ok_or(VerifyError::Parameters)?;
        point = [lanes, &[child], rest].concat();
    }
    Ok(LeafClaim { point, numerator, denominator })
}

/// `sum n_i / d_i = 0` with all `d_i` different from zero.
fn check_sum(numerators: &[K], denominators: &[K]) -> Result<(), VerifyError> {
    let mut sum = (K::ZERO, K::ONE);
    for (&n, &d) in numerators.iter().zip(denominators) {
        sum = (sum.0 * d + n * sum.1, sum.1 * d);
    }
    if sum.1 == K::ZERO {
        return Err(VerifyError::ZeroDenominator);
    }
    if sum.0 == K::ZERO { Ok(()) } else { Err(VerifyError::LookupSum) }
}

/// The multilinear extension of eight values.
fn interpolate(values: &[K], point: &[K]) -> K {
    let mut values = values.to_vec();
    for &coordinate in point {
        let (pairs, _) = values.as_chunks::<2>();
        values = pairs.iter().map(|[low, high]| *low + coordinate * (*high - *low)).collect();
    }
    values.into_iter().next().unwrap_or_default()
}

/// Sumcheck of `sum_x eq(point, x) g(x) = claim`, `g` of degree two in each variable: bits 3 and up, then bits 0 to 2. Each message gives
/// `g` summed with the variable at 0, and its leading coefficient; the value at 1 follows from the claim.
fn rounds(transcript: &mut VerifierTranscript<'_>, point: &[K], claim: &mut K) -> Result<Vec<K>, VerifyError> {
    let (lanes, upper) = point.split_at_checked(3).ok_or(VerifyError::Parameters)?;
    let mut bind = |coordinate: K| -> Result<K, VerifyError> {
        let [at_zero, leading] = transcript.receive(steps::LAYER_ROUND)?;
        let inverse = coordinate.try_inverse().ok_or(VerifyError::DegenerateChallenge { step: steps::LAYER_ROUND })?;
        let at_one = (*claim - (K::ONE - coordinate) * at_zero) * inverse;
        let challenge = transcript.state().challenge(steps::LAYER_ROUND);
        *claim = quadratic(at_zero, at_one, leading, challenge);
        Ok(challenge)
    };
    let upper = upper.iter().map(|&coordinate| bind(coordinate)).collect::<Result<Vec<K>, _>>()?;
    let lanes = lanes.iter().map(|&coordinate| bind(coordinate)).collect::<Result<Vec<K>, _>>()?;
    Ok([lanes, upper].concat())
}

/// The polynomial of degree two with these values at 0 and 1 and this leading coefficient, at `x`.
pub fn quadratic(at_zero: K, at_one: K, leading: K, x: K) -> K {
    at_zero + x * (at_one - at_zero - leading + leading * x)
}
