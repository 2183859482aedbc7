//! A witness of another network of the same shape: one weight, bias, multiplier, zero point, table entry or step of a window differs.
//!
//! Three provers: one with the other network's constants throughout, one with the claimed network's constants and the other's witness, and one who
//! also makes the lookup argument's leaves follow the cells.

use verinfer_graph::{Graph, Op};
use verinfer_prover::Prover;
use verinfer_relation::relation::Recipe;
use verinfer_relation::statement::Statement;
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, Forger};
use crate::network::{DEPTHWISE, LAST, network, with_conv};
use crate::unmasked::Broken;

/// What the three provers break, for the output of the other network.
fn broken(other: Graph) -> [Vec<Broken>; 3] {
    let other = Forger::new(other);
    assert_eq!(other.relation().layout, FORGER.relation().layout);
    assert_ne!(other.witness.cells, FORGER.witness.cells, "the change is seen in the execution");
    // The claim is about the true network with what the other gives.
    let statement = Statement { model: FORGER.statement.model.clone(), ..other.statement.clone() };
    let throughout = FORGER.broken_by(&other.prove(statement.clone(), other.witness.clone()), &other.witness.cells);
    let mut witness = other.witness.clone();
    let witness_only = FORGER.broken(statement.clone(), witness.clone());
    assert_ne!(FORGER.follow_cells(&statement, &mut witness), []);
    [throughout, witness_only, FORGER.broken(statement, witness)]
}

/// The prover with the other constants throughout is caught by the equations `first`.
fn rejected(other: Graph, first: &[Broken]) {
    assert_eq!(broken(other), [first.to_vec(), vec![Broken::Leaves], vec![Broken::sum(&FORGER)]]);
}

/// Multipliers of the last layer's lines.
fn multipliers(forger: &Forger) -> &[i64] {
    let Recipe::Requantize(recipe) = &forger.relation().recipes[LAST] else { panic!("a rounding") };
    &recipe.rescaling.as_ref().unwrap().multipliers
}

#[test]
fn a_wrong_weight_is_caught_by_the_contraction() {
    rejected(with_conv(LAST, |conv| conv.weights[4 * 32 + 5] ^= 1), &[Broken::Contraction]);
    rejected(with_conv(LAST, |conv| conv.weights[32..64].reverse()), &[Broken::Contraction]);
    // Within a tap of the first layer, so that no range changes.
    rejected(with_conv(0, |conv| conv.weights.swap(8, 9)), &[Broken::Contraction]);
}

#[test]
fn a_wrong_weight_of_a_depthwise_layer_is_caught_by_the_contraction() {
    // Weight of the central tap of channel 1.
    rejected(with_conv(DEPTHWISE, |conv| conv.weights[4 * 4 + 1] ^= 1), &[Broken::Contraction]);
}

#[test]
fn a_wrong_bias_is_caught_by_the_leaves() {
    rejected(with_conv(LAST, |conv| conv.bias[2] += 1), &[Broken::Leaves]);
}

#[test]
fn a_wrong_multiplier_is_caught_by_the_contraction_and_by_the_leaves_both_of_which_it_scales() {
    // Multipliers that round alike have one line: the least change after which the line has another multiplier.
    let changed = |log: u32| with_conv(LAST, |conv| conv.requantization.multipliers[0] -= 1 << log);
    let is_another = |other: &Forger| {
        other.relation().layout == FORGER.relation().layout
            && other.witness.cells != FORGER.witness.cells
            && multipliers(other) != multipliers(&FORGER)
    };
    let log = (0..28).find(|&log| is_another(&Forger::new(changed(log)))).unwrap();
    rejected(changed(log), &[Broken::Contraction, Broken::Leaves]);
}

#[test]
fn a_wrong_zero_point_of_an_input_is_caught_by_the_activations() {
    rejected(with_conv(LAST, |conv| conv.input_zero_point += 1), &[Broken::Inputs]);
}

#[test]
fn a_wrong_zero_point_of_the_weights_is_caught_by_the_contraction() {
    rejected(with_conv(LAST, |conv| conv.weight_zero_point += 1), &[Broken::Contraction]);
}

#[test]
fn a_wrong_padding_is_caught_by_the_activations() {
    rejected(with_conv(DEPTHWISE, |conv| conv.window.pad_top = 0), &[Broken::Inputs]);
    rejected(with_conv(DEPTHWISE, |conv| conv.window.pad_left = 0), &[Broken::Inputs]);
}

#[test]
fn a_wrong_stride_is_caught_by_the_activations() {
    rejected(with_conv(DEPTHWISE, |conv| conv.window.stride_h = 3), &[Broken::Inputs]);
}

#[test]
fn a_wrong_dilation_is_caught_by_the_activations() {
    rejected(with_conv(DEPTHWISE, |conv| (conv.window.dilation_w, conv.window.pad_left) = (2, 1)), &[Broken::Inputs]);
}

#[test]
fn a_wrong_table_is_caught_by_the_leaves() {
    let other = network(|nodes| {
        let Op::Lookup(lookup) = &mut nodes[2].0 else { panic!("a table") };
        lookup.table.iter_mut().for_each(|entry| *entry ^= 1);
    });
    rejected(other, &[Broken::Leaves]);
}

#[test]
fn a_wrong_border_is_caught_by_the_leaves() {
    let other = network(|nodes| {
        let Op::Pad(pad) = &mut nodes[7].0 else { panic!("a border") };
        (pad.before.height, pad.before.width) = (0, 0);
    });
    rejected(other, &[Broken::Leaves]);
    let other = network(|nodes| {
        let Op::Pad(pad) = &mut nodes[7].0 else { panic!("a border") };
        pad.value = 90;
    });
    rejected(other, &[Broken::Leaves]);
}

#[test]
fn tensors_joined_in_another_order_are_caught_by_the_leaves() {
    let other = network(|nodes| {
        let Op::Concat(concat) = &mut nodes[6].0 else { panic!("a concatenation") };
        concat.inputs.reverse();
    });
    rejected(other, &[Broken::Leaves]);
}

#[test]
fn a_proof_of_another_network_is_refused_before_its_argument() {
    let other = Forger::new(with_conv(LAST, |conv| conv.bias[2] += 1));
    let file = other.prove(other.statement.clone(), other.witness.clone()).proof.encode();
    other.verify(&file).unwrap();
    assert!(matches!(FORGER.verify(&file), Err(VerifyError::WrongNetwork { .. })));
}

#[test]
fn two_networks_that_differ_in_one_weight_have_different_digests() {
    let other = with_conv(LAST, |conv| conv.weights[0] ^= 1);
    assert_ne!(other.digest(), FORGER.graph.digest());
    assert!(Prover::new(other.clone()).is_ok());
}
