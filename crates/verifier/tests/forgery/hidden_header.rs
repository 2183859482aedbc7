//! Changed bytes of what a file says about a hidden model, its inputs and its outputs.

use verinfer_relation::RelationError;
use verinfer_relation::commitment::COMMITMENT_BYTES;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::OutputClaim;
use verinfer_verifier::VerifyError;

use crate::forger::{CONTEXT, Forger};
use crate::hidden::{IMAGES, forgers};

/// A field of the file: name and length, in order.
fn fields(forger: &Forger) -> Vec<(&'static str, usize)> {
    let mut fields =
        vec![("magic, version, level", 12), ("context length", 4), ("context", CONTEXT.len()), ("images", 4), ("model form", 1)];
    fields.extend([("architecture", 32), ("envelope", Envelope::BYTES), ("model commitment", COMMITMENT_BYTES), ("input form", 1)]);
    fields.extend([("objects", IMAGES * COMMITMENT_BYTES), ("output form", 1)]);
    fields.extend(match &forger.statement.output {
        OutputClaim::Shown(tensor) => vec![("shape and type", 13), ("values", tensor.values.len())],
        OutputClaim::Hidden(commitments) => vec![("objects", commitments.len() * COMMITMENT_BYTES)],
        OutputClaim::Rank { labels, .. } => vec![("numbers", 4 + 4 * labels.len())],
        OutputClaim::AtLeast { .. } => vec![("numbers", 4), ("values", 2)],
        OutputClaim::Decided { predicate: Predicate::Top { .. }, holds } => {
            vec![("predicate", 1), ("numbers", 8), ("decisions", holds.len())]
        }
        OutputClaim::Decided { predicate: Predicate::AtLeast { .. }, holds } => {
            vec![("predicate", 1), ("numbers", 4), ("values", 2), ("decisions", holds.len())]
        }
        OutputClaim::Correct { labels, .. } => vec![("numbers", 4), ("values", 4), ("objects", labels.len() * COMMITMENT_BYTES)],
    });
    fields.push(("body length", 4));
    fields
}

/// Whether an error is one that a change of a field may give.
fn is_expected(field: &str, error: &VerifyError) -> bool {
    let challenges = VerifyError::Grinding { oracle: 0 };
    match field {
        "magic, version, level" => matches!(error, VerifyError::Format(_) | VerifyError::InsecureParameters { .. }) || *error == challenges,
        "context" => *error == VerifyError::WrongContext,
        "context length" | "body length" => matches!(error, VerifyError::Format(_) | VerifyError::WrongContext),
        "images" | "model form" | "input form" | "output form" => matches!(error, VerifyError::Format(_)),
        "architecture" | "envelope" => matches!(error, VerifyError::WrongArchitecture { .. }),
        "model commitment" => matches!(error, VerifyError::WrongModelCommitment | VerifyError::Format(_)),
        "objects" => matches!(error, VerifyError::Format(_)) || *error == challenges,
        "shape and type" => matches!(error, VerifyError::Format(_) | VerifyError::OutputShape { .. }),
        // Another class or rank, or none.
        "numbers" => matches!(error, VerifyError::Relation(_)) || *error == challenges,
        // A kind that there is not, or numbers read as another kind's.
        "predicate" => matches!(error, VerifyError::Format(_) | VerifyError::Relation(_)) || *error == challenges,
        // Neither yes nor no, or the other one.
        "decisions" => matches!(error, VerifyError::Format(_)) || *error == challenges,
        // Another value, or a score that no output has.
        "values" => matches!(error, VerifyError::Relation(RelationError::Score { .. })) || *error == challenges,
        _ => false,
    }
}

#[test]
fn the_fields_are_the_file() {
    for (name, forger) in forgers() {
        let proof = forger.prove(forger.statement.clone(), forger.witness.clone()).proof;
        let fields: usize = fields(forger).iter().map(|field| field.1).sum();
        assert_eq!(fields + proof.body.len(), proof.encode().len(), "{name}");
    }
}

#[test]
fn every_byte_of_every_field_matters() {
    for (name, forger) in forgers() {
        let file = forger.prove(forger.statement.clone(), forger.witness.clone()).proof.encode();
        let mut start = 0;
        for (field, len) in fields(forger) {
            // Of many bytes some; each has another bit changed.
            for at in (start..start + len).step_by(if len > 64 { 37 } else { 1 }) {
                let mut file = file.clone();
                file[at] ^= 1 << (at % 8);
                let error = forger.verify(&file).unwrap_err();
                assert!(is_expected(field, &error), "{name}: {field}, byte {at}: {error}");
            }
            start += len;
        }
    }
}
