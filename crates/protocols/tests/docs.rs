//! The tables of docs/protocols.md are what the machines do: who moves in each stage, what comes of silence, and what each outcome pays.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

mod common;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use common::explore::{by_everybody, explore};
use common::{World, accuracy, customer, provider, retrieval, serving};
use verinfer_protocols::accuracy::Evidence;
use verinfer_protocols::agreement::{Event, Move, State};
use verinfer_protocols::event::Facts;
use verinfer_protocols::{accuracy as accuracy_protocol, retrieval as retrieval_protocol, serving as serving_protocol, transfer};

const PAGE: &str = include_str!("../../../docs/protocols.md");

/// The rows of the table in a section whose head has these columns, each as its cells.
fn table(section: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let start = PAGE.find(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
    let section = &PAGE[start + 4..];
    let section = section.split("\n## ").next().unwrap();
    let cells = |line: &str| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = section.lines().skip_while(|line| !line.starts_with('|') || cells(line) != columns);
    assert!(lines.next().is_some(), "no table with {columns:?}");
    lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// The text before any explanation.
fn name(cell: &str) -> &str {
    cell.split([':', ',']).next().unwrap().trim()
}

/// What is seen of a stage: who has to move, and how it ends in silence (an outcome's name, or the stage that follows).
type Stages = BTreeMap<String, BTreeSet<(bool, String)>>;

/// Every stage that can be reached, and every end with what both parties have gained.
fn explored(start: World, moves: impl Fn(&World) -> Vec<(Move, Facts)>) -> (Stages, Vec<World>) {
    let stages = RefCell::new(Stages::new());
    let ended = explore(
        start,
        |world| by_everybody(moves(world)),
        |world| {
            let after = world.after(&Event::Deadline, world.agreement.state.deadline().unwrap()).unwrap().agreement.state;
            let outcome = after.outcome().unwrap_or_else(|| after.stage()).to_owned();
            let by_customer = world.agreement.awaits() == Some(customer().account());
            stages.borrow_mut().entry(stage(&world.agreement.state)).or_default().insert((by_customer, outcome));
            true
        },
    );
    (stages.into_inner(), ended.ended)
}

/// The name of a stage; of a transfer, that of its own.
fn stage(state: &State) -> String {
    let transfer: Option<&transfer::State> = match state {
        State::Accuracy(accuracy_protocol::State::First { transfer, .. } | accuracy_protocol::State::Second { transfer, .. })
        | State::Retrieval(retrieval_protocol::State::Delivering { transfer, .. }) => Some(transfer),
        _ => None,
    };
    transfer.map_or_else(|| state.stage(), transfer::State::stage).to_owned()
}

/// Compares a table of stages. `sides` are the names of the one that has proposed and of the other, `faults` the outcomes in which they are at fault.
fn compare_stages(section: &str, columns: &[&str], stages: &Stages, sides: [&str; 2], faults: [&str; 2]) -> BTreeSet<String> {
    let place = |column: &str| columns.iter().position(|found| *found == column).unwrap();
    let mut seen = BTreeSet::new();
    for row in table(section, columns) {
        let stage = name(&row[place("stage")]).to_owned();
        // A transfer has a table of its own.
        let Some(found) = stages.get(&stage) else {
            assert!(["first transfer", "second transfer", "delivering"].contains(&stage.as_str()), "there is no stage `{stage}`");
            continue;
        };
        for (by_proposer, outcome) in found {
            let who = sides[usize::from(!by_proposer)];
            assert_eq!(row[place("who moves")], who, "{section}, {stage}");
            let silent = row[place("if silent")].as_str();
            let is_right = match silent {
                _ if silent == format!("{} has its deposit back", sides[0]) => outcome == "expired",
                _ if silent == format!("{who} at fault") => {
                    outcome == faults[usize::from(!by_proposer)] || outcome == "not_answered" || outcome == "not_proved"
                }
                "deposits go back" => outcome == "not_begun",
                "MC pays for the place" => outcome == "not_sent",
                "the round is over" => outcome == "concluded" || outcome == "proved",
                _ => false,
            };
            assert!(is_right, "{section}, {stage}: `{silent}`, but {outcome}");
        }
        seen.insert(stage);
    }
    seen
}

/// The value of a sum of products such as `- 2 (N1 P + N2 Z) - epsilon`.
fn value(text: &str, of: &BTreeMap<&str, i64>) -> i64 {
    let text = text.replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let (value, rest) = sum(&tokens, of);
    assert!(rest.is_empty(), "{text}");
    value
}

fn sum<'a, 'b>(mut tokens: &'a [&'b str], of: &BTreeMap<&str, i64>) -> (i64, &'a [&'b str]) {
    let mut total = 0;
    let mut sign = 1;
    loop {
        match tokens.first() {
            Some(&"+") => (sign, tokens) = (1, &tokens[1..]),
            Some(&"-") => (sign, tokens) = (-1, &tokens[1..]),
            Some(&")") | None => return (total, tokens),
            Some(_) => {
                let mut product = sign;
                while let Some(&token) = tokens.first() {
                    match token {
                        "+" | "-" | ")" => break,
                        "(" => {
                            let (inner, rest) = sum(&tokens[1..], of);
                            product *= inner;
                            tokens = &rest[1..];
                        }
                        token => {
                            product *= token.parse().unwrap_or_else(|_| *of.get(token).unwrap_or_else(|| panic!("what is `{token}`?")));
                            tokens = &tokens[1..];
                        }
                    }
                }
                total += product;
            }
        }
    }
}

