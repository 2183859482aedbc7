//! Two processes of one escrow: one leads and is killed or stopped, the other takes over.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, State, Terms};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::serving::{self, Answer, Outcome};
use verinfer_protocols::signed::Body;
use verinfer_protocols::time::Millis;

use crate::address::free_address;
use crate::world::{front, key, schema, spawn, stop};

/// How long the load goes on, before the leader is killed and after.
const LOAD: Duration = Duration::from_secs(2);

/// A party that makes no move for so long loses its deposit: longer than a take-over, and shorter than the test.
const RESPOND: Millis = Millis(8000);

const HOUR: Millis = Millis(3_600_000);

struct Pair {
    folder: TempDir,
    database: String,
    operator: SecretKey,
    addresses: [String; 2],
    children: [Child; 2],
}

impl Pair {
    fn start(postgres: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let database = postgres.map_or_else(|| format!("sqlite:{}", path("escrow.db")), |server| schema(server, folder.path()));
        let operator = key(&path("operator.key"));
        let addresses = [free_address(), free_address()];
        let start = |process: usize| {
            let command = ["escrow", "serve", "--db", &database, "--listen", &addresses[process], "--key", &path("operator.key")];
            let child = spawn(&command.map(str::to_owned), folder.path(), process);
            let begun = Instant::now();
            while front::leads(&addresses[process]).is_err() {
                assert!(begun.elapsed() < Duration::from_secs(60), "process {process} does not start");
                sleep(Duration::from_millis(20));
            }
            child
        };
        // The first leads.
        let children = [start(0), start(1)];
        assert!(front::leads(&addresses[0]).unwrap() && !front::leads(&addresses[1]).unwrap());
        Self { folder, database, operator, addresses, children }
    }

    fn client(&self, process: usize, key: &SecretKey) -> Client {
        client(&format!("http://{}", self.addresses[process]), key)
    }

    fn fund(&self, accounts: impl IntoIterator<Item = SecretKey>) {
        let operator = self.client(0, &self.operator);
        for key in accounts {
            operator.deposit(key.account(), Money::new(1_000_000).unwrap(), key.account().to_string()).unwrap();
        }
    }

    /// Waits until the second leads.
    fn taken_over(&self) -> Duration {
        let start = Instant::now();
        while !front::leads(&self.addresses[1]).unwrap() {
            assert!(start.elapsed() < Duration::from_secs(30), "nobody takes over:\n{}", self.printed(1));
            sleep(Duration::from_millis(10));
        }
        start.elapsed()
    }

    fn signal(&self, process: usize, signal: &str) {
        let child = self.children[process].id().to_string();
        assert!(Command::new("kill").args([signal, &child]).status().unwrap().success());
    }

    fn printed(&self, process: usize) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{process}.log"))).unwrap_or_default()
    }

    /// What the audit says when both have ended.
    fn audited(&mut self) -> Value {
        self.children.iter_mut().for_each(stop);
        let audit =
            Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["escrow", "audit", "--json", "--db", &self.database]).output().unwrap();
        let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert!(audit.status.success(), "{report}");
        report
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(stop);
    }
}

fn client(url: &str, key: &SecretKey) -> Client {
    let patience = Patience { answer: Duration::from_secs(20), total: Duration::from_secs(60) };
    Client::connect(url, key.clone(), patience).unwrap()
}

fn on_each_database(test: impl Fn(Pair)) {
    test(Pair::start(None));
    match std::env::var("VERINFER_POSTGRES") {
        Ok(server) => test(Pair::start(Some(&server))),
        Err(_) => eprintln!("SKIPPED on PostgreSQL: VERINFER_POSTGRES does not name a server"),
    }
}

fn terms(customer: &SecretKey, provider: &SecretKey, respond: Millis) -> Terms {
    let periods = serving::Periods { respond, round: HOUR, answer: HOUR, prove: HOUR };
    let (customer, provider) = (customer.account(), provider.account());
    let proof = Money::new(20).unwrap();
    Terms::Serving(serving::Terms {
        customer,
        provider,
        model: Digest([1; 32]),
        inputs: 1,
        proof,
        price: Money::ZERO,
        beta: 2,
        periods,
        nonce: Digest(rand::random()),
    })
}

