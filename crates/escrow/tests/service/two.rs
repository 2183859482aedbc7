//! Two processes of one escrow on one database: one leads, the other stands by and takes over when that one is gone.

use std::thread::sleep;
use std::time::{Duration, Instant};

use verinfer_escrow_client::{Client, ClientError, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::Millis;

use crate::common::{Database, LONG, Running, audited, define, execute, key, nonce, on_each_database, operator, serving};

/// A client that takes the first answer.
fn impatient(running: &Running, party: u8) -> Result<Client, ClientError> {
    Client::connect(&running.url(), key(party), Patience { answer: Duration::from_secs(100), total: Duration::ZERO })
}

fn proposal(periods: Millis) -> Terms {
    Terms::Serving(serving::terms(key(1).account(), key(2).account(), nonce(), 2, periods))
}

fn accept() -> Move {
    Move::Serving(Serving::Accept)
}

/// Waits until a process leads that stood by.
fn wait_for(running: &Running, limit: Duration) -> Duration {
    let start = Instant::now();
    while impatient(running, 1).is_err() {
        assert!(start.elapsed() < limit, "it still stands by");
        sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

#[test]
fn a_second_process_serves_only_when_the_first_is_gone() {
    on_each_database(|database| {
        let first = Running::start(database);
        first.fund(&[&key(1), &key(2)], 1000);
        let id = first.client(&key(1)).open(proposal(LONG)).unwrap();
        let second = Running::start(database);
        for _ in 0..20 {
            let refused = impatient(&second, 2).unwrap_err();
            // Who stands by signs nothing: it does not know the end of the log.
            assert!(refused.kind() == Some("unsigned") && refused.is_transient(), "{refused}");
            assert!(refused.to_string().contains("this one stands by"), "{refused}");
            sleep(Duration::from_millis(100));
        }
        let before = first.client(&key(1)).about().unwrap();
        first.client(&key(2)).act(id, accept()).unwrap();
        first.stop();

        let taken = wait_for(&second, Duration::from_secs(10));
        println!("taken over after {taken:?}");
        let about = second.client(&key(1)).about().unwrap();
        assert_eq!(about.position, before.position + 1);
        assert!(about.now >= before.now);
        second.client(&key(1)).open(proposal(LONG)).unwrap();

        // A third one stands by again, and the second keeps the lead.
        let third = Running::start(database);
        assert_eq!(impatient(&third, 1).unwrap_err().kind(), Some("unsigned"));
        third.stop();
        second.client(&key(1)).open(proposal(LONG)).unwrap();
        second.stop();
        assert_eq!(audited(database).unwrap().open, 3);
    });
}

/// Takes the lock from who leads, as a network or an operator may.
fn take_the_lock(database: &Database) {
    if let Some(file) = database.url.strip_prefix("sqlite:") {
        std::fs::remove_file(format!("{file}.lock")).unwrap();
    } else {
        let schema = database.url.rsplit('=').next().unwrap();
        // One of the two halves of its key.
        execute(
            database,
            &format!(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid::bigint = \
                 hashtextextended('verinfer-escrow {schema}', 0) & 4294967295"
            ),
        );
    }
}

#[test]
fn who_has_lost_the_lock_stands_by_and_two_do_not_depose_each_other() {
    on_each_database(|database| {
        let [first, second] = [Running::start(database), Running::start(database)];
        first.fund(&[&key(1), &key(2)], 1000);
        let id = first.client(&key(1)).open(proposal(LONG)).unwrap();
        take_the_lock(database);
        // One of them leads in the end: on PostgreSQL either, as the first tries again, too.
        sleep(Duration::from_secs(3));
        let leads = |running: &Running| impatient(running, 2).is_ok();
        let led = [leads(&first), leads(&second)];
        assert!(led[0] != led[1], "{led:?}");
        let (leader, other) = if led[0] { (first, second) } else { (second, first) };
        leader.client(&key(2)).act(id, accept()).unwrap();
        for _ in 0..30 {
            assert!(leads(&leader) && !leads(&other));
            sleep(Duration::from_millis(100));
        }
        leader.stop();
        wait_for(&other, Duration::from_secs(10));
        other.client(&key(1)).open(proposal(LONG)).unwrap();
        other.stop();
        audited(database).unwrap();
    });
}

#[test]
fn a_deadline_is_called_by_the_clock_of_its_term_alone() {
    on_each_database(|database| {
        let first = Running::start(database);
        first.fund(&[&key(1), &key(2)], 1000);
        let id = first.client(&key(1)).open(proposal(Millis(3000))).unwrap();
        // Somebody else has led for a moment: what this process thinks that the time is does not count any more.
        define(database, "UPDATE leader SET term = term + 1");
        let start = Instant::now();
        let deadline = first.client(&key(1)).agreement(id).unwrap().deadline.unwrap();
        let pace = (Duration::from_millis(50), Duration::from_secs(30));
        let view = first.client(&key(1)).wait(id, pace, |view| view.ended).unwrap().expect("it leads again, and calls the deadline");
        println!("ended after {:?}", start.elapsed());
        assert!(view.now >= deadline);
        assert_eq!(first.client(&operator()).about().unwrap().escrow, operator().account());
        first.stop();
        audited(database).unwrap();
    });
}
