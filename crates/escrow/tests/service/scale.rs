//! A log of a million entries, of 50,000 agreements: how long a start takes, and pages, and the audit. `VERINFER_ENTRIES` says how many others,
//! `VERINFER_ACCOUNTS` of how many customers, 100 else; in the SQLite file that `VERINFER_LOG` names the log stays.
//!
//! `cargo test --workspace --test service scale -- --ignored --nocapture`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use ureq::Agent;
use verinfer_escrow::books::{Before, Entry, Record, empty_log, extended_log};
use verinfer_escrow::store::Store;
use verinfer_protocols::agreement::{Agreement, Move, Terms};
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::{Millis, Timestamp};

use crate::common::{Database, LONG, Running, audited, key, money, operator, serving, sqlite, sqlite_at};

/// Every so many entries an agreement is proposed.
const SPACING: u64 = 20;

/// Of so many agreements one has not ended.
const OPEN: u64 = 100;

/// A log in the making.
struct Filling {
    position: u64,
    digest: Digest,
    at: Timestamp,
    sequences: BTreeMap<AgreementId, u64>,
    balances: BTreeMap<Account, i64>,
    last: Option<(Agreement, u64)>,
}

impl Filling {
    /// One entry more, as an escrow would have written it.
    async fn write(&mut self, rows: &mut sqlx::AnyConnection, signer: &SecretKey, id: AgreementId, body: Body) {
        let escrow = operator().account();
        let sequence = self.sequences.entry(id).or_default();
        let agreement = self.last.as_ref().filter(|(agreement, _)| agreement.id == id).map(|(agreement, _)| agreement.clone());
        let before = Before { agreement, last_sequence: *sequence, ..Before::default() };
        *sequence += 1;
        self.at = self.at.after(Millis(1));
        let expires = self.at.after(Millis(60_000));
        let header = Header { version: VERSION, escrow, signer: signer.account(), agreement: id, sequence: *sequence, expires };
        let request = Box::new(Request::sign(header, body, signer));
        let name = request.id().to_string();
        let entry = Entry { at: self.at, record: Record::Request { request, facts: Facts::Nothing, waited: Millis(0) } };
        let change = entry.apply(escrow, &before).unwrap();
        self.position += 1;
        let mut gained = BTreeMap::<Account, i64>::new();
        for posting in &change.postings {
            let units = i64::try_from(posting.amount.units()).unwrap();
            *gained.entry(posting.from).or_default() -= units;
            *gained.entry(posting.to).or_default() += units;
        }
        let place = i64::try_from(self.position).unwrap();
        for (account, units) in gained {
            let balance = self.balances.entry(account).or_default();
            *balance += units;
            if matches!(account, Account::Party(_)) {
                let put = sqlx::query("INSERT INTO movements (account, position, units, balance) VALUES ($1, $2, $3, $4)");
                put.bind(account.to_string()).bind(place).bind(units).bind(*balance).execute(&mut *rows).await.unwrap();
            }
        }
        if let Record::Request { request, .. } = &entry.record
            && let Body::Deposit { account, amount, reference } = &request.body
        {
            let put = "INSERT INTO payments (holder, direction, reference, amount, remaining, standing, recorded, changed) \
                       VALUES ($1, 'in', $2, $3, $3, 'received', $4, $4)";
            let put = sqlx::query(put).bind(Account::Party(*account).to_string()).bind(reference);
            put.bind(i64::try_from(amount.units()).unwrap()).bind(place).execute(&mut *rows).await.unwrap();
        }
        let bytes = entry.encode();
        self.digest = extended_log(&self.digest, &bytes);
        let position = i64::try_from(self.position).unwrap();
        let put = "INSERT INTO log (position, digest, request, agreement, entry, at) VALUES ($1, $2, $3, $4, $5, $6)";
        let put = sqlx::query(put).bind(position).bind(self.digest.to_string()).bind(name);
        let put = put.bind(entry.agreement().map(|id| id.to_string())).bind(bytes).bind(i64::try_from(self.at.0).unwrap());
        put.execute(&mut *rows).await.unwrap();
        if let Some(agreement) = change.agreement {
            let opened = self.last.take().filter(|(last, _)| last.id == id).map_or(self.position, |(_, opened)| opened);
            self.last = Some((agreement, opened));
        }
    }