/// Plays one agreement after the other to its end, and keeps what was acknowledged.
fn play(url: &str, keys: [SecretKey; 2], over: &AtomicBool, acknowledged: &Mutex<BTreeMap<u64, Receipt>>) -> usize {
    let [customer, provider] = keys.each_ref().map(|key| client(url, key));
    let mut ended = 0;
    while !over.load(Ordering::Relaxed) {
        let terms = terms(&keys[0], &keys[1], RESPOND);
        let id = terms.id(customer.escrow());
        let submit = |client: &Client, body: Body| {
            let receipt = client.submit(&client.prepare(id, body).unwrap()).unwrap();
            let other = acknowledged.lock().unwrap().insert(receipt.position, receipt);
            assert!(other.is_none(), "{receipt:?} stands where {other:?} does");
        };
        let input = Digest([2; 32]);
        let act = |action| Body::Act(Move::Serving(action));
        submit(&customer, Body::Open(terms));
        submit(&provider, act(serving::Move::Accept));
        submit(&customer, act(serving::Move::Send { inputs: vec![input] }));
        submit(&provider, act(serving::Move::Confirm));
        let answer = Answer::sign(id, 0, &input, &Digest([3; 32]), &keys[1]);
        submit(&customer, act(serving::Move::Record { answers: vec![answer] }));
        submit(&customer, act(serving::Move::Conclude));
        let state = customer.agreement(id).unwrap().agreement.state;
        assert_eq!(state, State::Serving(serving::State::Ended(Outcome::Concluded { predictions: 1 })), "somebody was slashed");
        ended += 1;
    }
    ended
}

#[test]
fn a_leader_that_is_killed_under_load_loses_nothing_that_was_acknowledged_and_nobody_is_slashed() {
    on_each_database(|mut pair| {
        let pairs: Vec<[SecretKey; 2]> =
            (0..8).map(|number| [number, number + 100].map(|byte| SecretKey::from_seed(&[byte; 32]))).collect();
        pair.fund(pairs.iter().flatten().cloned());
        let url = front::before(pair.addresses.to_vec());
        let (over, acknowledged) = (AtomicBool::new(false), Mutex::default());
        let (ended, taken) = scope(|scope| {
            let players: Vec<_> = pairs.iter().map(|keys| scope.spawn(|| play(&url, keys.clone(), &over, &acknowledged))).collect();
            sleep(LOAD);
            pair.signal(0, "-KILL");
            let taken = pair.taken_over();
            sleep(LOAD);
            over.store(true, Ordering::Relaxed);
            (players.into_iter().map(|player| player.join().unwrap()).sum::<usize>(), taken)
        });
        let audit = pair.audited();
        assert_eq!([&audit["open"], &audit["ended"]].map(Value::as_u64), [Some(0), Some(ended as u64)]);
        let acknowledged = acknowledged.into_inner().unwrap();
        assert_eq!(
            audit["entries"],
            acknowledged.len() + 17,
            "every entry but the rules and the deposits is a move that was acknowledged, and the other way round"
        );
        let (last, receipt) = acknowledged.last_key_value().unwrap();
        assert_eq!((audit["entries"].as_u64(), audit["digest"].as_str()), (Some(*last), Some(&*receipt.head.to_string())));
        println!("taken over after {taken:?}; {ended} agreements, {} requests acknowledged, nobody slashed", acknowledged.len());
    });
}

#[test]
fn a_leader_that_was_stopped_writes_nothing_when_it_wakes_up_after_a_take_over() {
    on_each_database(|mut pair| {
        let [customer, provider] = [1, 2].map(|byte| SecretKey::from_seed(&[byte; 32]));
        pair.fund([customer.clone(), provider.clone()]);
        // By its own clock the leader is past this deadline when it wakes up.
        let terms = terms(&customer, &provider, Millis(4000));
        let id = pair.client(0, &customer).open(terms).unwrap();
        let before = pair.client(0, &customer).about().unwrap();
        pair.stop_between_writes();
        let taken = pair.taken_over();
        pair.signal(0, "-CONT");
        println!("taken over after {taken:?}");
        sleep(Duration::from_millis(1500));
        assert_eq!(pair.client(1, &customer).about().unwrap().position, before.position, "nothing is written");
        pair.client(1, &provider).act(id, Move::Serving(serving::Move::Accept)).unwrap();
        assert!(!front::leads(&pair.addresses[0]).unwrap(), "it stands by");
        assert_eq!(pair.audited()["open"], 1);
    });
}

impl Pair {
    /// Stops the leader, but not while it has a transaction open, for which SQLite's file stays locked. There its lock is taken from it, as it keeps it
    /// otherwise until it is killed; PostgreSQL takes it by itself.
    fn stop_between_writes(&self) {
        let Some(file) = self.database.strip_prefix("sqlite:") else { return self.signal(0, "-STOP") };
        loop {
            self.signal(0, "-STOP");
            let database = rusqlite::Connection::open(file).unwrap();
            database.busy_timeout(Duration::from_millis(200)).unwrap();
            if database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
                break;
            }
            self.signal(0, "-CONT");
        }
        std::fs::remove_file(format!("{file}.lock")).unwrap();
    }
}
