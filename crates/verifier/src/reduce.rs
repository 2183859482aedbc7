//! Steps 1 to 6: from a statement and the prover's messages to one linear claim on the committed vector.
//!
//! The prover runs this too, on its own messages, to learn what it has to open.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::Graph;
use verinfer_relation::affine::Affine;
use verinfer_relation::field::K;
use verinfer_relation::functional::Functional;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::merkle::Digest;
use verinfer_relation::statement::Statement;
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::VerifierTranscript;
use verinfer_relation::{Relation, claims, steps};

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
    transcript: &mut VerifierTranscript<'_>,
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

    // 4. The claim on the leaves, as a functional of cells, input and accumulators.
    let mu = messages.state().challenge(steps::LEAF_COMBINATION);
    let leaves = EqWeights::new(&leaf_claim.point);
    let (mut functional, accumulators) = claims::leaves(relation, &leaves, &folding, mu);
    let [accumulated] = messages.receive(steps::ACCUMULATORS)?;
    let leaf_value = leaf_claim.numerator.plus(mu, &leaf_claim.denominator).plus(-K::ONE, &accumulated);

    // 5. The linear layers.
    let input_claim = contraction::verify(&mut messages, relation, graph, &accumulators, accumulated)?;

    // 6. One functional and one target for all claims.
    let checks = messages.finish()?;
    let zeta = transcript.state().challenge(steps::CLAIM_COMBINATION);
    let omega = transcript.state().challenge(steps::CLAIM_COMBINATION);
    claims::contraction_inputs(relation, &leaves, &input_claim.weights, omega, &mut functional);
    claims::output(relation, zeta, omega.square(), &mut functional);
    let output = Affine::known(claims::output_value(&statement.output.values, zeta));
    let known = Affine::known(functional.constant + functional.input_part(&statement.input.values));
    let claimed = leaf_value.plus(omega, &input_claim.value).plus(omega.square(), &output).plus(-K::ONE, &known);
    let total = claimed.plus(omega.cube(), &checks);
    claims::secrets(relation, &total.times(-K::ONE), &mut functional);
    Ok(Reduction { root, functional, leaves, target: total.constant })
}
