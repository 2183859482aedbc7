//! Models that requesters send to a responder before it has accepted anything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use verinfer_commitments::draw_salt;
use verinfer_graph::{DataType, Shape};
use verinfer_import::import_tflite;
use verinfer_parties::http::Service;
use verinfer_parties::retrieval::approval::Approved;
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

fn model() -> Model {
    Model::commit(import_tflite(FILE).unwrap().graph, draw_salt().unwrap()).unwrap()
}

/// A responder in this process with one document of 64 values.
fn responder(world: &World, input: (Shape, DataType), approved: Approved, classes: u32) -> Responder {
    let means = Means {
        key: world.key.clone(),
        client: world.provider.clone(),
        store: Store::open(&world.folder.path().join("responder.state")).unwrap(),
        documents: vec![vec![0; 64]],
        input,
        source: None,
        approved,
        policy: Policy {
            price: units(5),
            bond: units(1000),
            time: Time { respond: Millis(0), item: Millis(0), inference: Millis(0), proof: Millis(0), longest: Millis(3_600_000) },
            agreements: 1,
            batch: 1,
            cells: usize::MAX,
            classes,
        },
    };
    Responder::new(means, Arc::new(|_: &str| ())).unwrap()
}

/// Opens a retrieval and gives what sends the model for it, and whether it was taken.
fn send<'a>(world: &World, responder: &'a Responder, model: &Model, (number, price, class): (u8, u64, u32)) -> impl Fn() -> bool + 'a {
    let about = responder.about().unwrap();
    let Offer::Documents { corpus, source } = about.offer else { panic!("{:?}", about.offer) };
    let hour = Millis(3_600_000);
    let terms = retrieval::Terms {
        requester: world.customer.account(),
        responder: about.account,
        model: model.digest(),
        corpus,
        source,
        predicate: Predicate::Top { class, k: 1 },
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
    move || {
        // It asks the escrow seldom about agreements that are not its own yet.
        sleep(Duration::from_millis(150));
        responder.take(id, Topic::Model, &envelope).is_ok()
    }
}

#[test]
fn responder_keeps_no_more_models_than_it_has_places_and_none_that_it_would_not_accept() {
    let (world, model) = (World::start(), model());
    let responder = responder(&world, model.input(), Approved::Any, 10);
    let send = |number, price, class| send(&world, &responder, &model, (number, price, class));
    let (cheap, classless) = (send(1, 4, 9), send(2, 5, 10));
    let [first, second] = [send(3, 5, 9), send(4, 5, 9)];
    assert!(!cheap(), "its price is too low");
    assert!(!classless(), "the digits are 0 to 9");
    assert!(first());
    assert!(!second(), "there is one place");
    assert!(first(), "it may be sent again");
}

#[test]
fn responder_takes_no_model_of_other_documents_than_it_has() {
    let (world, model) = (World::start(), model());
    let (shape, dtype) = model.input();
    assert_eq!(shape, Shape::new(8, 8, 1));
    let responder = responder(&world, (Shape::new(16, 4, 1), dtype), Approved::Any, 10);
    assert!(!send(&world, &responder, &model, (1, 5, 0))());
}

#[test]
fn responder_takes_no_model_of_more_classes_than_it_allows() {
    let (world, model) = (World::start(), model());
    let responder = responder(&world, model.input(), Approved::Any, 9);
    assert!(!send(&world, &responder, &model, (1, 5, 0))());
}

#[test]
fn responder_answers_only_models_that_it_was_told_to_answer() {
    let (commitments, networks) = (BTreeSet::new, BTreeSet::new);
    let questions = || vec![Predicate::Top { class: 0, k: 1 }];
    let (right, other) = (model(), model());
    let network = import_tflite(FILE).unwrap().graph.digest();
    for (approved, taken) in [
        (Approved::Models { commitments: commitments(), networks: networks(), questions: questions() }, [false, false]),
        (Approved::Models { commitments: [right.digest()].into(), networks: networks(), questions: questions() }, [true, false]),
        (Approved::Models { commitments: commitments(), networks: [network].into(), questions: questions() }, [true, true]),
        (Approved::Models { commitments: commitments(), networks: [[7; 32]].into(), questions: questions() }, [false, false]),
    ] {
        for (model, taken) in [&right, &other].into_iter().zip(taken) {
            let world = World::start();
            let responder = responder(&world, model.input(), approved.clone(), 10);
            assert_eq!(send(&world, &responder, model, (1, 5, 0))(), taken, "{approved:?}");
        }
    }
}
