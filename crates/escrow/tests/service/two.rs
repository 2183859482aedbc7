//! Two processes of one escrow on one database: the one that started last writes, the other ends.

use std::time::Duration;

use verinfer_escrow::error::ServiceError;
use verinfer_escrow::store::StoreError;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::Millis;

use crate::common::{Running, audited, key, nonce, on_each_database, serving};

#[test]
fn an_escrow_writes_nothing_once_another_has_started_on_its_database() {
    on_each_database(|database| {
        let first = Running::start(database);
        first.fund(&[&key(1), &key(2)], 1000);
        let terms = || Terms::Serving(serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(600_000)));
        let id = first.client(&key(1)).open(terms()).unwrap();
        let impatient =
            Client::connect(&first.url(), key(2), Patience { answer: Duration::from_secs(100), total: Duration::ZERO }).unwrap();
        let before = first.client(&key(1)).about().unwrap();

        let second = Running::start(database);
        let refused = impatient.act(id, Move::Serving(Serving::Accept)).unwrap_err();
        assert!(refused.is_transient() && matches!(refused.kind(), Some("deposed" | "stopping") | None), "{refused}");
        assert!(matches!(first.ended(), Err(ServiceError::Store(StoreError::Deposed))));

        let about = second.client(&key(1)).about().unwrap();
        assert_eq!((about.position, about.head), (before.position, before.head));
        assert!(about.now >= before.now);
        let receipt = second.client(&key(2)).act(id, Move::Serving(Serving::Accept)).unwrap();
        assert_eq!(receipt.position, before.position + 1);
        second.client(&key(1)).open(terms()).unwrap();
        second.stop();
        audited(database).unwrap();
    });
}
