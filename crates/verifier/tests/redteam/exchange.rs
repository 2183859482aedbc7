//! Statements with exchanged parts, and messages whose errors cancel in the leaves' claim.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use p3_field::PrimeCharacteristicRing;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::{Add, Graph, Op, Operand, Requantization, Rounding, Shape, TensorId};
use verinfer_prover::{Execution, Prover, Witness};
use verinfer_relation::Relation;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::field::{F, decode_base, encode_base};
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Statement};
use verinfer_relation::steps;
use verinfer_relation::transcript::ProverTranscript;
use verinfer_verifier::{Expectations, Verifier, VerifyError};

use crate::network::{input, network, with_conv};

fn expectations() -> Expectations {
    Expectations { security_level: 24, context: b"".to_vec(), allow_degenerate: true, ..Expectations::default() }
}

fn all_hidden(graph: &Graph, output: OutputForm) -> Setting {
    Setting { weights: Some(Envelope::of(graph).unwrap()), hidden_input: true, output }
}

fn two_inputs() -> Vec<i16> {
    input().into_iter().chain(input().into_iter().map(|v| -v.max(-127))).collect()
}

fn verify(graph: &Graph, statement: &Statement, bytes: &[u8]) -> Option<VerifyError> {
    let architecture = graph.without_learned();
    let ModelClaim::Hidden { envelope, commitment, .. } = &statement.model else { panic!() };
    let verifier = Verifier::hidden(architecture.clone(), *envelope, **commitment, 1, &Setting::default()).unwrap();
    verifier.verify(bytes, &expectations()).err()
}

#[test]
fn exchanged_commitments_are_refused() {
    let graph = network(|_| ());
    let setting = all_hidden(&graph, OutputForm::Committed);
    let prover = Prover::showing_scales(graph.clone(), 2, &setting).unwrap();
    let input = two_inputs();
    let witness =
        Witness::of(&graph, prover.relation(), &Execution { input: &input, ..Execution::default() }, &mut ChaCha20Rng::seed_from_u64(1))
            .unwrap();
    let genuine = prover.statement(&witness, &input, b"", 24);
    let prove = |statement: Statement| {
        let bytes = prover.prove_statement(statement.clone(), witness.clone(), &|_| ()).unwrap().proof.encode();
        verify(&graph, &statement, &bytes)
    };
    assert_eq!(prove(genuine.clone()), None);
    let mut changed = genuine.clone();
    let InputClaim::Hidden(inputs) = &mut changed.input else { panic!() };
    inputs.swap(0, 1);
    assert_eq!(prove(changed), Some(VerifyError::CombinedClaim));
    let mut changed = genuine.clone();
    let OutputClaim::Hidden(outputs) = &mut changed.output else { panic!() };
    outputs.swap(0, 1);
    assert_eq!(prove(changed), Some(VerifyError::CombinedClaim));
    let mut changed = genuine.clone();
    let (InputClaim::Hidden(inputs), OutputClaim::Hidden(outputs)) = (&mut changed.input, &mut changed.output) else { panic!() };
    std::mem::swap(&mut inputs[0], &mut outputs[0]);
    assert_eq!(prove(changed), Some(VerifyError::CombinedClaim));
    let mut changed = genuine.clone();
    let (InputClaim::Hidden(inputs), ModelClaim::Hidden { commitment, .. }) = (&mut changed.input, &mut changed.model) else { panic!() };
    std::mem::swap(&mut inputs[0], commitment);
    assert_eq!(prove(changed), Some(VerifyError::CombinedClaim));
    // A sum of commitments that is right, with two wrong ones.
    let mut changed = genuine;
    let InputClaim::Hidden(inputs) = &mut changed.input else { panic!() };
    inputs[0].0[5] += F::ONE;
    inputs[1].0[5] -= F::ONE;
    assert_eq!(prove(changed), Some(VerifyError::CombinedClaim));
}

/// Another model's execution under the first one's commitment.
#[test]
fn another_model_under_a_commitment_is_refused() {
    let graph = network(|_| ());
    let other = with_conv(0, |conv| conv.weights[3] += 1);
    let setting = all_hidden(&graph, OutputForm::Shown);
    let prover = Prover::showing_scales(graph.clone(), 2, &setting).unwrap();
    let liar = Prover::showing_scales(other.clone(), 2, &setting).unwrap();
    let input = two_inputs();
    let salts = [(ObjectKind::Model, Box::new([7; 1280]))];
    let execution = Execution { input: &input, salts: &salts, ..Execution::default() };
    let random = || ChaCha20Rng::seed_from_u64(1);
    let honest = Witness::of(&graph, prover.relation(), &execution, &mut random()).unwrap();
    let lie = Witness::of(&other, liar.relation(), &execution, &mut random()).unwrap();
    let mut statement = liar.statement(&lie, &input, b"", 24);
    let own = liar.prove_statement(statement.clone(), lie.clone(), &|_| ()).unwrap().proof.encode();
    assert_eq!(verify(&other, &statement, &own), None);
    statement.model = prover.statement(&honest, &input, b"", 24).model;
    let forged = liar.prove_statement(statement.clone(), lie, &|_| ()).unwrap().proof.encode();
    assert_eq!(verify(&graph, &statement, &forged), Some(VerifyError::CombinedClaim));
}

