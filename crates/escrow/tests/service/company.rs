//! Writers that wait while another writes share its commit: each is answered after it, and what one of them does wrong undoes nothing of the others'.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::{Database, Running, audited, key, money, on_each_database};
use tokio::runtime::Runtime;
use tokio::time::sleep;
use verinfer_escrow::books::{Change, Entry, Record};
use verinfer_escrow::store::{Head, Store, StoreError, Subject, Writing};
use verinfer_escrow_client::messages::Receipt;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::event::Facts;
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::Millis;

/// Waits for the turn to write that an account withdraws so much; gives what stands before it, and what is to be written.
async fn withdrawal(store: Store, head: Head, by: u8, units: u64, reference: String) -> Result<(u64, Writing, Entry, Change), StoreError> {
    let (signer, agreement) = (key(by), AgreementId::NONE);
    let subject = Subject { signer: Some(signer.account()), agreement, request: None };
    let (mut writing, standing) = store.write(subject).await?;
    let position = standing.position;
    let before = writing.before(standing).await?;
    let header = Header {
        version: VERSION,
        escrow: head.escrow,
        signer: signer.account(),
        agreement,
        sequence: before.last_sequence + 1,
        expires: head.clock.after(Millis(60_000)),
    };
    let request = Box::new(Request::sign(header, Body::Withdraw { amount: money(units), reference }, &signer));
    let entry = Entry { at: head.clock, record: Record::Request { request, facts: Facts::Nothing, waited: Millis(0) } };
    let change = entry.apply(head.escrow, &before).unwrap();
    Ok((position, writing, entry, change))
}

async fn withdraw(store: Store, head: Head, by: u8, units: u64, reference: String) -> Result<Receipt, StoreError> {
    let (_, writing, entry, change) = withdrawal(store, head, by, units, reference).await?;
    writing.commit(&entry, &change).await
}

/// A store on which three accounts have 1000 units each.
async fn led(database: &Database) -> (Store, Head) {
    Store::open(&database.url).await.unwrap().begin_term().await.unwrap()
}

fn funded(database: &Database) {
    let running = Running::start(database);
    running.fund(&[&key(1), &key(2), &key(3)], 1000);
    running.stop();
}

#[test]
fn who_writes_before_others_is_answered_after_their_common_commit_and_not_undone_with_one_that_is_refused() {
    on_each_database(|database| {
        funded(database);
        Runtime::new().unwrap().block_on(async {
            let (store, head) = led(database).await;
            let (position, first, entry, change) = withdrawal(store.clone(), head, 1, 300, "first".to_owned()).await.unwrap();
            assert_eq!(position, head.position);
            // It waits for its turn.
            let second = tokio::spawn(withdrawal(store.clone(), head, 2, 1001, "second".to_owned()));
            sleep(Duration::from_millis(100)).await;
            let first = tokio::spawn(async move { first.commit(&entry, &change).await });
            let (position, second, entry, change) = second.await.unwrap().unwrap();
            assert_eq!(position, head.position + 1, "the second writes after the first");
            sleep(Duration::from_millis(300)).await;
            assert!(!first.is_finished(), "no receipt before the commit");
            assert_eq!(store.for_reading().head().await.unwrap().position, head.position, "nobody else sees it before");
            let refused = second.commit(&entry, &change).await.unwrap_err();
            assert!(matches!(refused, StoreError::Overdrawn { .. }), "{refused}");
            let receipt = first.await.unwrap().unwrap();
            let end = store.head().await.unwrap();
            assert_eq!((receipt.position, receipt.head), (head.position + 1, end.digest));
            assert_eq!(end.position, head.position + 1);
            store.close().await;
        });
        assert_eq!(audited(database).unwrap().entries, 4);
    });
}

#[test]
fn a_writer_of_its_own_ends_the_transaction_of_those_who_wait() {
    on_each_database(|database| {
        funded(database);
        Runtime::new().unwrap().block_on(async {
            let (store, head) = led(database).await;
            let (_, first, entry, change) = withdrawal(store.clone(), head, 1, 300, "first".to_owned()).await.unwrap();
            let clock = head.clock.after(Millis(5));
            let others = store.clone();
            let second = tokio::spawn(async move { others.set_clock(clock).await });
            sleep(Duration::from_millis(100)).await;
            let receipt = first.commit(&entry, &change).await.unwrap();
            second.await.unwrap().unwrap();
            let end = store.head().await.unwrap();
            assert_eq!((end.position, end.digest, end.clock), (receipt.position, receipt.head, clock));
            store.close().await;
        });
        audited(database).unwrap();
    });
}

#[test]
fn each_of_many_writers_has_its_own_entry_or_its_own_refusal() {
    on_each_database(|database| {
        funded(database);
        let (entries, carried_out) = Runtime::new().unwrap().block_on(async {
            let (store, head) = led(database).await;
            // More than share one commit; every fourth wants too much.
            let units = |number: u64| if number % 4 == 3 { 2000 } else { 10 };
            let writers: Vec<_> = (0..60_u64)
                .map(|number| {
                    let by = u8::try_from(number % 3).unwrap() + 1;
                    (number, tokio::spawn(withdraw(store.clone(), head, by, units(number), number.to_string())))
                })
                .collect();
            let mut positions = BTreeSet::new();
            for (number, writer) in writers {
                match writer.await.unwrap() {
                    Ok(receipt) => {
                        assert_eq!(units(number), 10);
                        assert_eq!(store.digest_at(receipt.position).await.unwrap(), Some(receipt.head));
                        positions.insert(receipt.position);
                    }
                    Err(StoreError::Overdrawn { .. }) => assert_eq!(units(number), 2000),
                    Err(error) => panic!("{error}"),
                }
            }
            let end = store.head().await.unwrap().position;
            store.close().await;
            assert_eq!(positions, (head.position + 1..=end).collect());
            (end, positions.len())
        });
        assert_eq!((audited(database).unwrap().entries, carried_out), (entries, 45));
    });
}

#[test]
fn what_is_found_among_entries_of_others_is_told_once_they_are_on_disk() {
    on_each_database(|database| {
        funded(database);
        Runtime::new().unwrap().block_on(async {
            let (store, head) = led(database).await;
            let (_, first, entry, change) = withdrawal(store.clone(), head, 1, 300, "first".to_owned()).await.unwrap();
            let Record::Request { request, .. } = &entry.record else { unreachable!("it is a request's") };
            let subject = Subject { signer: Some(request.header.signer), agreement: AgreementId::NONE, request: Some(request.id()) };
            let others = store.clone();
            // The same request a second time, as a proxy may send it.
            let second = tokio::spawn(async move { others.write(subject).await });
            sleep(Duration::from_millis(100)).await;
            let first = tokio::spawn(async move { first.commit(&entry, &change).await });
            let (second, standing) = second.await.unwrap().unwrap();
            let found = standing.receipt.expect("the entry is found, and not committed");
            assert_eq!(store.for_reading().head().await.unwrap().position, head.position);
            second.leave().await.unwrap();
            assert_eq!(store.for_reading().head().await.unwrap().position, found.position, "now it is on disk");
            assert_eq!(first.await.unwrap().unwrap(), found);
            store.close().await;
        });
        assert_eq!(audited(database).unwrap().entries, 4);
    });
}
