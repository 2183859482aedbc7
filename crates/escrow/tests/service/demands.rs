//! Rounds in which the provider has to answer through the escrow, with real proofs over real sockets.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::model::Model;
use crate::common::{Database, LONG, Running, audited, key, on_each_database, serving};
use verinfer_escrow_client::{Client, ClientError};
use verinfer_items::OpenedInput;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::serving::{Move, Outcome, State, Terms, answer_digest};
use verinfer_protocols::statement::SaltedScores;
use verinfer_protocols::time::Millis;
use verinfer_protocols::transfer::Breach;
use verinfer_protocols::{agreement, serving as protocol};

/// A round of three inputs that the provider has confirmed.
struct Round {
    running: Running,
    customer: Client,
    provider: Client,
    providers: SecretKey,
    model: Model,
    inputs: Vec<OpenedInput>,
    id: AgreementId,
}

impl Round {
    fn begin(database: &Database, answer: Millis) -> Self {
        let (model, customers, providers) = (Model::digits(), key(1), key(2));
        let running = Running::start(database);
        running.fund(&[&customers, &providers], 1000);
        let (customer, provider) = (running.client(&customers), running.client(&providers));
        let inputs: Vec<_> = (0..3).map(|number| model.input(number)).collect();
        let mut terms: Terms = serving::terms(customers.account(), providers.account(), model.digest(), 3, LONG);
        terms.periods.answer = answer;
        let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
        let round = Self { running, customer, provider, providers, model, inputs, id };
        round.act(&round.provider, Move::Accept).unwrap();
        round.act(&round.customer, Move::Send { inputs: round.inputs.iter().map(|input| input.digest().unwrap()).collect() }).unwrap();
        round.act(&round.provider, Move::Confirm).unwrap();
        round
    }

    fn act(&self, by: &Client, action: Move) -> Result<(), ClientError> {
        by.act(self.id, agreement::Move::Serving(action)).map(drop)
    }

    fn answer(&self, index: u32) -> protocol::Answer {
        serving::answer(&self.model, self.id, index, &self.inputs[index as usize], &self.providers)
    }

    /// The file with the scores of an input.
    fn file(&self, index: u32) -> Vec<u8> {
        serving::salted(&self.model, &self.inputs[index as usize]).encode()
    }

    /// An answer to a demand, whose files are not left.
    fn answer_openly(&self, indices: &[u32]) -> Move {
        let scores = indices.iter().map(|&index| Digest::of_bytes(&self.file(index))).collect();
        Move::Answer { answers: indices.iter().map(|&index| self.answer(index)).collect(), scores }
    }

    fn state(&self) -> State {
        match self.customer.agreement(self.id).unwrap().agreement.state {
            agreement::State::Serving(state) => state,
            other => panic!("{other:?}"),
        }
    }

    /// What customer and provider have, once everything has ended and the audit agrees.
    fn finish(self, database: &Database) -> [u64; 2] {
        let balances = [&self.customer, &self.provider].map(|client| client.own_account().unwrap().balance.units());
        self.running.stop();
        let audit = audited(database).unwrap();
        assert_eq!((audit.open, audit.ended, audit.issued), (0, 1, 2000));
        balances
    }
}

#[test]
fn provider_that_confirms_and_falls_silent_loses_its_deposit() {
    on_each_database(|database| {
        let round = Round::begin(database, Millis(3000));
        round.act(&round.customer, Move::Record { answers: vec![round.answer(0)] }).unwrap();
        round.act(&round.customer, Move::Demand).unwrap();
        let pace = (Duration::from_millis(50), Duration::from_secs(60));
        assert!(round.customer.wait(round.id, pace, |view| view.ended).unwrap().is_some(), "the deadline was not called");
        assert_eq!(round.state(), State::Ended(Outcome::NotAnswered(Breach::Silence)));
        // beta K Z = 2 * 3 * 20.
        assert_eq!(round.finish(database), [1120, 880]);
    });
}

#[test]
fn demanded_predictions_come_through_the_escrow_and_can_be_contested() {
    on_each_database(|database| {
        let round = Round::begin(database, LONG);
        let (customer, provider) = (&round.customer, &round.provider);
        round.act(customer, Move::Record { answers: vec![round.answer(1)] }).unwrap();
        round.act(customer, Move::Demand).unwrap();
        let refused = |by: &Client, action, kind| assert_eq!(round.act(by, action).unwrap_err().kind(), Some(kind));
        refused(customer, Move::Conclude, "out_of_stage");
        refused(provider, round.answer_openly(&[0, 2]), "facts_missing");
        refused(provider, round.answer_openly(&[0, 1]), "member");
        // A file that says something else than what was signed.
        let other = provider.leave_file(round.id, &canonical(&[1_i16, 2, 3])).unwrap();
        refused(provider, Move::Answer { answers: vec![round.answer(0)], scores: vec![other] }, "member");

        for index in [0, 2] {
            provider.leave_file(round.id, &round.file(index)).unwrap();
            round.act(provider, round.answer_openly(&[index])).unwrap();
        }
        // Who was not served directly has everything now.
        let State::Running { round: protocol::Round { answers, .. }, .. } = round.state() else { panic!("{:?}", round.state()) };
        for (answer, file) in customer.demanded(round.id).unwrap() {
            let input = &round.inputs[answer.index as usize];
            let scores: SaltedScores = postcard::from_bytes(&customer.file(round.id, file).unwrap()).unwrap();
            assert_eq!(scores.scores, round.model.scores(input));
            assert_eq!(answers[&answer.index], answer_digest(&input.digest().unwrap(), &scores.digest()));
        }
        refused(customer, Move::Demand, "member");
        round.act(customer, Move::Contest { inputs: BTreeSet::from([0, 1]) }).unwrap();
        provider.leave_file(round.id, &round.model.public).unwrap();
        let proof = serving::prove(&round.model, round.id, &[&round.inputs[0], &round.inputs[1]]);
        let proof = provider.leave_file(round.id, &proof).unwrap();
        let salts = provider.leave_file(round.id, &serving::salts(2)).unwrap();
        round.act(provider, Move::Prove { proof, salts, inputs: vec![0, 1] }).unwrap();
        assert_eq!(round.state(), State::Ended(Outcome::Proved { contested: 2, predictions: 3 }));
        assert_eq!(round.finish(database), [920, 1080]);
    });
}
