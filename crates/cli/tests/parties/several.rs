//! Several agreements of one provider at once: customers who propose rounds of predictions to it, over the sockets of a real escrow.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verinfer_commitments::draw_salt;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, Patience};
use verinfer_import::import_tflite;
use verinfer_parties::drive::Step;
use verinfer_parties::host::{self, Desk, Host};
use verinfer_parties::http::{Refused, Room, Service};
use verinfer_parties::provider::{Means, Policy, Proceed, Provider};
use verinfer_parties::queue::Job;
use verinfer_parties::time::Time;
use verinfer_parties::wire::{About, Ask, Topic};
use verinfer_parties::{Model, Pace, PartyError, Store};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;
use verinfer_protocols::{serving, stake};
use verinfer_sealing::Envelope;

use crate::address::free_address;
use crate::world::{key, stop};

/// Longest that anything takes.
pub const LIMIT: Duration = Duration::from_secs(100);

/// An escrow, and accounts of a customer and a provider, with their keys.
pub struct World {
    pub folder: TempDir,
    pub url: String,
    bank: Client,
    escrow: Child,
    pub customer_key: SecretKey,
    pub customer: Client,
    pub key: SecretKey,
    pub provider: Client,
}

impl World {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let [operator, customer, provider] = ["operator.key", "customer.key", "provider.key"].map(|name| key(&path(name)));
        let address = free_address();
        let serve = ["escrow", "serve", "--db", &format!("sqlite:{}", path("escrow.db")), "--listen", &address];
        let escrow = spawn(folder.path(), "escrow", &[&serve[..], &["--key", &path("operator.key")]].concat());
        let url = format!("http://{address}");
        let bank = Client::connect(&url, operator, Patience::default()).unwrap();
        for account in [customer.account(), provider.account()] {
            bank.deposit(account, units(1000), account.to_string()).unwrap();
        }
        let client = |key: &SecretKey| Client::connect(&url, key.clone(), Patience::default()).unwrap();
        let (customer_key, key) = (customer, provider);
        let (customer, provider) = (client(&customer_key), client(&key));
        Self { folder, url, bank, escrow, customer_key, customer, key, provider }
    }

    /// The operator credits an account with so much more.
    pub fn credit(&self, account: AccountId, amount: u64) {
        self.bank.deposit(account, units(amount), format!("more for {account}")).unwrap();
    }

    /// Proposes a round of one input, which the provider has so long to accept.
    pub fn propose(&self, model: Digest, number: u8, respond: Millis) -> AgreementId {
        let hour = Millis(3_600_000);
        let terms = serving::Terms {
            customer: self.customer.account(),
            provider: self.provider.account(),
            model,
            inputs: 1,
            proof: units(20),
            price: units(1),
            beta: 2,
            periods: serving::Periods { respond, round: hour, answer: hour, prove: hour },
            nonce: Digest([number; 32]),
        };
        self.customer.open(Terms::Serving(terms)).unwrap()
    }

    fn stage(&self, id: AgreementId) -> String {
        self.customer.agreement(id).unwrap().stage
    }

    pub fn wait_for(&self, id: AgreementId, stage: &str) {
        wait(|| self.stage(id) == stage);
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("provider.log")).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        stop(&mut self.escrow);
    }
}

#[test]
fn provider_takes_no_more_agreements_at_once_than_it_may_also_after_a_restart() {
    let world = World::start();
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let (state, key) = (path("provider.state"), path("provider.key"));
    let options =
        ["--escrow", &world.url, "--key", &key, "--state", &state, "--poll", "20", "--listen", "127.0.0.1:0", "--agreements", "2"];
    let serve = || spawn(world.folder.path(), "provider", &[&["provider", "serve", "digits"], &options[..]].concat());
    let mut provider = serve();
    wait(|| world.printed().contains("listening"));
    let model = world.printed().lines().find_map(|line| line.strip_prefix("model ").map(str::to_owned)).unwrap().parse().unwrap();

    let hour = Millis(3_600_000);
    let [first, second] = [1, 2].map(|number| world.propose(model, number, hour));
    world.wait_for(first, "sending");
    world.wait_for(second, "sending");
    let third = world.propose(model, 3, hour);
    let refused = |times| wait(|| world.printed().matches("not accepted: 2 agreements are open").count() == times);
    refused(1);
    stop(&mut provider);
    provider = serve();
    refused(2);
    assert_eq!(world.stage(third), "proposed");

    world.customer.act(first, Move::Serving(serving::Move::Abort)).unwrap();
    world.wait_for(third, "sending");
    stop(&mut provider);
}

