//! Money that comes in and goes out: once each, by the operator's word or the account's, and all of it in the log.

use verinfer_escrow::audit::AuditError;
use verinfer_escrow::store::StoreError;
use verinfer_escrow_client::messages::Cause;
use verinfer_escrow_client::{Client, ClientError};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::payment::Standing;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::signed::Body;

use crate::common::{Database, LONG, POSTGRES, Running, audited, execute, key, money, nonce, on_each_database, operator, serving};

fn kind<T: std::fmt::Debug>(result: Result<T, ClientError>) -> (u16, String) {
    match result.unwrap_err() {
        ClientError::Refused { status, kind, .. } => (status, kind),
        other => panic!("{other}"),
    }
}

fn refused(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

fn balance(client: &Client) -> u64 {
    client.own_account().unwrap().balance.units()
}

#[test]
fn a_deposit_is_credited_once_however_often_it_is_recorded_and_wherever_the_escrow_was_stopped() {
    on_each_database(|database| {
        let running = Running::start(database);
        let deposit =
            |running: &Running, units| running.client(&operator()).deposit(key(1).account(), money(units), "invoice 17".to_owned());
        let receipt = deposit(&running, 100).unwrap();
        assert_eq!(kind(deposit(&running, 100)), refused(409, "recorded"));
        running.stop();
        let running = Running::start(database);
        assert_eq!(kind(deposit(&running, 100)), refused(409, "recorded"));
        assert_eq!(kind(deposit(&running, 101)), refused(409, "other_amount"));
        let head = running.client(&key(1)).about().unwrap();
        assert_eq!((head.position, head.head), (receipt.position, receipt.head), "nothing was written");
        assert_eq!(balance(&running.client(&key(1))), 100);
        running.stop();
        assert_eq!(audited(database).unwrap().issued, 100);
    });
}

#[test]
fn commands_at_the_same_time_credit_a_deposit_once() {
    on_each_database(|database| {
        let running = Running::start(database);
        let before = running.client(&operator()).about().unwrap().position;
        let credited = std::thread::scope(|scope| {
            let commands: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| running.client(&operator()).deposit(key(1).account(), money(100), "invoice 17".to_owned()).is_ok()))
                .collect();
            commands.into_iter().map(|command| command.join().unwrap()).filter(|credited| *credited).count()
        });
        // Two that sign in the same millisecond have signed the same request, and both are told of it.
        assert!(credited >= 1);
        let alice = running.client(&key(1));
        assert_eq!((balance(&alice), alice.about().unwrap().position), (100, before + 1));
        running.stop();
    });
}

#[test]
fn only_the_operator_records_what_was_paid_outside_and_bad_payments_change_nothing() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 100);
        let (alice, bank) = (running.client(&key(1)), running.client(&operator()));
        let (account, reference, reason) = (key(1).account(), "x".to_owned(), String::new());
        let before = alice.about().unwrap().head;
        for body in [
            Body::Deposit { account, amount: money(5), reference: reference.clone() },
            Body::Reverse { account, reference: reference.clone(), left: money(0), reason: reason.clone() },
            Body::Paid { account, reference: reference.clone() },
            Body::Returned { account, reference: reference.clone(), reason: reason.clone() },
        ] {
            let request = alice.prepare(AgreementId::NONE, body.clone()).unwrap();
            assert_eq!(kind(alice.submit(&request)), refused(403, "not_operator"), "{body:?}");
        }
        let long = "x".repeat(129);
        assert_eq!(kind(bank.deposit(account, money(5), String::new())), refused(422, "reference"));
        assert_eq!(kind(bank.deposit(account, money(5), long.clone())), refused(422, "reference"));
        assert_eq!(kind(bank.deposit(account, money(0), reference.clone())), refused(422, "no_amount"));
        assert_eq!(kind(bank.deposit(operator().account(), money(5), reference.clone())), refused(422, "own_deposit"));
        assert_eq!(kind(bank.reverse(account, reference.clone(), money(0), reason.clone())), refused(404, "no_payment"));
        assert_eq!(kind(bank.paid(account, reference.clone())), refused(404, "no_payment"));
        assert_eq!(kind(bank.returned(account, reference.clone(), long)), refused(422, "reason"));
        assert_eq!(kind(alice.withdraw(money(0), reference.clone())), refused(422, "no_amount"));
        assert_eq!(kind(alice.withdraw(money(101), reference)), refused(402, "overdrawn"));
        assert_eq!(alice.about().unwrap().head, before);
        running.stop();
    });
}

