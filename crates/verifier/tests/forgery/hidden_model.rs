//! Another model than the one committed to: a weight, bias, multiplier or addend differs, or the randomness of the commitment does, and everything else
//! is as it should be. The check of the commitment alone notices.

use p3_field::PrimeCharacteristicRing;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use verinfer_graph::{Graph, Op, Operand};
use verinfer_prover::{Execution, Witness};
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{ObjectKind, Role};
use verinfer_relation::setting::OutputForm;
use verinfer_relation::statement::{ModelClaim, Statement};
use verinfer_verifier::VerifyError;

use crate::forger::Forger;
use crate::hidden::{BIG, BIG_SIDES, HIDDEN, IMAGES, hidden_network, inputs, linear, setting};
use crate::network::{DEPTHWISE, LAST};
use crate::unmasked::Broken;

const MODEL: [Broken; 1] = [Broken::Committed(ObjectKind::Model)];

fn with_conv(node: usize, change: impl FnOnce(&mut verinfer_graph::Conv)) -> Graph {
    hidden_network(|nodes| {
        let (Op::Conv2d(conv) | Op::DepthwiseConv2d(conv)) = &mut nodes[node].0 else { panic!("node {node} is no convolution") };
        change(conv);
    })
}

/// The prover of another model, with the same salts, who claims what that model gives of the committed one.
fn rejected(other: Graph) {
    let execution = Execution { input: &inputs(), ..Execution::default() };
    let other = Forger::with_setting(other, IMAGES, &setting(OutputForm::Shown), &execution);
    assert_eq!(other.relation().layout, HIDDEN.relation().layout);
    assert_ne!(other.statement.model, HIDDEN.statement.model);
    assert_eq!(other.statement.input, HIDDEN.statement.input);
    let statement = Statement { model: HIDDEN.statement.model.clone(), ..other.statement.clone() };
    let proved = other.prove(statement, other.witness.clone());
    assert_eq!(HIDDEN.broken_by(&proved, &other.witness.cells), MODEL);
    // What it proves is true of its own commitment, which is not the one asked for.
    let file = other.prove(other.statement.clone(), other.witness.clone()).proof.encode();
    other.verify(&file).unwrap();
    assert_eq!(HIDDEN.verify(&file).unwrap_err(), VerifyError::WrongModelCommitment);
}

#[test]
fn another_weight_is_not_what_was_committed_to() {
    rejected(with_conv(LAST, |conv| conv.weights[4 * 32 + 5] ^= 1));
    rejected(with_conv(DEPTHWISE, |conv| conv.weights[4 * 4 + 1] ^= 1));
    rejected(with_conv(0, |conv| conv.weights.swap(8, 9)));
}

#[test]
fn another_zero_point_of_weights_is_not_what_was_committed_to() {
    rejected(with_conv(LAST, |conv| conv.weight_zero_point = 1));
    rejected(with_conv(DEPTHWISE, |conv| conv.weight_zero_point = -2));
    // Another one in the cell alone is noticed by the commitment, and where accumulators are added up.
    let columns = HIDDEN.relation().columns.iter().enumerate();
    for (index, _) in columns.filter(|(_, column)| column.role == Role::WeightZeroPoint) {
        let witness = HIDDEN.edited(&[(ColumnId(index), 0, 0, 1)]);
        let (_, broken) = HIDDEN.following(&HIDDEN.statement, witness);
        assert!(broken.len() >= 2 && broken.contains(&MODEL[0]), "{broken:?}");
    }
}

#[test]
fn another_bias_multiplier_or_addend_is_not_what_was_committed_to() {
    rejected(with_conv(LAST, |conv| conv.bias[2] += 900));
    rejected(with_conv(LAST, |conv| conv.requantization.multipliers[0] = 3 << 29));
    rejected(with_conv(0, |conv| conv.requantization.multipliers[0] = 5 << 28));
    rejected(hidden_network(|nodes| {
        if let Op::Add(add) = &mut nodes[4].0 {
            add.right = Operand::Constant(vec![5_000_000, -3_000_001, 0, 1 << 20]);
        }
    }));
}

/// What is committed to is where the outputs step, not how TFLite writes the multiplier.
#[test]
fn a_multiplier_that_steps_at_the_same_accumulators_is_the_same_model() {
    let other = with_conv(LAST, |conv| conv.requantization.multipliers[0] += 1);
    assert_ne!(other.digest(), HIDDEN.graph.digest());
    let execution = Execution { input: &inputs(), ..Execution::default() };
    let other = Forger::with_setting(other, IMAGES, &setting(OutputForm::Shown), &execution);
    assert_eq!(other.statement, HIDDEN.statement);
}

