//! What proofs must say, and what of it the escrow writes into a log that everybody reads.

use verinfer_escrow::proofs::{Asked, ProofRejection, verify};
use verinfer_protocols::digest::canonical;
use verinfer_protocols::member::{LabelSalt, OpenedLabel};
use verinfer_protocols::statement::{Output, Predicate};
use verinfer_relation::setting::{self, OutputForm};
use verinfer_verifier::{OutputKind, VerifyError};

use crate::common::model::Model;
use crate::common::serving;

const CONTEXT: &[u8] = b"some stage of some agreement";

/// A proof that shows more than whether the predicate holds is refused, whatever it shows: it would hand over documents.
#[test]
fn a_proof_about_a_document_shows_the_predicate_or_its_negation_and_nothing_else() {
    let model = Model::digits();
    let inputs = [model.input(0), model.input(1)];
    let [first, second] = [0, 1].map(|input: usize| model.class(&inputs[input]));
    let predicate = Predicate::Top { class: first, k: 1 };
    let asked = Asked::Decision(predicate);
    let prove = |output| model.prove(&[&inputs[0], &inputs[1]], output, &[], CONTEXT);
    let top = setting::Predicate::Top { class: first, k: 1 };
    let decided = |predicate, holds: [bool; 2]| prove(OutputForm::Decided { predicate, holds: holds.to_vec() });
    let holds = [true, first == second];
    let statement = verify(&model.public, &decided(top, holds), CONTEXT, asked, &[]).unwrap();
    assert_eq!(statement.output, Output::Decided { predicate, holds: holds.to_vec() });

    let refused = |proof: &[u8]| match verify(&model.public, proof, CONTEXT, asked, &[]).unwrap_err() {
        ProofRejection::Verify(error) => error,
        other => panic!("{other}"),
    };
    for (form, found) in [
        (OutputForm::Shown, OutputKind::Shown),
        (OutputForm::Rank { labels: vec![first, second], k: 1 }, OutputKind::Rank),
        (OutputForm::AtLeast { class: first, value: -128 }, OutputKind::AtLeast),
    ] {
        assert_eq!(refused(&prove(form)), VerifyError::WrongOutputForm { found, expected: OutputKind::Decided });
    }
    let other = setting::Predicate::AtLeast { class: first, value: -128 };
    assert_eq!(refused(&decided(other, [true, true])), VerifyError::WrongPredicate { found: other, expected: top });
}

#[test]
fn the_log_has_neither_scores_nor_labels_of_what_proofs_show_the_escrow() {
    let model = Model::digits();
    let inputs = [model.input(0), model.input(1)];
    let proof = model.prove(&[&inputs[0], &inputs[1]], OutputForm::Shown, &[], CONTEXT);
    let digests: Vec<_> = inputs.iter().map(|input| input.digest().unwrap()).collect();
    let salted = inputs.iter().map(|input| serving::salted(&model, input).digest()).collect();
    let statement = verify(&model.public, &proof, CONTEXT, Asked::Predictions, &serving::salts(2)).unwrap();
    assert_eq!((statement.inputs, statement.output), (digests, Output::Salted(salted)));

    // One label is right.
    let label = |class, byte| OpenedLabel { class, salt: LabelSalt([byte; 32]) };
    let labels = vec![label(model.class(&inputs[0]), 1), label((model.class(&inputs[1]) + 1) % model.classes(), 2)];
    let asked = Asked::Labels { top: 1 };
    let statement = verify(&model.public, &proof, CONTEXT, asked, &canonical(&labels)).unwrap();
    assert_eq!(statement.output, Output::Correct { labels: labels.iter().map(OpenedLabel::digest).collect(), k: 1, count: 1 });

    for opening in [Vec::new(), canonical(&labels[..1]), [canonical(&labels), vec![0]].concat(), serving::salts(3)] {
        for asked in [asked, Asked::Predictions] {
            let error = verify(&model.public, &proof, CONTEXT, asked, &opening).unwrap_err();
            assert!(matches!(error, ProofRejection::Opening { images: 2 }), "{error}");
        }
    }
    let error = verify(&model.public, &proof, CONTEXT, Asked::Count, &[]).unwrap_err();
    assert!(matches!(error, ProofRejection::Verify(VerifyError::WrongOutputForm { expected: OutputKind::Correct, .. })), "{error}");
}
