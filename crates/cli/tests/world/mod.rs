//! An escrow, a party that serves and one that asks, each a process, and what they must have at the end.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;

/// What every party begins with.
const PURSE: u64 = 1_000_000;

/// Longest that a run may take after the last kill.
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Accuracy,
    Serving,
    Retrieval,
}

/// Three processes, in this order: the escrow, the party that serves, and the one that asks.
pub struct World {
    folder: TempDir,
    database: String,
    protocol: Protocol,
    escrow: Client,
    /// The one that asks, the one that serves.
    accounts: [AccountId; 2],
    commands: [(&'static str, Vec<String>); 3],
    children: [Child; 3],
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Accuracy, Self::Serving, Self::Retrieval];

    /// What the one that asks and the one that serves have more than at the beginning, and what the escrow has earned.
    fn changes(self) -> ([i64; 2], u64) {
        match self {
            // N1 = 3, N2 = 7, Z = 20, P = 5, a fee of 3 each; the stake of 150000 stays with the escrow.
            Self::Accuracy => ([-2 * (3 * 5 + 7 * 20) - 3, 2 * (3 * 5 + 7 * 20) - 3 - 150_000], 6),
            // K1 = 3, Z = 20.
            Self::Serving => ([-2 * 3 * 20, 2 * 3 * 20], 0),
            Self::Retrieval => ([-100, 100], 0),
        }
    }

    fn serves(self) -> Vec<&'static str> {
        match self {
            Self::Accuracy => "provider serve digits --stake 150000 --batch 3".split(' ').collect(),
            Self::Serving => "provider serve digits --batch 1".split(' ').collect(),
            Self::Retrieval => {
                let documents = "sample:0 sample:1 sample:2 sample:3 sample:4 sample:5 sample:6 sample:7";
                ["retrieval respond digits", documents, "--bond 500 --batch 3"].iter().flat_map(|part| part.split(' ')).collect()
            }
        }
    }

    fn asks(self) -> Vec<&'static str> {
        let command = match self {
            Self::Accuracy => {
                "customer accuracy digits --example-price 50 --proof-price 20 --inference-price 5 --fee 3 --first 3 --target 6 --provider URL --test-set SET"
            }
            Self::Serving => {
                "customer serving digits sample:0 sample:1 sample:2 sample:3 --proof-price 20 --beta 3 --contest 3 --provider URL"
            }
            Self::Retrieval => "retrieval request digits --class 3 --top 2 --sample 6 --price 100 --bond 500 --responder URL",
        };
        command.split(' ').collect()
    }
}

impl World {
    pub fn start(protocol: Protocol, postgres: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let database = postgres.map_or_else(|| format!("sqlite:{}", path("escrow.db")), |server| schema(server, folder.path()));
        let [operator, asker, server] = ["operator.key", "asker.key", "server.key"].map(|name| key(&path(name)));
        let set: String = (0..10).map(|digit| format!("sample:{digit} {digit}\n")).collect();
        std::fs::write(path("set.txt"), set).unwrap();

        let [escrow_address, server_address] = [free_address(), free_address()];
        let [escrow_url, server_url] = [&escrow_address, &server_address].map(|address| format!("http://{address}"));
        let escrow = ["escrow", "serve", "--db", &database, "--listen", &escrow_address, "--key", &path("operator.key")].map(str::to_owned);
        let party = |command: Vec<&str>, name: &str| {
            let (key, state) = (path(&format!("{name}.key")), path(&format!("{name}.state")));
            let common = ["--escrow", &escrow_url, "--poll", "50", "--key", &key, "--state", &state];
            let named = |word: &str| match word {
                "URL" => server_url.clone(),
                "SET" => path("set.txt"),
                word => word.to_owned(),
            };
            command.into_iter().map(named).chain(common.map(str::to_owned)).collect::<Vec<_>>()
        };
        let serves = [party(protocol.serves(), "server"), vec!["--listen".to_owned(), server_address]].concat();
        let commands = [("escrow", escrow.to_vec()), ("server", serves), ("asker", party(protocol.asks(), "asker"))];

        // Who serves needs its stake at once.
        let first = spawn(&commands[0].1, folder.path(), 0);
        let escrow = Client::connect(&escrow_url, operator, Patience::default()).unwrap();
        for account in [asker.account(), server.account()] {
            escrow.deposit(account, Money::new(PURSE).unwrap(), account.to_string()).unwrap();
        }
        let children = [first, spawn(&commands[1].1, folder.path(), 1), spawn(&commands[2].1, folder.path(), 2)];
        Self { folder, database, protocol, escrow, accounts: [asker.account(), server.account()], commands, children }
    }

