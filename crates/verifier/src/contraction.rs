//! Step 5: all linear layers at once, `sum_i A[i] B[i] = claim`, down to a claim on the activations.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;
use verinfer_relation::affine::Affine;
use verinfer_relation::claims::AccumulatorWeights;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::{Relation, steps, weights};

use crate::error::VerifyError;
use crate::lookups::quadratic_form;
use crate::messages::Messages;

/// What the linear layers leave to check: the activation side of the contraction at a point.
#[must_use]
pub struct InputClaim {
    /// `eq(rho, i)` for each index of the contraction.
    pub weights: Vec<K>,
    /// Claimed `A(rho)`.
    pub value: Affine,
}

/// Reduces the claim on the accumulators to one on the activations; the weights are public and evaluated here.
pub fn verify(
    messages: &mut Messages<'_, '_>,
    relation: &Relation,
    graph: &Graph,
    accumulators: &AccumulatorWeights,
    mut claim: Affine,
) -> Result<InputClaim, VerifyError> {
    let mut point = Vec::new();
    for _ in 0..relation.log_contraction_len() {
        let [at_zero, leading] = messages.receive(steps::CONTRACTION_ROUND)?;
        let at_one = claim.plus(-K::ONE, &at_zero);
        let challenge = messages.state().challenge(steps::CONTRACTION_ROUND);
        claim = quadratic_form(&at_zero, &at_one, &leading, challenge);
        point.push(challenge);
    }
    let [value] = messages.receive(steps::CONTRACTION_INPUT)?;
    let weights = eq_table(&point, relation.contraction_len());
    messages.require_zero(claim.plus(-weights::evaluate(relation, graph, accumulators, &weights), &value));
    Ok(InputClaim { weights, value })
}
