//! An escrow, a party that serves and one that asks, each a process, and what they must have at the end.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use verinfer_escrow_client::tls::Roots;
use verinfer_escrow_client::{Client, EscrowAddress, Patience};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;

use crate::address::free_address;
use disk::SmallDisk;
use play::{Play, Protocol};

mod disk;
pub mod front;
pub mod play;
pub mod seen;

/// What every party begins with.
const PURSE: u64 = 1_000_000;

/// Longest that a run may take after the last kill.
const LIMIT: Duration = Duration::from_secs(600);

/// Processes, in this order: the escrow, the party that serves, the one that asks, and a second of the escrow, if there is one.
pub struct World {
    database: String,
    play: Play,
    escrow: Client,
    /// Of the escrow, and the party that serves.
    urls: [String; 2],
    /// The one that asks, the one that serves.
    accounts: [AccountId; 2],
    commands: Vec<(&'static str, Vec<String>)>,
    children: Vec<Child>,
    /// Where the escrow's database is, if it can be filled. After the processes, and before the folder that it is in.
    disk: Option<SmallDisk>,
    folder: TempDir,
}

/// What happens to a process of the escrow besides being killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It stands still: to it, time jumps.
    Stopped,
    /// The disk of its database is full.
    FullDisk,
}

impl World {
    pub fn start(play: Play, postgres: Option<&str>) -> Self {
        Self::with(play, postgres, false, false)
    }

    /// With a second process of the escrow that stands by, and its database on a small disk where one can be mounted.
    pub fn with_standby(play: Play, postgres: Option<&str>) -> Self {
        Self::with(play, postgres, true, false)
    }

    /// The same as the first, where both servers serve TLS.
    pub fn start_securely(play: Play) -> Self {
        Self::with(play, None, false, true)
    }

    fn with(play: Play, postgres: Option<&str>, standby: bool, is_secure: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let disk = if standby && postgres.is_none() { SmallDisk::mount(&folder.path().join("disk")) } else { None };
        let file = if disk.is_some() { path("disk/escrow.db") } else { path("escrow.db") };
        let database = postgres.map_or_else(|| format!("sqlite:{file}"), |server| schema(server, folder.path()));
        let [operator, asker, server] = ["operator.key", "asker.key", "server.key"].map(|name| key(&path(name)));
        let set: String = (0..10).map(|digit| format!("sample:{digit} {digit}\n")).collect();
        std::fs::write(path("set.txt"), set).unwrap();

        let made = Command::new(env!("CARGO_BIN_EXE_verinfer"))
            .args(["commit", "digits", "--public", &path("model.vcm"), "--secret", &path("model.vsk")])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let accounts = [operator.account(), server.account()].map(|account| account.to_string());

        let (mut tls, mut trust, mut roots) = (Vec::new(), Vec::new(), Roots::default());
        if is_secure {
            certify(folder.path());
            tls = ["--tls-cert", &path("cert.pem"), "--tls-key", &path("cert.key")].map(str::to_owned).to_vec();
            trust = ["--ca", &path("ca.pem")].map(str::to_owned).to_vec();
            roots = Roots::read(Path::new(&path("ca.pem"))).unwrap();
        }
        let [escrow_address, server_address, standby_address] = [free_address(), free_address(), free_address()];
        let scheme = if is_secure { "https" } else { "http" };
        let server_url = format!("{scheme}://{server_address}");
        let escrow_url = if standby {
            front::before(vec![escrow_address.clone(), standby_address.clone()])
        } else {
            format!("{scheme}://{escrow_address}")
        };
        let serves_at = |address: &str| {
            let command = ["escrow", "serve", "--db", &database, "--listen", address, "--key", &path("operator.key"), "--reserve", "0"];
            command[..if disk.is_some() { 10 } else { 8 }].iter().map(|&word| word.to_owned()).collect::<Vec<_>>()
        };
        let escrow = [serves_at(&escrow_address), tls.clone()].concat();
        let party = |command: Vec<&str>, name: &str| {
            let (key, state) = (path(&format!("{name}.key")), path(&format!("{name}.state")));
            let common = ["--escrow", &escrow_url, "--escrow-account", &accounts[0], "--poll", "50", "--key", &key, "--state", &state];
            let named = |word: &str| match word {
                "URL" => server_url.clone(),
                "SET" => path("set.txt"),
                "VCM" => path("model.vcm"),
                "VSK" => path("model.vsk"),
                "SERVER" => accounts[1].clone(),
                word => word.to_owned(),
            };
            command.into_iter().map(named).chain(common.map(str::to_owned)).chain(trust.clone()).collect::<Vec<_>>()
        };
        let serves = [party(play.serves(), "server"), vec!["--listen".to_owned(), server_address], tls].concat();
        let mut commands = vec![("escrow", escrow), ("server", serves), ("asker", party(play.asks(), "asker"))];
        if standby {
            commands.push(("escrow", serves_at(&standby_address)));
        }

        // Who serves needs its stake at once.
        let first = spawn(&commands[0].1, folder.path(), 0);
        let escrow =
            Client::connect_to(&EscrowAddress { roots, ..EscrowAddress::of(&escrow_url, Patience::default()) }, operator, None).unwrap();
        for account in [asker.account(), server.account()] {
            escrow.deposit(account, Money::new(PURSE).unwrap(), account.to_string()).unwrap();
        }
        let mut children = vec![first];
        for (process, (_, command)) in commands.iter_mut().enumerate().skip(1) {
            if let Some(word) = command.iter_mut().find(|word| *word == "CORPUS") {
                *word = corpus(&folder.path().join("1.log"));
            }
            children.push(spawn(command, folder.path(), process));
        }
        Self {
            folder,
            database,
            play,
            escrow,
            urls: [escrow_url, server_url],
            accounts: [asker.account(), server.account()],
            commands,
            children,
            disk,
        }
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
                victim == 2 && has_come_to_its_end(status),
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

    /// Has something happen to a process of the escrow for a time; whether it could.
    pub fn suffer(&self, fault: Fault, process: usize, millis: u64) -> bool {
        let signal = |signal: &str| {
            let child = self.children[process].id().to_string();
            assert!(Command::new("kill").args([signal, &child]).status().unwrap().success());
        };
        match (fault, &self.disk) {
            (Fault::Stopped, _) => {
                signal("-STOP");
                sleep(Duration::from_millis(millis));
                signal("-CONT");
            }
            (Fault::FullDisk, Some(disk)) => {
                disk.fill();
                sleep(Duration::from_millis(millis));
                disk.clear();
            }
            (Fault::FullDisk, None) => return false,
        }
        true
    }

    /// Waits until the one that asks has come to its end, and checks every account.
    pub fn finish(mut self) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.children[2].try_wait().unwrap() {
                break status;
            }
            for alive in (0..self.children.len()).filter(|&process| process != 2) {
                let ended = self.children[alive].try_wait().unwrap();
                assert!(ended.is_none(), "the {} has ended by itself:\n{}", self.commands[alive].0, self.printed(alive));
            }
            assert!(start.elapsed() < LIMIT, "stuck:\n{}\n{}", self.printed(1), self.printed(2));
            sleep(Duration::from_millis(50));
        };
        assert!(has_come_to_its_end(status), "{status}:\n{}\n{}", self.printed(1), self.printed(2));

