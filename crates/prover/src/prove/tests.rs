use std::ops::ControlFlow;

use p3_field::{Field, PrimeCharacteristicRing};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use verinfer_graph::{DataType, Lookup, Node, Op, Shape, TensorId, TensorSpec};
use verinfer_relation::field::{F, K};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::Role;
use verinfer_verifier::{Expectations, ExpectedInput, Verifier, VerifyError};

use super::*;

const LEVEL: u16 = 24;

/// A network of one table.
fn graph() -> Graph {
    let spec = || TensorSpec { name: "t".into(), shape: Shape::new(2, 2, 1), dtype: DataType::I8 };
    let op = Op::Lookup(Lookup { input: TensorId(0), table: (-128..128).rev().collect() });
    let node = Node { source: "OP".into(), op, output: TensorId(1) };
    Graph::new(vec![spec(), spec()], vec![node], TensorId(0), TensorId(1)).unwrap()
}

/// First cell of a role.
fn first_cell(relation: &Relation, wanted: impl Fn(Role) -> bool) -> usize {
    let column = relation.columns.iter().position(|column| wanted(column.role)).unwrap();
    relation.layout.placement(ColumnId(column)).chunks[0].first_cell(0)
}

/// What the verifier says to leaves other than the cells', for a witness with its first multiplicity changed.
fn verdict(change: F, alter: impl FnOnce(&mut Leaves<'_>, usize)) -> Result<(), VerifyError> {
    let graph = graph();
    let prover = Prover::new(graph.clone()).unwrap();
    let relation = prover.relation();
    let input = vec![5, -7, 100, 5];
    let mut witness = Witness::new(&graph, relation, &input, &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
    witness.cells[first_cell(relation, |role| matches!(role, Role::Multiplicity(_)))] += change;
    let tensor = |id: usize| PublicTensor { shape: Shape::new(2, 2, 1), dtype: DataType::I8, values: witness.tensors[id].clone() };
    let statement = Statement {
        model: ModelClaim::Public { digest: graph.digest() },
        security_level: LEVEL,
        context: Vec::new(),
        images: 1,
        input: InputClaim::Shown(tensor(0)),
        output: OutputClaim::Shown(tensor(1)),
    };
    let spare = first_cell(relation, |role| role == Role::Spare);
    let transcript = ProverTranscript::new(statement.transcript());
    let proved =
        prover.prove_altering(transcript, statement, witness, &|_| ControlFlow::Continue(()), |leaves| alter(leaves, spare)).unwrap();
    let expectations = Expectations { security_level: LEVEL, ..Expectations::default() };
    Verifier::new(graph.clone()).unwrap().verify(&proved.proof.encode(), &expectations).map(|_| ())
}

/// The sum of all fractions.
fn sum(leaves: &Leaves<'_>) -> K {
    let fractions = (0..8 * leaves.len()).map(|cell| leaves.get(cell));
    fractions.filter(|&(numerator, _)| numerator != F::ZERO).map(|(numerator, denominator)| denominator.inverse() * numerator).sum()
}

#[test]
fn a_spare_fraction_that_makes_up_for_a_false_sum_is_not_the_leaf() {
    assert_eq!(verdict(F::ZERO, |leaves, _| assert_eq!(sum(leaves), K::ZERO)), Ok(()));
    // Without the spare fraction the sum is not zero.
    assert_eq!(verdict(F::ONE, |leaves, _| assert_ne!(sum(leaves), K::ZERO)), Err(VerifyError::CombinedClaim));
    // With it everything down to the leaves is as it should be.
    let made_up = verdict(F::ONE, |leaves, spare| {
        let denominator = -sum(leaves).inverse();
        leaves.set(spare, F::ONE, denominator);
        assert_eq!(sum(leaves), K::ZERO);
    });
    assert_eq!(made_up, Err(VerifyError::CombinedClaim));
}

#[test]
fn a_numerator_over_the_spare_denominator_is_refused_wherever_it_is_taken_from() {
    let refused = Err(VerifyError::CombinedClaim);
    let over_spare = |leaves: &mut Leaves<'_>, spare: usize| leaves.set(spare, F::ONE, leaves.get(spare).1);
    assert_eq!(verdict(F::ZERO, over_spare), refused);
    // A lookup's fraction with the spare denominator, and the spare one with the lookup's.
    let exchanged = |leaves: &mut Leaves<'_>, spare: usize| {
        let cell = (0..spare).find(|&cell| leaves.get(cell).0 == F::ONE).unwrap();
        let ((one, looked_up), (zero, random)) = (leaves.get(cell), leaves.get(spare));
        leaves.set(cell, zero, random);
        leaves.set(spare, one, looked_up);
        assert_eq!(sum(leaves), K::ZERO);
    };
    assert_eq!(verdict(F::ZERO, exchanged), refused);
    // The spare denominator is not the committed one: the sum is the same, the leaf is not.
    let other = |leaves: &mut Leaves<'_>, spare: usize| leaves.set(spare, F::ZERO, leaves.get(spare).1 + K::ONE);
    assert_eq!(verdict(F::ZERO, other), refused);
}

#[test]
fn commitments_with_one_salt_are_only_proved_about_if_the_prover_is_told_to() {
    let graph = graph();
    let setting = Setting { hidden_input: true, ..Setting::default() };
    let salts = [0, 1].map(|image| (ObjectKind::Input(image), Box::new([7; 1280])));
    let execution = Execution { input: &[5, -7, 100, 5, 1, 2, 3, 4], salts: &salts, ..Execution::default() };
    let prove = |prover: Prover| prover.prove_execution(&execution, b"", LEVEL, &|_| ());
    let prover = || Prover::with_setting(graph.clone(), 2, &setting).unwrap();
    assert!(matches!(prove(prover()), Err(ProveError::SharedSalt)));
    let proof = prove(prover().allow_shared_salts()).unwrap().proof.encode();
    let expectations = Expectations { security_level: LEVEL, input: ExpectedInput::Any, ..Expectations::default() };
    Verifier::with_setting(graph.clone(), 2, &setting).unwrap().verify(&proof, &expectations).unwrap();
}

#[test]
fn weights_whose_scale_the_architecture_would_show_are_not_hidden() {
    use verinfer_graph::{Add, Operand, Requantization, Rounding};
    use verinfer_relation::RelationError;
    use verinfer_relation::envelope::Envelope;
    let spec = || TensorSpec { name: "t".into(), shape: Shape::new(2, 2, 1), dtype: DataType::I8 };
    let requantization = Requantization {
        multipliers: vec![1_500_000_000],
        shifts: vec![-18],
        rounding: Rounding::Twice,
        zero_point: 0,
        min: -128,
        max: 127,
    };
    let left_table = (-128..128).map(|value| value * 100_000).collect();
    let op = Op::Add(Add { left: TensorId(0), left_table, right: Operand::Constant(vec![5_000_000]), requantization });
    let node = Node { source: "ADD #0".into(), op, output: TensorId(1) };
    let graph = Graph::new(vec![spec(), spec()], vec![node], TensorId(0), TensorId(1)).unwrap();
    let setting = Setting { weights: Some(Envelope::of(&graph).unwrap()), ..Setting::default() };
    let refused = Prover::with_setting(graph.clone(), 1, &setting).err().unwrap();
    assert!(matches!(refused, ProveError::Relation(RelationError::ShowsScale { node: 0, .. })), "{refused}");
    assert!(Prover::showing_scales(graph.clone(), 1, &setting).is_ok());
    assert!(Prover::with_setting(graph.clone(), 1, &Setting::default()).is_ok());
}
