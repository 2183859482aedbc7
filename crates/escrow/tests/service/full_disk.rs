//! A transaction that the database ends by itself: nothing is acknowledged that is not in the log, then or later.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Runtime;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow::store::Store;
use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::Millis;

use crate::common::{Database, Running, audited, define, key, nonce, on_each_database, serving, sqlite_at};

/// More than the escrow has connections: each of them meets the failure.
const ATTEMPTS: usize = 20;

fn impatient(running: &Running, party: u8) -> Client {
    Client::connect(&running.url(), key(party), Patience { answer: Duration::from_secs(100), total: Duration::ZERO }).unwrap()
}

/// Proposals that the second party can accept.
fn proposals(running: &Running, count: usize) -> Vec<AgreementId> {
    running.fund(&[&key(1), &key(2)], 100_000);
    let propose = |_| {
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(600_000));
        running.client(&key(1)).open(Terms::Serving(terms)).unwrap()
    };
    (0..count).map(propose).collect()
}

/// Demands that what was acknowledged is what somebody else reads in the database.
fn is_written(database: &Database, receipt: &Receipt) {
    Runtime::new().unwrap().block_on(async {
        let store = Store::open(&database.url).await.unwrap();
        let head = store.head().await.unwrap();
        assert_eq!((head.position, head.digest), (receipt.position, receipt.head));
        store.close().await;
    });
}

#[test]
fn nothing_is_acknowledged_that_is_not_written_after_the_database_ended_transactions_itself() {
    on_each_database(|database| {
        let running = Running::start(database);
        let ids = proposals(&running, 4);
        let (fail, mend) = if database.url.starts_with("sqlite:") {
            // What SQLite does of its own accord when the disk is full.
            let fail = "CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END";
            (fail, "DROP TRIGGER full")
        } else {
            let fail = "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$ \
                        LANGUAGE plpgsql; CREATE TRIGGER full_disk BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION full_disk()";
            (fail, "DROP TRIGGER full_disk ON log")
        };
        define(database, fail);
        for attempt in 0..ATTEMPTS {
            let refused = impatient(&running, 2).act(ids[0], Move::Serving(Serving::Accept)).unwrap_err();
            assert_eq!(refused.kind(), Some("outage"), "attempt {attempt}: {refused}");
        }
        define(database, mend);
        for id in ids {
            let receipt = running.client(&key(2)).act(id, Move::Serving(Serving::Accept)).unwrap();
            is_written(database, &receipt);
        }
        running.stop();
        audited(database).unwrap();
    });
}

/// A file system of a few megabytes.
struct Small {
    folder: tempfile::TempDir,
}

impl Small {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "verinfer"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

/// Writes until nothing more can be written.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 9, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[test]
fn an_escrow_whose_disk_was_full_goes_on_when_there_is_room() {
    let Some(disk) = Small::mount("6m") else {
        eprintln!(
            "SKIPPED: no small file system can be mounted here (it takes root); the triggers beside this test end transactions in its stead"
        );
        return;
    };
    let database = sqlite_at(&disk.path("escrow.db"));
    // Otherwise the escrow would notice before the disk is full.
    let running = Running::with_limits(&database, Limits { reserve: 0, file_bytes: 1 << 16, ..Limits::default() }, HttpLimits::default());
    let ids = proposals(&running, ATTEMPTS);
    fill(&disk.path("filler"));
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for id in &ids {
            // The log's last pages may have room for some.
            match impatient(&running, 2).act(*id, Move::Serving(Serving::Accept)) {
                Ok(receipt) => {
                    is_written(&database, &receipt);
                    acknowledged.push(*id);
                }
                Err(refused) => assert!(refused.kind().is_some(), "round {round}: {refused}"),
            }
        }
        acknowledged.sort_unstable();
        acknowledged.dedup();
    }
    assert!(acknowledged.len() < ids.len(), "the disk was never full");
    fs::remove_file(disk.path("filler")).unwrap();
    for id in ids.iter().filter(|id| !acknowledged.contains(id)) {
        let receipt = running.client(&key(2)).act(*id, Move::Serving(Serving::Accept)).unwrap();
        is_written(&database, &receipt);
    }
    running.stop();
    audited(&database).unwrap();
}
