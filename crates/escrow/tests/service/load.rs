//! 200 agreements at the same time, 20 clients: no request fails, and the books balance.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::common::{LONG, Running, audited, digest, key, nonce, on_each_database, serving};
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::AgreementView;
use verinfer_protocols::agreement::{self, State};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving::{self as protocol, Answer, Move, Outcome, Periods};
use verinfer_protocols::time::Millis;

const CUSTOMERS: u8 = 10;
const EACH: u8 = 20;
const WEALTH: u64 = 100_000;

/// What the customer of the `number`th agreement does in the end: conclude, contest what cannot be proved, or let time pass.
fn last_move(number: u8) -> Option<Move> {
    match number % 3 {
        0 => Some(Move::Conclude),
        1 => Some(Move::Contest { inputs: BTreeSet::from([0]) }),
        _ => None,
    }
}

fn customers_move(view: &AgreementView, number: u8, provider: &SecretKey) -> Option<Move> {
    let State::Serving(state) = &view.agreement.state else { panic!("{view:?}") };
    match state {
        protocol::State::Sending { .. } => Some(Move::Send { inputs: vec![digest("input"), digest("other")] }),
        protocol::State::Running { answers, .. } if answers.is_empty() && last_move(number).is_some() => {
            let answer = |index| Answer::sign(view.agreement.id, index, &digest("input"), &digest("scores"), provider);
            Some(Move::Record { answers: vec![answer(0), answer(1)] })
        }
        protocol::State::Running { .. } => last_move(number),
        _ => None,
    }
}

fn providers_move(view: &AgreementView) -> Option<Move> {
    let State::Serving(state) = &view.agreement.state else { panic!("{view:?}") };
    match state {
        protocol::State::Proposed { .. } => Some(Move::Accept),
        protocol::State::Confirming { .. } => Some(Move::Confirm),
        _ => None,
    }
}

/// Moves in all agreements of a client until they have ended.
fn play(client: &Client, sent: &AtomicUsize, choose: impl Fn(&AgreementView) -> Option<Move>) {
    loop {
        let agreements = client.own_account().unwrap().agreements;
        if agreements.len() == usize::from(EACH) && agreements.iter().all(|agreement| agreement.ended) {
            return;
        }
        for summary in agreements.iter().filter(|agreement| !agreement.ended) {
            let view = client.agreement(summary.id).unwrap();
            if let Some(action) = choose(&view) {
                client.act(summary.id, agreement::Move::Serving(action)).unwrap();
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_hundred_agreements_with_twenty_clients() {
    on_each_database(|database| {
        let limits = HttpLimits { requests_per_second: std::num::NonZeroU32::new(1_000_000).unwrap(), ..HttpLimits::default() };
        let running = Running::with_limits(database, Limits::default(), limits);
        let customers: Vec<SecretKey> = (0..CUSTOMERS).map(key).collect();
        let providers: Vec<SecretKey> = (0..CUSTOMERS).map(|number| key(50 + number)).collect();
        running.fund(&customers.iter().chain(&providers).collect::<Vec<_>>(), WEALTH);
        let (sent, start) = (AtomicUsize::new(0), Instant::now());
        scope(|scope| {
            for (customer, provider) in customers.iter().zip(&providers) {
                let (running, sent) = (&running, &sent);
                scope.spawn(move || {
                    let client = running.client(customer);
                    let mut names = Vec::new();
                    for number in 0..EACH {
                        let mut terms = serving::terms(customer.account(), provider.account(), nonce(), 2, LONG);
                        let round = if last_move(number).is_some() { LONG } else { Millis(1000) };
                        terms.periods = Periods { respond: LONG, round, answer: LONG, prove: Millis(500) };
                        names.push(client.open(agreement::Terms::Serving(terms)).unwrap());
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                    let number =
                        |view: &AgreementView| u8::try_from(names.iter().position(|id| *id == view.agreement.id).unwrap()).unwrap();
                    play(&client, sent, |view| customers_move(view, number(view), provider));
                });
                scope.spawn(move || play(&running.client(provider), sent, providers_move));
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        let ended = |outcome| State::Serving(protocol::State::Ended(outcome));
        let mut unproved = 0;
        for customer in &customers {
            let client = running.client(customer);
            for summary in client.own_account().unwrap().agreements {
                let view = client.agreement(summary.id).unwrap();
                assert!(view.held.is_zero());
                if view.agreement.state == ended(Outcome::NotProved(verinfer_protocols::transfer::Breach::Silence)) {
                    unproved += 1;
                } else {
                    assert_eq!(view.agreement.state, ended(Outcome::Concluded));
                }
            }
        }
        running.stop();
        let audit = audited(database).unwrap();
        assert_eq!((audit.open, audit.ended), (0, 200));
        assert_eq!(audit.issued, 20 * WEALTH);
        let sent = sent.into_inner();
        println!(
            "{} agreements ({unproved} slashed), {sent} signed requests and {} other entries in {seconds:.1} s, none failed",
            audit.ended,
            audit.entries as usize - sent - 20,
        );
    });
}