/// Compares a table of payments with every end, and demands that both have the same outcomes. `variables` are those of an end.
fn compare_payments(section: &str, columns: &[&str], ended: &[World], variables: impl Fn(&State) -> BTreeMap<&'static str, i64>) {
    let mut rows = BTreeMap::new();
    for row in table(section, columns) {
        let outcomes = row[0].split(':').next().unwrap();
        for outcome in outcomes.split('`').skip(1).step_by(2) {
            rows.insert(outcome.to_owned(), [row[1].replace('`', ""), row[2].replace('`', "")]);
        }
    }
    let mut seen = BTreeSet::new();
    for world in ended {
        let state = &world.agreement.state;
        let outcome = state.outcome().unwrap();
        let [proposer, acceptor] = rows.get(outcome).unwrap_or_else(|| panic!("{section} has no row for `{outcome}`"));
        let of = variables(state);
        let paid = [customer().account(), provider().account()].map(|party| world.gain(party));
        assert_eq!(paid, [value(proposer, &of), value(acceptor, &of)], "{section}, {state:?}");
        seen.insert(outcome.to_owned());
    }
    assert_eq!(seen, rows.into_keys().collect(), "{section}: outcomes that occur, and rows");
}

const STAGES: [&str; 5] = ["", "stage", "who moves", "moves", "if silent"];
const TRANSFER: [&str; 4] = ["stage", "who moves", "moves", "if silent"];

/// All stages but those of transfers are in the table, and those are in theirs.
fn check_all(stages: &Stages, seen: [BTreeSet<String>; 2]) {
    assert_eq!(stages.keys().cloned().collect::<BTreeSet<_>>(), seen.into_iter().flatten().collect());
}

#[test]
fn tables_of_accuracy_and_of_transfers_are_what_the_machine_does() {
    let (stages, ended) = explored(accuracy::world(Evidence::Count), |world| accuracy::moves(world, Evidence::Count));
    let faults = ["customer_at_fault", "provider_at_fault"];
    let own = compare_stages("Accuracy", &STAGES, &stages, ["MC", "MP"], faults);
    let transfers = compare_stages("Data transfer", &TRANSFER, &stages, ["S", "R"], faults);
    check_all(&stages, [own, transfers]);
    let of = |_: &State| {
        let [e, z, p, epsilon] = [accuracy::E, accuracy::Z, accuracy::P, accuracy::FEE].map(|amount| amount as i64);
        BTreeMap::from([("N", 3), ("N1", 1), ("N2", 2), ("E", e), ("Z", z), ("P", p), ("epsilon", epsilon)])
    };
    compare_payments("Accuracy", &["outcome", "MC", "MP"], &ended, of);
}

#[test]
fn tables_of_serving_are_what_the_machine_does() {
    let (stages, ended) = explored(serving::world(), serving::moves);
    let own = compare_stages("Serving", &STAGES, &stages, ["MC", "MP"], ["", "not_proved"]);
    check_all(&stages, [own, BTreeSet::new()]);
    let of = |state: &State| {
        let State::Serving(serving_protocol::State::Ended(outcome)) = state else { panic!("{state:?}") };
        let (paid, contested) = match *outcome {
            serving_protocol::Outcome::Concluded { predictions } => (predictions, 0),
            serving_protocol::Outcome::Proved { contested, predictions } => (predictions, contested),
            _ => (0, 0),
        };
        let [z, price] = [serving::Z, serving::PRICE].map(|amount| amount as i64);
        let [k, beta, k1, r] = [serving::K, serving::BETA, contested, paid].map(i64::from);
        BTreeMap::from([("K", k), ("K1", k1), ("R", r), ("Z", z), ("beta", beta), ("price", price)])
    };
    compare_payments("Serving", &["outcome", "MC", "MP"], &ended, of);
}

#[test]
fn tables_of_retrieval_are_what_the_machine_does() {
    let (stages, ended) = explored(retrieval::world(), retrieval::moves);
    let faults = ["requester_at_fault", "responder_at_fault"];
    let own = compare_stages("Retrieval", &STAGES, &stages, ["requester", "responder"], faults);
    let transfers = compare_stages("Data transfer", &TRANSFER, &stages, ["R", "S"], faults);
    check_all(&stages, [own, transfers]);
    let of = |_: &State| BTreeMap::from([("price", retrieval::PRICE as i64), ("bond", retrieval::BOND as i64)]);
    compare_payments("Retrieval", &["outcome", "requester", "responder"], &ended, of);
}
