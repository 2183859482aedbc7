//! An older copy of the database, or another log of the escrow, that is put in the place of the one that was written down while processes run.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use verinfer_escrow::error::ServiceError;
use verinfer_escrow::mark::{self, Mark, MarkError, Marks};
use verinfer_escrow::signer::Signer;
use verinfer_escrow::store::{Store, StoreError};
use verinfer_protocols::digest::Digest;

use crate::common::{Running, define, key, on_each_database, operator, sqlite};

fn marks(folder: &tempfile::TempDir) -> Marks {
    Marks { file: folder.path().join("head"), not_before: None }
}

#[test]
fn who_stands_by_does_not_take_over_a_log_that_is_older_than_what_is_written_down_by_then() {
    on_each_database(|database| {
        let folder = tempfile::tempdir().unwrap();
        let first = Running::start(database);
        first.fund(&[&key(1)], 5);
        let second = Running::with(database, Signer::of_account(operator()), Some(marks(&folder)));
        mark::write(&marks(&folder).file, Mark { position: 7, digest: Digest([1; 32]) }).unwrap();
        first.stop();
        let Err(ServiceError::Mark(MarkError::Behind { cause, .. })) = second.end() else { panic!("it leads") };
        assert!(matches!(*cause, StoreError::Older { found: 1, expected: 7 }), "{cause}");
    });
}

#[test]
fn a_process_notices_when_its_log_goes_back_or_another_is_written_down() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 5);
    let runtime = Runtime::new().unwrap();
    let store = Arc::new(runtime.block_on(Store::open(&database.url)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let keep = || runtime.spawn(mark::keep(store.clone(), marks(&folder)));
    let written = |position: u64| {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            match mark::read(&marks(&folder).file).unwrap() {
                Some(mark) if mark.position == position => return mark,
                _ => assert!(std::time::Instant::now() < deadline, "entry {position} is not written down"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let kept = keep();
    let mark = written(2);
    // What another process has written down earlier is true, and no more than that.
    let first = runtime.block_on(store.digest_at(1)).unwrap().unwrap();
    mark::write(&marks(&folder).file, Mark { position: 1, digest: first }).unwrap();
    assert_eq!(written(2), mark);
    running.fund(&[&key(1)], 5);
    written(3);
    mark::write(&marks(&folder).file, Mark { digest: Digest([1; 32]), ..mark }).unwrap();
    let error = runtime.block_on(kept).unwrap();
    assert!(matches!(&error, MarkError::Behind { cause, .. } if matches!(**cause, StoreError::OtherLog { position: 2 })), "{error}");

    mark::write(&marks(&folder).file, mark).unwrap();
    let kept = keep();
    written(3);
    std::fs::remove_file(marks(&folder).file).unwrap();
    running.stop();
    define(&database, "UPDATE head SET position = 2");
    let error = runtime.block_on(kept).unwrap();
    assert!(matches!(&error, MarkError::Behind { cause, .. } if matches!(**cause, StoreError::Older { found: 2, expected: 3 })), "{error}");
}
