//! Deadlines, and a clock that stands still while the escrow is down.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Running, audited, key, nonce, on_each_database, serving};
use verinfer_protocols::agreement;
use verinfer_protocols::time::Millis;

#[test]
fn silence_ends_agreements() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 1000);
        let client = running.client(&key(1));
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(3000));
        let id = client.open(agreement::Terms::Serving(terms)).unwrap();
        assert_eq!(client.own_account().unwrap().balance.units(), 920);
        let view = client.wait(id, (Duration::from_millis(50), Duration::from_secs(30)), |view| view.ended).unwrap();
        assert!(view.is_some(), "the deadline was not called");
        assert_eq!(client.own_account().unwrap().balance.units(), 1000);
        running.stop();
        audited(database).unwrap();
    });
}

#[test]
fn time_in_which_the_escrow_is_down_does_not_count() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 1000);
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(60_000));
        let id = running.client(&key(1)).open(agreement::Terms::Serving(terms)).unwrap();
        let (start, before) = (Instant::now(), running.client(&key(1)).about().unwrap().now);
        running.stop();
        let down = Duration::from_secs(2);
        sleep(down);
        let running = Running::start(database);
        let view = running.client(&key(1)).agreement(id).unwrap();
        assert!(!view.ended && before <= view.now);
        let passed = Duration::from_millis(view.now.0 - before.0);
        assert!(passed + down <= start.elapsed(), "{passed:?} of {:?}", start.elapsed());
        running.stop();
    });
}