    /// Writes down how the last agreement stands.
    async fn settle(&mut self, rows: &mut sqlx::AnyConnection) {
        let Some((agreement, opened)) = &self.last else { return };
        let (proposer, acceptor) = agreement.terms.parties();
        let put = "INSERT INTO agreements (id, kind, stage, proposer, acceptor, ended, deadline, opened, changed, content) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let put = sqlx::query(put).bind(agreement.id.to_string()).bind(agreement.terms.kind()).bind(agreement.state.stage());
        let put = put.bind(proposer.to_string()).bind(acceptor.unwrap().to_string()).bind(i64::from(agreement.state.has_ended()));
        let put = put.bind(agreement.state.deadline().map(|deadline| i64::try_from(deadline.0).unwrap()));
        let put = put.bind(i64::try_from(*opened).unwrap()).bind(i64::try_from(self.position).unwrap()).bind(canonical(agreement));
        put.execute(&mut *rows).await.unwrap();
        let Some(outcome) = agreement.state.outcome() else { return };
        for (account, proposed) in [(proposer, 1), (acceptor.unwrap(), 0)] {
            let put = "INSERT INTO outcomes (account, proposed, kind, outcome, times) VALUES ($1, $2, $3, $4, 1) \
                       ON CONFLICT (account, proposed, kind, outcome) DO UPDATE SET times = outcomes.times + 1";
            let put = sqlx::query(put).bind(account.to_string()).bind(proposed).bind(agreement.terms.kind()).bind(outcome);
            put.execute(&mut *rows).await.unwrap();
        }
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

fn customer(number: u64) -> SecretKey {
    SecretKey::from_seed(&Digest::of("customer", &number).0)
}

/// Time that all processors have spent for this process, where the system says.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = ticks.next()?.parse::<u64>().ok()? + ticks.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

/// Fills the database of a new escrow.
async fn fill(database: &Database, entries: u64, accounts: u64) {
    let store = Store::create(&database.url).await.unwrap();
    store.initialize(operator().account(), Timestamp(1_000_000)).await.unwrap();
    store.close().await;
    let pool = sqlx::AnyPool::connect(&database.url).await.unwrap();
    let mut rows = pool.begin().await.unwrap();
    let (customers, provider): (Vec<_>, _) = ((0..accounts).map(customer).collect(), key(101));
    let mut filling = Filling {
        position: 0,
        digest: empty_log(operator().account()),
        at: Timestamp(1_000_000),
        sequences: BTreeMap::new(),
        balances: BTreeMap::new(),
        last: None,
    };
    let mut number = 0;
    while filling.position < entries {
        let customer = &customers[usize::try_from(filling.position % accounts).unwrap()];
        if filling.position >= 2 * accounts && filling.position.is_multiple_of(SPACING) {
            let terms = serving::terms(customer.account(), provider.account(), Digest([1; 32]), 2, LONG);
            let terms = Terms::Serving(terms);
            let id = terms.id(operator().account());
            filling.write(&mut rows, customer, id, Body::Open(terms)).await;
            if number % OPEN != 0 {
                filling.write(&mut rows, customer, id, Body::Act(Move::Serving(Serving::Abort))).await;
            }
            filling.settle(&mut rows).await;
            number += 1;
        } else {
            let deposit = Body::Deposit { account: customer.account(), amount: money(1_000_000), reference: filling.position.to_string() };
            filling.write(&mut rows, &operator(), AgreementId::NONE, deposit).await;
        }
    }
    for (account, units) in &filling.balances {
        let put = sqlx::query("INSERT INTO balances (account, units) VALUES ($1, $2)").bind(account.to_string()).bind(*units);
        put.execute(&mut *rows).await.unwrap();
    }
    let put = "INSERT INTO sequences (account, agreement, last) VALUES ($1, $2, $3)";
    let last = i64::try_from(filling.sequences[&AgreementId::NONE]).unwrap();
    let put = sqlx::query(put).bind(operator().account().to_string()).bind(AgreementId::NONE.to_string()).bind(last);
    put.execute(&mut *rows).await.unwrap();
    let end = sqlx::query("UPDATE head SET position = $1, digest = $2, clock = $3").bind(i64::try_from(filling.position).unwrap());
    let end = end.bind(filling.digest.to_string()).bind(i64::try_from(filling.at.0).unwrap());
    end.execute(&mut *rows).await.unwrap();
    rows.commit().await.unwrap();
    pool.close().await;
    println!("{} entries, {number} agreements", filling.position);
}

#[test]
#[ignore = "takes minutes, and asserts no times"]
fn start_pages_and_audit_of_a_long_log() {
    let (entries, accounts) = (number("VERINFER_ENTRIES", 1_000_000), number("VERINFER_ACCOUNTS", 100));
    let database = std::env::var("VERINFER_LOG").map_or_else(|_| sqlite(), |path| sqlite_at(path.as_ref()));
    Runtime::new().unwrap().block_on(fill(&database, entries, accounts));
    let start = Instant::now();
    let running = Running::start(&database);
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let read = |path: &str| {
        let start = Instant::now();
        let mut answer = agent.get(format!("{}{path}", running.url())).call().unwrap();
        let (status, bytes) = (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap().len());
        assert_eq!(status, 200, "{path}");
        (start.elapsed(), bytes)
    };
    read("/v1/about");
    println!("start: {:?}", start.elapsed());
    let agreement = running.client(&customer(20)).own_account().unwrap().agreements[0].id;
    let customer = customer(20).account();
    let paths = [
        "/".to_owned(),
        format!("/agreements/{agreement}"),
        format!("/v1/agreements/{agreement}"),
        format!("/v1/accounts/{customer}"),
        format!("/accounts/{customer}"),
        format!("/v1/accounts/{}", key(101).account()),
        format!("/v1/accounts/{customer}/met/{}", Digest([1; 32])),
        format!("/v1/log?after={}", entries / 2),
        format!("/v1/log?agreement={agreement}"),
    ];
    for path in paths {
        let mut times: Vec<(Duration, usize)> = (0..20)
            .map(|_| {
                // No faster than the rate allows.
                std::thread::sleep(Duration::from_millis(25));
                read(&path)
            })
            .collect();
        times.sort_unstable();
        println!("{path}: median {:?}, longest {:?}, {} bytes", times[10].0, times[19].0, times[0].1);
    }
    running.stop();
    let (start, before) = (Instant::now(), processor_time());
    let audit = audited(&database).unwrap();
    let (elapsed, spent) = (start.elapsed(), processor_time().zip(before).map(|(after, before)| after - before));
    println!("audit of {} entries: {elapsed:?}, processor time {spent:?}", audit.entries);
}
