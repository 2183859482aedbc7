//! Who learns what: everything that a stranger, the operator and each party have seen of a run is searched for what is hidden from them, and for digests by
//! which they could test a guess.

use std::collections::HashSet;

use verinfer_commitments::{Kind, Secret};
use verinfer_items::{Document, Example, Label, OpenedInput};
use verinfer_parties::Store;
use verinfer_parties::wire::{Prediction, SentModel};
use verinfer_protocols::digest::{Digest, canonical};

use crate::world::World;
use crate::world::play::Play;
use crate::world::seen::{Seen, holds};

/// Bytes in a row by which hidden values are recognised.
const WINDOW: usize = 16;

/// Characters of a list of so many numbers that are compared.
const TEXT: usize = 31;

/// What a player must not have.
#[derive(Default)]
struct Hidden {
    /// As they are, and as hexadecimal digits.
    windows: HashSet<Vec<u8>>,
    /// As lists of numbers.
    texts: HashSet<Vec<u8>>,
    /// Digests of guesses.
    digests: Vec<Digest>,
}

impl Hidden {
    /// Bytes that nobody finds by chance: windows of less than six different ones are no evidence.
    fn add(&mut self, bytes: &[u8]) {
        let telling = |window: &&[u8]| window.iter().collect::<HashSet<_>>().len() >= 6;
        for window in bytes.windows(WINDOW).filter(telling) {
            self.windows.insert(window.to_vec());
            let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
            self.windows.extend(hex.as_bytes().windows(WINDOW).map(<[u8]>::to_vec));
            self.list(&window.iter().map(|&byte| i16::from(byte)).collect::<Vec<_>>());
        }
        self.digests.extend([Digest::of_bytes(bytes), Digest::of_bytes(&canonical(bytes))]);
    }

    fn list(&mut self, numbers: &[i16]) {
        let text = serde_json::to_string(numbers).unwrap();
        self.texts.extend(text.as_bytes().get(1..=TEXT).map(<[u8]>::to_vec));
    }

    /// Values in each form that they have somewhere.
    fn values(&mut self, input: &OpenedInput) {
        let signed = input.values();
        let bytes = |value: &i16| value.to_le_bytes()[0];
        self.add(&input.values);
        self.add(&signed.iter().map(bytes).collect::<Vec<_>>());
        signed.windows(WINDOW).filter(|window| window.iter().collect::<HashSet<_>>().len() >= 6).for_each(|window| self.list(window));
        self.digests.push(Digest::of_bytes(&canonical(&signed)));
    }

    fn input(&mut self, input: &OpenedInput) {
        self.values(input);
        self.add(&input.salt);
    }

    fn scores(&mut self, prediction: &Prediction) {
        let scores = &prediction.scores.scores;
        self.add(&prediction.scores.salt.0);
        self.add(&canonical(scores));
        self.list(scores);
        self.digests.push(Digest::of_bytes(&canonical(scores)));
    }

    /// What of it is among some bytes.
    fn found(&self, seen: &[u8]) -> Option<String> {
        assert!(!self.windows.is_empty() && !seen.is_empty());
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_default().to_string();
        let among = |set: &HashSet<Vec<u8>>, len| seen.windows(len).find(|window| set.contains(*window)).map(shown);
        let is_digest = |digest: &&Digest| holds(seen, &digest.0) || holds(seen, digest.to_string().as_bytes());
        let digest = || self.digests.iter().find(is_digest).map(|digest| format!("the digest of a guess, {digest}"));
        among(&self.windows, WINDOW).or_else(|| among(&self.texts, TEXT)).or_else(digest)
    }
}

fn assert_hidden(what: &str, from: &[(&str, &[u8])], hide: impl FnOnce(&mut Hidden)) {
    let mut hidden = Hidden::default();
    hide(&mut hidden);
    for (whom, seen) in from {
        assert_eq!(hidden.found(seen), None, "{what}: {whom} has it");
    }
}

fn assert_known(what: &str, seen: &[u8], hide: impl FnOnce(&mut Hidden)) {
    let mut hidden = Hidden::default();
    hide(&mut hidden);
    assert!(hidden.found(seen).is_some(), "{what}: it is not found where it is");
}

fn kept<T: serde::de::DeserializeOwned>(store: &Store, scope: &str) -> Vec<T> {
    let all: Vec<T> = store.list(scope).map(|kept| kept.unwrap().1).collect();
    assert!(!all.is_empty(), "{scope}");
    all
}

/// The keys with which a party opens what it is sent, and the salt of its model if it has committed to one.
fn own(store: &Store) -> Vec<Vec<u8>> {
    let receiver: Option<[u8; 32]> = store.get("self", "receiver").unwrap();
    receiver.map(Vec::from).into_iter().chain(store.get("self", "salt").unwrap()).collect()
}

