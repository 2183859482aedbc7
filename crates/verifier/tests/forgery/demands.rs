//! True proofs that do not say what was demanded of the outputs, or are about too many images.

use verinfer_relation::commitment::Commitment;
use verinfer_relation::statement::{OutputClaim, Statement};
use verinfer_verifier::{Accepted, Expectations, ExpectedOutput, OutputKind, VerifyError};

use crate::forger::{EXPECTATIONS, Forger};
use crate::hidden::{AT_LEAST, COMMITTED, CORRECT, HIDDEN, IMAGES, RANK, forgers, labels};

fn verify(forger: &Forger, expectations: &Expectations<'_>) -> Result<Accepted, VerifyError> {
    let file = forger.prove(forger.statement.clone(), forger.witness.clone()).proof.encode();
    forger.verifier.verify(&file, expectations)
}

/// Why a true proof is not what was demanded.
fn verdict(forger: &Forger, output: ExpectedOutput<'_>) -> Result<(), VerifyError> {
    verify(forger, &Expectations { output, ..EXPECTATIONS }).map(|_| ())
}

/// The commitments to outputs or labels.
fn commitments(statement: &Statement) -> Vec<Commitment> {
    match &statement.output {
        OutputClaim::Hidden(commitments) | OutputClaim::Correct { labels: commitments, .. } => commitments.clone(),
        OutputClaim::Shown(_) | OutputClaim::Rank { .. } | OutputClaim::AtLeast { .. } => Vec::new(),
    }
}

#[test]
fn each_form_is_accepted_where_it_is_demanded_and_nowhere_else() {
    let (outputs, hidden_labels, labels) = (commitments(&COMMITTED.statement), commitments(&CORRECT.statement), labels());
    let demands = [
        (OutputKind::Shown, ExpectedOutput::Shown),
        (OutputKind::Committed, ExpectedOutput::Committed(&outputs)),
        (OutputKind::Rank, ExpectedOutput::Rank { labels: &labels, k: 2 }),
        (OutputKind::AtLeast, ExpectedOutput::AtLeast { class: 2, value: -20 }),
        (OutputKind::Correct, ExpectedOutput::Correct { labels: &hidden_labels, k: 1, count: 1 }),
    ];
    for ((name, forger), (found, _)) in forgers().into_iter().zip(demands) {
        assert_eq!(verdict(forger, ExpectedOutput::Any), Ok(()), "{name}");
        for (expected, demand) in demands {
            let refused = if found == expected { Ok(()) } else { Err(VerifyError::WrongOutputForm { found, expected }) };
            assert_eq!(verdict(forger, demand), refused, "{name}");
        }
    }
}

#[test]
fn other_outputs_than_demanded_are_refused() {
    let mut outputs = commitments(&COMMITTED.statement);
    for images in [0, 1] {
        let error = VerifyError::OutputCount { found: IMAGES, expected: images };
        assert_eq!(verdict(&COMMITTED, ExpectedOutput::Committed(&outputs[..images])), Err(error));
    }
    outputs[1] = outputs[0];
    assert_eq!(verdict(&COMMITTED, ExpectedOutput::Committed(&outputs)), Err(VerifyError::WrongOutputCommitment { image: 1 }));
}

#[test]
fn other_labels_and_larger_ranks_than_demanded_are_refused() {
    let labels = labels();
    let rank = |labels: &[u32], k| verdict(&RANK, ExpectedOutput::Rank { labels, k });
    assert_eq!(rank(&labels, 3), Ok(()));
    assert_eq!(rank(&labels, 1), Err(VerifyError::LowerRank { found: 2, expected: 1 }));
    assert_eq!(rank(&labels[..1], 2), Err(VerifyError::LabelCount { found: IMAGES, expected: 1 }));
    let others = [labels[0], labels[1] + 1];
    assert_eq!(rank(&others, 2), Err(VerifyError::WrongLabel { image: 1, found: labels[1], expected: others[1] }));
}

#[test]
fn lower_scores_than_demanded_and_those_of_other_classes_are_refused() {
    let at_least = |class, value| verdict(&AT_LEAST, ExpectedOutput::AtLeast { class, value });
    assert_eq!(at_least(2, -21), Ok(()));
    assert_eq!(at_least(2, -19), Err(VerifyError::LowerScore { found: -20, expected: -19 }));
    assert_eq!(at_least(1, -20), Err(VerifyError::WrongClass { found: 2, expected: 1 }));
}

#[test]
fn fewer_correct_labels_than_demanded_and_other_labels_are_refused() {
    let mut labels = commitments(&CORRECT.statement);
    let correct = |labels: &[Commitment], k, count| verdict(&CORRECT, ExpectedOutput::Correct { labels, k, count });
    assert_eq!(correct(&labels, u32::MAX, 0), Ok(()));
    assert_eq!(correct(&labels, 1, 2), Err(VerifyError::FewerCorrect { found: 1, expected: 2 }));
    assert_eq!(correct(&labels, 0, 1), Err(VerifyError::LowerRank { found: 1, expected: 0 }));
    assert_eq!(correct(&labels[..1], 1, 1), Err(VerifyError::LabelCount { found: IMAGES, expected: 1 }));
    labels.swap(0, 1);
    assert_eq!(correct(&labels, 1, 1), Err(VerifyError::WrongLabelCommitment { image: 0 }));
}

#[test]
fn more_images_than_allowed_are_refused() {
    for (limit, refused) in [(0, true), (1, true), (2, false), (3, false)] {
        let error = verify(&HIDDEN, &Expectations { max_images: limit, ..EXPECTATIONS }).err();
        assert_eq!(error, refused.then_some(VerifyError::TooManyImages { found: IMAGES as u32, limit }));
    }
}

#[test]
fn what_is_demanded_is_not_believed_without_its_argument() {
    // A prover who claims just what is demanded, over the messages of a weaker statement.
    let mut proof = RANK.prove(RANK.statement.clone(), RANK.witness.clone()).proof;
    let labels = labels();
    proof.statement.output = OutputClaim::Rank { labels: labels.clone(), k: 1 };
    let expectations = Expectations { output: ExpectedOutput::Rank { labels: &labels, k: 1 }, ..EXPECTATIONS };
    assert_eq!(RANK.verifier.verify(&proof.encode(), &expectations).unwrap_err(), VerifyError::Grinding { oracle: 0 });
}
