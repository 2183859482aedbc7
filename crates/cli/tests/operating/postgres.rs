//! An escrow on PostgreSQL: a dump is restored whole or not at all, and an older one is not served silently.

use std::path::Path;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::{deposit, folder, message, run, serve_by};

/// A database of its own on the server that `VERINFER_POSTGRES` names, which goes with the test.
pub struct Server {
    pub url: String,
    all: String,
    name: String,
}

impl Server {
    /// Nothing where there is no server, or none of its programs here.
    pub fn start() -> Option<Self> {
        let Ok(all) = std::env::var("VERINFER_POSTGRES") else {
            eprintln!("SKIPPED: VERINFER_POSTGRES does not name a server");
            return None;
        };
        if Command::new("pg_dump").arg("--version").output().is_err() {
            eprintln!("SKIPPED: there is no pg_dump");
            return None;
        }
        let name = format!("operating_{}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos());
        let (base, query) = all.split_once('?').unwrap_or((&all, ""));
        let url = format!("{}/{name}?{query}", base.rsplit_once('/').unwrap().0);
        let server = Self { url, all: all.clone(), name };
        server.say(&format!("CREATE DATABASE {}", server.name));
        Some(server)
    }

    fn say(&self, statement: &str) {
        let said = Command::new("psql").args([&self.all, "-c", statement]).output().unwrap();
        assert!(said.status.success(), "{statement}: {said:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.say(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn restore(folder: &Path, server: &Server, dump: &str) -> Output {
    let database = format!("--dbname={}", server.url);
    Command::new("pg_restore")
        .current_dir(folder)
        .args(["--clean", "--if-exists", "--single-transaction", &database, dump])
        .output()
        .unwrap()
}

#[test]
fn a_dump_is_restored_whole_or_not_at_all_and_an_older_one_is_not_served_silently() {
    let Some(server) = Server::start() else { return };
    let folder = folder();
    let folder = folder.path();
    let serve = ["escrow", "serve", "--db", &server.url, "--key", "escrow.key", "--listen", "127.0.0.1:0"];
    let audit = || {
        let (code, audit) = run(folder, &["escrow", "audit", "--db", &server.url]);
        (code, audit["entries"].clone())
    };
    let (child, report) = serve_by(folder, &serve);
    deposit(folder, &report, &["one", "two"]);
    let dumped = Command::new("pg_dump").current_dir(folder).args(["--format=custom", "--file=escrow.dump", &server.url]).output().unwrap();
    assert!(dumped.status.success(), "{dumped:?}");
    deposit(folder, &report, &["three"]);
    let head = folder.join(format!("{}.head", report["account"].as_str().unwrap()));
    let is_written = |_| {
        sleep(Duration::from_millis(100));
        std::fs::read_to_string(&head).is_ok_and(|mark| mark.starts_with("4:"))
    };
    assert!((0..100).any(is_written));
    drop(child);

    let dump = std::fs::read(folder.join("escrow.dump")).unwrap();
    std::fs::write(folder.join("torn.dump"), &dump[..dump.len() * 3 / 4]).unwrap();
    assert!(!restore(folder, &server, "torn.dump").status.success());
    assert_eq!(audit(), (0, Value::from(4)), "nothing has changed");

    let restored = restore(folder, &server, "escrow.dump");
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(audit(), (0, Value::from(3)));
    let (code, refused) = run(folder, &serve);
    let expected = "the log ends with entry 3, and went on to entry 4 before";
    assert!(code == 2 && message(&refused).contains(expected), "{refused}");
    // Who knows that nothing newer is to be had removes the file.
    std::fs::remove_file(&head).unwrap();
    let (child, report) = serve_by(folder, &serve);
    deposit(folder, &report, &["two", "four"]);
    drop(child);
    assert_eq!(audit(), (0, Value::from(4)));
}
