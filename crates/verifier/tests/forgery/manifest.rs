//! The table of all messages: what becomes of a genuine proof in which one is changed.

use std::collections::BTreeSet;

use verinfer_relation::steps;
use verinfer_relation::transcript::Message;
use verinfer_verifier::VerifyError;

use crate::forger::GENUINE;

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Field elements, eight bytes for each coordinate.
    Elements,
    /// A digest or a nonce.
    Bytes,
}

/// The check that notices first that a message was changed, all others having been kept: the first that depends on it or on a challenge drawn
/// after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notices {
    /// The next layer's end.
    LayerChildren,
    /// The sum of the fractions (or, if that is still zero, the topmost layer; or a denominator).
    Fractions,
    /// The contraction's end.
    Contraction,
    /// The next proof of work, which was made for other challenges.
    Grinding,
    /// The Merkle root of the rows before or around.
    MerkleRoot,
    /// The last equation.
    CombinedClaim,
}

/// Every message there is. A message without a row fails `the_table_lists_every_message`.
pub const MESSAGES: [(&str, Content, Notices); 15] = [
    (steps::COMMITMENT, Content::Bytes, Notices::LayerChildren),
    (steps::FRACTIONS, Content::Elements, Notices::Fractions),
    (steps::LAYER_ROUND, Content::Elements, Notices::LayerChildren),
    (steps::LAYER_CHILDREN, Content::Elements, Notices::LayerChildren),
    (steps::ACCUMULATORS, Content::Elements, Notices::Contraction),
    (steps::CONTRACTION_ROUND, Content::Elements, Notices::Contraction),
    (steps::CONTRACTION_INPUT, Content::Elements, Notices::Contraction),
    (steps::FOLD_ROUND, Content::Elements, Notices::Grinding),
    (steps::FOLDED_COMMITMENT, Content::Bytes, Notices::Grinding),
    (steps::OUT_OF_DOMAIN, Content::Elements, Notices::Grinding),
    (steps::GRINDING, Content::Bytes, Notices::Grinding),
    (steps::FINAL_POLYNOMIAL, Content::Elements, Notices::Grinding),
    (steps::ROW, Content::Elements, Notices::MerkleRoot),
    (steps::SIBLING, Content::Bytes, Notices::MerkleRoot),
    (steps::FINAL_ROUND, Content::Elements, Notices::CombinedClaim),
];

/// What a message consists of.
pub fn content(label: &str) -> Content {
    row(label).1
}

/// Whether an error is the one that a change of message `index` must give.
pub fn is_expected(messages: &[Message], index: usize, error: &VerifyError) -> bool {
    let before = |label: &str| messages[..index].iter().filter(|message| message.label == label).count();
    let num_layers = messages.iter().filter(|message| message.label == steps::LAYER_CHILDREN).count();
    let next_layer = || num_layers - 1 - before(steps::LAYER_CHILDREN);
    match row(messages[index].label).2 {
        Notices::LayerChildren => *error == VerifyError::LayerChildren { layer: next_layer() },
        Notices::Fractions => {
            let top = VerifyError::LayerChildren { layer: num_layers - 1 };
            [VerifyError::LookupSum, VerifyError::ZeroDenominator, top].contains(error)
        }
        Notices::Contraction => *error == VerifyError::Contraction,
        Notices::Grinding => *error == VerifyError::Grinding { oracle: before(steps::GRINDING) },
        Notices::MerkleRoot => *error == VerifyError::MerkleRoot { oracle: before(steps::GRINDING) - 1 },
        Notices::CombinedClaim => *error == VerifyError::CombinedClaim,
    }
}

fn row(label: &str) -> &'static (&'static str, Content, Notices) {
    MESSAGES.iter().find(|row| row.0 == label).unwrap()
}

#[test]
fn the_table_lists_every_message() {
    let listed: BTreeSet<&str> = MESSAGES.iter().map(|row| row.0).collect();
    let sent: BTreeSet<&str> = GENUINE.messages.iter().map(|message| message.label).collect();
    assert_eq!(listed, sent);
    assert_eq!(listed.len(), MESSAGES.len());
}

#[test]
fn messages_fill_the_body() {
    let mut end = 0;
    for message in &GENUINE.messages {
        assert_eq!(message.offset, end);
        end += message.len;
    }
    assert_eq!(end, GENUINE.proof.body.len());
}

#[test]
fn verifier_and_prover_agree_where_messages_lie() {
    let accepted = crate::forger::FORGER.verify(&GENUINE.proof.encode()).unwrap();
    assert_eq!(accepted.messages, GENUINE.messages);
}
