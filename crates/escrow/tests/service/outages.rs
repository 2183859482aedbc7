//! A database that fails, hangs or is full: time stands still, so that nobody is late who could not move.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use ureq::Agent;
use verinfer_escrow::clock::{LEASE, RECOVERY};
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::operations::{Lead, Operations};
use verinfer_escrow::service::Limits;
use verinfer_escrow::store::Store;
use verinfer_escrow_client::messages::ANSWER_HEADER;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::answer::{LogHead, SignedAnswer};
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::time::{Millis, Timestamp};

use crate::common::{Database, Running, audited, define, key, nonce, on_each_database, serving, sqlite};

/// A proposal that must be accepted within a time.
fn propose(running: &Running, respond: Millis) -> AgreementId {
    running.fund(&[&key(1), &key(2)], 1000);
    let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, respond);
    running.client(&key(1)).open(Terms::Serving(terms)).unwrap()
}

/// The escrow's time, and whether the agreement has ended.
fn look(client: &Client, id: AgreementId) -> (Timestamp, bool) {
    let view = client.agreement(id).unwrap();
    (view.now, view.ended)
}

/// Waits until time goes on.
fn wait_for_time(client: &Client, id: AgreementId, after: Timestamp) {
    let pace = (Duration::from_millis(100), Duration::from_secs(60));
    assert!(client.wait(id, pace, |view| view.now > after).unwrap().is_some(), "time still stands");
}

#[test]
fn nobody_is_late_who_could_not_move_because_the_database_failed() {
    on_each_database(|database| {
        let running = Running::start(database);
        let id = propose(&running, Millis(6000));
        let provider = running.client(&key(2));
        let patience = Patience { answer: Duration::from_secs(100), total: Duration::ZERO };
        let impatient = Client::connect(&running.url(), key(2), patience).unwrap();

        define(database, "ALTER TABLE head RENAME TO gone");
        let refused = impatient.act(id, Move::Serving(Serving::Accept)).unwrap_err();
        assert!(refused.kind() == Some("outage") && refused.is_transient(), "{refused}");
        // It stands from the next time that it cannot be written down.
        sleep(Duration::from_secs(2));
        let (stood, _) = look(&provider, id);
        sleep(Duration::from_secs(8));
        assert_eq!(look(&provider, id), (stood, false), "neither does time go on, nor is the deadline called");

        define(database, "ALTER TABLE gone RENAME TO head");
        let mended = Instant::now();
        provider.act(id, Move::Serving(Serving::Accept)).unwrap();
        wait_for_time(&provider, id, stood);
        assert!(mended.elapsed() >= Duration::from_millis(RECOVERY.0), "{:?}", mended.elapsed());
        running.stop();
        audited(database).unwrap();
    });
}

#[test]
fn what_is_watched_is_answered_also_while_the_database_fails() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1)], 5);
        let runtime = Runtime::new().unwrap();
        let metrics = runtime.block_on(async {
            let store = Arc::new(Store::open(&database.url).await.unwrap());
            let operations = Operations::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), store, Lead::default()).await.unwrap();
            let url = format!("http://{}/metrics", operations.address().unwrap());
            tokio::spawn(operations.serve());
            url
        });
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let get = |url: &str| {
            let mut answer = agent.get(url).call().unwrap();
            (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
        };
        let (health, live) = (format!("{}/health", running.url()), format!("{}/health/live", running.url()));
        assert_eq!((get(&health).0, get(&live).0), (200, 200));
        let watched = |line: &str| get(&metrics).1.lines().any(|found| found == line);
        assert!(watched("verinfer_escrow_database 1") && watched("verinfer_escrow_log_entries 1"));

        define(database, "ALTER TABLE head RENAME TO gone");
        // It is noticed when the time cannot be written down.
        let until = Instant::now() + Duration::from_secs(30);
        let mut broken = get(&live);
        while broken.0 == 200 && Instant::now() < until {
            sleep(Duration::from_millis(50));
            broken = get(&live);
        }
        assert!(broken.0 == 503 && broken.1.contains("\"condition\":\"broken\""), "{broken:?}");
        assert_eq!(get(&health).0, 503);
        assert_eq!(get(&metrics).0, 200);
        assert!(watched("verinfer_escrow_database 0") && watched("verinfer_escrow_leading 0"));
        define(database, "ALTER TABLE gone RENAME TO head");
        running.stop();
    });
}

