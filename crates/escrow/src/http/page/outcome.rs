//! How agreements ended, and what proofs said, in words.

use std::collections::BTreeMap;

use verinfer_protocols::agreement::{Agreement, State, Terms};
use verinfer_protocols::statement::{Output, Predicate, Statement};
use verinfer_protocols::transfer::Breach;
use verinfer_protocols::{accuracy, retrieval, serving, stake};

use crate::store::Shown;

/// What kinds of ends there are, for counting.
pub fn kind(agreement: &Agreement) -> &'static str {
    match &agreement.state {
        State::Accuracy(accuracy::State::Ended(outcome)) => match outcome {
            accuracy::Outcome::Withdrawn => "taken back",
            accuracy::Outcome::Expired => "not accepted in time",
            accuracy::Outcome::ProviderAborted => "provider stopped after the first examples",
            accuracy::Outcome::TargetMet { .. } => "target met",
            accuracy::Outcome::TargetMissed { .. } => "target missed",
            accuracy::Outcome::CustomerAtFault(_) => "customer at fault",
            accuracy::Outcome::ProviderAtFault(_) => "provider at fault",
        },
        State::Serving(serving::State::Ended(outcome)) => match outcome {
            serving::Outcome::Withdrawn => "taken back",
            serving::Outcome::Expired => "not accepted in time",
            serving::Outcome::NotBegun => "not begun",
            serving::Outcome::NotSent(_) => "customer at fault: inputs not sent",
            serving::Outcome::Concluded { .. } => "predictions given, none contested",
            serving::Outcome::NotAnswered(_) => "provider at fault: predictions not given",
            serving::Outcome::Proved { .. } => "contested predictions proved",
            serving::Outcome::NotProved(_) => "provider at fault: contested predictions not proved",
        },
        State::Retrieval(retrieval::State::Ended(outcome)) => match outcome {
            retrieval::Outcome::Withdrawn => "taken back",
            retrieval::Outcome::Expired => "not accepted in time",
            retrieval::Outcome::Fulfilled { .. } => "fulfilled",
            retrieval::Outcome::RequesterAtFault(_) => "requester at fault",
            retrieval::Outcome::ResponderAtFault(_) => "responder at fault",
        },
        State::Stake(stake::State::Returned) => "stake returned",
        State::Stake(_) | State::Accuracy(_) | State::Serving(_) | State::Retrieval(_) => "open",
    }
}

/// How an agreement ended; nothing if it has not.
pub fn outcome(agreement: &Agreement) -> Option<String> {
    if !agreement.state.has_ended() {
        return None;
    }
    let more = match (&agreement.state, &agreement.terms) {
        (
            State::Accuracy(accuracy::State::Ended(accuracy::Outcome::TargetMet { correct } | accuracy::Outcome::TargetMissed { correct })),
            Terms::Accuracy(terms),
        ) => {
            format!(": {correct} of {} labels right, {} needed", terms.second(), terms.target)
        }
        (
            State::Accuracy(accuracy::State::Ended(
                accuracy::Outcome::CustomerAtFault(breach) | accuracy::Outcome::ProviderAtFault(breach),
            ))
            | State::Serving(serving::State::Ended(
                serving::Outcome::NotSent(breach) | serving::Outcome::NotAnswered(breach) | serving::Outcome::NotProved(breach),
            ))
            | State::Retrieval(retrieval::State::Ended(
                retrieval::Outcome::RequesterAtFault(breach) | retrieval::Outcome::ResponderAtFault(breach),
            )),
            _,
        ) => format!(" ({})", fault(*breach)),
        (State::Serving(serving::State::Ended(serving::Outcome::Concluded { predictions })), Terms::Serving(terms)) => {
            format!(": {predictions} of {} paid", terms.inputs)
        }
        (State::Serving(serving::State::Ended(serving::Outcome::Proved { contested, predictions })), Terms::Serving(terms)) => {
            format!(": {contested} of {}, {predictions} predictions paid", terms.inputs)
        }
        (State::Retrieval(retrieval::State::Ended(retrieval::Outcome::Fulfilled { matches })), Terms::Retrieval(terms)) => {
            format!(": {matches} of {} documents match and were handed over, {} proved", terms.corpus.len, terms.sample)
        }
        _ => String::new(),
    };
    Some(format!("{}{more}", kind(agreement)))
}

const fn fault(breach: Breach) -> &'static str {
    match breach {
        Breach::Silence => "did not move in time",
        Breach::Abort => "gave up",
        Breach::WrongData => "gave something else than promised",
        Breach::FalseContest => "contested what was right",
    }
}

/// How often agreements ended in which way.
pub fn counts(shown: &[Shown]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for agreement in shown.iter().filter_map(|shown| shown.ended.as_ref()) {
        let count = counts.entry(kind(agreement)).or_insert(0_usize);
        *count = count.saturating_add(1);
    }
    counts
}

/// What a proof said.
pub fn said(statement: &Statement) -> String {
    match &statement.output {
        Output::Correct { labels, k: 1, count } => format!("{count} of {} labels right", labels.len()),
        Output::Correct { labels, k, count } => format!("{count} of {} labels among the first {k} classes", labels.len()),
        Output::Salted(scores) => format!("the scores of {} inputs", scores.len()),
        Output::Decided { predicate, holds } => {
            let matching = holds.iter().filter(|holds| **holds).count();
            let question = match predicate {
                Predicate::Top { class, k: 1 } => format!("class {class} is first"),
                Predicate::Top { class, k } => format!("class {class} is among the first {k}"),
                Predicate::AtLeast { class, score } => format!("class {class} has at least {score}"),
            };
            format!("in {matching} of {} documents {question}", holds.len())
        }
    }
}
