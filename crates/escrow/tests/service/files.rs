//! Files that are left with agreements.

use tokio::runtime::Runtime;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow::store::{FileLimits, Kept, Store, StoreError};
use verinfer_escrow_client::Client;
use verinfer_escrow_client::FILE_OVERHEAD;
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::Timestamp;

use crate::common::{LONG, Running, key, nonce, on_each_database, serving, sqlite_at};

#[test]
fn many_files_are_all_there_or_not() {
    let (id, other, owner) = (AgreementId([1; 32]), AgreementId([2; 32]), key(1).account());
    // More than one query asks for.
    let contents: Vec<Vec<u8>> = (0..260_u32).map(|number| number.to_le_bytes().to_vec()).collect();
    let files: Vec<Digest> = contents.iter().map(|content| Digest::of_bytes(content)).collect();
    on_each_database(|database| {
        Runtime::new().unwrap().block_on(async {
            let store = Store::create(&database.url).await.unwrap();
            let refused = store.keep_file(id, owner, b"", FileLimits { agreement: 1, account: 1 }).await.unwrap_err();
            assert!(matches!(refused, StoreError::Deposed), "nobody leads: {refused}");
            store.initialize(owner, Timestamp(0)).await.unwrap();
            let (store, _) = store.begin_term().await.unwrap();
            let limits = FileLimits { agreement: 1 << 20, account: 1 << 20 };
            for content in &contents {
                assert_eq!(store.keep_file(id, owner, content, limits).await.unwrap(), Kept::Kept);
            }
            assert!(store.holds_files(id, &files).await.unwrap());
            assert!(store.holds_files(id, &[&files[..], &files[..]].concat()).await.unwrap(), "each may be asked for twice");
            assert!(store.holds_files(id, &[]).await.unwrap());
            let missing = [&files[..], &[Digest::of_bytes(b"missing")]].concat();
            assert!(!store.holds_files(id, &missing).await.unwrap());
            assert!(!store.holds_files(other, &files[..1]).await.unwrap(), "they are another agreement's");
        });
    });
}

/// Leaves a file of 1000 bytes; gives what is said of it if it is refused.
fn leave(client: &Client, id: AgreementId, content: u8) -> Result<Digest, String> {
    client.leave_file(id, &[content; 1000]).map_err(|error| {
        assert_eq!(error.kind(), Some("too_many_files"), "{error}");
        error.to_string()
    })
}

#[test]
fn files_take_no_more_room_than_they_may() {
    on_each_database(|database| {
        let account_bytes = 3 * (1000 + FILE_OVERHEAD);
        let limits = Limits { file_bytes: 1000, proposed_bytes: 1500, agreement_bytes: 2500, account_bytes, ..Limits::default() };
        let running = Running::with_limits(database, limits, HttpLimits::default());
        running.fund(&[&key(1), &key(2)], 1000);
        let (customer, provider) = (running.client(&key(1)), running.client(&key(2)));
        let open = || {
            let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
            customer.open(Terms::Serving(terms)).unwrap()
        };
        let [accepted, withdrawn, third] = [open(), open(), open()];

        let file = leave(&customer, accepted, 1).unwrap();
        assert_eq!(leave(&customer, accepted, 1).unwrap(), file, "the same file takes no more room");
        assert_eq!(customer.leave_file(accepted, &[2; 1001]).unwrap_err().kind(), Some("oversized"));
        let error = leave(&customer, accepted, 2).unwrap_err();
        assert!(error.contains("with this agreement, which is not accepted yet, would take more than 1500 bytes"), "{error}");
        leave(&provider, accepted, 2).unwrap();
        provider.act(accepted, Move::Serving(Serving::Accept)).unwrap();
        leave(&customer, accepted, 3).unwrap();
        let error = leave(&customer, accepted, 4).unwrap_err();
        assert!(error.contains("with this agreement would take more than 2500 bytes"), "{error}");

        let lost = leave(&customer, withdrawn, 1).unwrap();
        let error = leave(&customer, third, 1).unwrap_err();
        assert!(error.contains(&format!("would take more than {account_bytes} bytes")), "{error}");
        // What was never accepted takes no room once it has ended.
        customer.act(withdrawn, Move::Serving(Serving::Abort)).unwrap();
        assert_eq!(customer.file(withdrawn, lost).unwrap_err().kind(), Some("no_file"));
        assert_eq!(customer.leave_file(withdrawn, &[1; 1000]).unwrap_err().kind(), Some("no_access"));
        leave(&customer, third, 1).unwrap();
        assert!(leave(&customer, third, 1).is_ok() && leave(&provider, third, 2).is_ok());

        // What was accepted stays, and counts no longer.
        provider.act(accepted, Move::Serving(Serving::Abort)).unwrap();
        assert_eq!(provider.file(accepted, file).unwrap(), [1; 1000], "the other party can read it");
        let fourth = open();
        leave(&customer, fourth, 1).unwrap();
        leave(&customer, open(), 1).unwrap();
        leave(&customer, open(), 1).unwrap_err();
        running.stop();
    });
}

#[cfg(unix)]
#[test]
fn its_operator_alone_reads_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let database = sqlite_at(&folder.path().join("escrow.db"));
    let running = Running::start(&database);
    running.fund(&[&key(1)], 1000);
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        names.push(file.file_name());
    }
    assert!(names.len() >= 2, "the log beside it, too: {names:?}");
    running.stop();
}
