//! Step 5: all linear layers at once, `sum_i A[i] B[i] = claim`, down to a claim on the activations.

use verinfer_graph::Graph;
use verinfer_relation::claims::AccumulatorWeights;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::transcript::VerifierTranscript;
use verinfer_relation::{Relation, steps, weights};

use crate::error::VerifyError;
use crate::lookups::quadratic;

/// What the linear layers leave to check: the activation side of the contraction at a point.
#[must_use]
pub struct InputClaim {
    /// `eq(rho, i)` for each index of the contraction.
    pub weights: Vec<K>,
    /// Claimed `A(rho)`.
    pub value: K,
}

/// Reduces the claim on the accumulators to one on the activations; the weights are public and evaluated here.
pub fn verify(
    transcript: &mut VerifierTranscript<'_>,
    relation: &Relation,
    graph: &Graph,
    accumulators: &AccumulatorWeights,
    mut claim: K,
) -> Result<InputClaim, VerifyError> {
    let mut point = Vec::new();
    for _ in 0..relation.log_contraction_len() {
        let [at_zero, leading] = transcript.receive(steps::CONTRACTION_ROUND)?;
        let challenge = transcript.state().challenge(steps::CONTRACTION_ROUND);
        claim = quadratic(at_zero, claim - at_zero, leading, challenge);
        point.push(challenge);
    }
    let [value] = transcript.receive(steps::CONTRACTION_INPUT)?;
    let weights = eq_table(&point, relation.contraction_len());
    if value * weights::evaluate(relation, graph, accumulators, &weights) != claim {
        return Err(VerifyError::Contraction);
    }
    Ok(InputClaim { weights, value })
}
