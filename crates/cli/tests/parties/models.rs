//! Models that requesters send to a responder before it has accepted anything.

use std::sync::Arc;

use verinfer_commitments::draw_salt;
use verinfer_import::import_tflite;
use verinfer_parties::http::Service;
use verinfer_parties::retrieval::responder::{Means, Policy, Responder};
use verinfer_parties::time::Time;
use verinfer_parties::wire::{Offer, SentModel, Topic};
use verinfer_parties::{Model, Store};
use verinfer_protocols::agreement::Terms;
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_protocols::retrieval::{self, Periods, Predicate};
use verinfer_protocols::time::Millis;
use verinfer_sealing::{Envelope, ReceiverPublic};

use crate::several::{World, units};

const FILE: &[u8] = include_bytes!("../../../../models/digits/digits_int8.tflite");

#[test]
fn responder_keeps_no_more_models_than_it_has_places_and_none_that_it_would_not_accept() {
    let world = World::start();
    let model = Model::commit(import_tflite(FILE).unwrap().graph, draw_salt().unwrap()).unwrap();
    let means = Means {
        key: world.key.clone(),
        client: world.provider.clone(),
        store: Store::open(&world.folder.path().join("responder.state")).unwrap(),
        documents: vec![vec![0; 64]],
        input: model.input(),
        source: None,
        policy: Policy {
            price: units(5),
            bond: units(1000),
            time: Time { respond: Millis(0), inference: Millis(0), proof: Millis(0) },
            agreements: 1,
            batch: 1,
        },
    };
    let responder = Responder::new(means, Arc::new(|_: &str| ())).unwrap();
    let about = responder.about().unwrap();
    let Offer::Documents { corpus, source } = about.offer else { panic!("{:?}", about.offer) };
    let send = |number: u8, price: u64| {
        let hour = Millis(3_600_000);
        let terms = retrieval::Terms {
            requester: world.customer.account(),
            responder: about.account,
            model: model.digest(),
            corpus,
            source,
            predicate: Predicate::Top { class: 0, k: 1 },
            sample: 1,
            price: units(price),
            bond: units(1),
            coin: Share([number; 32]).commit(),
            periods: Periods { respond: hour, declare: hour, prove: hour },
            nonce: Digest([number; 32]),
        };
        let id = world.customer.open(Terms::Retrieval(terms)).unwrap();
        let sent = SentModel { file: FILE.to_vec(), secret: model.secret().encode() };
        let context = Topic::Model.context(id);
        let envelope = Envelope::new(&ReceiverPublic(about.receiver), &context, &canonical(&sent)).unwrap();
        let responder = &responder;
        move || responder.take(id, Topic::Model, &envelope).is_ok()
    };
    let cheap = send(1, 4);
    let [first, second] = [send(2, 5), send(3, 5)];
    assert!(!cheap(), "its price is too low");
    assert!(first());
    assert!(!second(), "there is one place");
    assert!(first(), "it may be sent again");
}
