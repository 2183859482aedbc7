//! Simulator of the whole argument (docs/protocol.md, 5): a proof of any statement, true or false, and the oracle under which it is accepted.

use rand_chacha::ChaCha20Rng;
use verinfer_graph::Graph;
use verinfer_relation::Relation;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::parameters::Parameters;
use verinfer_relation::statement::{Proof, Statement};
use verinfer_relation::transcript::VerifierTranscript;
use verinfer_verifier::reduce;

use super::opening;
use super::oracle::{Program, Tape, encoded};

/// Knows what a verifier knows: the statement, and of a hidden model the architecture.
pub fn simulate(graph: &Graph, statement: Statement, random: ChaCha20Rng) -> (Proof, Program) {
    let setting = statement.setting();
    let relation = Relation::with_setting(graph, statement.images as usize, &setting).unwrap();
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(statement.security_level)).unwrap();
    let mut tape = Tape::new(random);

    // Steps 1 to 6: uniform messages. The root comes later.
    let num_elements = 1 + relation.masks.num_messages() + 2 * relation.masks.pairs().len();
    let uniform: Vec<_> = (0..num_elements).map(|_| tape.element()).collect();
    let body = [vec![0; 32], encoded(&uniform)].concat();
    let mut transcript = VerifierTranscript::new(tape.clone(), &body);
    let reduction = reduce(&mut transcript, graph, &relation, &statement).unwrap();
    transcript.finish().unwrap();

    // Step 7: from the claim alone.
    let (functional, point) = (&reduction.functional, reduction.leaves.point());
    let weights_at = |at: &[_]| functional.evaluate(&relation.layout, &EqWeights::new(point), &EqWeights::new(at));
    let root = opening::simulate(&mut tape, &parameters, reduction.target, weights_at);
    tape.replace(0, root.to_vec());
    let (body, program) = tape.program(statement.transcript());
    (Proof { statement, body }, program)
}
