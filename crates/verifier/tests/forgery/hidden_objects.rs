//! Commitments to inputs, outputs and labels other than those to the cells.

use p3_field::PrimeCharacteristicRing;
use verinfer_prover::Execution;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::field::F;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::OutputForm;
use verinfer_relation::statement::{InputClaim, OutputClaim, Statement};

use crate::forger::Forger;
use crate::hidden::{COMMITTED, CORRECT, HIDDEN, IMAGES, hidden_network, inputs, labels, ranked, setting};
use crate::unmasked::Broken;

/// The commitments of a statement to inputs, or to outputs or labels.
fn commitments(statement: &mut Statement, of_inputs: bool) -> &mut Vec<Commitment> {
    match (of_inputs, &mut statement.input, &mut statement.output) {
        (true, InputClaim::Hidden(commitments), _) => commitments,
        (false, _, OutputClaim::Hidden(commitments) | OutputClaim::Correct { labels: commitments, .. }) => commitments,
        _ => panic!("nothing is hidden"),
    }
}

/// What the true witness breaks with other commitments.
fn broken(forger: &Forger, of_inputs: bool, change: impl FnOnce(&mut Vec<Commitment>)) -> Vec<Broken> {
    let mut statement = forger.statement.clone();
    change(commitments(&mut statement, of_inputs));
    forger.broken(statement, forger.witness.clone())
}

/// A forger, whether the objects are inputs, and the object of an image.
type Case = (&'static Forger, bool, fn(usize) -> ObjectKind);

/// Objects that there are for each image.
fn cases() -> [Case; 3] {
    [(&HIDDEN, true, ObjectKind::Input), (&COMMITTED, false, ObjectKind::Output), (&CORRECT, false, ObjectKind::Label)]
}

#[test]
fn another_coordinate_of_a_commitment_is_rejected() {
    for (forger, of_inputs, kind) in cases() {
        for (image, coordinate) in [(0, 0), (1, 127), (1, 64)] {
            let found = broken(forger, of_inputs, |commitments| commitments[image].0[coordinate] += F::ONE);
            assert_eq!(found, [Broken::Committed(kind(image))]);
        }
    }
}

#[test]
fn commitments_of_two_images_cannot_be_exchanged_nor_can_one_stand_for_both() {
    for (forger, of_inputs, kind) in cases() {
        assert_eq!(broken(forger, of_inputs, |commitments| commitments.swap(0, 1)), [0, 1].map(|image| Broken::Committed(kind(image))));
        assert_eq!(broken(forger, of_inputs, |commitments| commitments[1] = commitments[0]), [Broken::Committed(kind(1))]);
    }
}

#[test]
fn a_commitment_to_an_output_does_not_stand_for_an_input() {
    let output = *COMMITTED.statement.commitment(ObjectKind::Output(0)).unwrap();
    assert_eq!(broken(&COMMITTED, true, |commitments| commitments[0] = output), [Broken::Committed(ObjectKind::Input(0))]);
}

#[test]
fn another_execution_does_not_open_the_commitments_of_this_one() {
    let mut other_inputs = inputs();
    // The second image becomes another; the salts are the same.
    other_inputs[72..].iter_mut().for_each(|value| *value = -1 - *value);
    for (forger, of_inputs, output) in [(&*HIDDEN, true, OutputForm::Shown), (&*COMMITTED, false, OutputForm::Committed)] {
        let execution = Execution { input: &other_inputs, ..Execution::default() };
        let other = Forger::with_setting(hidden_network(|_| ()), IMAGES, &setting(output), &execution);
        let mut statement = other.statement.clone();
        commitments(&mut statement, of_inputs).clone_from(commitments(&mut forger.statement.clone(), of_inputs));
        let kind = if of_inputs { ObjectKind::Input(1) } else { ObjectKind::Output(1) };
        let proved = other.prove(statement, other.witness.clone());
        assert_eq!(forger.broken_by(&proved, &other.witness.cells), [Broken::Committed(kind)]);
    }
}

#[test]
fn another_label_does_not_open_the_commitment_to_this_one() {
    // One more label is right, labels of another image, or one that is as wrong as the true one.
    for wrong in [vec![ranked(0, 0), ranked(1, 0)], labels().into_iter().rev().collect(), vec![ranked(0, 0), ranked(1, 5)]] {
        let count = (0..IMAGES).filter(|&image| wrong[image] == ranked(image, 0)).count() as u32;
        let execution = Execution { input: &inputs(), labels: &wrong, salts: &[] };
        let other = Forger::with_setting(hidden_network(|_| ()), IMAGES, &setting(OutputForm::Correct { k: 1, count }), &execution);
        let mut statement = other.statement.clone();
        commitments(&mut statement, false).clone_from(commitments(&mut CORRECT.statement.clone(), false));
        let expected: Vec<Broken> =
            (0..IMAGES).filter(|&image| wrong[image] != labels()[image]).map(|image| Broken::Committed(ObjectKind::Label(image))).collect();
        assert_eq!(other.broken(statement, other.witness.clone()), expected);
    }
}