#[test]
fn texts_that_a_database_would_refuse_are_refused_before_it_sees_them_and_time_goes_on() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 100);
        let (alice, bank) = (running.client(&key(1)), running.client(&operator()));
        bank.deposit(key(1).account(), money(5), "x".to_owned()).unwrap();
        let before = alice.about().unwrap();
        let account = key(1).account();
        for text in ["a\0b", "\0", "line\nline", "\u{1b}[2J", "\u{85}"] {
            let (text, none) = (text.to_owned(), String::new());
            assert_eq!(kind(alice.withdraw(money(1), text.clone())), refused(422, "control"), "{text:?}");
            assert_eq!(kind(bank.deposit(account, money(1), text.clone())), refused(422, "control"), "{text:?}");
            assert_eq!(kind(bank.reverse(account, "x".to_owned(), money(0), text.clone())), refused(422, "control"), "{text:?}");
            assert_eq!(kind(bank.returned(account, "x".to_owned(), text.clone())), refused(422, "control"), "{text:?}");
            // A name that an earlier program has recorded is looked up, unless no database can have it.
            let unknown = if text.contains('\0') { refused(422, "control") } else { refused(404, "no_payment") };
            assert_eq!(kind(bank.paid(account, text.clone())), unknown, "{text:?}");
            assert_eq!(kind(bank.returned(account, text.clone(), none.clone())), unknown, "{text:?}");
            assert_eq!(kind(bank.reverse(account, text.clone(), money(0), none)), unknown, "{text:?}");
        }
        // Letters of all scripts are texts.
        alice.withdraw(money(1), "Überweisung 十一月 נובמבר".to_owned()).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(2));
        let about = alice.about().unwrap();
        assert_eq!(about.position, before.position + 1);
        assert!(about.now > before.now.after(verinfer_protocols::time::Millis(1500)), "time goes on");
        running.stop();
        audited(database).unwrap();
    });
}

#[test]
fn a_value_that_a_database_does_not_take_is_no_outage() {
    let Ok(server) = std::env::var(POSTGRES) else { return eprintln!("SKIPPED: {POSTGRES} does not name a server") };
    sqlx::any::install_default_drivers();
    let error = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let pool = sqlx::AnyPool::connect(&server).await.unwrap();
        let error = sqlx::query("SELECT 1 WHERE 'x' = $1").bind("a\0b").execute(&pool).await.unwrap_err();
        pool.close().await;
        StoreError::from(error)
    });
    assert!(matches!(error, StoreError::Value(_)) && !error.is_outage(), "{error}");
}

#[test]
fn what_is_withdrawn_is_due_until_it_is_paid_or_returned() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1), &key(2)], 100);
        let (alice, bob, bank) = (running.client(&key(1)), running.client(&key(2)), running.client(&operator()));
        alice.withdraw(money(30), "november".to_owned()).unwrap();
        bob.withdraw(money(40), "november".to_owned()).unwrap();
        assert_eq!((balance(&alice), balance(&bob)), (70, 60));
        assert_eq!(kind(alice.withdraw(money(30), "november".to_owned())), refused(409, "recorded"));
        assert_eq!(kind(alice.withdraw(money(31), "november".to_owned())), refused(409, "other_amount"));

        let due = bank.payments(None, Some(Standing::Due), u64::MAX).unwrap();
        let listed: Vec<_> = due.iter().map(|payment| (payment.account, payment.amount.units(), payment.recorded)).collect();
        assert_eq!(listed, [(key(2).account(), 40, 4), (key(1).account(), 30, 3)]);
        bank.paid(key(1).account(), "november".to_owned()).unwrap();
        assert_eq!(kind(bank.paid(key(1).account(), "november".to_owned())), refused(409, "recorded"));
        assert_eq!(kind(bank.returned(key(1).account(), "november".to_owned(), String::new())), refused(409, "paid"));
        bank.returned(key(2).account(), "november".to_owned(), "no such bank account".to_owned()).unwrap();
        assert_eq!(kind(bank.paid(key(2).account(), "november".to_owned())), refused(409, "returned"));
        assert_eq!(kind(bob.withdraw(money(40), "november".to_owned())), refused(409, "returned"));
        assert!(bank.payments(None, Some(Standing::Due), u64::MAX).unwrap().is_empty());
        assert_eq!((balance(&alice), balance(&bob)), (70, 100));
        running.stop();
        assert_eq!(audited(database).unwrap().issued, 170);
    });
}

