//! An operator who takes back what the escrow has acknowledged: the party's program refuses it, and says what contradicts what.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;

use crate::address::free_address;
use crate::several::wait;
use crate::world::{key, stop};

fn spawn(folder: &Path, name: &str, arguments: &[&str]) -> Child {
    let mut start = Command::new(env!("CARGO_BIN_EXE_verinfer"));
    let log = fs::File::create(folder.join(name)).unwrap();
    start.args(arguments).stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).spawn().unwrap()
}

fn deposit(url: &str, operator: &SecretKey, account: AccountId, reference: &str) {
    let bank = Client::connect(url, operator.clone(), Patience::default()).unwrap();
    bank.deposit(account, Money::new(1_000_000).unwrap(), reference.to_owned()).unwrap();
}

/// An SQLite database with what has not been written into its file yet.
fn copy(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let [from, to] = [from, to].map(|path| format!("{}{end}", path.display()));
        let _ = fs::remove_file(&to);
        if Path::new(&from).exists() {
            fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
fn operator_who_takes_an_acknowledged_move_back_is_refused_by_the_partys_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [operator, provider] = ["operator.key", "provider.key"].map(|name| key(&path(name)));
    let address = free_address();
    let url = format!("http://{address}");
    let database = folder.path().join("escrow.db");
    let db = format!("sqlite:{}", database.display());
    let escrow = || spawn(folder.path(), "escrow", &["escrow", "serve", "--db", &db, "--listen", &address, "--key", &path("operator.key")]);
    let (key, state) = (path("provider.key"), path("provider.state"));
    let serve = ["provider", "serve", "digits", "--stake", "150000", "--escrow", &url, "--key", &key, "--state", &state];
    let serve = [&serve[..], &["--listen", "127.0.0.1:0"]].concat();

    let mut running = escrow();
    deposit(&url, &operator, provider.account(), "first");
    stop(&mut running);
    let before = folder.path().join("before.db");
    copy(&database, &before);

    running = escrow();
    let mut party = spawn(folder.path(), "provider", &serve);
    wait(|| fs::read_to_string(folder.path().join("provider")).unwrap().contains("listening"));
    stop(&mut party);
    stop(&mut running);

    // The stake that was acknowledged is gone.
    let _ = fs::remove_file(format!("{}-shm", database.display()));
    copy(&before, &database);
    running = escrow();
    let refused = |because: &str| {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_verinfer")).args(&serve).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && text.contains(because), "{}: {text}", output.status);
    };
    refused("the escrow has taken entries back");
    // Other entries are put in its place.
    for number in 0..10 {
        deposit(&url, &operator, provider.account(), &number.to_string());
    }
    refused("the escrow has changed its log");
    stop(&mut running);
}