#[test]
fn outputs_of_the_committed_model_do_not_follow_from_another() {
    let other = with_conv(LAST, |conv| conv.bias[2] += 900);
    let execution = Execution { input: &inputs(), ..Execution::default() };
    let other = Forger::with_setting(other, IMAGES, &setting(OutputForm::Shown), &execution);
    assert_ne!(other.statement.output, HIDDEN.statement.output);
    let proved = other.prove(HIDDEN.statement.clone(), other.witness.clone());
    assert_eq!(HIDDEN.broken_by(&proved, &other.witness.cells), [Broken::Output, MODEL[0]]);
    // The output of another model under the true one's cells.
    let statement = Statement { output: other.statement.output.clone(), ..HIDDEN.statement.clone() };
    assert_eq!(HIDDEN.broken(statement, HIDDEN.witness.clone()), [Broken::Output]);
}

#[test]
fn another_salt_does_not_open_a_commitment() {
    let execution = Execution { input: &inputs(), ..Execution::default() };
    let other = Witness::of(HIDDEN.graph, HIDDEN.relation(), &execution, &mut ChaCha20Rng::seed_from_u64(4)).unwrap();
    let expected = [ObjectKind::Model, ObjectKind::Input(0), ObjectKind::Input(1)].map(Broken::Committed);
    assert_eq!(HIDDEN.broken(HIDDEN.statement.clone(), other), expected);
    for (index, kind) in [ObjectKind::Model, ObjectKind::Input(0), ObjectKind::Input(1)].into_iter().enumerate() {
        let salt = HIDDEN.relation().object(kind).unwrap().salt;
        let byte = HIDDEN.get(salt, 0, 500);
        let witness = HIDDEN.edited(&[(salt, 0, 500, if byte == 255 { -1 } else { 1 })]);
        assert_eq!(HIDDEN.following(&HIDDEN.statement, witness), (vec![], vec![expected[index]]));
    }
}

#[test]
fn other_digests_do_not_open_a_commitment() {
    let object = BIG.relation().object(ObjectKind::Model).unwrap();
    let digests = object.digests.unwrap();
    for pixel in [0, 511, object.plan.digest_cells() - 1] {
        let byte = BIG.get(digests, 0, pixel);
        let witness = BIG.edited(&[(digests, 0, pixel, if byte == 255 { -1 } else { 1 })]);
        assert_eq!(BIG.following(&BIG.statement, witness), (vec![], MODEL.to_vec()));
    }
    // Digests of two blocks exchanged.
    let mut witness = BIG.witness.clone();
    for pixel in 0..1024 {
        witness.cells.swap(BIG.cell(digests, 0, pixel), BIG.cell(digests, 0, 1024 + pixel));
    }
    assert_eq!(BIG.following(&BIG.statement, witness), (vec![], MODEL.to_vec()));
}

#[test]
fn other_weights_of_a_block_are_noticed_with_their_own_digest_and_with_the_committed_one() {
    let other = linear(BIG_SIDES.0, BIG_SIDES.1, |conv| conv.weights[300] ^= 1);
    let statement = Statement { model: BIG.statement.model.clone(), ..other.statement.clone() };
    let proved = other.prove(statement.clone(), other.witness.clone());
    assert_eq!(BIG.broken_by(&proved, &other.witness.cells), MODEL);
    let digests = BIG.relation().object(ObjectKind::Model).unwrap().digests.unwrap();
    let mut witness = other.witness.clone();
    for pixel in 0..BIG.relation().column(digests).pixels {
        let cell = BIG.cell(digests, 0, pixel);
        witness.cells[cell] = BIG.witness.cells[cell];
    }
    assert_eq!(other.follow_cells(&statement, &mut witness), []);
    let cells = witness.cells.clone();
    assert_eq!(BIG.broken_by(&other.prove(statement, witness), &cells), MODEL);
}

#[test]
fn any_coordinate_of_the_commitment_is_enough() {
    for coordinate in (0..128).step_by(9) {
        let mut statement = HIDDEN.statement.clone();
        let ModelClaim::Hidden { commitment, .. } = &mut statement.model else { panic!("the model is hidden") };
        commitment.0[coordinate] += F::ONE;
        // For a verifier who expects it.
        assert_eq!(HIDDEN.broken(statement.clone(), HIDDEN.witness.clone()), MODEL);
        let file = HIDDEN.prove(statement, HIDDEN.witness.clone()).proof.encode();
        assert_eq!(HIDDEN.verify(&file).unwrap_err(), VerifyError::WrongModelCommitment);
    }
}
