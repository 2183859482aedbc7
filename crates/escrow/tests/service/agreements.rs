//! Whole agreements with real proofs over real sockets.

use std::collections::BTreeSet;

use crate::common::accuracy::{Customer, Provider, stake};
use crate::common::model::Model;
use crate::common::{LONG, Running, audited, key, on_each_database, serving, verified};
use crate::pages::get;
use verinfer_escrow::audit::Verified;
use verinfer_protocols::accuracy::{Evidence, Outcome, State};
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_protocols::serving::Move;
use verinfer_protocols::{agreement, serving as protocol};

#[test]
fn accuracy_is_proved_and_paid_even_if_the_escrow_stops_at_every_stage() {
    let model = Model::digits();
    on_each_database(|database| {
        for evidence in [Evidence::Outputs, Evidence::Count] {
            let (customers, providers) = (key(1), key(2));
            let mut running = Running::start(database);
            running.fund(&[&customers, &providers], 100_000);
            let before = [&customers, &providers].map(|key| running.client(key).own_account().unwrap().balance.units());
            let stake = stake(&running.client(&providers), model.digest());
            let (mut customer, mut provider, mut delivered) = (Customer::new(&model, 4, evidence), Provider::default(), Vec::new());
            let terms = customer.terms(customers.account(), providers.account(), model.digest(), stake);
            let id = running.client(&customers).open(agreement::Terms::Accuracy(terms)).unwrap();
            loop {
                let view = running.client(&customers).agreement(id).unwrap();
                if view.ended {
                    let agreement::State::Accuracy(state) = &view.agreement.state else { panic!("{view:?}") };
                    assert_eq!(*state, State::Ended(Outcome::TargetMet { correct: 3 }));
                    break;
                }
                let moved = customer.advance(&running.client(&customers), &view, &mut delivered)
                    || provider.advance(&running.client(&providers), &model, &view, &delivered);
                assert!(moved, "nobody moves: {view:?}");
                running.stop();
                running = Running::start(database);
            }
            let after = [&customers, &providers].map(|key| running.client(key).own_account().unwrap().balance.units());
            // 2 (N1 P + N2 Z) = 2 (5 + 3 * 20) = 130, and 3 to the escrow from each; the stake is still there.
            assert_eq!(after, [before[0] - 133, before[1] + 127 - 50_000]);
            // It is found among whatever other agreements the customer has.
            let client = running.client(&customers);
            assert_eq!(client.met_targets(customers.account(), model.digest()).unwrap()[0], id);
            for (other, model) in [(providers.account(), model.digest()), (customers.account(), Digest([9; 32]))] {
                assert_eq!(client.met_targets(other, model).unwrap(), []);
            }
            let (_, page) = get(&running, &format!("/agreements/{id}"));
            for part in ["target met: 3 of 3 labels right", "</a>: 3 of 3 labels right", "Who was paid what", "−133", "+127"] {
                assert!(page.contains(part), "{part} is not in {page}");
            }
            let (_, page) = get(&running, &format!("/accounts/{}", customers.account()));
            assert!(page.contains("<dd>target met</dd>"), "{page}");
            running.stop();
            audited(database).unwrap();
        }
        let proofs = Verified { proofs: 2, ..Verified::default() };
        assert_eq!(verified(database).unwrap().verified, Some(proofs), "one of each agreement");
    });
}

#[test]
fn contested_prediction_is_proved_and_a_proof_of_anything_else_is_refused() {
    let model = Model::digits();
    on_each_database(|database| {
        let (customers, providers) = (key(1), key(2));
        let running = Running::start(database);
        running.fund(&[&customers, &providers], 1000);
        let (customer, provider) = (running.client(&customers), running.client(&providers));
        let inputs: Vec<_> = (0..2).map(|number| model.input(number)).collect();
        let terms = serving::terms(customers.account(), providers.account(), model.digest(), 2, LONG);
        let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
        let act = |client: &verinfer_escrow_client::Client, action| client.act(id, agreement::Move::Serving(action));
        act(&provider, Move::Accept).unwrap();
        act(&customer, Move::Send { inputs: inputs.iter().map(|input| input.digest().unwrap()).collect() }).unwrap();
        act(&provider, Move::Confirm).unwrap();
        let answers = (0..).zip(&inputs).map(|(index, input)| serving::answer(&model, id, index, input, &providers));
        act(&customer, Move::Record { answers: answers.collect() }).unwrap();
        act(&customer, Move::Contest { inputs: BTreeSet::from([1]) }).unwrap();

        provider.leave_file(id, &model.public).unwrap();
        let right = serving::prove(&model, id, &[&inputs[1]]);
        let salts = provider.leave_file(id, &serving::salts(1)).unwrap();
        let head = provider.about().unwrap().head;
        let mut spoilt = right.clone();
        *spoilt.last_mut().unwrap() ^= 1;
        let other_context = model.prove(&[&inputs[1]], verinfer_relation::setting::OutputForm::Shown, &[], b"something else");
        for (wrong, kind) in [
            (spoilt, "proof_rejected"),
            (b"no proof".to_vec(), "proof_rejected"),
            (other_context, "proof_rejected"),
            (serving::prove(&model, id, &[&inputs[0]]), "proof"),
        ] {
            let proof = provider.leave_file(id, &wrong).unwrap();
            let error = act(&provider, Move::Prove { proof, salts, inputs: vec![1] }).unwrap_err();
            assert_eq!(error.kind(), Some(kind), "{error}");
        }
        assert_eq!(provider.about().unwrap().head, head, "refusals change nothing");

        let proof = provider.leave_file(id, &right).unwrap();
        // No salts, too many, and others than those with which it was signed.
        for (wrong, kind) in
            [(b"none".to_vec(), "proof_rejected"), (serving::salts(2), "proof_rejected"), (canonical(&vec![[0_u8; 32]]), "proof")]
        {
            let salts = provider.leave_file(id, &wrong).unwrap();
            let error = act(&provider, Move::Prove { proof, salts, inputs: vec![1] }).unwrap_err();
            assert_eq!(error.kind(), Some(kind), "{error}");
        }
        act(&provider, Move::Prove { proof, salts, inputs: vec![1] }).unwrap();
        let view = customer.agreement(id).unwrap();
        let outcome = protocol::State::Ended(protocol::Outcome::Proved { contested: 1, predictions: 2 });
        assert_eq!(view.agreement.state, agreement::State::Serving(outcome));
        assert_eq!(customer.own_account().unwrap().balance.units(), 960);
        assert_eq!(provider.own_account().unwrap().balance.units(), 1040);
        running.stop();
        let audit = audited(database).unwrap();
        assert_eq!((audit.open, audit.ended, audit.issued), (0, 1, 2000));
    });
}
