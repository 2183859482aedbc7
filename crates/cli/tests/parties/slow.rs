//! A provider that keeps its customer waiting for everything, each time for a little less than the customer would wait; and a customer with a slow network.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, sleep};
use std::time::Duration;

use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, Patience};
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
use verinfer_protocols::statement::{SaltedScores, ScoresSalt};
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

fn plan(inputs: usize, periods: serving::Periods) -> Plan {
    Plan {
        pins: Pins::default(),
        tolerance: None,
        demand: None,
        classes: Some(10),
        input: (Shape::new(8, 8, 1), DataType::I8),
        inputs: vec![vec![0; 64]; inputs],
        proof: units(20),
        price: units(1),
        beta: 2,
        contest: 0,
        periods,
    }
}

/// Runs a customer of the slow provider, whose moves are made meanwhile. Gives how it ended.
fn play<T>(world: &World, asked: &Arc<Asked>, client: &Client, plan: Plan, provider: impl FnOnce(AgreementId) -> T) -> (AgreementView, T) {
    let peer = Peer::new(&slow(&world.key, asked), LIMIT);
    let store = Store::open(&world.folder.path().join("customer.state")).unwrap();
    thread::scope(|scope| {
        let (begin, begun) = channel();
        let (peer, store) = (&peer, &store);
        let customer = scope.spawn(move || {
            let customer = Customer::begin(client, &world.customer_key, peer, store, &plan).unwrap();
            begin.send(customer.id()).unwrap();
            let tell: Tell = Arc::new(|_: &str| ());
            customer.run(Pace { poll: Duration::from_millis(20), once: false }, &tell).unwrap()
        });
        let seen = provider(begun.recv().unwrap());
        (customer.join().unwrap(), seen)
    })
}

/// Passes everything on to an escrow, but takes `delay` for each file that is fetched. Its URL.
fn with_slow_files(escrow: &str, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let escrow = escrow.trim_start_matches("http://").to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&escrow).unwrap());
            let (answers, back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pass(client, server, delay));
            thread::spawn(move || pass(answers, back, Duration::ZERO));
        }
    });
    url
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let head = String::from_utf8_lossy(&bytes[..length]);
        if head.starts_with("GET ") && head.lines().next().is_some_and(|line| line.contains("/files/")) {
            sleep(delay);
        }
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    // The other direction ends, too.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// Leaves a prediction for each input of a round with the escrow, as the provider.
fn answer_all(world: &World, id: AgreementId) {
    let State::Serving(serving::State::Demanded { round, .. }) = world.provider.agreement(id).unwrap().agreement.state else { panic!() };
    let (mut answers, mut scores) = (Vec::new(), Vec::new());
    for (index, input) in (0..).zip(&round.inputs) {
        let prediction = SaltedScores { salt: ScoresSalt([u8::try_from(index).unwrap(); 32]), scores: vec![0; 10] };
        scores.push(world.provider.leave_file(id, &prediction.encode()).unwrap());
        answers.push(serving::Answer::sign(id, index, input, &prediction.digest(), &world.key));
    }
    world.provider.act(id, Move::Serving(serving::Move::Answer { answers, scores })).unwrap();
}

#[test]
fn customer_with_a_slow_network_contests_nothing_that_it_can_fetch_in_time() {
    const FILES: usize = 10;
    let (world, asked) = (World::start(), Arc::<Asked>::default());
    let (respond, hour) = (Millis(24_000), Millis(3_600_000));
    // All files take longer than a half of the time that it has, and shorter than three quarters.
    let slow = with_slow_files(&world.url, Duration::from_millis(1400));
    let client = Client::connect(&slow, world.customer_key.clone(), Patience::default()).unwrap();
    let plan = plan(FILES, serving::Periods { respond, round: Millis(4000), answer: hour, prove: hour });
    let (ended, ()) = play(&world, &asked, &client, plan, |id| {
        until_demanded(&world, id);
        answer_all(&world, id);
    });
    let outcome = Outcome::Concluded { predictions: u32::try_from(FILES).unwrap() };
    assert_eq!(ended.agreement.state, State::Serving(serving::State::Ended(outcome)));
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
    let hour = Millis(3_600_000);
    let plan = plan(INPUTS, serving::Periods { respond: hour, round: ROUND, answer: ROUND, prove: hour });
    let (ended, (demanded, round)) = play(&world, &asked, &world.customer, plan, |id| until_demanded(&world, id));
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
