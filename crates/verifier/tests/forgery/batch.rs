//! A proof about several images: nothing of one image can stand for another's, and their number is part of what is proved.

use std::sync::LazyLock;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::run;
use verinfer_relation::field::F;
use verinfer_relation::layout::ColumnId;
use verinfer_relation::relation::{Leaf, Role};
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::{FormatError, PublicTensor, Statement};
use verinfer_verifier::{Expectations, ExpectedInput, Verifier, VerifyError};

use crate::forger::{EXPECTATIONS, Forger, input_mut, output_mut, shown_input, shown_output};
use crate::network::{input, network};
use crate::unmasked::Broken;

const IMAGES: usize = 3;

/// Elements of an image, and of its output.
const INPUT: usize = 72;
const OUTPUT: usize = 6;

static BATCH: LazyLock<Forger> = LazyLock::new(|| Forger::batch(network(|_| ()), IMAGES, &inputs()));

/// Images that have different outputs.
fn inputs() -> Vec<i16> {
    let second: Vec<i16> = input().into_iter().rev().collect();
    let third = (0..INPUT as i16).map(|i| (i * 37 + 90) % 256 - 128);
    input().into_iter().chain(second).chain(third).collect()
}

fn changed(change: impl FnOnce(&mut Statement)) -> Statement {
    let mut statement = BATCH.statement.clone();
    change(&mut statement);
    statement
}

/// The equations broken by the true witness for a changed statement.
fn broken(change: impl FnOnce(&mut Statement)) -> Vec<Broken> {
    BATCH.broken(changed(change), BATCH.witness.clone())
}

/// Exchanges two images' elements.
fn swap(values: &mut [i16], len: usize, first: usize, second: usize) {
    (0..len).for_each(|i| values.swap(first * len + i, second * len + i));
}

#[test]
fn the_genuine_batch_is_accepted_and_says_what_the_network_computes_for_each_image() {
    assert!(BATCH.holds(&BATCH.statement, &BATCH.witness));
    let proved = BATCH.prove(BATCH.statement.clone(), BATCH.witness.clone());
    assert_eq!(BATCH.broken_by(&proved, &BATCH.witness.cells), []);
    let file = proved.proof.encode();
    // It does not matter for how many images the verifier was set up.
    for images in [1, 2, IMAGES] {
        let verifier = Verifier::with_setting(BATCH.graph.clone(), images, &Setting::default()).unwrap();
        let expectations = Expectations { input: ExpectedInput::Shown(inputs().to_vec()), ..EXPECTATIONS.clone() };
        let statement = verifier.verify(&file, &expectations).unwrap().statement;
        assert_eq!(statement.images, IMAGES as u32);
        for (input, output) in inputs().chunks(INPUT).zip(shown_output(&statement).chunks(OUTPUT)) {
            assert_eq!(run(BATCH.graph, input).unwrap().tensors.last().unwrap(), output);
        }
    }
    let outputs: Vec<_> = shown_output(&BATCH.statement).chunks(OUTPUT).collect();
    assert!(outputs[0] != outputs[1] && outputs[1] != outputs[2] && outputs[0] != outputs[2]);
}

#[test]
fn outputs_of_two_images_cannot_be_exchanged() {
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        assert_eq!(broken(|statement| swap(&mut output_mut(statement).values, OUTPUT, first, second)), [Broken::Output]);
    }
}

#[test]
fn inputs_of_two_images_cannot_be_exchanged() {
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        let statement = changed(|statement| swap(&mut input_mut(statement).values, INPUT, first, second));
        let mut witness = BATCH.witness.clone();
        assert_eq!(BATCH.broken(statement.clone(), witness.clone()), [Broken::Inputs]);
        witness.tensors[0] = shown_input(&statement).to_vec();
        assert_eq!(BATCH.broken(statement.clone(), witness.clone()), [Broken::Leaves]);
        assert_ne!(BATCH.follow_cells(&statement, &mut witness), []);
        assert_eq!(BATCH.broken(statement, witness), [Broken::sum(&BATCH)]);
    }
}

#[test]
fn another_output_of_any_image_is_rejected() {
    for index in 0..IMAGES * OUTPUT {
        assert_eq!(broken(|statement| output_mut(statement).values[index] += 1), [Broken::Output]);
    }
}

