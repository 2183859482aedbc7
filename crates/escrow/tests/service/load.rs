//! 200 agreements at the same time, 20 clients: no request fails, and the books balance; then 500 agreements, 50 clients, while one address floods.
//! `--nocapture` shows how long requests take.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::common::{Database, LONG, Running, audited, client, digest, key, nonce, on_each_database, serving, sqlite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, ClientError, Patience};
use verinfer_protocols::agreement::{self, State};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving::{self as protocol, Answer, Move, Outcome, Periods};
use verinfer_protocols::signed::Body;
use verinfer_protocols::time::Millis;

const EACH: u8 = 20;
const WEALTH: u64 = 100_000;

/// What the customer of the `number`th agreement does in the end: conclude, contest what cannot be proved, or let time pass.
fn last_move(number: u8) -> Option<Move> {
    match number % 3 {
        0 => Some(Move::Conclude),
        1 => Some(Move::Contest { inputs: BTreeSet::from([0]) }),
        _ => None,
    }
}

fn customers_move(view: &AgreementView, number: u8, provider: &SecretKey) -> Option<Move> {
    let State::Serving(state) = &view.agreement.state else { panic!("{view:?}") };
    match state {
        protocol::State::Sending { .. } => Some(Move::Send { inputs: vec![digest("input"), digest("other")] }),
        protocol::State::Running { round, .. } if round.answers.is_empty() && last_move(number).is_some() => {
            let answer = |index| Answer::sign(view.agreement.id, index, &digest("input"), &digest("scores"), provider);
            Some(Move::Record { answers: vec![answer(0), answer(1)] })
        }
        protocol::State::Running { .. } => last_move(number),
        _ => None,
    }
}

fn providers_move(view: &AgreementView) -> Option<Move> {
    let State::Serving(state) = &view.agreement.state else { panic!("{view:?}") };
    match state {
        protocol::State::Proposed { .. } => Some(Move::Accept),
        protocol::State::Confirming { .. } => Some(Move::Confirm),
        _ => None,
    }
}

/// How long requests took, in milliseconds.
#[derive(Default)]
struct Meter {
    reads: Mutex<Vec<f64>>,
    /// Signed requests, each an entry of the log.
    writes: Mutex<Vec<f64>>,
}

impl Meter {
    fn read<T>(&self, request: impl FnOnce() -> Result<T, ClientError>) -> T {
        timed(&self.reads, request)
    }

    fn submit(&self, client: &Client, agreement: AgreementId, body: Body) {
        // Signing needs one look at the escrow's time and the party's number.
        let request = self.read(|| client.prepare(agreement, body));
        timed(&self.writes, || client.submit(&request));
    }
}

fn timed<T>(times: &Mutex<Vec<f64>>, request: impl FnOnce() -> Result<T, ClientError>) -> T {
    let start = Instant::now();
    let answer = request().unwrap();
    times.lock().unwrap().push(1000.0 * start.elapsed().as_secs_f64());
    answer
}

/// How many there are, the median and the 99th percentile.
fn spread(times: Mutex<Vec<f64>>) -> (usize, f64, f64) {
    let mut times = times.into_inner().unwrap();
    times.sort_by(f64::total_cmp);
    (times.len(), times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Moves in all agreements of a client until they have ended, and rests so long between two looks.
fn play(client: &Client, meter: &Meter, rest: Duration, choose: impl Fn(&AgreementView) -> Option<Move>) {
    loop {
        let agreements = meter.read(|| client.own_account()).agreements;
        if agreements.len() == usize::from(EACH) && agreements.iter().all(|agreement| agreement.ended) {
            return;
        }
        for summary in agreements.iter().filter(|agreement| !agreement.ended) {
            let view = meter.read(|| client.agreement(summary.id));
            if let Some(action) = choose(&view) {
                meter.submit(client, summary.id, Body::Act(agreement::Move::Serving(action)));
            }
        }
        sleep(rest);
    }
}

#[test]
fn two_hundred_agreements_with_twenty_clients() {
    on_each_database(|database| {
        let limits = HttpLimits { requests_per_second: std::num::NonZeroU32::new(1_000_000).unwrap(), ..HttpLimits::default() };
        let running = Running::with_limits(database, Limits::default(), limits);
        let urls = vec![running.url(); 20];
        trade(database, running, &urls, Duration::from_millis(50));
    });
}

#[test]
fn five_hundred_agreements_with_fifty_clients_while_one_address_floods() {
    on_each_database(|database| {
        let running = Running::start(database);
        // Each client has an address of its own, and so has who floods.
        let network = Runtime::new().unwrap();
        let urls: Vec<String> =
            (0..50).map(|client| network.block_on(passage(Ipv4Addr::new(127, 0, 1, client + 1), running.address))).collect();
        let flood = Arc::<Flood>::default();
        for number in 0..200 {
            network.spawn(flood.clone().connection(number, running.address));
        }
        trade(database, running, &urls, Duration::from_millis(250));
        println!("meanwhile one address: {flood:?}");
        network.shutdown_background();
    });
}

#[test]
fn a_party_that_has_signed_a_request_is_served_while_strangers_hold_all_other_connections() {
    let database = sqlite();
    let running = Running::with_limits(&database, Limits::default(), HttpLimits { connections: 64, ..HttpLimits::default() });
    running.fund(&[&key(1), &key(2)], WEALTH);
    let network = Runtime::new().unwrap();
    let [party, stranger] = [1, 2].map(|host| network.block_on(passage(Ipv4Addr::new(127, 0, 1, host), running.address)));
    let hasty =
        |url: &str, party: u8| Client::connect(url, key(party), Patience { answer: Duration::from_secs(100), total: Duration::ZERO });
    let propose = |client: &Client| {
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
        client.open(agreement::Terms::Serving(terms))
    };
    propose(&hasty(&party, 1).unwrap()).unwrap();
    let flood: Vec<_> = (1..=200)
        .map(|host| {
            let socket = network.block_on(async { TcpSocket::new_v4() }).unwrap();
            socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 2, host), 0))).unwrap();
            network.block_on(socket.connect(running.address)).unwrap()
        })
        .collect();
    sleep(Duration::from_millis(500));
    assert!(hasty(&stranger, 2).is_err(), "a stranger finds no place");
    let start = Instant::now();
    for _ in 0..20 {
        propose(&hasty(&party, 1).unwrap()).unwrap();
    }
    println!("20 proposals in {:?} beside {} connections of strangers", start.elapsed(), flood.len());
    drop(flood);
    network.shutdown_background();
    running.stop();
    assert_eq!(audited(&database).unwrap().open, 21);
}

