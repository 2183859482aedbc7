//! A provider that answers its customers with garbage.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use verinfer_import::import_tflite;
use verinfer_parties::customer::serving::{Customer, Plan};
use verinfer_parties::peer::Peer;
use verinfer_parties::pins::Pins;
use verinfer_parties::wire::{About, Offer};
use verinfer_parties::{Pace, Store, Tell};
use verinfer_protocols::agreement::Move;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving;
use verinfer_protocols::time::Millis;
use verinfer_sealing::ReceiverSecret;

use crate::several::{LIMIT, World, units};

/// A server that says once who it is, and answers with garbage from then on; its URL.
fn garbage(key: &SecretKey) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let offer = Offer::Predictions { model: Digest([1; 32]), stake: None };
    let about = serde_json::to_string(&About::sign(&ReceiverSecret::from_bytes([2; 32]).public(), offer, key)).unwrap();
    let answers = std::iter::once(about).chain(std::iter::repeat("garbage".to_owned()));
    thread::spawn(move || {
        for (stream, answer) in listener.incoming().zip(answers) {
            let mut stream = stream.unwrap();
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            request.map_while(Result::ok).any(|line| line.is_empty());
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        }
    });
    url
}

#[test]
fn customer_goes_on_although_the_provider_answers_with_garbage() {
    let world = World::start();
    let peer = Peer::new(&garbage(&world.key), LIMIT);
    let store = Store::open(&world.folder.path().join("customer.state")).unwrap();
    let graph = import_tflite(include_bytes!("../../../../models/digits/digits_int8.tflite")).unwrap().graph;
    let input = graph.spec(graph.input());
    let hour = Millis(3_600_000);
    let plan = Plan {
        pins: Pins::default(),
        tolerance: None,
        demand: None,
        classes: Some(10),
        input: (input.shape, input.dtype),
        inputs: vec![vec![0; 64]],
        proof: units(20),
        price: units(1),
        beta: 2,
        contest: 0,
        periods: serving::Periods { respond: hour, round: hour, answer: hour, prove: hour },
    };
    let act = |id, action| world.provider.act(id, Move::Serving(action)).unwrap();
    let (tell, told) = channel();
    thread::scope(|scope| {
        let (begin, begun) = channel();
        let (world, peer, store) = (&world, &peer, &store);
        let customer = scope.spawn(move || {
            let customer = Customer::begin(&world.customer, &world.customer_key, peer, store, &plan).unwrap();
            begin.send(customer.id()).unwrap();
            let tell: Tell = Arc::new(move |line: &str| tell.send(line.to_owned()).unwrap());
            customer.run(Pace { poll: Duration::from_millis(20), once: false }, &tell)
        });
        let id = begun.recv().unwrap();
        let wait_for = |words: &str| while !told.recv_timeout(LIMIT).unwrap().contains(words) {};
        wait_for("stage `proposed`");
        act(id, serving::Move::Accept);
        wait_for("stage `confirming`");
        wait_for("cannot be read");
        act(id, serving::Move::Abort);
        let view = customer.join().unwrap().unwrap();
        assert!(view.ended, "{}", view.stage);
    });
}
