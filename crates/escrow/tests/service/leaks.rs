//! What strangers learn: everything that the escrow shows to anybody is searched for hidden values, and for digests of guesses at them.

use std::collections::BTreeSet;

use crate::common::accuracy::{Customer, Provider, stake};
use crate::common::model::Model;
use crate::common::{LONG, Running, hex, key, on_each_database, serving};
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::agreement;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::serving::{Move, answer_digest};

/// All that the escrow shows of an agreement without a signature, as one text.
fn shown(running: &Running, id: AgreementId) -> String {
    let (url, customer, provider) = (running.url(), key(1).account(), key(2).account());
    let paths = [
        "/".to_owned(),
        format!("/agreements/{id}"),
        format!("/v1/agreements/{id}"),
        "/v1/log".to_owned(),
        format!("/v1/accounts/{customer}"),
        format!("/v1/accounts/{provider}"),
    ];
    let read = |path: &String| ureq::get(format!("{url}{path}")).call().unwrap().body_mut().read_to_string().unwrap();
    paths.iter().map(read).collect()
}

/// A list of integers as it would stand in JSON.
fn listed(values: &[i16]) -> String {
    serde_json::to_string(values).unwrap()
}

/// Values in every form in which they could be shown, and the digests of it by which a guess could be recognised.
fn forms(values: &[i16], input: &Digest) -> Vec<String> {
    let unsalted = Digest::of_bytes(&canonical(values));
    let bytes: Vec<u8> = values.iter().map(|value| value.to_le_bytes()[0]).collect();
    vec![listed(values), hex(&bytes), hex(&canonical(values)), unsalted.to_string(), answer_digest(input, &unsalted).to_string()]
}

#[test]
fn strangers_learn_no_prediction_and_can_test_no_guess_at_one() {
    let model = Model::digits();
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1), &key(2), &key(3)], 1000);
        let (customer, provider, other) = (running.client(&key(1)), running.client(&key(2)), running.client(&key(3)));
        let inputs: Vec<_> = (0..3).map(|number| model.input(number)).collect();
        let terms = serving::terms(key(1).account(), key(2).account(), model.digest(), 3, LONG);
        let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
        let mut texts = Vec::new();
        let mut act = |client: &verinfer_escrow_client::Client, action| {
            client.act(id, agreement::Move::Serving(action)).unwrap();
            texts.push(shown(&running, id));
        };
        let answer = |index: u32| serving::answer(&model, id, index, &inputs[index as usize], &key(2));
        act(&provider, Move::Accept);
        act(&customer, Move::Send { inputs: inputs.iter().map(|input| input.digest().unwrap()).collect() });
        act(&provider, Move::Confirm);
        act(&customer, Move::Record { answers: vec![answer(0)] });
        act(&customer, Move::Demand);
        let demanded = [1, 2].map(|index: usize| provider.leave_file(id, &serving::salted(&model, &inputs[index]).encode()).unwrap());
        act(&provider, Move::Answer { answers: vec![answer(1), answer(2)], scores: demanded.to_vec() });
        act(&customer, Move::Contest { inputs: BTreeSet::from([0, 2]) });
        provider.leave_file(id, &model.public).unwrap();
        let proof = provider.leave_file(id, &serving::prove(&model, id, &[&inputs[0], &inputs[2]])).unwrap();
        let salts = provider.leave_file(id, &serving::salts(2)).unwrap();
        act(&provider, Move::Prove { proof, salts, inputs: vec![0, 2] });

        let text = texts.concat();
        for input in &inputs {
            let (scores, digest) = (model.scores(input), input.digest().unwrap());
            let forms = [forms(&scores, &digest), forms(&input.values(), &digest)].concat();
            assert!(forms.iter().all(|form| !text.contains(form)), "{forms:?}");
            // That it is searched at all: what may be public is found.
            assert!(
                text.contains(&digest.to_string())
                    && text.contains(&answer_digest(&digest, &serving::salted(&model, input).digest()).to_string())
            );
        }
        assert!(!text.contains(&hex(&serving::salts(1)[1..])), "a salt");
        // Files are the parties'.
        for file in demanded.into_iter().chain([proof, salts, model.digest()]) {
            assert_eq!(other.file(id, file).unwrap_err().kind(), Some("no_access"));
            let url = format!("{}/v1/agreements/{id}/files/{file}", running.url());
            assert!(matches!(ureq::get(url).call(), Err(ureq::Error::StatusCode(401))));
            customer.file(id, file).unwrap();
        }
        running.stop();
    });
}

#[test]
fn strangers_learn_of_an_accuracy_how_many_labels_are_right_and_neither_labels_nor_scores() {
    let model = Model::digits();
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1), &key(2)], 100_000);
        let (customer, provider) = (running.client(&key(1)), running.client(&key(2)));
        let stake = stake(&provider, model.digest());
        let (mut asks, mut serves, mut delivered) = (Customer::new(&model, 4, Evidence::Outputs), Provider::default(), Vec::new());
        let terms = asks.terms(key(1).account(), key(2).account(), model.digest(), stake);
        let id = customer.open(agreement::Terms::Accuracy(terms)).unwrap();
        let mut text = String::new();
        loop {
            let view = customer.agreement(id).unwrap();
            if view.ended {
                break;
            }
            assert!(asks.advance(&customer, &view, &mut delivered) || serves.advance(&provider, &model, &view, &delivered), "{view:?}");
            text += &shown(&running, id);
        }
        for number in 0..4 {
            let input = model.input(number);
            let scores = model.scores(&input);
            assert!(![listed(&scores), listed(&input.values())].iter().any(|form| text.contains(form)));
        }
        // Labels are opened with their class beside their salt.
        assert!(text.contains("\"count\":3") && !text.contains("\"class\":") && !text.contains("\"salt\":"));
        running.stop();
    });
}