fn assert_keys_are_kept_to_themselves(seen: &Seen) {
    let others: [(&str, &[u8]); 2] = [("a stranger", &seen.stranger), ("the operator", &seen.operator)];
    let [server, asker] = [&seen.server, &seen.asker].map(Vec::as_slice);
    for (store, own_bytes, other) in [(&seen.states[0], server, asker), (&seen.states[1], asker, server)] {
        for key in own(store) {
            assert_known("a key", own_bytes, |hidden| hidden.add(&key));
            assert_hidden("a key", &[others[0], others[1], ("the other party", other)], |hidden| hidden.add(&key));
        }
    }
    assert!(!own(&seen.states[0]).is_empty());
}

#[test]
fn examples_of_an_accuracy_are_the_customers_and_the_provider_forgets_them() {
    let seen = World::start(Play::HONEST[0], None).look();
    let examples: Vec<(Example, Digest)> = kept(&seen.states[1], "examples");
    let hide = |hidden: &mut Hidden| {
        for (example, _) in &examples {
            hidden.input(&example.input);
            let Label::Opened(opened) = &example.label else { panic!("labels are opened here") };
            hidden.add(&opened.salt.0);
        }
    };
    assert_known("examples", &seen.asker, hide);
    // The operator has the labels of those that were proved, opened beside the proof; not their inputs.
    let inputs = |hidden: &mut Hidden| examples.iter().for_each(|(example, _)| hidden.input(&example.input));
    assert_hidden("examples", &[("a stranger", &seen.stranger), ("the provider, afterwards,", &seen.server)], hide);
    assert_hidden("inputs of examples", &[("the operator", &seen.operator)], inputs);
    assert_keys_are_kept_to_themselves(&seen);
}

#[test]
fn predictions_are_the_two_parties_and_the_operator_sees_those_that_are_contested() {
    let seen = World::start(Play::HONEST[1], None).look();
    let inputs: Vec<(OpenedInput, Digest)> = kept(&seen.states[1], "inputs");
    let predictions: Vec<Prediction> = kept(&seen.states[1], "predictions");
    let contested: std::collections::BTreeSet<u32> = seen.states[1].get("deal", "contested").unwrap().unwrap();
    assert_eq!((inputs.len(), predictions.len(), contested.len()), (4, 4, 3));
    let hide = |hidden: &mut Hidden| inputs.iter().for_each(|(input, _)| hidden.input(input));
    assert_known("inputs", &seen.asker, hide);
    assert_hidden(
        "inputs",
        &[("a stranger", &seen.stranger), ("the operator", &seen.operator), ("the provider, afterwards,", &seen.server)],
        hide,
    );
    let scores = |hidden: &mut Hidden| predictions.iter().for_each(|prediction| hidden.scores(prediction));
    assert_known("predictions", &seen.asker, scores);
    assert_known("predictions", &seen.server, scores);
    assert_hidden("predictions", &[("a stranger", &seen.stranger)], scores);
    let is_contested = |prediction: &&Prediction| contested.contains(&prediction.answer.index);
    let uncontested = |hidden: &mut Hidden| {
        predictions.iter().filter(|prediction| !is_contested(prediction)).for_each(|prediction| hidden.scores(prediction))
    };
    assert_hidden("a prediction that was not contested", &[("the operator", &seen.operator)], uncontested);
    assert_known("contested predictions", &seen.operator, |hidden| {
        predictions.iter().filter(is_contested).for_each(|prediction| hidden.scores(prediction))
    });
    assert_keys_are_kept_to_themselves(&seen);
}

#[test]
fn documents_that_do_not_match_are_the_responders_and_the_model_is_the_requesters() {
    let seen = World::start(Play::HONEST[2], None).look();
    let corpus: Vec<(Document, Digest)> = kept(&seen.states[0], "documents");
    let matches: Vec<(u32, Document)> = kept(&seen.states[1], "documents");
    assert!(matches.len() < corpus.len());
    let hide = |hidden: &mut Hidden| {
        for (index, (document, _)) in (0..).zip(&corpus) {
            if matches.iter().all(|(place, _)| *place != index) {
                hidden.input(&document.content);
            }
        }
    };
    assert_known("documents that do not match", &seen.server, hide);
    assert_hidden(
        "documents that do not match",
        &[("a stranger", &seen.stranger), ("the operator", &seen.operator), ("the requester", &seen.asker)],
        hide,
    );
    let matching = |hidden: &mut Hidden| matches.iter().for_each(|(_, document)| hidden.input(&document.content));
    assert_known("documents that match", &seen.asker, matching);
    assert_hidden("documents that match", &[("a stranger", &seen.stranger), ("the operator", &seen.operator)], matching);
    let sent: SentModel = seen.states[1].get("deal", "model").unwrap().unwrap();
    // A file begins and ends as others do.
    let model = |hidden: &mut Hidden| {
        hidden.add(&Secret::decode_as(&sent.secret, Kind::Model).unwrap().salt[..]);
        hidden.add(&sent.file[sent.file.len() / 2..][..64]);
    };
    assert_known("the model", &seen.asker, model);
    assert_hidden(
        "the model",
        &[("a stranger", &seen.stranger), ("the operator", &seen.operator), ("the responder, afterwards,", &seen.server)],
        model,
    );
    assert_keys_are_kept_to_themselves(&seen);
}
