//! An escrow that lies about what it found out, in a log whose digests, signatures and payments are all right: who verifies the files again finds out.

use std::collections::BTreeSet;

use crate::common::accuracy::{Customer, Provider, stake};
use crate::common::model::Model;
use crate::common::{Database, LONG, Running, audited, execute, key, money, on_each_database, operator, serving, verified};
use tokio::runtime::Runtime;
use verinfer_escrow::audit::{AuditError, Verified};
use verinfer_escrow::books::{Before, Entry, EntryFault, Record};
use verinfer_escrow::proofs::{Asked, verify};
use verinfer_escrow::store::{Store, Subject};
use verinfer_escrow_client::Client;
use verinfer_protocols::accuracy::{self, Evidence, State};
use verinfer_protocols::agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::merkle::Tree;
use verinfer_protocols::serving::{Move, STAGE};
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::statement::context;
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::transfer;

/// Writes what a party asks for as if these facts had been found out about it.
fn lie(database: &Database, by: &SecretKey, agreement: AgreementId, action: agreement::Move, facts: Facts) {
    Runtime::new().unwrap().block_on(async {
        // The liar leads.
        let (store, head) = Store::open(&database.url).await.unwrap().begin_term().await.unwrap();
        let (escrow, signer, at) = (head.escrow, by.account(), head.clock);
        let sequence = store.last_sequence(signer, agreement).await.unwrap() + 1;
        let header = Header { version: VERSION, escrow, signer, agreement, sequence, expires: at.after(Millis(60_000)) };
        let request = Box::new(Request::sign(header, Body::Act(action), by));
        let (mut writing, standing) = store.write(Subject { signer: Some(signer), agreement, request: None }).await.unwrap();
        let before = writing.before(standing).await.unwrap();
        let entry = Entry { at, record: Record::Request { request, facts, waited: Millis(0) } };
        let change = entry.apply(escrow, &before).unwrap();
        writing.commit(&entry, &change).await.unwrap();
        store.close().await;
    });
}

/// A round of two predictions of which the second is contested; the provider leaves its model and proofs: a right one, that one spoilt, and one of
/// the first prediction.
struct Contested {
    id: AgreementId,
    right: Vec<u8>,
    spoilt: Vec<u8>,
    other: Vec<u8>,
}

fn contested(database: &Database, model: &Model) -> Contested {
    let (customers, providers) = (key(1), key(2));
    let running = Running::start(database);
    running.fund(&[&customers, &providers], 1000);
    let (customer, provider) = (running.client(&customers), running.client(&providers));
    let inputs: Vec<_> = (0..2).map(|number| model.input(number)).collect();
    let terms = serving::terms(customers.account(), providers.account(), model.digest(), 2, LONG);
    let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
    let act = |client: &Client, action| client.act(id, agreement::Move::Serving(action)).unwrap();
    act(&provider, Move::Accept);
    act(&customer, Move::Send { inputs: inputs.iter().map(|input| input.digest().unwrap()).collect() });
    act(&provider, Move::Confirm);
    let answers = (0..).zip(&inputs).map(|(index, input)| serving::answer(model, id, index, input, &providers));
    act(&customer, Move::Record { answers: answers.collect() });
    act(&customer, Move::Contest { inputs: BTreeSet::from([1]) });
    let right = serving::prove(model, id, &[&inputs[1]]);
    let mut spoilt = right.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    let other = serving::prove(model, id, &[&inputs[0]]);
    for file in [&model.public, &right, &spoilt, &other] {
        provider.leave_file(id, file).unwrap();
    }
    provider.leave_file(id, &serving::salts(1)).unwrap();
    running.stop();
    Contested { id, right, spoilt, other }
}

fn prove(proof: Digest) -> Move {
    Move::Prove { proof, salts: Digest::of_bytes(&serving::salts(1)), inputs: vec![1] }
}

#[test]
fn proofs_that_are_not_what_the_log_says_are_found() {
    let model = Model::digits();
    type File = fn(&Contested) -> &Vec<u8>;
    type Expected = fn(&AuditError) -> bool;
    let lies: [(File, Expected); 3] = [
        (|round| &round.spoilt, |error| matches!(error, AuditError::Proof { position: 9, .. })),
        (|round| &round.other, |error| matches!(error, AuditError::Statement { position: 9 })),
        (|_| const { &Vec::new() }, |error| matches!(error, AuditError::FileMissing { position: 9, .. })),
    ];
    on_each_database(|database| {
        // Each on a database of its own, of the same kind.
        for (file, expected) in lies {
            let database = &database.another();
            let round = contested(database, &model);
            let context = context(round.id, STAGE);
            let statement = verify(&model.public, &round.right, &context, Asked::Predictions, &serving::salts(1)).unwrap();
            let proof = Digest::of_bytes(file(&round));
            let action = agreement::Move::Serving(prove(proof));
            lie(database, &key(2), round.id, action, Facts::Proof(statement));
            assert_eq!(audited(database).unwrap().ended, 1, "the log itself is right");
            let error = verified(database).unwrap_err();
            assert!(expected(&error), "{error}");
        }
    });
}

