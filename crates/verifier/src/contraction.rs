//! Step 5: all linear layers at once, `sum_J A[J] B[J] = claim`, down to claims on activations and, where they are hidden, on what is learned.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;
use verinfer_relation::affine::Affine;
use verinfer_relation::claims::LeafWeights;
use verinfer_relation::field::K;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::transcript::Challenger;
use verinfer_relation::{Relation, steps, weights};

use crate::error::VerifyError;
use crate::lookups::quadratic_form;
use crate::messages::Messages;

/// What the linear layers leave to check.
#[must_use]
pub struct LayerClaims {
    /// The accumulators' and the signs' part of the claim on the leaves.
    pub claimed: Affine,
    /// `rho`, the point at which the contraction ends.
    pub inner: EqWeights,
    /// Claimed `A(rho)`.
    pub input: Affine,
    /// Where multipliers are hidden, what the second contraction leaves.
    pub scaling: Option<ScalingClaims>,
}

/// Both sides of the second contraction at a point.
pub struct ScalingClaims {
    /// Weight of the signs' part.
    pub xi: K,
    /// `rho'`.
    pub point: EqWeights,
    /// Claimed multipliers, `P(rho')`.
    pub scales: Affine,
    /// Claimed contracted weights and signs, `Q(rho')`.
    pub contracted: Affine,
}

/// Reduces the accumulators' part of the claim on the leaves. Public weights are evaluated here.
pub fn verify(
    messages: &mut Messages<'_, '_, impl Challenger>,
    relation: &Relation,
    graph: &Graph,
    leaves: &LeafWeights,
) -> Result<LayerClaims, VerifyError> {
    match relation.log_scaling_len() {
        None => public_weights(messages, relation, graph, leaves),
        Some(log_scaling_len) => hidden_weights(messages, relation, log_scaling_len),
    }
}

fn public_weights(
    messages: &mut Messages<'_, '_, impl Challenger>,
    relation: &Relation,
    graph: &Graph,
    leaves: &LeafWeights,
) -> Result<LayerClaims, VerifyError> {
    let [claimed] = messages.receive(steps::ACCUMULATORS)?;
    let (point, claim) = rounds(messages, steps::CONTRACTION_ROUND, relation.log_contraction_len(), claimed.clone())?;
    let [input] = messages.receive(steps::CONTRACTION_ENDS)?;
    let inner = EqWeights::new(&point);
    messages.require_zero(claim.plus(-weights::evaluate(relation, graph, &leaves.accumulators, &inner), &input));
    Ok(LayerClaims { claimed, inner, input, scaling: None })
}

fn hidden_weights(
    messages: &mut Messages<'_, '_, impl Challenger>,
    relation: &Relation,
    log_scaling_len: usize,
) -> Result<LayerClaims, VerifyError> {
    let [accumulators, signs] = messages.receive(steps::ACCUMULATORS)?;
    let (point, claim) = rounds(messages, steps::CONTRACTION_ROUND, relation.log_contraction_len(), accumulators.clone())?;
    let [input, weights] = messages.receive(steps::CONTRACTION_ENDS)?;
    let product = messages.product(&input, &weights)?;
    messages.require_zero(claim.plus(-K::ONE, &product));
    let inner = EqWeights::new(&point);

    let xi = messages.state().challenge(steps::SCALING_COMBINATION);
    let (point, claim) = rounds(messages, steps::SCALING_ROUND, log_scaling_len, weights.plus(xi, &signs))?;
    let [scales, contracted] = messages.receive(steps::SCALING_ENDS)?;
    let product = messages.product(&scales, &contracted)?;
    messages.require_zero(claim.plus(-K::ONE, &product));
    let scaling = Some(ScalingClaims { xi, point: EqWeights::new(&point), scales, contracted });
    Ok(LayerClaims { claimed: accumulators.plus(K::ONE, &signs), inner, input, scaling })
}

/// Sumcheck of `sum_i a_i b_i = claim`.
fn rounds(
    messages: &mut Messages<'_, '_, impl Challenger>,
    label: &'static str,
    num_rounds: usize,
    mut claim: Affine,
) -> Result<(Vec<K>, Affine), VerifyError> {
    let mut point = Vec::new();
    for _ in 0..num_rounds {
        let [at_zero, leading] = messages.receive(label)?;
        let at_one = claim.plus(-K::ONE, &at_zero);
        let challenge = messages.state().challenge(label);
        claim = quadratic_form(&at_zero, &at_one, &leading, challenge);
        point.push(challenge);
    }
    Ok((point, claim))
}
