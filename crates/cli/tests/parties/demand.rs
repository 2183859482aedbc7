//! Predictions that do not come from the provider, between real processes: it brings them through the escrow, or loses its deposit.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::money::Money;

use crate::address::free_address;
use crate::world::{key, stop};

const PURSE: u64 = 1000;
const K: u64 = 3;
const Z: u64 = 20;
const PRICE: u64 = 5;
const BETA: u64 = 3;

/// An escrow, a provider, and a customer that reaches the provider for everything but predictions.
struct World {
    folder: TempDir,
    database: String,
    clients: [Client; 2],
    escrow: Child,
    provider: Child,
    customer: Option<Child>,
}

impl World {
    fn start(contest: u64, answer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let database = format!("sqlite:{}", path("escrow.db"));
        let [operator, customer, provider] = ["operator", "customer", "provider"].map(|name| key(&path(&format!("{name}.key"))));
        let [escrow_address, provider_address] = [(); 2].map(|()| free_address());
        let escrow_url = format!("http://{escrow_address}");
        let run = |name: &str, words: String| {
            let words = format!("{words} --key {}", path(&format!("{name}.key")));
            spawn(folder.path(), name, &words.split(' ').collect::<Vec<_>>())
        };
        let party = |name: &str, words: String| {
            run(name, format!("{words} --escrow {escrow_url} --poll 50 --state {}", path(&format!("{name}.state"))))
        };

        let escrow = run("operator", format!("escrow serve --db {database} --listen {escrow_address}"));
        let bank = Client::connect(&escrow_url, operator, Patience::default()).unwrap();
        for account in [customer.account(), provider.account()] {
            bank.deposit(account, Money::new(PURSE).unwrap(), account.to_string()).unwrap();
        }
        let clients = [customer, provider].map(|key| Client::connect(&escrow_url, key, Patience::default()).unwrap());
        let serving = party("provider", format!("provider serve digits --batch 1 --listen {provider_address}"));
        let inputs: String = (0..K).map(|digit| format!(" sample:{digit}")).collect();
        let url = without_predictions(provider_address);
        let plan = format!(
            "--provider {url} --proof-price {Z} --prediction-price {PRICE} --beta {BETA} --contest {contest} --round 8 --answer {answer} --any-model --json"
        );
        let asking = party("customer", format!("customer serving digits{inputs} {plan}"));
        Self { folder, database, clients, escrow, provider: serving, customer: Some(asking) }
    }

    /// The stage of the only agreement, once there is one.
    fn stage(&self) -> Option<String> {
        self.clients[0].own_account().unwrap().agreements.first().map(|agreement| agreement.stage.clone())
    }

    fn wait_for(&self, stage: &str) {
        let start = Instant::now();
        while self.stage().as_deref() != Some(stage) {
            assert!(start.elapsed() < Duration::from_secs(100), "still {:?}:\n{}", self.stage(), self.printed());
            sleep(Duration::from_millis(20));
        }
    }

    /// What the customer reports, with its exit code, and what both parties have; the audit agrees.
    fn finish(mut self) -> (Value, Option<i32>, [u64; 2]) {
        self.wait_for("ended");
        let Output { status, stdout, .. } = self.customer.take().unwrap().wait_with_output().unwrap();
        let report = serde_json::from_slice(&stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.printed()));
        let balances = [0, 1].map(|party: usize| self.clients[party].own_account().unwrap().balance.units());
        stop(&mut self.escrow);
        let audit =
            Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["escrow", "audit", "--json", "--db", &self.database]).output().unwrap();
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
        (report, status.code(), balances)
    }

    fn printed(&self) -> String {
        let print = |name| std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
        ["operator", "provider", "customer"].map(print).join("\n")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        [&mut self.escrow, &mut self.provider].into_iter().chain(&mut self.customer).for_each(stop);
    }
}

#[test]
fn predictions_that_the_provider_cannot_deliver_come_through_the_escrow() {
    let world = World::start(1, "60");
    world.wait_for("ended");
    // The provider, which answers at once, has seen it.
    assert!(world.printed().contains("stage `demanded`"), "{}", world.printed());
    let (report, code, balances) = world.finish();
    assert_eq!((&report["outcome"], code), (&json!({"proved": {"contested": 1, "predictions": K}}), Some(0)));
    let predictions = report["predictions"].as_array().unwrap();
    assert_eq!(predictions.len() as u64, K);
    assert!(predictions.iter().all(|scores| scores.as_array().is_some_and(|scores| scores.len() == 10)), "{report}");
    assert_eq!(balances, [PURSE - 2 * Z - K * PRICE, PURSE + 2 * Z + K * PRICE]);
}

#[test]
fn provider_that_confirms_and_falls_silent_loses_its_deposit() {
    let mut world = World::start(0, "2");
    world.wait_for("running");
    stop(&mut world.provider);
    let (report, code, balances) = world.finish();
    assert_eq!((&report["outcome"], code), (&json!({"not_answered": "silence"}), Some(1)));
    assert_eq!(report["predictions"], json!([null, null, null]));
    assert_eq!(balances, [PURSE + BETA * K * Z, PURSE - BETA * K * Z]);
}

/// The URL of something that passes on what is sent to `server`, but hangs up where predictions are asked for.
fn without_predictions(server: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            // The server may not listen yet, or no more.
            let Ok(server) = TcpStream::connect(&server) else { continue };
            let (answers, receiver) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pass_on(client, server, b"/predictions/"));
            thread::spawn(move || pass_on(answers, receiver, b"\0no such bytes\0"));
        }
    });
    url
}

/// Passes on until either side hangs up, or one of them sends `last`.
fn pass_on(mut from: TcpStream, mut to: TcpStream, last: &[u8]) {
    let mut buffer = [0; 1 << 16];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        if buffer[..len].windows(last.len()).any(|window| window == last) || to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    for socket in [from, to] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn spawn(folder: &Path, name: &str, words: &[&str]) -> Child {
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
    let stdout = if name == "customer" { Stdio::piped() } else { log.try_clone().unwrap().into() };
    Command::new(env!("CARGO_BIN_EXE_verinfer")).args(words).stdin(Stdio::null()).stdout(stdout).stderr(log).spawn().unwrap()
}