#[test]
fn files_that_are_gone_or_changed_are_found() {
    let model = Model::digits();
    on_each_database(|database| {
        let round = contested(database, &model);
        let running = Running::start(database);
        let action = prove(Digest::of_bytes(&round.right));
        running.client(&key(2)).act(round.id, agreement::Move::Serving(action)).unwrap();
        running.stop();
        assert_eq!(verified(database).unwrap().verified, Some(Verified { proofs: 1, ..Verified::default() }));

        let (name, other) = (Digest::of_bytes(&round.right), Digest::of_bytes(&round.spoilt));
        execute(
            database,
            &format!("UPDATE files SET content = (SELECT content FROM files WHERE digest = '{other}') WHERE digest = '{name}'"),
        );
        let error = verified(database).unwrap_err();
        assert!(matches!(error, AuditError::FileChanged { file, .. } if file == name), "{error}");
        execute(database, &format!("DELETE FROM files WHERE digest = '{}'", model.digest()));
        let error = verified(database).unwrap_err();
        assert!(matches!(error, AuditError::FileMissing { file, .. } if file == model.digest()), "{error}");
        audited(database).unwrap();
    });
}

/// An agreement about accuracy up to where its first transfer stands as `stop` says; gives the ciphertexts, which are only announced.
fn transferring(database: &Database, model: &Model, stop: fn(&transfer::State) -> bool) -> (AgreementId, Vec<Vec<u8>>) {
    let (customers, providers) = (key(1), key(2));
    let running = Running::start(database);
    running.fund(&[&customers, &providers], 100_000);
    let clients = (running.client(&customers), running.client(&providers));
    let stake = stake(&clients.1, model.digest());
    let (mut customer, mut provider, mut delivered) = (Customer::new(model, 4, Evidence::Outputs), Provider::default(), Vec::new());
    let terms = customer.terms(customers.account(), providers.account(), model.digest(), stake);
    let id = clients.0.open(agreement::Terms::Accuracy(terms)).unwrap();
    loop {
        let view = clients.0.agreement(id).unwrap();
        if let agreement::State::Accuracy(State::First { transfer, .. }) = &view.agreement.state
            && stop(transfer)
        {
            break;
        }
        let moved = customer.advance(&clients.0, &view, &mut delivered) || provider.advance(&clients.1, model, &view, &delivered);
        assert!(moved, "nobody moves: {view:?}");
    }
    running.stop();
    (id, delivered)
}

fn transfer_move(action: transfer::Move) -> agreement::Move {
    agreement::Move::Accuracy(accuracy::Move::Transfer(action))
}

#[test]
fn ciphertexts_that_do_not_open_as_the_log_says_are_found() {
    let model = Model::digits();
    on_each_database(|database| {
        for logged in [true, false] {
            let database = &database.another();
            let (id, delivered) = transferring(database, &model, |state| matches!(state, transfer::State::Checking { .. }));
            let running = Running::start(database);
            let ciphertext = running.client(&key(2)).leave_file(id, &delivered[0]).unwrap();
            running.stop();
            let digests: Vec<Digest> = delivered.iter().map(|sealed| Digest::of_bytes(sealed)).collect();
            let path = Tree::new(&digests).unwrap().path(0).unwrap();
            let action = transfer_move(transfer::Move::Contest { position: 0, ciphertext, path });
            lie(database, &key(2), id, action, Facts::Opens(logged));
            audited(database).unwrap();
            match verified(database) {
                Ok(audit) => {
                    assert!(logged, "the customer has sent what it promised");
                    assert_eq!(audit.verified, Some(Verified { contested: 1, ..Verified::default() }));
                }
                Err(error) => assert!(!logged && matches!(error, AuditError::Opens { logged: false, .. }), "{error}"),
            }
        }
    });
}

#[test]
fn ciphertexts_that_the_escrow_did_not_have_are_found() {
    let model = Model::digits();
    on_each_database(|database| {
        let (id, delivered) = transferring(database, &model, |state| matches!(state, transfer::State::Acknowledging { .. }));
        let running = Running::start(database);
        running.client(&key(2)).act(id, transfer_move(transfer::Move::Missing)).unwrap();
        running.stop();
        let ciphertexts: Vec<Digest> = delivered.iter().map(|sealed| Digest::of_bytes(sealed)).collect();
        lie(database, &key(1), id, transfer_move(transfer::Move::Publish { ciphertexts: ciphertexts.clone() }), Facts::Held);
        audited(database).unwrap();
        let error = verified(database).unwrap_err();
        assert!(matches!(error, AuditError::FileMissing { file, .. } if file == ciphertexts[0]), "{error}");
    });
}

#[test]
fn escrow_that_says_it_waited_for_what_the_database_says_is_found() {
    let at = Timestamp(1000);
    let applied = |waited| {
        let (escrow, signer, agreement) = (operator().account(), key(2).account(), AgreementId::NONE);
        let header = Header { version: VERSION, escrow, signer, agreement, sequence: 1, expires: at.after(Millis(60_000)) };
        let body = Body::Withdraw { amount: money(1), reference: "r".to_owned() };
        let request = Box::new(Request::sign(header, body, &key(2)));
        Entry { at, record: Record::Request { request, facts: Facts::Nothing, waited } }.apply(escrow, &Before::default())
    };
    let fine = applied(Millis(0));
    assert!(fine.is_ok(), "{:?}", fine.err());
    assert!(matches!(applied(Millis(1)), Err(EntryFault::Waited { waited: Millis(1) })));
}
