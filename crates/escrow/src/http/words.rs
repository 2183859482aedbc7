//! Entries of the log in words.

use verinfer_protocols::agreement::Move;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::signed::Body;

use crate::books::{Entry, Record};

/// Who did it; nobody if time did.
pub fn who(entry: &Entry) -> Option<AccountId> {
    match &entry.record {
        Record::Request { request, .. } => Some(request.header.signer),
        Record::Deadline { .. } => None,
    }
}

/// What happened.
pub fn what(entry: &Entry) -> String {
    match &entry.record {
        Record::Deadline { .. } => "the stage ended without a move".to_owned(),
        Record::Request { request, facts } => match &request.body {
            Body::Deposit { amount, reference, .. } => format!("deposit of {amount} ({reference})"),
            Body::Withdraw { amount, reference } => format!("withdrawal of {amount} ({reference})"),
            Body::Open(terms) => format!("proposes: {}", terms.kind()),
            Body::Act(action) => format!("{}{}", name(action), found_out(facts)),
        },
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

fn found_out(facts: &Facts) -> &'static str {
    match facts {
        Facts::Nothing => "",
        Facts::Stake { .. } => " (the stake covers it)",
        Facts::Proof(_) => " (the proof holds)",
        Facts::Held => " (the escrow has the files)",
        Facts::Opens(true) => " (it opens to what was promised)",
        Facts::Opens(false) => " (it does not open to what was promised)",
    }
}