#[test]
fn provider_stakes_anew_when_its_stake_is_retired_or_too_small() {
    let world = World::start();
    world.credit(world.provider.account(), 300_000);
    let (provider, _) = provider(&world);
    let is_active = |id| world.stage(id) == "active";
    let first = provider.stake(units(50_000)).unwrap();
    assert_eq!(provider.stake(units(50_000)).unwrap(), first);
    world.provider.act(first, Move::Stake(stake::Move::Retire)).unwrap();
    let second = provider.stake(units(50_000)).unwrap();
    assert!(second != first && is_active(second));
    let larger = provider.stake(units(60_000)).unwrap();
    assert!(larger != second && is_active(larger));
    assert_eq!(provider.stake(units(50_000)).unwrap(), larger);
}

#[test]
fn move_that_takes_long_delays_no_other_agreement() {
    let world = World::start();
    let (begun, began) = channel();
    let (end, ended) = channel();
    let (provider, model) = provider(&world);
    // It has the nearest deadline, and is the first to be attended to.
    let long = world.propose(model, 1, Millis(1_000_000));
    let host = Slow { honest: provider, long, begun, ended: ended.into() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    thread::spawn(|| host::run(host, listener, Pace { poll: Duration::from_millis(20), once: false }));
    began.recv_timeout(LIMIT).unwrap();
    for number in 2..10 {
        let other = world.propose(model, number, Millis(2_000_000));
        world.wait_for(other, "sending");
    }
    assert_eq!(world.stage(long), "proposed");
    assert!(began.try_recv().is_err(), "nobody else attends to it meanwhile");
    end.send(()).unwrap();
    world.wait_for(long, "sending");
}

/// A provider whose acceptance of one agreement takes until it is told to go on.
struct Slow {
    honest: Provider,
    long: AgreementId,
    begun: Sender<()>,
    ended: Mutex<Receiver<()>>,
}

impl Host for Slow {
    fn desk(&self) -> Desk<'_> {
        self.honest.desk()
    }

    fn step(&self, view: &AgreementView) -> Result<Step, PartyError> {
        if view.agreement.id == self.long && view.stage == "proposed" {
            self.begun.send(()).unwrap();
            self.ended.lock().unwrap().recv().unwrap();
        }
        self.honest.step(view)
    }

    fn prove(&self, job: &Job) -> Result<Vec<u8>, PartyError> {
        self.honest.prove(job)
    }
}

impl Service for Slow {
    fn about(&self) -> Result<About, Refused> {
        self.honest.about()
    }

    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused> {
        self.honest.take(agreement, topic, envelope)
    }

    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused> {
        self.honest.give(agreement, topic, ask, room)
    }
}

/// A provider in this process, and the name of its model.
pub fn provider(world: &World) -> (Provider, Digest) {
    let graph = import_tflite(include_bytes!("../../../../models/digits/digits_int8.tflite")).unwrap().graph;
    let model = Model::commit(graph, draw_salt().unwrap()).unwrap();
    let digest = model.digest();
    let time = Time { respond: Millis(0), item: Millis(0), inference: Millis(0), proof: Millis(0), longest: Millis(3_600_000) };
    let policy = Policy {
        proof: units(1),
        inference: units(1),
        prediction: units(1),
        hold: Millis(3_600_000),
        deposit: units(1000),
        fee: None,
        time,
        agreements: 64,
        proceed: Proceed::IfSafe,
        batch: 1,
        cells: usize::MAX,
    };
    let means = Means {
        key: world.key.clone(),
        client: world.provider.clone(),
        store: Store::open(&world.folder.path().join("provider.state")).unwrap(),
        model,
        substitute: None,
        policy,
    };
    (Provider::new(means, Arc::new(|_: &str| ())).unwrap(), digest)
}

pub fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < LIMIT, "nothing comes of it");
        sleep(Duration::from_millis(10));
    }
}

pub fn units(units: u64) -> Money {
    Money::new(units).unwrap()
}

fn spawn(folder: &Path, name: &str, words: &[&str]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{name}.log"))).unwrap();
    let errors = log.try_clone().unwrap();
    Command::new(env!("CARGO_BIN_EXE_verinfer")).args(words).stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap()
}
