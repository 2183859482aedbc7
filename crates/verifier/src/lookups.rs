//! Step 3: the fractional sumchecks, from the sum of all fractions down to one claim on the leaves.
//!
//! Layer 0 are the leaves, one fraction for each cell address. Layer `t + 1` adds the fractions of layer `t` that differ in one address bit: bits
//! 3 and up first, then 0 to 2. A point of a layer lists the coordinates of its remaining bits in the order of the address.

use p3_field::{Field, PrimeCharacteristicRing};
use verinfer_relation::affine::Affine;
use verinfer_relation::field::K;
use verinfer_relation::steps;
use verinfer_relation::transcript::Challenger;

use crate::error::VerifyError;
use crate::messages::Messages;

/// What the lookup argument leaves to check: the multilinear extensions of the leaves' numerators and denominators at a point.
#[must_use]
pub struct LeafClaim {
    /// Coordinates of the bits of a cell's address, least significant first.
    pub point: Vec<K>,
    /// Claimed numerator.
    pub numerator: Affine,
    /// Claimed denominator.
    pub denominator: Affine,
}

/// Address bits that are summed over last.
const LANE_BITS: usize = 3;

/// Reduces "the fractions of all cells sum to zero" to a claim on the leaves.
pub fn verify(messages: &mut Messages<'_, '_, impl Challenger>, log_cells: usize) -> Result<LeafClaim, VerifyError> {
    let product = messages.receive_plain(steps::DENOMINATOR)?;
    if product == K::ZERO {
        return Err(VerifyError::ZeroDenominator);
    }
    let mut numerator = Affine::default();
    let mut denominator = Affine::known(product);
    let mut point: Vec<K> = Vec::new();
    for _ in 0..log_cells {
        let lambda = messages.state().challenge(steps::LAYER_COMBINATION);
        let claim = numerator.plus(lambda, &denominator);
        let (bound, claim) = rounds(messages, &point, claim)?;
        let [combined, n1, d0, d1] = messages.receive(steps::LAYER_CHILDREN)?;
        let first = messages.product(&combined, &d1)?;
        let second = messages.product(&n1, &d0)?;
        messages.require_zero(claim.plus(-K::ONE, &first).plus(-K::ONE, &second));
        let child = messages.state().challenge(steps::LAYER_CHILDREN);
        let n0 = combined.plus(-lambda, &d0);
        numerator = between(&n0, &n1, child);
        denominator = between(&d0, &d1, child);
        let (lanes, rest) = bound.split_at_checked(LANE_BITS).unwrap_or((&[], &bound));
        point = [lanes, &[child], rest].concat();
    }
    Ok(LeafClaim { point, numerator, denominator })
}

/// Sumcheck of `sum_x eq(point, x) g(x) = claim`, `g` of degree two in each variable: bits 3 and up, then bits 0 to 2. Each message gives
/// `g` summed with the variable at 0, and its leading coefficient; the value at 1 follows from the claim.
fn rounds(messages: &mut Messages<'_, '_, impl Challenger>, point: &[K], mut claim: Affine) -> Result<(Vec<K>, Affine), VerifyError> {
    let (lanes, upper) = point.split_at_checked(LANE_BITS).unwrap_or((point, &[]));
    let mut bind = |coordinate: K| -> Result<K, VerifyError> {
        let [at_zero, leading] = messages.receive(steps::LAYER_ROUND)?;
        let inverse = coordinate.try_inverse().ok_or(VerifyError::DegenerateChallenge { step: steps::LAYER_ROUND })?;
        let at_one = claim.plus(coordinate - K::ONE, &at_zero).times(inverse);
        let challenge = messages.state().challenge(steps::LAYER_ROUND);
        claim = quadratic_form(&at_zero, &at_one, &leading, challenge);
        Ok(challenge)
    };
    let upper = upper.iter().map(|&coordinate| bind(coordinate)).collect::<Result<Vec<K>, _>>()?;
    let lanes = lanes.iter().map(|&coordinate| bind(coordinate)).collect::<Result<Vec<K>, _>>()?;
    Ok(([lanes, upper].concat(), claim))
}

/// `low + x (high - low)`.
fn between(low: &Affine, high: &Affine, x: K) -> Affine {
    low.times(K::ONE - x).plus(x, high)
}

/// The polynomial of degree two with these values at 0 and 1 and this leading coefficient, at `x`.
pub fn quadratic_form(at_zero: &Affine, at_one: &Affine, leading: &Affine, x: K) -> Affine {
    between(at_zero, at_one, x).plus(x * (x - K::ONE), leading)
}

/// The polynomial of degree two with these values at 0 and 1 and this leading coefficient, at `x`.
pub fn quadratic(at_zero: K, at_one: K, leading: K, x: K) -> K {
    at_zero + x * (at_one - at_zero - leading + leading * x)
}
