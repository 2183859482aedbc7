//! Entries of the log in words.

use maud::{Markup, html};
use verinfer_protocols::agreement::Move;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::Body;
use verinfer_protocols::time::Timestamp;

use super::outcome::said;
use crate::books::{Entry, Record};

/// Who did it; nobody if time did.
pub fn who(entry: &Entry) -> Option<AccountId> {
    match &entry.record {
        Record::Request { request, .. } => Some(request.header.signer),
        Record::Deadline { .. } => None,
    }
}

/// What happened.
pub fn what(entry: &Entry) -> Markup {
    html! {
        @match &entry.record {
            Record::Deadline { .. } => "the stage ended without a move",
            Record::Request { request, facts, .. } => {
                @match &request.body {
                    // References are of strangers: they may hold anything, also letters that are written from right to left.
                    Body::Deposit { amount, reference, .. } => { "deposit of " (amount) " (" bdi { (reference) } ")" },
                    Body::Withdraw { amount, reference } => { "withdrawal of " (amount) " (" bdi { (reference) } ")" },
                    Body::Rules(_) => "sets the marketplace's rules",
                    Body::Reverse { reference, left, reason, .. } => {
                        "all but " (left) " of a deposit reversed (" bdi { (reference) } "): " bdi { (reason) }
                    },
                    Body::Paid { reference, .. } => { "withdrawal paid (" bdi { (reference) } ")" },
                    Body::Returned { reference, reason, .. } => {
                        "withdrawal returned (" bdi { (reference) } "): " bdi { (reason) }
                    },
                    Body::Open(terms) => { "proposes: " (terms.kind()) },
                    Body::Act(action) => { (name(action)) (found_out(facts)) },
                }
            },
        }
    }
}

/// How long until the end of a stage.
pub fn until(deadline: Timestamp, now: Timestamp) -> String {
    match deadline.0.checked_sub(now.0) {
        Some(rest) if rest > 0 => format!("in {}", duration(rest)),
        _ => "now".to_owned(),
    }
}

/// How long ago something was, by the escrow's clock.
pub fn since(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", duration(now.0.saturating_sub(at.0)))
}

/// Milliseconds in the two largest units that matter.
fn duration(millis: u64) -> String {
    let seconds = millis.div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// The name of a move as it stands in JSON, without its content.
fn name(action: &Move) -> String {
    let Ok(mut value) = serde_json::to_value(action) else { return String::new() };
    let mut words = Vec::new();
    // Each level of the value is a variant's name: that of an object's only field, or a string where the variant has no content.
    while words.len() < depth(action) {
        if let Some(name) = value.as_str() {
            words.push(name.to_owned());
            break;
        }
        let serde_json::Value::Object(map) = value else { break };
        let Some((name, content)) = map.into_iter().next() else { break };
        words.push(name);
        value = content;
    }
    words.join(" ").replace('_', " ")
}

/// How many names a move has: of the kind, of the move, and of the move of a transfer.
const fn depth(action: &Move) -> usize {
    use verinfer_protocols::{accuracy, retrieval};
    match action {
        Move::Accuracy(accuracy::Move::Transfer(_)) | Move::Retrieval(retrieval::Move::Transfer(_)) => 3,
        Move::Stake(_) | Move::Accuracy(_) | Move::Serving(_) | Move::Retrieval(_) => 2,
    }
}

fn found_out(facts: &Facts) -> String {
    match facts {
        Facts::Nothing => String::new(),
        Facts::Stake { .. } => " (the stake covers it)".to_owned(),
        Facts::Proof(statement) => format!(" (the proof holds: {})", said(statement)),
        Facts::Held => " (the escrow has the files)".to_owned(),
        Facts::Opens(true) => " (it opens to what was promised)".to_owned(),
        Facts::Opens(false) => " (it does not open to what was promised)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_a_deadline_that_is_over_is_now() {
        let texts = [(1, "1 s"), (59_500, "1 min 0 s"), (3_599_000, "59 min 59 s"), (7_260_000, "2 h 1 min"), (90_000_000, "1 d 1 h")];
        for (millis, text) in texts {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(until(Timestamp(5), Timestamp(5)), "now");
        assert_eq!(until(Timestamp(5), Timestamp(9)), "now");
        assert_eq!(since(Timestamp(9), Timestamp(5)), "0 s ago");
    }
}