/// Keeps everybody else from writing for a time.
fn hold(database: &Database, time: Duration) {
    Runtime::new().unwrap().block_on(async {
        let pool = sqlx::AnyPool::connect(&database.url).await.unwrap();
        let mut transaction = pool.begin().await.unwrap();
        sqlx::query("UPDATE head SET position = position").execute(&mut *transaction).await.unwrap();
        tokio::time::sleep(time).await;
        transaction.rollback().await.unwrap();
        pool.close().await;
    });
}

#[test]
fn time_does_not_run_ahead_of_a_database_that_hangs() {
    on_each_database(|database| {
        let running = Running::start(database);
        let id = propose(&running, Millis(60_000));
        let client = running.client(&key(1));
        let (before, _) = look(&client, id);
        std::thread::scope(|scope| {
            scope.spawn(|| hold(database, Duration::from_secs(8)));
            sleep(Duration::from_secs(7));
            let (now, _) = look(&client, id);
            assert!(now <= before.after(LEASE).after(Millis(1000)), "{before} to {now}");
        });
        wait_for_time(&client, id, before.after(LEASE).after(Millis(1000)));
        running.stop();
    });
}

#[test]
fn neither_files_nor_deadlines_while_the_disk_is_nearly_full() {
    let database = sqlite();
    let running = Running::start(&database);
    let id = propose(&running, Millis(3000));
    running.stop();
    let running = Running::with_limits(&database, Limits { reserve: u64::MAX, ..Limits::default() }, HttpLimits::default());
    let client = running.client(&key(1));
    let (stood, _) = look(&client, id);
    // Neither proposals nor long moves; what is short is carried out.
    let hasty = Client::connect(&running.url(), key(1), Patience { total: Duration::ZERO, ..Patience::default() }).unwrap();
    let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, Millis(3000));
    let long = Serving::Send { inputs: vec![nonce(); 3000] };
    let opened = hasty.open(Terms::Serving(terms)).map(drop);
    let sent = hasty.act(id, Move::Serving(long)).map(drop);
    for refused in [opened, sent] {
        assert_eq!(refused.unwrap_err().kind(), Some("no_space"));
    }
    running.fund(&[&key(3)], 5);
    let refused = client.leave_file(id, b"model").unwrap_err();
    assert!(refused.kind() == Some("no_space") && refused.is_transient(), "{refused}");
    sleep(Duration::from_secs(4));
    assert_eq!(look(&client, id), (stood, false));
    running.stop();

    let running = Running::start(&database);
    let client = running.client(&key(1));
    client.leave_file(id, b"model").unwrap();
    let pace = (Duration::from_millis(50), Duration::from_secs(30));
    assert!(client.wait(id, pace, |view| view.ended).unwrap().is_some(), "time stands still");
    running.stop();
    audited(&database).unwrap();
}

#[test]
fn what_was_carried_out_is_in_every_later_answer_also_while_the_database_fails() {
    let database = sqlite();
    let running = Running::start(&database);
    let id = propose(&running, Millis(60_000));
    let receipt = running.client(&key(2)).act(id, Move::Serving(Serving::Accept)).unwrap();
    define(&database, "ALTER TABLE head RENAME TO gone");
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let reply = agent.get(format!("{}/v1/about", running.url())).call().unwrap();
    assert_eq!(reply.status(), 503);
    let signed: SignedAnswer = serde_json::from_slice(reply.headers()[ANSWER_HEADER].as_bytes()).unwrap();
    assert_eq!(signed.answer.head, LogHead { position: receipt.position, digest: receipt.head });
    define(&database, "ALTER TABLE gone RENAME TO head");
    running.stop();
}