#[test]
fn another_input_of_any_image_is_rejected() {
    for index in (0..IMAGES * INPUT).step_by(29) {
        assert_eq!(broken(|statement| input_mut(statement).values[index] ^= 1), [Broken::Inputs]);
    }
}

#[test]
fn a_wrong_cell_of_any_image_in_any_column_is_rejected() {
    for (index, column) in BATCH.relation().columns.iter().enumerate() {
        if matches!(column.leaf, Leaf::Multiplicity(_) | Leaf::Spare) || column.role == Role::Secrets {
            continue;
        }
        for image in 0..IMAGES {
            let pixel = image * (column.pixels / IMAGES);
            let mut witness = BATCH.witness.clone();
            witness.cells[BATCH.cell(ColumnId(index), column.channels / 2, pixel)] += F::ONE;
            rejected(witness, &format!("{:?} of node {:?}, image {image}", column.role, column.node));
        }
    }
}

#[test]
fn cells_of_two_images_cannot_be_exchanged() {
    for (index, column) in BATCH.relation().columns.iter().enumerate() {
        if column.role != Role::Output {
            continue;
        }
        let len = column.pixels / IMAGES;
        let mut witness = BATCH.witness.clone();
        for channel in 0..column.channels {
            for pixel in 0..len {
                let [first, second] = [pixel, 2 * len + pixel].map(|pixel| BATCH.cell(ColumnId(index), channel, pixel));
                witness.cells.swap(first, second);
            }
        }
        assert_ne!(witness.cells, BATCH.witness.cells);
        rejected(witness, &format!("{:?}", column.node));
    }
}

/// Whether the leaves are the true ones or follow the cells.
fn rejected(mut witness: verinfer_prover::Witness, what: &str) {
    let statement = &BATCH.statement;
    assert!(!BATCH.holds(statement, &witness), "{what}");
    assert_ne!(BATCH.broken(statement.clone(), witness.clone()), [], "{what}");
    let _ = BATCH.follow_cells(statement, &mut witness);
    assert!(BATCH.broken(statement.clone(), witness).contains(&Broken::sum(&BATCH)), "{what}");
}

#[test]
fn another_number_of_images_is_rejected() {
    let genuine = BATCH.prove(BATCH.statement.clone(), BATCH.witness.clone()).proof;
    for images in [1, 2, 4, 6] {
        let statement = changed(|statement| {
            statement.images = images as u32;
            for (tensor, len) in [(input_mut as fn(&mut Statement) -> &mut PublicTensor, INPUT), (output_mut, OUTPUT)] {
                let values = &mut tensor(statement).values;
                *values = values.iter().copied().cycle().take(images * len).collect();
            }
        });
        // The messages of a true proof about three images.
        let mut proof = genuine.clone();
        proof.statement = statement.clone();
        assert!(BATCH.verify(&proof.encode()).is_err(), "{images}");
        // The argument for three images, bound to the changed statement.
        let file = BATCH.prove(statement, BATCH.witness.clone()).proof.encode();
        assert!(BATCH.verify(&file).is_err(), "{images}");
    }
    // The number alone, with all else kept.
    for images in [1, 2, 4, u32::MAX] {
        let mut proof = genuine.clone();
        proof.statement.images = images;
        let error = BATCH.verify(&proof.encode()).unwrap_err();
        assert!(matches!(error, VerifyError::Format(_) | VerifyError::OutputShape { .. }), "{images}: {error}");
    }
    let mut proof = genuine;
    proof.statement.images = 0;
    assert_eq!(BATCH.verify(&proof.encode()).unwrap_err(), VerifyError::Format(FormatError::NoImages));
}

#[test]
fn inputs_of_fewer_or_more_images_than_expected_are_refused() {
    let file = BATCH.prove(BATCH.statement.clone(), BATCH.witness.clone()).proof.encode();
    let inputs = [inputs(), inputs()].concat();
    for images in [1, 2, 4] {
        let expected = &inputs[..images * INPUT];
        let demand = Expectations { input: ExpectedInput::Shown(expected.to_vec()), ..EXPECTATIONS.clone() };
        let error = VerifyError::InputLength { found: IMAGES * INPUT, expected: expected.len() };
        assert_eq!(BATCH.verifier.verify(&file, &demand).unwrap_err(), error);
    }
}