/// What is added to one message of a pair and subtracted from another.
fn altered(label: &'static str, occurrence: usize, change: &'static [(usize, i64)]) -> Option<VerifyError> {
    altered_at(label, |_| occurrence, change)
}

/// One factor of a sacrificed triple is not what it should be.
fn altered_product(from_last: Option<usize>) -> Option<VerifyError> {
    let at = |relation: &Relation| from_last.map_or(0, |from_last| relation.masks.pairs().len() - 1 - from_last);
    altered_at(steps::SACRIFICE, at, &[(0, 1)])
}

fn altered_at(label: &'static str, occurrence: impl Fn(&Relation) -> usize, change: &'static [(usize, i64)]) -> Option<VerifyError> {
    altered_in(&network(|_| ()), label, occurrence, change)
}

fn altered_in(
    graph: &Graph,
    label: &'static str,
    occurrence: impl Fn(&Relation) -> usize,
    change: &'static [(usize, i64)],
) -> Option<VerifyError> {
    let setting = all_hidden(graph, OutputForm::Shown);
    let prover = Prover::showing_scales(graph.clone(), 2, &setting).unwrap();
    let input = two_inputs();
    let witness =
        Witness::of(graph, prover.relation(), &Execution { input: &input, ..Execution::default() }, &mut ChaCha20Rng::seed_from_u64(1))
            .unwrap();
    let statement = prover.statement(&witness, &input, b"", 24);
    let (mut seen, occurrence) = (0, occurrence(prover.relation()));
    let hit = Arc::new(AtomicBool::new(false));
    let was_hit = hit.clone();
    let alteration = Box::new(move |found: &'static str, bytes: &mut [u8]| {
        if found != label {
            return;
        }
        if seen == occurrence {
            hit.store(true, Ordering::Relaxed);
            for &(element, by) in change {
                let at = &mut bytes[24 * element..][..8];
                let mut out = Vec::new();
                let by = if by < 0 { -F::from_u64(by.unsigned_abs()) } else { F::from_u64(by.unsigned_abs()) };
                encode_base(decode_base(at.try_into().unwrap()).unwrap() + by, &mut out);
                at.copy_from_slice(&out);
            }
        }
        seen += 1;
    });
    let transcript = ProverTranscript::new(statement.transcript()).altered_by(alteration);
    let proved = prover.prove_through(transcript, statement.clone(), witness, &|_| ()).unwrap();
    assert!(was_hit.load(Ordering::Relaxed), "there is no such message");
    verify(graph, &statement, &proved.proof.encode())
}

#[test]
fn errors_that_cancel_in_the_leaves_claim_are_refused() {
    assert_eq!(altered(steps::ACCUMULATORS, 0, &[]), None);
    assert_eq!(altered(steps::ACCUMULATORS, 0, &[(0, 5), (1, -5)]), Some(VerifyError::CombinedClaim));
    assert_eq!(altered(steps::CONTRACTION_ENDS, 0, &[(0, 5), (1, -5)]), Some(VerifyError::CombinedClaim));
    assert_eq!(altered(steps::SCALING_ENDS, 0, &[(0, 5), (1, -5)]), Some(VerifyError::CombinedClaim));
    // The first product of the lookups, and those of both contractions.
    for from_last in [None, Some(1), Some(0)] {
        assert_eq!(altered_product(from_last), Some(VerifyError::CombinedClaim));
    }
}

/// Hidden addends and no linear layer: both contractions are empty, and their messages must be those of an empty sum.
#[test]
fn a_hidden_model_without_linear_layers_has_nothing_to_claim() {
    let requantization = Requantization {
        multipliers: vec![1_500_000_000],
        shifts: vec![-10],
        rounding: Rounding::Twice,
        zero_point: -4,
        min: -128,
        max: 127,
    };
    let left_table = (-128..128).map(|v| (v - 1) * 900).collect();
    let add = Add { left: TensorId(0), left_table, right: Operand::Constant(vec![70_000, -50_000]), requantization };
    let graph = network(|nodes| *nodes = vec![(Op::Add(add), Shape::new(6, 6, 2))]);
    assert_eq!(altered_in(&graph, steps::ACCUMULATORS, |_| 0, &[]), None);
    assert_eq!(altered_in(&graph, steps::ACCUMULATORS, |_| 0, &[(0, 5)]), Some(VerifyError::CombinedClaim));
    assert_eq!(altered_in(&graph, steps::CONTRACTION_ENDS, |_| 0, &[]), None);
}
