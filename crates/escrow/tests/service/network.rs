//! Anybody audits a running escrow over the network, against the heads and receipts that they know.

use crate::common::between::{Between, lying};
use crate::common::{Database, LONG, Running, audited, execute, key, money, nonce, on_each_database, operator, serving, sqlite};
use tokio::runtime::Runtime;
use verinfer_escrow::audit::{Audit, AuditError, Marks, audit_over_network};
use verinfer_escrow::books::{Entry, Record};
use verinfer_escrow::clock::machine_time;
use verinfer_escrow::store::{Store, Subject};
use verinfer_escrow_client::memory::{Export, KeptFault, KeptReceipt};
use verinfer_escrow_client::messages::{JSON, REQUESTS, Receipt, RequestReceipt};
use verinfer_escrow_client::{EscrowAddress, EvidenceFault, Patience, Reader};
use verinfer_protocols::agreement;
use verinfer_protocols::answer::{self, Answer, LogHead, Question, SignedAnswer};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::{Millis, Timestamp};

fn over_network(running: &Running, marks: impl FnOnce(&mut Marks) -> Result<(), AuditError>) -> Result<Audit, AuditError> {
    let reader = Reader::connect(&EscrowAddress::of(&running.url(), Patience::default())).unwrap();
    let mut known = Marks::default();
    marks(&mut known)?;
    audit_over_network(&reader, &known, machine_time())
}

/// An escrow with some entries; gives the receipt of the last one, which opens an agreement.
fn filled(running: &Running) -> (Request, Receipt) {
    running.fund(&[&key(1), &key(2)], 1000);
    let client = running.client(&key(1));
    let terms = agreement::Terms::Serving(serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG));
    let request = client.prepare(terms.id(client.escrow()), Body::Open(terms)).unwrap();
    let receipt = client.submit(&request).unwrap();
    (request, receipt)
}

/// What a party would have kept of a receipt that a key has signed.
fn kept(request: &Request, entry: Receipt, by: &SecretKey) -> Export {
    let body = serde_json::to_string(&RequestReceipt { request: request.id(), entry }).unwrap();
    let question = Question { method: "POST", target: REQUESTS, content_type: JSON, content_length: "3", ..Question::default() };
    let answer = Answer {
        version: answer::VERSION,
        escrow: operator().account(),
        question: question.digest(),
        nonce: None,
        status: 200,
        body: Digest::of_bytes(body.as_bytes()),
        now: entry.at,
        head: LogHead { position: entry.position, digest: entry.head },
        known: None,
    };
    let answer = SignedAnswer::sign(answer, None, by);
    let receipt = KeptReceipt { request: request.clone(), authorization: String::new(), content_length: 3, entry, answer, body };
    Export { receipts: vec![receipt], ..Export::default() }
}

#[test]
fn running_escrow_is_audited_against_the_heads_and_receipts_that_are_known() {
    on_each_database(|database| {
        let running = Running::start(database);
        let (request, entry) = filled(&running);
        let escrow = operator().account();
        let known = LogHead { position: entry.position, digest: entry.head };
        let found = over_network(&running, |marks| {
            marks.head(known);
            marks.kept(escrow, &kept(&request, entry, &operator()))
        });
        let found = found.unwrap();
        assert_eq!((found.entries, found.digest, found.open), (entry.position, entry.head, 1));

        let refused = |marks: &dyn Fn(&mut Marks) -> Result<(), AuditError>| over_network(&running, marks).unwrap_err();
        let head = |head: LogHead| {
            refused(&move |marks| {
                marks.head(head);
                Ok(())
            })
        };
        let error = head(LogHead { digest: nonce(), ..known });
        assert!(matches!(error, AuditError::OtherLog { position, .. } if position == known.position), "{error}");
        let error = head(LogHead { position: known.position + 1, ..known });
        assert!(matches!(error, AuditError::Gone { end, .. } if end == known.position), "{error}");
        let receipt = |kept: Export| refused(&move |marks| marks.kept(escrow, &kept));
        // Another request that the party has signed, but has not sent.
        let later = Header { expires: request.header.expires.after(Millis(1)), ..request.header.clone() };
        let other = Request::sign(later, request.body.clone(), &key(1));
        let error = receipt(kept(&other, entry, &operator()));
        assert!(matches!(error, AuditError::NotCarriedOut { request, .. } if request == other.id()), "{error}");
        let gone = Receipt { position: entry.position + 5, ..entry };
        let error = receipt(kept(&request, gone, &operator()));
        assert!(matches!(error, AuditError::Gone { .. }), "{error}");
        let error = receipt(kept(&request, entry, &key(1)));
        assert!(matches!(error, AuditError::Kept(KeptFault::Receipt { fault: EvidenceFault::Unsigned { .. }, .. })), "{error}");
        let mut changed = kept(&request, entry, &operator());
        changed.receipts[0].request = other;
        let error = receipt(changed);
        assert!(matches!(error, AuditError::Kept(KeptFault::Receipt { fault: EvidenceFault::OtherReceipt { .. }, .. })), "{error}");
        running.stop();
        assert_eq!(audited(database).unwrap(), found, "the same as where the database is");
    });
}