/// What one address asks for on many connections as fast as it can: pages and the log, which some do not read, and requests of nobody.
#[derive(Debug, Default)]
struct Flood {
    answered: AtomicUsize,
    refused: AtomicUsize,
    unread: AtomicUsize,
}

impl Flood {
    async fn connection(self: Arc<Self>, number: usize, escrow: SocketAddr) {
        let ask = match number % 4 {
            0 => "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            1 | 2 => "GET /v1/log HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            _ => "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4000000\r\n\r\n{",
        };
        loop {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 2, 1), 0))).unwrap();
            let Ok(mut stream) = socket.connect(escrow).await else { return };
            let mut answer = Vec::new();
            if stream.write_all(ask.as_bytes()).await.is_ok() {
                if number % 4 == 2 {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                } else {
                    let _ = stream.read_to_end(&mut answer).await;
                }
            }
            let count = match answer.get(..12) {
                Some(b"HTTP/1.1 200") => &self.answered,
                Some(_) => &self.refused,
                None => &self.unread,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Passes connections on to an escrow from an address; the URL.
async fn passage(from: Ipv4Addr, escrow: SocketAddr) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind((from, 0).into()).unwrap();
                let mut server = socket.connect(escrow).await.unwrap();
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    url
}

/// Has customers and providers, by turns each by one of these ways to the escrow, make twenty agreements each.
fn trade(database: &Database, running: Running, urls: &[String], rest: Duration) {
    let pairs = u8::try_from(urls.len() / 2).unwrap();
    let customers: Vec<SecretKey> = (0..pairs).map(key).collect();
    let providers: Vec<SecretKey> = (0..pairs).map(|number| key(50 + number)).collect();
    running.fund(&customers.iter().chain(&providers).collect::<Vec<_>>(), WEALTH);
    let (meter, start) = (Meter::default(), Instant::now());
    scope(|scope| {
        for ((customer, provider), urls) in customers.iter().zip(&providers).zip(urls.chunks(2)) {
            let meter = &meter;
            scope.spawn(move || {
                let client = client(&urls[0], customer);
                let mut names = Vec::new();
                for number in 0..EACH {
                    let mut terms = serving::terms(customer.account(), provider.account(), nonce(), 2, LONG);
                    let round = if last_move(number).is_some() { LONG } else { Millis(1000) };
                    terms.periods = Periods { respond: LONG, round, answer: LONG, prove: Millis(500) };
                    let terms = agreement::Terms::Serving(terms);
                    names.push(terms.id(client.escrow()));
                    meter.submit(&client, terms.id(client.escrow()), Body::Open(terms));
                }
                let number = |view: &AgreementView| u8::try_from(names.iter().position(|id| *id == view.agreement.id).unwrap()).unwrap();
                play(&client, meter, rest, |view| customers_move(view, number(view), provider));
            });
            scope.spawn(move || play(&client(&urls[1], provider), meter, rest, providers_move));
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let ended = |outcome| State::Serving(protocol::State::Ended(outcome));
    let mut unproved = 0;
    for customer in &customers {
        let client = running.client(customer);
        for summary in client.own_account().unwrap().agreements {
            let view = client.agreement(summary.id).unwrap();
            assert!(view.held.is_zero());
            if view.agreement.state == ended(Outcome::NotProved(verinfer_protocols::transfer::Breach::Silence)) {
                unproved += 1;
            } else {
                assert!(matches!(view.agreement.state, State::Serving(protocol::State::Ended(Outcome::Concluded { .. }))));
            }
        }
    }
    running.stop();
    let audit = audited(database).unwrap();
    assert_eq!((audit.open, audit.ended), (0, usize::from(pairs) * usize::from(EACH)));
    assert_eq!(audit.issued, u64::from(pairs) * 2 * WEALTH);
    let ((reads, read, slow_read), (writes, write, slow_write)) = (spread(meter.reads), spread(meter.writes));
    println!(
        "{} agreements ({unproved} slashed), {} entries of the log; {} requests in {seconds:.1} s, {:.0} each second, none refused\n\
             {writes} signed requests: median {write:.1} ms, p99 {slow_write:.1} ms\n{reads} reads: median {read:.1} ms, p99 {slow_read:.1} ms",
        audit.ended,
        audit.entries,
        reads + writes,
        (reads + writes) as f64 / seconds,
    );
}
