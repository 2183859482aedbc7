//! Steps 1 to 6: from a statement and the prover's messages to one linear claim on the committed vector.
//!
//! The prover runs this too, on its own messages, to learn what it has to open.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;
use verinfer_relation::affine::Affine;
use verinfer_relation::commitment::Check;
use verinfer_relation::field::K;
use verinfer_relation::functional::{CommitmentPart, Functional};
use verinfer_relation::layout::EqWeights;
use verinfer_relation::merkle::Digest;
use verinfer_relation::scaling::Scales;
use verinfer_relation::statement::Statement;
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::{Challenger, VerifierTranscript};
use verinfer_relation::{Relation, claims, scaling, steps};

use crate::error::VerifyError;
use crate::messages::Messages;
use crate::{contraction, lookups};

/// What is left of a proof before its opening.
#[must_use]
pub struct Reduction {
    /// Root of the committed codeword.
    pub root: Digest,
    /// Weights of the committed cells.
    pub functional: Functional,
    /// The point of the functional's chunk weights.
    pub leaves: EqWeights,
    /// What the functional of the committed vector must be.
    pub target: K,
}

/// Reads the messages of steps 1 to 6.
pub fn reduce(
    transcript: &mut VerifierTranscript<'_, impl Challenger>,
    graph: &Graph,
    relation: &Relation,
    statement: &Statement,
) -> Result<Reduction, VerifyError> {
    // 1. The committed witness.
    let root = transcript.receive_bytes(steps::COMMITMENT)?;

    // 2. Challenges of the lookups.
    let alpha = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
    let beta = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
    let folding = Folding::new(alpha, beta);

    // 3. Every tuple is a row of its table.
    let mut messages = Messages::new(transcript, &relation.masks);
    let leaf_claim = lookups::verify(&mut messages, relation.layout.log_cells())?;

    // 4. The claim on the leaves, as a functional of cells, input, accumulators and scaled signs.
    let mu = messages.state().challenge(steps::LEAF_COMBINATION);
    let leaves = EqWeights::new(&leaf_claim.point);
    let mut weights = claims::leaves(relation, &leaves, &folding, mu);

    // 5. The linear layers.
    let layers = contraction::verify(&mut messages, relation, graph, &weights)?;

    // 6. One functional and one target for all claims.
    let checks = messages.finish()?;
    let gamma = transcript.state().challenge(steps::COMMITMENT_CHECK);
    let nu = transcript.state().challenge(steps::COMMITMENT_CHECK);
    let zeta = transcript.state().challenge(steps::CLAIM_COMBINATION);
    let omega = transcript.state().challenge(steps::CLAIM_COMBINATION);
    let mut functional = std::mem::take(&mut weights.functional);
    let mut claimed = leaf_claim.numerator.plus(mu, &leaf_claim.denominator).plus(-K::ONE, &layers.claimed);
    let mut power = K::ONE;
    let mut add = |value: &Affine| {
        power *= omega;
        claimed = claimed.plus(power, value);
        power
    };
    let scale = add(&layers.input);
    claims::contraction_inputs(relation, &leaves, &layers.inner, scale, &mut functional);
    if let Some(output) = statement.output.shown() {
        let scale = add(&Affine::known(claims::output_value(&output.values, zeta)));
        claims::output(relation, zeta, scale, &mut functional);
    }
    if let Some(scaling) = &layers.scaling {
        let scales = Scales { accumulators: &weights.accumulators, signs: &weights.signs, xi: scaling.xi };
        let scale = add(&scaling.scales);
        scales.add(relation, &scaling.point, scale, &mut functional);
        let scale = add(&scaling.contracted);
        scaling::add_contracted(relation, &layers.inner, &scaling.point, scale, &mut functional);
    }
    for object in &relation.objects {
        let commitment = statement.commitment(object.kind).ok_or(VerifyError::Parameters)?;
        let check = Check::new(object.plan, gamma, nu);
        let scale = add(&Affine::known(check.target(&commitment.root(&object.tag))));
        functional.commitments.push(CommitmentPart { scale, check, bases: object.bases(relation) });
    }
    let _ = add(&checks);
    let input = statement.input.shown().map_or(K::ZERO, |input| functional.input_part(&leaves, &input.values));
    let known = functional.constant + input;
    let total = claimed.plus(-K::ONE, &Affine::known(known));
    claims::secrets(relation, &total.times(-K::ONE), &mut functional);
    Ok(Reduction { root, functional, leaves, target: total.constant })
}
