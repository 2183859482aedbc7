//! Whatever is changed behind the escrow's back, the audit finds.

use crate::common::{Database, LONG, Running, audited, execute, key, nonce, on_each_database, serving};
use verinfer_escrow::audit::AuditError;
use verinfer_protocols::agreement;
use verinfer_protocols::serving::Move;

/// A database with two deposits, an agreement that was accepted, and a withdrawal.
fn fill(database: &Database) {
    let (customers, providers) = (key(1), key(2));
    let running = Running::start(database);
    running.fund(&[&customers, &providers], 1000);
    let terms = serving::terms(customers.account(), providers.account(), nonce(), 2, LONG);
    let id = running.client(&customers).open(agreement::Terms::Serving(terms)).unwrap();
    running.client(&providers).act(id, agreement::Move::Serving(Move::Accept)).unwrap();
    running.client(&customers).withdraw(crate::common::money(100), "bank".to_owned()).unwrap();
    running.stop();
}

#[test]
fn audit_finds_every_change() {
    on_each_database(|database| {
        fill(database);
        let audit = audited(database).unwrap();
        assert_eq!((audit.entries, audit.open, audit.ended, audit.issued, audit.fees), (5, 1, 0, 2000, 0));
        let party = format!("party:{}", key(1).account());
        type Expected = fn(&AuditError) -> bool;
        let changes: [(String, String, Expected); 7] = [
            (
                format!("UPDATE balances SET units = units + 1 WHERE account = '{party}'"),
                format!("UPDATE balances SET units = units - 1 WHERE account = '{party}'"),
                |error| matches!(error, AuditError::Balance { .. }),
            ),
            (
                "INSERT INTO balances (account, units) VALUES ('party:x', 5)".to_owned(),
                "DELETE FROM balances WHERE account = 'party:x'".to_owned(),
                |error| matches!(error, AuditError::Balance { .. }),
            ),
            (
                "UPDATE log SET digest = 'ff' || substr(digest, 3) WHERE position = 5".to_owned(),
                format!("UPDATE log SET digest = '{}' WHERE position = 5", audit.digest),
                |error| matches!(error, AuditError::Digest { position: 5 }),
            ),
            (
                "UPDATE log SET position = 100 WHERE position = 3".to_owned(),
                "UPDATE log SET position = 3 WHERE position = 100".to_owned(),
                |error| matches!(error, AuditError::Gap { expected: 3, found: 4 }),
            ),
            (
                format!("INSERT INTO movements (account, position, units, balance) VALUES ('{party}', 99, 1, 1)"),
                "DELETE FROM movements WHERE position = 99".to_owned(),
                |error| matches!(error, AuditError::Movement { position: 99 }),
            ),
            ("UPDATE head SET position = 6".to_owned(), "UPDATE head SET position = 5".to_owned(), |error| {
                matches!(error, AuditError::End { found: 5, expected: 6 })
            }),
            ("UPDATE log SET entry = (SELECT entry FROM log WHERE position = 1) WHERE position = 2".to_owned(), String::new(), |error| {
                matches!(error, AuditError::Digest { position: 2 })
            }),
        ];
        for (change, undo, expected) in changes {
            execute(database, &change);
            let error = audited(database).unwrap_err();
            assert!(expected(&error), "{change}: {error}");
            if !undo.is_empty() {
                execute(database, &undo);
                assert_eq!(audited(database).unwrap(), audit);
            }
        }
    });
}

#[test]
fn audit_finds_another_state_of_an_agreement() {
    on_each_database(|database| {
        fill(database);
        execute(database, "DELETE FROM agreements");
        assert!(matches!(audited(database).unwrap_err(), AuditError::Agreement { .. }));
    });
}
