//! A transfer of many large items through a real escrow, in a process of its own: the memory of both halves is measured.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use address::free_address;
use verinfer_escrow_client::{Client, Patience};
use verinfer_parties::transfer::{Due, Transfer};
use verinfer_parties::{PartyError, Store};
use verinfer_protocols::accuracy::{self, Evidence, Form, Periods, Terms};
use verinfer_protocols::agreement::{self, Move, State};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::merkle::Root;
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::{Rules, StakeRules};
use verinfer_protocols::time::Millis;
use verinfer_protocols::{stake, transfer};

#[path = "common/address.rs"]
mod address;

const ITEMS: u32 = 64;
const ITEM_BYTES: usize = 1 << 22;

/// Bytes of memory that a party may take more than before: the copies of one item that are made while it is sealed, sent, kept and opened.
const MOST: usize = 12 * ITEM_BYTES;

struct Escrow {
    process: Child,
    /// The customer's access, the provider's.
    clients: [Client; 2],
}

impl Escrow {
    fn start(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name).display().to_string();
        let address = free_address();
        let [operator, customer, provider] = ["operator.key", "customer.key", "provider.key"].map(|name| key(&path(name)));
        let database = format!("sqlite:{}", path("escrow.db"));
        let words = ["escrow", "serve", "--db", &database, "--listen", &address, "--key", &path("operator.key")];
        let log = std::fs::File::create(path("escrow.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_verinfer"));
        let process = command.args(words).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let url = format!("http://{address}");
        let connect = |key| Client::connect(&url, key, Patience::default()).unwrap();
        let bank = connect(operator);
        for account in [customer.account(), provider.account()] {
            bank.deposit(account, units(1_000_000_000), account.to_string()).unwrap();
        }
        Self { process, clients: [connect(customer), connect(provider)] }
    }

    /// An agreement in which all items but one are to be handed over, and the name of its stage.
    fn agree(&self) -> (AgreementId, String) {
        let [customer, provider] = &self.clients;
        let (model, hour) = (Digest([1; 32]), Millis(3_600_000));
        let rules = Rules::default();
        let (prices, StakeRules { lock, covers, .. }) = (rules.prices, rules.stake);
        let amount = prices.example.times(1000 * u64::from(ITEMS)).unwrap();
        let stake = stake::Terms { provider: provider.account(), model, amount, lock, covers, nonce: Digest([2; 32]) };
        let share = Share([3; 32]);
        let terms = Terms {
            customer: customer.account(),
            provider: provider.account(),
            model,
            test_set: Root { digest: Digest([4; 32]), len: ITEMS + 1 },
            form: Form { input: Digest([5; 32]), classes: 10 },
            first: ITEMS,
            evidence: Evidence::Outputs,
            top: 1,
            target: 1,
            prices,
            fee: rules.least_fee(ITEMS).unwrap(),
            stake: provider.open(agreement::Terms::Stake(stake)).unwrap(),
            coin: share.commit(),
            periods: Periods { respond: hour, decide: hour, prove: hour },
            nonce: Digest([6; 32]),
        };
        let id = customer.open(agreement::Terms::Accuracy(terms)).unwrap();
        provider.act(id, Move::Accuracy(accuracy::Move::Accept { share: Share([7; 32]) })).unwrap();
        customer.act(id, Move::Accuracy(accuracy::Move::Reveal { share })).unwrap();
        (id, customer.agreement(id).unwrap().stage)
    }
}

impl Drop for Escrow {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn both_halves_of_a_transfer_through_the_escrow_have_a_few_items_in_memory_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let escrow = Escrow::start(folder.path());
    let (id, stage) = escrow.agree();
    let [customer, provider] = &escrow.clients;
    let stores = ["customer.state", "provider.state"].map(|name| Store::open(&folder.path().join(name)).unwrap());
    let half = |client, store| Transfer { client, store, agreement: id, stage: &stage };
    let (sender, receiver) = (half(customer, &stores[0]), half(provider, &stores[1]));
    let (before, mut checked) = (peak(), 0);
    loop {
        let view = customer.agreement(id).unwrap();
        let State::Accuracy(accuracy::State::First { transfer: state, .. }) = &view.agreement.state else { break };
        let check = |position: u32, bytes: &[u8]| {
            assert!((position, bytes) == (checked, &item(position)), "item {position}");
            checked += 1;
            Ok(Ok(()))
        };
        let (client, due) = match state {
            // Nothing is delivered.
            transfer::State::Acknowledging { .. } => (provider, Due::Move(transfer::Move::Missing)),
            transfer::State::Checking { .. } => (provider, receiver.receive(&view, state, check, 0).unwrap()),
            transfer::State::Announcing { .. } | transfer::State::Publishing { .. } | transfer::State::Keying { .. } => {
                (customer, sender.send(state, || Ok((0..ITEMS).map(|position| Ok::<_, PartyError>(item(position))))).unwrap())
            }
        };
        let Due::Move(action) = due else { panic!("{due:?}") };
        client.act(id, Move::Accuracy(accuracy::Move::Transfer(action))).unwrap();
    }
    let (all, grown) = (ITEMS as usize * ITEM_BYTES, peak() - before);
    println!("{ITEMS} items, {} MiB in all: {} MiB more memory at most", all >> 20, grown >> 20);
    assert_eq!((customer.agreement(id).unwrap().stage.as_str(), checked), ("deciding", ITEMS));
    assert!(grown < MOST, "{grown} bytes more");
}

fn item(position: u32) -> Vec<u8> {
    position.to_le_bytes().repeat(ITEM_BYTES / 4)
}

/// Most memory that this process ever had, in bytes.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn units(units: u64) -> Money {
    Money::new(units).unwrap()
}

fn key(path: &str) -> SecretKey {
    let made = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["keys", "new", path]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let seed: Digest = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
    SecretKey::from_seed(&seed.0)
}
