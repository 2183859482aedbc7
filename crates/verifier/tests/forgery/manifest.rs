//! The table of all messages: what becomes of a genuine proof in which one is changed.

use std::collections::BTreeSet;

use verinfer_relation::steps;
use verinfer_relation::transcript::Message;
use verinfer_verifier::VerifyError;

use crate::forger::{FORGER, GENUINE};
use crate::hidden::{HIDDEN, HIDDEN_GENUINE};

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
    /// The next proof of work; or that it is zero.
    Denominator,
    /// The next proof of work, which was made for other challenges.
    Grinding,
    /// The Merkle root of the rows before or around.
    MerkleRoot,
    /// The last equation.
    CombinedClaim,
}

/// Every message there is. A message without a row fails `the_table_lists_every_message`.
pub const MESSAGES: [(&str, Content, Notices); 20] = [
    (steps::COMMITMENT, Content::Bytes, Notices::Grinding),
    (steps::DENOMINATOR, Content::Elements, Notices::Denominator),
    (steps::LAYER_ROUND, Content::Elements, Notices::Grinding),
    (steps::LAYER_CHILDREN, Content::Elements, Notices::Grinding),
    (steps::ACCUMULATORS, Content::Elements, Notices::Grinding),
    (steps::CONTRACTION_ROUND, Content::Elements, Notices::Grinding),
    (steps::CONTRACTION_ENDS, Content::Elements, Notices::Grinding),
    (steps::SCALING_ROUND, Content::Elements, Notices::Grinding),
    (steps::SCALING_ENDS, Content::Elements, Notices::Grinding),
    (steps::SACRIFICE, Content::Elements, Notices::Grinding),
    (steps::MASK_SUM, Content::Elements, Notices::Grinding),
    (steps::BLINDING, Content::Elements, Notices::Grinding),
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
    match row(messages[index].label).2 {
        Notices::Denominator => [VerifyError::Grinding { oracle: 0 }, VerifyError::ZeroDenominator].contains(error),
        Notices::Grinding => *error == VerifyError::Grinding { oracle: before(steps::GRINDING) },
        Notices::MerkleRoot => *error == VerifyError::MerkleRoot { oracle: before(steps::GRINDING) - 1 },
        Notices::CombinedClaim => *error == VerifyError::CombinedClaim,
    }
}

fn row(label: &str) -> &'static (&'static str, Content, Notices) {
    MESSAGES.iter().find(|row| row.0 == label).unwrap()
}

/// Labels under which challenges are drawn, and nothing is sent.
const CHALLENGES: [&str; 9] = [
    steps::LOOKUP_CHALLENGES,
    steps::LAYER_COMBINATION,
    steps::LEAF_COMBINATION,
    steps::SCALING_COMBINATION,
    steps::COMMITMENT_CHECK,
    steps::CLAIM_COMBINATION,
    steps::MASK_POINTS,
    steps::QUERIES,
    steps::QUERY_COMBINATION,
];

#[test]
fn the_table_lists_every_message() {
    let listed: BTreeSet<&str> = MESSAGES.iter().map(|row| row.0).collect();
    let messages = GENUINE.messages.iter().chain(&HIDDEN_GENUINE.messages);
    let sent: BTreeSet<&str> = messages.map(|message| message.label).collect();
    assert_eq!(listed, sent);
    assert_eq!(listed.len(), MESSAGES.len());
}

#[test]
fn every_label_is_of_a_message_or_of_a_challenge() {
    let source = include_str!("../../../relation/src/steps.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
    let listed: BTreeSet<&str> = MESSAGES.iter().map(|row| row.0).chain(CHALLENGES).collect();
    assert_eq!(constants.collect::<BTreeSet<_>>(), listed);
    assert_eq!(listed.len(), MESSAGES.len() + CHALLENGES.len());
}

#[test]
fn messages_fill_the_body() {
    for proved in [&*GENUINE, &HIDDEN_GENUINE] {
        let mut end = 0;
        for message in &proved.messages {
            assert_eq!(message.offset, end);
            end += message.len;
        }
        assert_eq!(end, proved.proof.body.len());
    }
}

#[test]
fn verifier_and_prover_agree_where_messages_lie() {
    for (forger, proved) in [(&*FORGER, &*GENUINE), (&HIDDEN, &HIDDEN_GENUINE)] {
        assert_eq!(forger.verify(&proved.proof.encode()).unwrap().messages, proved.messages);
    }
}