#[test]
fn entry_that_was_changed_is_found_over_the_network() {
    let database = sqlite();
    let running = Running::start(&database);
    filled(&running);
    running.stop();
    execute(&database, "UPDATE log SET entry = (SELECT entry FROM log WHERE position = 2) WHERE position = 3");
    let running = Running::start(&database);
    let error = over_network(&running, |_| Ok(())).unwrap_err();
    assert!(matches!(error, AuditError::Digest { position: 3 }), "{error}");
    running.stop();
}

/// Writes a deposit as if it had come at some time.
fn write(database: &Database, time: impl FnOnce(Timestamp) -> Timestamp) {
    Runtime::new().unwrap().block_on(async {
        let store = Store::open(&database.url).await.unwrap();
        let (store, head) = store.begin_term().await.unwrap();
        let (escrow, at) = (head.escrow, time(head.clock));
        let sequence = store.last_sequence(escrow, AgreementId::NONE).await.unwrap() + 1;
        let header =
            Header { version: VERSION, escrow, signer: escrow, agreement: AgreementId::NONE, sequence, expires: at.after(Millis(60_000)) };
        let body = Body::Deposit { account: key(1).account(), amount: money(1), reference: format!("at {at}") };
        let request = Box::new(Request::sign(header, body, &operator()));
        let subject = Subject { signer: Some(escrow), agreement: AgreementId::NONE, request: None };
        let (mut writing, standing) = store.write(subject).await.unwrap();
        let before = writing.before(standing).await.unwrap();
        let entry = Entry { at, record: Record::Request { request, facts: Facts::Nothing, waited: Millis(0) } };
        let change = entry.apply(escrow, &before).unwrap();
        writing.commit(&entry, &change).await.unwrap();
        store.close().await;
    });
}

#[test]
fn times_that_run_backwards_or_ahead_are_found() {
    type Expected = fn(&AuditError) -> bool;
    type Change = fn(Timestamp) -> Timestamp;
    let lies: [(Change, Expected); 2] = [
        (|now| now.before(Millis(120_000)), |error| matches!(error, AuditError::Backwards { .. })),
        (|now| now.after(Millis(3_600_000)), |error| matches!(error, AuditError::Ahead { .. })),
    ];
    for (time, expected) in lies {
        let database = sqlite();
        let running = Running::start(&database);
        filled(&running);
        running.stop();
        write(&database, |now| now.before(Millis(10_000)));
        audited(&database).unwrap();
        write(&database, time);
        let error = audited(&database).unwrap_err();
        assert!(expected(&error), "{error}");
        let running = Running::start(&database);
        let error = over_network(&running, |_| Ok(())).unwrap_err();
        assert!(expected(&error), "{error}");
        running.stop();
    }
}

#[test]
fn log_whose_entries_do_not_follow_is_an_error_and_not_waited_for() {
    let database = sqlite();
    let running = Running::start(&database);
    filled(&running);
    let between = Between::start(running.address);
    let reader = Reader::connect(&EscrowAddress::of(&between.url(), Patience::default())).unwrap();
    // All entries that it gives come after the end that it has signed.
    between.spoil(|_, answer| {
        lying(&operator(), answer, |_, body| {
            let mut entries: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
            for entry in &mut entries {
                entry["position"] = (entry["position"].as_u64().unwrap() + 1000).into();
            }
            *body = serde_json::to_string(&entries).unwrap();
        })
    });
    let error = audit_over_network(&reader, &Marks::default(), machine_time()).unwrap_err();
    assert!(matches!(error, AuditError::Gap { expected: 1, found: 1001 }), "{error}");
    running.stop();
}
