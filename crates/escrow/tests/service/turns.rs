//! Proofs that wait to be verified: who has money at stake does not wait for those who have none.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::scope;
use std::time::Duration;

use tokio::runtime::Runtime;
use verinfer_escrow::audit::AuditError;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow::store::Store;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::signed::Body;

use crate::common::model::Model;
use crate::common::{LONG, Running, audited, key, money, on_each_database, serving};

/// A round whose second prediction the provider has to prove.
struct Contested {
    /// Tries once, however busy the escrow is.
    provider: Client,
    id: AgreementId,
    right: Digest,
    /// A proof that holds, of the first prediction.
    wrong: Digest,
}

/// The move with a proof of the second prediction.
fn proving(proof: Digest) -> Move {
    Move::Serving(Serving::Prove { proof, salts: Digest::of_bytes(&serving::salts(1)), inputs: vec![1] })
}

impl Contested {
    fn new(running: &Running, model: &Model, [customers, providers]: [&SecretKey; 2], price: u64) -> Self {
        let (customer, provider) = (running.client(customers), running.client(providers));
        let inputs = [model.input(0), model.input(1)];
        let mut terms = serving::terms(customers.account(), providers.account(), model.digest(), 2, LONG);
        terms.price = money(price);
        let id = customer.open(Terms::Serving(terms)).unwrap();
        let act = |client: &Client, action| client.act(id, Move::Serving(action)).unwrap();
        act(&provider, Serving::Accept);
        act(&customer, Serving::Send { inputs: inputs.iter().map(|input| input.digest().unwrap()).collect() });
        act(&provider, Serving::Confirm);
        let answers = (0..).zip(&inputs).map(|(index, input)| serving::answer(model, id, index, input, providers));
        act(&customer, Serving::Record { answers: answers.collect() });
        act(&customer, Serving::Contest { inputs: BTreeSet::from([1]) });
        for file in [&model.public, &serving::salts(1)] {
            provider.leave_file(id, file).unwrap();
        }
        let [wrong, right] = [0, 1].map(|index: usize| provider.leave_file(id, &serving::prove(model, id, &[&inputs[index]])).unwrap());
        let patience = Patience { answer: Duration::from_secs(100), total: Duration::ZERO };
        Self { provider: Client::connect(&running.url(), providers.clone(), patience).unwrap(), id, right, wrong }
    }

    /// The name of the refusal of a proof, if it is refused.
    fn prove(&self, proof: Digest) -> Option<String> {
        let result = self.provider.act(self.id, proving(proof));
        result.err().map(|error| error.kind().unwrap_or("unreachable").to_owned())
    }
}

#[test]
fn agreements_that_hold_less_do_not_keep_a_proof_from_being_verified() {
    let model = Model::digits();
    on_each_database(|database| {
        let limits = Limits { verifying: NonZeroUsize::MIN, waiting: 2, ..Limits::default() };
        let http = HttpLimits { requests_per_second: NonZeroU32::new(1_000_000).unwrap(), ..HttpLimits::default() };
        let running = Running::with_limits(database, limits, http);
        let (customers, providers, strangers) = (key(1), key(2), key(3));
        running.fund(&[&customers, &providers, &strangers], 1000);
        let honest = Contested::new(&running, &model, [&customers, &providers], 10);
        let cheap: Vec<_> = (0..8).map(|_| Contested::new(&running, &model, [&strangers, &providers], 0)).collect();
        let (done, busy) = (AtomicBool::new(false), AtomicUsize::new(0));
        scope(|scope| {
            let (done, busy) = (&done, &busy);
            for cheap in &cheap {
                scope.spawn(move || {
                    while !done.load(Ordering::SeqCst) {
                        match cheap.prove(cheap.wrong).as_deref() {
                            Some("proof") => {}
                            Some("busy") => {
                                busy.fetch_add(1, Ordering::SeqCst);
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                });
            }
            for _ in 0..50 {
                assert_eq!(honest.prove(honest.wrong).as_deref(), Some("proof"), "it is verified, however many wait");
            }
            assert_eq!(honest.prove(honest.right), None);
            done.store(true, Ordering::SeqCst);
        });
        assert!(busy.into_inner() > 0, "nobody was refused");
        assert!(running.client(&customers).agreement(honest.id).unwrap().ended);
        // Among themselves they are verified in turn.
        let patient = running.client(&providers);
        for cheap in cheap {
            patient.act(cheap.id, proving(cheap.right)).unwrap();
        }
        running.stop();
        assert_eq!(audited(database).unwrap().ended, 9);
    });
}

#[test]
fn proof_that_waited_when_the_escrow_was_stopped_is_in_time_when_it_comes_again() {
    let model = Model::digits();
    on_each_database(|database| {
        let running = Running::start(database);
        let (customers, providers) = (key(1), key(2));
        running.fund(&[&customers, &providers], 1000);
        let [waiting, silent] = [0; 2].map(|_| Contested::new(&running, &model, [&customers, &providers], 10));
        let action = proving(waiting.right);
        let request = waiting.provider.prepare(waiting.id, Body::Act(action)).unwrap();
        let deadline = waiting.provider.agreement(silent.id).unwrap().deadline.unwrap();
        running.stop();

        // As if it had waited until long after the deadline.
        Runtime::new().unwrap().block_on(async {
            let (store, head) = Store::open(&database.url).await.unwrap().begin_term().await.unwrap();
            let received = head.clock;
            store.note(request.id(), waiting.id, received).await.unwrap();
            store.note(request.id(), waiting.id, deadline.after(LONG)).await.unwrap();
            assert_eq!(store.noted(request.id()).await.unwrap(), Some(received), "what was written first counts");
            store.set_clock(deadline.after(LONG)).await.unwrap();
            store.close().await;
        });
        let running = Running::start(database);
        let provider = running.client(&providers);
        let pace = (Duration::from_millis(50), Duration::from_secs(30));
        assert!(provider.wait(silent.id, pace, |view| view.ended).unwrap().is_some(), "its deadline is not called");
        assert!(!provider.agreement(waiting.id).unwrap().ended, "nobody waits for the request to come again");
        provider.submit(&request).unwrap();
        let view = provider.agreement(waiting.id).unwrap();
        assert!(view.ended && view.agreement.state.stage() == "ended", "{view:?}");
        running.stop();
        // All follows from the log, but that its clock was set ahead here.
        let error = audited(database).unwrap_err();
        assert!(matches!(error, AuditError::Ahead { .. }), "{error}");
        Runtime::new().unwrap().block_on(async {
            let store = Store::open(&database.url).await.unwrap();
            assert_eq!(store.all_noted().await.unwrap(), []);
            store.close().await;
        });
    });
}
