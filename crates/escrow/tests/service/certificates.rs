//! A receipt key whose certificate ends while the escrow serves: nobody takes its answers, so nobody may be late.

use std::thread::sleep;
use std::time::Duration;

use verinfer_escrow::clock::machine_seconds;
use verinfer_escrow::signer::{MARGIN, Signer};
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::answer::SignedCertificate;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::Millis;

use crate::common::{Running, audited, key, nonce, on_each_database, operator, serving};

/// A receipt key that is used for so many seconds more.
fn certified(seconds: u64) -> Signer {
    let (receipts, now) = (key(200), machine_seconds());
    let certificate = SignedCertificate::sign(receipts.account(), (now - 60, now + MARGIN + seconds), &operator());
    Signer::certified(receipts, certificate, now).unwrap()
}

#[test]
fn time_stands_and_nothing_is_carried_out_from_the_end_of_a_certificate_until_there_is_another() {
    on_each_database(|database| {
        let running = Running::with(database, certified(5), None);
        running.fund(&[&key(1), &key(2)], 1000);
        let customer = running.client(&key(1));
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(7000));
        let id = customer.open(Terms::Serving(terms)).unwrap();
        let position = customer.about().unwrap().position;
        sleep(Duration::from_secs(12));
        let hasty = Patience { answer: Duration::from_secs(100), total: Duration::ZERO };
        let refused = Client::connect(&running.url(), key(2), hasty).unwrap_err();
        assert!(refused.to_string().contains("stands by") && refused.is_transient(), "{refused}");
        // Another process, whose certificate holds, takes over at once.
        let renewed = Running::with(database, certified(1000), None);
        let provider = renewed.client(&key(2));
        assert_eq!(provider.about().unwrap().position, position, "no deadline was called");
        provider.act(id, Move::Serving(Serving::Accept)).unwrap();
        running.stop();
        renewed.stop();
        audited(database).unwrap();
    });
}