    /// Waits; whether the one that asks has meanwhile come to its end.
    pub fn pause(&mut self, millis: u64) -> bool {
        sleep(Duration::from_millis(millis));
        self.children[2].try_wait().unwrap().is_some()
    }

    /// Kills a process and starts it again, unless it is the one that asks and has come to its end; gives its name.
    pub fn kill_and_restart(&mut self, victim: usize) -> Option<&'static str> {
        if let Some(status) = self.children[victim].try_wait().unwrap() {
            assert!(
                victim == 2 && status.success(),
                "the {} has ended by itself ({status}):\n{}",
                self.commands[victim].0,
                self.printed(victim)
            );
            return None;
        }
        self.children[victim].kill().unwrap();
        self.children[victim].wait().unwrap();
        self.children[victim] = spawn(&self.commands[victim].1, self.folder.path(), victim);
        Some(self.commands[victim].0)
    }

    /// Waits until the one that asks has come to its end, and checks every account.
    pub fn finish(mut self) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.children[2].try_wait().unwrap() {
                break status;
            }
            for alive in 0..2 {
                let ended = self.children[alive].try_wait().unwrap();
                assert!(ended.is_none(), "the {} has ended by itself:\n{}", self.commands[alive].0, self.printed(alive));
            }
            assert!(start.elapsed() < LIMIT, "stuck:\n{}\n{}", self.printed(1), self.printed(2));
            sleep(Duration::from_millis(50));
        };
        assert!(status.success(), "{status}:\n{}\n{}", self.printed(1), self.printed(2));

        let (changes, fees) = self.protocol.changes();
        for (account, change) in self.accounts.into_iter().zip(changes) {
            let balance = self.escrow.account_of(account).unwrap().balance.units();
            assert_eq!(i64::try_from(balance).unwrap(), i64::try_from(PURSE).unwrap() + change, "{:?}", self.protocol);
        }
        self.children.iter_mut().for_each(stop);
        let audit =
            Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["escrow", "audit", "--json", "--db", &self.database]).output().unwrap();
        let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert!(audit.status.success(), "{report}");
        let stakes = u64::from(self.protocol == Protocol::Accuracy);
        assert_eq!([&report["open"], &report["ended"], &report["issued"], &report["fees"]], [stakes, 1, 2 * PURSE, fees]);
    }

    fn printed(&self, process: usize) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{process}.log"))).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(stop);
    }
}

fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn spawn(arguments: &[String], folder: &std::path::Path, process: usize) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{process}.log"))).unwrap();
    let errors = log.try_clone().unwrap();
    Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap()
}

fn key(path: &str) -> SecretKey {
    let made = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["keys", "new", path]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let seed: verinfer_protocols::digest::Digest = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
    SecretKey::from_seed(&seed.0)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The URL of a new schema of its own on a PostgreSQL server.
fn schema(server: &str, folder: &std::path::Path) -> String {
    // Temporary folders have names of their own.
    let name: String = folder.display().to_string().to_lowercase().bytes().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("kill_{}", &name[name.len().saturating_sub(32)..]);
    let made = Command::new("psql").args([server, "--quiet", "--command", &format!("CREATE SCHEMA {name}")]).status().unwrap();
    assert!(made.success(), "cannot make a schema with psql");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options[search_path]={name}")
}
