//! Payments from and to the world outside: each is recorded once, and whatever is asked for in whatever order, money is conserved.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use verinfer_protocols::digest::{AgreementId, canonical};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::ledger::{Account, Ledger};
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::{Direction, Key, MAX_TEXT_BYTES, Payment, PaymentFault, Standing};
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::Timestamp;

fn escrow() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

fn party(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn units(units: u64) -> Money {
    Money::new(units).unwrap()
}

fn request(key: &SecretKey, body: Body) -> Request {
    let header = Header {
        version: VERSION,
        escrow: escrow().account(),
        signer: key.account(),
        agreement: AgreementId::NONE,
        sequence: 1,
        expires: Timestamp(1),
    };
    Request::sign(header, body, key)
}

/// All payments, and where the money is.
#[derive(Clone, Debug, Default, PartialEq)]
struct Books {
    payments: BTreeMap<Key, Payment>,
    ledger: Ledger,
}

impl Books {
    /// What becomes of a request; nothing changes if it is refused, by the rules or because the account has too little.
    fn ask(&mut self, key: &SecretKey, body: Body) -> Result<(), Option<PaymentFault>> {
        let request = request(key, body);
        let name = Key::of(&request).unwrap();
        let (payment, postings) = Payment::step(self.payments.get(&name), name.clone(), &request.body).map_err(Some)?;
        self.ledger.post(&postings).map_err(|_| None)?;
        self.payments.insert(name, payment);
        self.check();
        Ok(())
    }

    /// What is here is what came in and did not go out; what is due is what is not paid.
    fn check(&self) {
        let sum = |of: &dyn Fn(&Payment) -> bool, amount: fn(&Payment) -> Money| {
            self.payments.values().filter(|payment| of(payment)).map(|payment| amount(payment).units()).sum::<u64>()
        };
        let received = sum(&|payment| payment.standing == Standing::Received, |payment| payment.left);
        let paid = sum(&|payment| payment.standing == Standing::Paid, |payment| payment.amount);
        let due = sum(&|payment| payment.standing == Standing::Due, |payment| payment.amount);
        assert_eq!(self.ledger.balance(Account::Outside).units(), received - paid);
        assert_eq!(self.ledger.balance(Account::Due).units(), due);
        self.ledger.check().unwrap();
    }
}

fn deposit(account: AccountId, amount: u64) -> Body {
    Body::Deposit { account, amount: units(amount), reference: "invoice".to_owned() }
}

fn withdrawal(amount: u64) -> Body {
    Body::Withdraw { amount: units(amount), reference: "november".to_owned() }
}

fn reversal(account: AccountId, left: u64) -> Body {
    Body::Reverse { account, reference: "invoice".to_owned(), left: units(left), reason: "a typing error".to_owned() }
}

fn paid(account: AccountId) -> Body {
    Body::Paid { account, reference: "november".to_owned() }
}

fn returned(account: AccountId) -> Body {
    Body::Returned { account, reference: "november".to_owned(), reason: "no such bank account".to_owned() }
}

#[test]
fn a_deposit_with_the_same_reference_is_credited_once() {
    let (mut books, alice, bob) = (Books::default(), party(1), party(2));
    books.ask(&escrow(), deposit(alice.account(), 10)).unwrap();
    let before = books.clone();
    assert_eq!(books.ask(&escrow(), deposit(alice.account(), 10)), Err(Some(PaymentFault::Recorded)));
    let other = PaymentFault::OtherAmount { direction: Direction::In, recorded: units(10), amount: units(11) };
    assert_eq!(books.ask(&escrow(), deposit(alice.account(), 11)), Err(Some(other)));
    assert_eq!(books, before);
    // Another account may have one with the same reference.
    books.ask(&escrow(), deposit(bob.account(), 11)).unwrap();
}

#[test]
fn a_reversal_takes_what_the_account_has_and_no_more_than_was_deposited() {
    let (mut books, alice) = (Books::default(), party(1));
    let unknown = PaymentFault::Unknown { direction: Direction::In };
    assert_eq!(books.ask(&escrow(), reversal(alice.account(), 0)), Err(Some(unknown)));
    books.ask(&escrow(), deposit(alice.account(), 10)).unwrap();
    books.ask(&alice, withdrawal(4)).unwrap();
    assert_eq!(books.ask(&escrow(), reversal(alice.account(), 0)), Err(None), "only 6 are there");
    books.ask(&escrow(), reversal(alice.account(), 4)).unwrap();
    assert_eq!(books.ledger.balance(Account::Party(alice.account())), units(0));
    assert_eq!(books.ask(&escrow(), reversal(alice.account(), 4)), Err(Some(PaymentFault::Recorded)));
    let more = PaymentFault::NotLess { left: units(4), found: units(5) };
    assert_eq!(books.ask(&escrow(), reversal(alice.account(), 5)), Err(Some(more)));
    // The deposit was recorded, whatever is left of it.
    assert_eq!(books.ask(&escrow(), deposit(alice.account(), 10)), Err(Some(PaymentFault::Recorded)));
}

#[test]
fn a_withdrawal_is_due_until_it_is_paid_or_returned_once() {
    let (mut books, alice) = (Books::default(), party(1));
    books.ask(&escrow(), deposit(alice.account(), 10)).unwrap();
    assert_eq!(books.ask(&escrow(), paid(alice.account())), Err(Some(PaymentFault::Unknown { direction: Direction::Out })));
    assert_eq!(books.ask(&alice, withdrawal(11)), Err(None));
    books.ask(&alice, withdrawal(4)).unwrap();
    assert_eq!(books.ask(&alice, withdrawal(4)), Err(Some(PaymentFault::Recorded)));
    let mut other = books.clone();

    books.ask(&escrow(), paid(alice.account())).unwrap();
    assert_eq!(books.ledger.balance(Account::Outside), units(6));
    assert_eq!(books.ask(&escrow(), paid(alice.account())), Err(Some(PaymentFault::Recorded)));
    assert_eq!(books.ask(&escrow(), returned(alice.account())), Err(Some(PaymentFault::Paid)));

    other.ask(&escrow(), returned(alice.account())).unwrap();
    assert_eq!(other.ledger.balance(Account::Party(alice.account())), units(10));
    assert_eq!(other.ask(&escrow(), returned(alice.account())), Err(Some(PaymentFault::Recorded)));
    assert_eq!(other.ask(&escrow(), paid(alice.account())), Err(Some(PaymentFault::Returned)));
    assert_eq!(other.ask(&alice, withdrawal(4)), Err(Some(PaymentFault::Returned)));
}

#[test]
fn the_operator_withdraws_fees() {
    let name = Key::of(&request(&escrow(), withdrawal(4))).unwrap();
    assert_eq!(name.holder, Account::Fees);
    assert_eq!(Key::of(&request(&escrow(), paid(escrow().account()))), Some(name));
}

#[test]
fn references_and_reasons_are_short_and_payments_of_something() {
    let mut books = Books::default();
    let account = party(1).account();
    for len in [0, MAX_TEXT_BYTES + 1] {
        let body = Body::Deposit { account, amount: units(1), reference: "x".repeat(len) };
        assert_eq!(books.ask(&escrow(), body), Err(Some(PaymentFault::Reference { len })));
    }
    assert_eq!(books.ask(&escrow(), deposit(account, 0)), Err(Some(PaymentFault::Nothing)));
    books.ask(&escrow(), deposit(account, 5)).unwrap();
    let reason = "x".repeat(MAX_TEXT_BYTES + 1);
    let body = Body::Reverse { account, reference: "invoice".to_owned(), left: units(0), reason: reason.clone() };
    assert_eq!(books.ask(&escrow(), body), Err(Some(PaymentFault::Reason { len: reason.len() })));
    let body = Body::Returned { account, reference: "november".to_owned(), reason: reason.clone() };
    assert_eq!(books.ask(&escrow(), body), Err(Some(PaymentFault::Reason { len: reason.len() })));
}

#[test]
fn payments_have_one_encoding() {
    let account = party(1).account();
    for body in [deposit(account, 5), withdrawal(5), reversal(account, 2), paid(account), returned(account)] {
        let bytes = canonical(&body);
        let read: Body = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((&read, canonical(&read)), (&body, bytes));
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(serde_json::from_str::<Body>(&text).unwrap(), body);
    }
}

proptest! {
    #[test]
    fn money_is_conserved_whatever_is_asked_for(asked in prop::collection::vec((0_u8..5, 1_u8..4, 0_u64..20, 0_u8..3), 0..80)) {
        let mut books = Books::default();
        for (what, who, amount, which) in asked {
            let (key, reference) = (party(who), which.to_string());
            let account = key.account();
            let (signer, body) = match what {
                0 => (escrow(), Body::Deposit { account, amount: units(amount), reference }),
                1 => (key, Body::Withdraw { amount: units(amount), reference }),
                2 => (escrow(), Body::Reverse { account, reference, left: units(amount), reason: String::new() }),
                3 => (escrow(), Body::Paid { account, reference }),
                _ => (escrow(), Body::Returned { account, reference, reason: String::new() }),
            };
            let before = books.clone();
            if books.ask(&signer, body.clone()).is_err() {
                prop_assert_eq!(&books, &before);
            } else {
                // The same again changes nothing.
                let after = books.clone();
                prop_assert!(books.ask(&signer, body).is_err());
                prop_assert_eq!(&books, &after);
            }
        }
    }
}
