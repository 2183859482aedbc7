//! The marketplace's rules, what a stake covers, and how agreements of an account have ended.

use crate::common::accuracy::Customer as Asking;
use crate::common::model::Model;
use crate::common::{Database, LONG, Running, audited, execute, key, nonce, on_each_database, operator, random, serving};
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::OutcomeCount;
use verinfer_protocols::accuracy::{self, Evidence};
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::{Rules, StakeRules};
use verinfer_protocols::serving::Move;
use verinfer_protocols::time::Millis;
use verinfer_protocols::{agreement, serving as protocol, stake};

fn units(units: u64) -> Money {
    Money::new(units).unwrap()
}

fn refused(result: Result<impl std::fmt::Debug, verinfer_escrow_client::ClientError>, kind: &str, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Some(kind), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

fn start(database: &Database) -> (Running, [SecretKey; 2], [Client; 2]) {
    let running = Running::start(database);
    let keys = [key(1), key(2)];
    running.fund(&keys.iter().collect::<Vec<_>>(), 200_000);
    let clients = [running.client(&keys[0]), running.client(&keys[1])];
    (running, keys, clients)
}

#[test]
fn operator_sets_rules_which_proposals_are_held_to_and_the_audit_follows() {
    on_each_database(|database| {
        let (running, [customers, providers], [customer, provider]) = start(database);
        assert_eq!(customer.about().unwrap().rules, Rules::default());
        let bank = running.client(&operator());
        let rules = Rules { stake: StakeRules { least: units(70_000), lock: Millis(5000), covers: 3 }, ..Rules::default() };
        refused(customer.set_rules(rules.clone()), "not_operator", "sets the rules");
        refused(bank.set_rules(Rules { fee_divisor: 0, ..rules.clone() }), "terms", "fee_divisor");
        bank.set_rules(rules.clone()).unwrap();
        assert_eq!(customer.about().unwrap().rules, rules);

        let stake = stake::Terms {
            provider: providers.account(),
            model: Digest([1; 32]),
            amount: units(70_000),
            lock: Millis(5000),
            covers: 3,
            nonce: nonce(),
        };
        let open = |client: &Client, terms| client.open(agreement::Terms::Stake(terms));
        refused(open(&provider, stake::Terms { lock: Millis(1), ..stake.clone() }), "rules", "the lock of a stake is 5000 ms here");
        refused(open(&provider, stake::Terms { amount: units(69_999), ..stake.clone() }), "rules", "at least 70000");
        refused(open(&provider, stake::Terms { covers: 1_000_000, ..stake.clone() }), "rules", "covers 3 agreements here");
        open(&provider, stake).unwrap();
        let terms = serving::terms(customers.account(), providers.account(), Digest([1; 32]), 1, LONG);
        let dear = protocol::Terms { proof: units(21), ..terms };
        refused(customer.open(agreement::Terms::Serving(dear)), "rules", "the price of a proof, Z, is 20 here");
        running.stop();
        audited(database).unwrap();
        execute(database, "DELETE FROM rules");
        assert!(audited(database).unwrap_err().to_string().contains("rules in the database are not those that the log sets"));
    });
}

#[test]
fn outcomes_of_an_account_are_counted_from_the_log() {
    on_each_database(|database| {
        let (running, [customers, providers], [customer, provider]) = start(database);
        let propose = |by: &Client| {
            let terms = serving::terms(customers.account(), providers.account(), Digest([1; 32]), 1, LONG);
            by.open(agreement::Terms::Serving(terms)).unwrap()
        };
        let act = |client: &Client, id, action| client.act(id, agreement::Move::Serving(action)).unwrap();
        for _ in 0..2 {
            act(&customer, propose(&customer), Move::Abort);
        }
        let id = propose(&customer);
        act(&provider, id, Move::Accept);
        act(&customer, id, Move::Send { inputs: vec![Digest([2; 32])] });
        act(&provider, id, Move::Confirm);
        act(&customer, id, Move::Demand);
        act(&provider, id, Move::Abort);
        let count = |proposed, outcome: &str, times, units| {
            let (kind, outcome) = ("serving".into(), outcome.into());
            OutcomeCount { proposed, kind, outcome, times, units }
        };
        let found = |client: &Client| client.own_account().unwrap().outcomes;
        assert_eq!(found(&customer), [count(true, "not_answered", 1, 40), count(true, "withdrawn", 2, 0)]);
        assert_eq!(found(&provider), [count(false, "not_answered", 1, 40), count(false, "withdrawn", 2, 0)]);
        running.stop();
        audited(database).unwrap();
        let execute_and_object = |set: &str| {
            execute(database, &format!("UPDATE outcomes SET {set} WHERE account = '{}' AND outcome = 'not_answered'", providers.account()));
            assert!(audited(database).unwrap_err().to_string().contains("counts other outcomes of account"), "{set}");
        };
        execute_and_object("units = 41");
        execute_and_object("times = 0, units = 40");
    });
}

#[test]
fn stake_covers_agreements_that_are_open_or_failed_and_not_those_that_customers_end() {
    let model = Model::digits();
    on_each_database(|database| {
        let (running, [customers, providers], [customer, provider]) = start(database);
        let stakes = StakeRules { covers: 2, ..Rules::default().stake };
        running.client(&operator()).set_rules(Rules { stake: stakes, ..Rules::default() }).unwrap();
        let StakeRules { least: amount, lock, covers } = stakes;
        let stake = stake::Terms { provider: providers.account(), model: model.digest(), amount, lock, covers, nonce: nonce() };
        let stake = provider.open(agreement::Terms::Stake(stake)).unwrap();
        let covered = || provider.agreement(stake).unwrap().covered;
        let act = |client: &Client, id, action| client.act(id, agreement::Move::Accuracy(action));
        let accept = || {
            let terms = Asking::new(&model, 4, Evidence::Outputs).terms(customers.account(), providers.account(), model.digest(), stake);
            let id = customer.open(agreement::Terms::Accuracy(terms)).unwrap();
            act(&provider, id, accuracy::Move::Accept { share: Share(random()) }).map(|_| id)
        };
        // More than it covers, by a customer who wants to use it up.
        for _ in 0..3 {
            let id = accept().unwrap();
            assert_eq!(covered(), Some(1));
            act(&customer, id, accuracy::Move::Abort).unwrap();
            assert_eq!(covered(), Some(0));
        }
        let open = [accept().unwrap(), accept().unwrap()];
        refused(accept(), "stake", "failed in 2 agreements, or they are open");
        for id in open {
            act(&provider, id, accuracy::Move::Abort).unwrap();
        }
        assert_eq!(covered(), Some(2));
        refused(accept(), "stake", "covers no more");
        let count = |outcome: &str, times, units| {
            let (kind, outcome) = ("accuracy".into(), outcome.into());
            OutcomeCount { proposed: false, kind, outcome, times, units }
        };
        let outcomes = provider.own_account().unwrap().outcomes;
        assert_eq!(outcomes, [count("customer_at_fault", 3, 0), count("provider_at_fault", 2, 10)]);
        running.stop();
        audited(database).unwrap();
    });
}