        let Play { protocol, outcome, changes, fees, .. } = self.play;
        let id = self.escrow.account_of(self.accounts[0]).unwrap().agreements[0].id;
        let state = serde_json::to_string(&self.escrow.agreement(id).unwrap().agreement.state).unwrap();
        assert!(state.contains(outcome), "{:?}: {state}\n{}\n{}", self.play, self.printed(1), self.printed(2));
        for (account, change) in self.accounts.into_iter().zip(changes) {
            let balance = self.escrow.account_of(account).unwrap().balance.units();
            let expected = i64::try_from(PURSE).unwrap() + change;
            assert_eq!(i64::try_from(balance).unwrap(), expected, "{:?}: {state}\n{}\n{}", self.play, self.printed(1), self.printed(2));
        }
        self.children.iter_mut().for_each(stop);
        let audit =
            Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["escrow", "audit", "--json", "--db", &self.database]).output().unwrap();
        let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
        assert!(audit.status.success(), "{report}");
        let stakes = u64::from(protocol == Protocol::Accuracy);
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

/// One that asks also does where the agreement does not end as it wished, and says so.
fn has_come_to_its_end(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 1))
}

/// Waits until a responder has said which corpus it is committed to.
fn corpus(log: &std::path::Path) -> String {
    let start = Instant::now();
    loop {
        let printed = std::fs::read_to_string(log).unwrap_or_default();
        let complete = printed.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        if let Some(line) = complete.filter_map(|line| line.strip_prefix("corpus ")).next() {
            return line.split(' ').next().unwrap().to_owned();
        }
        assert!(start.elapsed() < LIMIT, "no corpus:\n{printed}");
        sleep(Duration::from_millis(20));
    }
}

pub fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

pub fn spawn(arguments: &[String], folder: &Path, process: usize) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{process}.log"))).unwrap();
    let errors = log.try_clone().unwrap();
    Command::new(env!("CARGO_BIN_EXE_verinfer")).args(arguments).stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap()
}

pub fn key(path: &str) -> SecretKey {
    let made = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(["keys", "new", path]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let seed: verinfer_protocols::digest::Digest = std::fs::read_to_string(path).unwrap().trim().parse().unwrap();
    SecretKey::from_seed(&seed.0)
}

/// Writes `cert.pem` with `cert.key`, for this machine, and the certificate `ca.pem` of the authority that has signed it.
pub fn certify(folder: &Path) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, format!("authority of {}", folder.display()));
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let (params, key) = (CertificateParams::new(["127.0.0.1".to_owned()]).unwrap(), KeyPair::generate().unwrap());
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [("ca.pem", authority.pem()), ("cert.pem", certificate.pem()), ("cert.key", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The URL of a new schema of its own on a PostgreSQL server.
pub fn schema(server: &str, folder: &Path) -> String {
    // Temporary folders have names of their own.
    let name: String = folder.display().to_string().to_lowercase().bytes().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("kill_{}", &name[name.len().saturating_sub(32)..]);
    let made = Command::new("psql").args([server, "--quiet", "--command", &format!("CREATE SCHEMA {name}")]).status().unwrap();
    assert!(made.success(), "cannot make a schema with psql");
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options[search_path]={name}")
}