#[test]
fn a_deposit_that_was_recorded_wrongly_is_reversed_as_far_as_the_account_has_it() {
    on_each_database(|database| {
        let running = Running::start(database);
        let (alice, bank) = (running.client(&key(1)), running.client(&operator()));
        bank.deposit(key(1).account(), money(1000), "invoice 17".to_owned()).unwrap();
        alice.withdraw(money(300), "november".to_owned()).unwrap();
        let reverse = |left| bank.reverse(key(1).account(), "invoice 17".to_owned(), money(left), "100 were paid in".to_owned());
        assert_eq!(kind(reverse(100)), refused(402, "overdrawn"));
        assert_eq!(kind(reverse(2000)), refused(409, "other_amount"));
        reverse(300).unwrap();
        assert_eq!(kind(reverse(300)), refused(409, "recorded"));
        assert_eq!(balance(&alice), 0);
        let [withdrawn, deposited] = &bank.payments(Some(key(1).account()), None, u64::MAX).unwrap()[..] else { panic!("two payments") };
        assert_eq!((deposited.amount.units(), deposited.left.units(), deposited.recorded, deposited.changed), (1000, 300, 1, 3));
        assert_eq!((withdrawn.amount.units(), withdrawn.standing), (300, Standing::Due));
        running.stop();
        assert_eq!(audited(database).unwrap().issued, 300);
    });
}

#[test]
fn an_account_has_a_history_in_pages_of_what_changed_its_balance() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1), &key(2)], 1000);
        let (customer, bank) = (running.client(&key(1)), running.client(&operator()));
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
        let id = customer.open(Terms::Serving(terms)).unwrap();
        let held = 1000 - balance(&customer);
        customer.act(id, Move::Serving(Serving::Abort)).unwrap();
        customer.withdraw(money(10), "november".to_owned()).unwrap();
        bank.returned(key(1).account(), "november".to_owned(), String::new()).unwrap();

        let history = customer.history(key(1).account(), u64::MAX, 1000).unwrap();
        let held = i64::try_from(held).unwrap();
        let lines: Vec<_> = history.iter().map(|line| (line.what, line.units, line.balance, line.agreement)).collect();
        let expected = [
            (Cause::Return, 10, 1000, None),
            (Cause::Withdrawal, -10, 990, None),
            (Cause::Move, held, 1000, Some(id)),
            (Cause::Proposal, -held, 1000 - held, Some(id)),
            (Cause::Deposit, 1000, 1000, None),
        ];
        assert_eq!(lines, expected);
        assert_eq!(history[1].reference.as_deref(), Some("november"));
        let first = customer.history(key(1).account(), u64::MAX, 2).unwrap();
        let rest = customer.history(key(1).account(), first[1].position, 1000).unwrap();
        assert_eq!([first, rest].concat(), history);
        running.stop();
        audited(database).unwrap();
    });
}

/// A database with a deposit, and a withdrawal that is due.
fn fill(database: &Database) {
    let running = Running::start(database);
    running.fund(&[&key(1)], 1000);
    running.client(&key(1)).withdraw(money(300), "november".to_owned()).unwrap();
    running.stop();
    audited(database).unwrap();
}

#[test]
fn audit_finds_every_change_of_payments_and_histories() {
    on_each_database(|database| {
        fill(database);
        type Expected = fn(&AuditError) -> bool;
        let changes: [(&str, &str, Expected); 5] = [
            (
                "UPDATE payments SET standing = 'paid' WHERE standing = 'due'",
                "UPDATE payments SET standing = 'due' WHERE standing = 'paid'",
                |error| matches!(error, AuditError::Payment { reference, .. } if reference == "november"),
            ),
            ("UPDATE payments SET remaining = 1 WHERE recorded = 1", "UPDATE payments SET remaining = 1000 WHERE recorded = 1", |error| {
                matches!(error, AuditError::Payment { .. })
            }),
            ("UPDATE movements SET balance = 699 WHERE position = 2", "UPDATE movements SET balance = 700 WHERE position = 2", |error| {
                matches!(error, AuditError::Movement { position: 2 })
            }),
            ("DELETE FROM movements WHERE position = 1", "", |error| matches!(error, AuditError::Movement { position: 1 })),
            ("DELETE FROM movements WHERE position = 2", "", |error| matches!(error, AuditError::Movement { position: 1 })),
        ];
        for (change, undo, expected) in changes {
            execute(database, change);
            let error = audited(database).unwrap_err();
            assert!(expected(&error), "{change}: {error}");
            if !undo.is_empty() {
                execute(database, undo);
                audited(database).unwrap();
            }
        }
    });
    on_each_database(|database| {
        fill(database);
        execute(database, "DELETE FROM payments WHERE recorded = 2");
        assert!(matches!(audited(database), Err(AuditError::PaymentsMissing { expected: 2, found: 1 })));
    });
}
