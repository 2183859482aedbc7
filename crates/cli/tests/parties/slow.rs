//! A provider that keeps its customer waiting for everything, each time for a little less than the customer would wait.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, sleep};
use std::time::Duration;

use verinfer_graph::{DataType, Shape};
use verinfer_parties::customer::serving::{Customer, Plan};
use verinfer_parties::peer::Peer;
use verinfer_parties::pins::Pins;
use verinfer_parties::wire::{About, Offer};
use verinfer_parties::{Pace, Store, Tell};
use verinfer_protocols::agreement::{Move, State};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving::{self, Outcome};
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::transfer::Breach;
use verinfer_sealing::ReceiverSecret;

use crate::several::{LIMIT, World, units};

const INPUTS: usize = 100;
const ROUND: Millis = Millis(8000);

/// An eighth of the round, which is how long the customer waits at a time, is a little longer.
const STALL: Duration = Duration::from_millis(900);

/// How often the provider was asked for something.
#[derive(Default)]
struct Asked {
    inputs: AtomicU32,
    predictions: AtomicU32,
}

/// A server that says at once who it is, and takes its time for everything else: it takes what it is sent, and has no predictions yet. Its URL.
fn slow(key: &SecretKey, asked: &Arc<Asked>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let offer = Offer::Predictions { model: Digest([1; 32]), stake: None };
    let about = serde_json::to_string(&About::sign(&ReceiverSecret::from_bytes([2; 32]).public(), offer, key)).unwrap();
    let asked = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (about, asked) = (about.clone(), asked.clone());
            thread::spawn(move || answer(stream.unwrap(), &about, &asked));
        }
    });
    url
}

fn answer(mut stream: TcpStream, about: &str, asked: &Asked) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let head: Vec<String> = request.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    // A customer that has hung up has not asked to the end.
    let _ = request.read_exact(&mut vec![0; length]);
    let (count, status, body) = match head.first() {
        Some(line) if line.contains("/inputs/") => (&asked.inputs, "204 No Content", ""),
        Some(line) if line.contains("/predictions/") => (&asked.predictions, "409 Conflict", "not yet"),
        _ => return reply(&mut stream, "200 OK", about),
    };
    count.fetch_add(1, Ordering::SeqCst);
    sleep(STALL);
    reply(&mut stream, status, body);
}

fn reply(stream: &mut TcpStream, status: &str, body: &str) {
    // It may have hung up.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// Makes the provider's moves until a demand, which it does not serve. Gives when it was demanded, and when the round would have ended.
fn until_demanded(world: &World, id: AgreementId) -> (Timestamp, Timestamp) {
    let act = |action| world.provider.act(id, Move::Serving(action)).unwrap();
    loop {
        // The customer has to propose it first.
        match world.provider.agreement(id).map(|view| view.agreement.state) {
            Ok(State::Serving(serving::State::Proposed { .. })) => drop(act(serving::Move::Accept)),
            // It says that it has all inputs when the customer has just begun to send them.
            Ok(State::Serving(serving::State::Confirming { .. })) => drop(act(serving::Move::Confirm)),
            Ok(State::Serving(serving::State::Demanded { round, deadline, .. })) => return (Timestamp(deadline.0 - ROUND.0), round.ends),
            Ok(_) | Err(_) => sleep(Duration::from_millis(10)),
        }
    }
}

#[test]
fn customer_of_a_provider_that_stalls_everything_demands_its_predictions_while_there_is_time() {
    let (world, asked) = (World::start(), Arc::<Asked>::default());
    for account in [world.customer.account(), world.provider.account()] {
        world.credit(account, 1_000_000);
    }
    let peer = Peer::new(&slow(&world.key, &asked), LIMIT);
    let store = Store::open(&world.folder.path().join("customer.state")).unwrap();
    let hour = Millis(3_600_000);
    let plan = Plan {
        pins: Pins::default(),
        tolerance: None,
        demand: None,
        classes: Some(10),
        input: (Shape::new(8, 8, 1), DataType::I8),
        inputs: vec![vec![0; 64]; INPUTS],
        proof: units(20),
        price: units(1),
        beta: 2,
        contest: 0,
        periods: serving::Periods { respond: hour, round: ROUND, answer: ROUND, prove: hour },
    };
    let (ended, demanded, round) = thread::scope(|scope| {
        let (begin, begun) = channel();
        let (world, peer, store) = (&world, &peer, &store);
        let customer = scope.spawn(move || {
            let customer = Customer::begin(&world.customer, &world.customer_key, peer, store, &plan).unwrap();
            begin.send(customer.id()).unwrap();
            let tell: Tell = Arc::new(|_: &str| ());
            customer.run(Pace { poll: Duration::from_millis(20), once: false }, &tell).unwrap()
        });
        let (demanded, round) = until_demanded(world, begun.recv().unwrap());
        (customer.join().unwrap(), demanded, round)
    });
    assert!(demanded.0 >= round.0 - ROUND.0 / 2, "the provider has half of the round");
    let (inputs, predictions) = (asked.inputs.load(Ordering::SeqCst), asked.predictions.load(Ordering::SeqCst));
    println!(
        "demanded {} ms before the end of the round, after {inputs} inputs and {predictions} questions",
        round.0.saturating_sub(demanded.0)
    );
    // It looks at the agreement again after an eighth of the round, and does not ask any more in the second half.
    assert!((1..=2).contains(&inputs), "{inputs} inputs were sent, of which the provider needed none");
    assert!((1..=6).contains(&predictions), "{predictions} times it was asked for predictions");
    assert_eq!(ended.agreement.state, State::Serving(serving::State::Ended(Outcome::NotAnswered(Breach::Silence))));
}
