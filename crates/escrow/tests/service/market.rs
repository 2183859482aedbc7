//! The marketplace's rules, what a stake covers, and how agreements of an account have ended.

use crate::common::{Database, LONG, Running, audited, execute, key, nonce, on_each_database, operator, serving};
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::OutcomeCount;
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
        let count = |proposed, outcome: &str, times| OutcomeCount { proposed, kind: "serving".into(), outcome: outcome.into(), times };
        let found = |client: &Client| client.own_account().unwrap().outcomes;
        assert_eq!(found(&customer), [count(true, "not_answered", 1), count(true, "withdrawn", 2)]);
        assert_eq!(found(&provider), [count(false, "not_answered", 1), count(false, "withdrawn", 2)]);
        running.stop();
        audited(database).unwrap();
        execute(database, &format!("UPDATE outcomes SET times = 0 WHERE account = '{}' AND outcome = 'not_answered'", providers.account()));
        assert!(audited(database).unwrap_err().to_string().contains("counts other outcomes of account"));
    });
}
