//! Files that are left with agreements.

use tokio::runtime::Runtime;
use verinfer_escrow::store::Store;
use verinfer_protocols::digest::{AgreementId, Digest};

use crate::common::{key, on_each_database};

#[test]
fn many_files_are_all_there_or_not() {
    let (id, other, owner) = (AgreementId([1; 32]), AgreementId([2; 32]), key(1).account());
    // More than one query asks for.
    let contents: Vec<Vec<u8>> = (0..260_u32).map(|number| number.to_le_bytes().to_vec()).collect();
    let files: Vec<Digest> = contents.iter().map(|content| Digest::of_bytes(content)).collect();
    on_each_database(|database| {
        Runtime::new().unwrap().block_on(async {
            let store = Store::create(&database.url).await.unwrap();
            for content in &contents {
                assert!(store.keep_file(id, owner, content, 1 << 20).await.unwrap());
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
