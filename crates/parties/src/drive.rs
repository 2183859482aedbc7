//! A party's loop: look at the agreement, make the move that is due, look again.

use std::mem::discriminant;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use verinfer_escrow_client::messages::AgreementView;
use verinfer_escrow_client::{Client, ClientError};
use verinfer_protocols::agreement::Terms;
use verinfer_protocols::digest::AgreementId;

use crate::error::PartyError;

/// Told of what happens, one line each.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What a party has done about an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has moved.
    Moved,
    /// Nothing is to be done now.
    Waiting,
}

/// How a party waits for others.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks at an agreement.
    pub poll: Duration,
    /// Whether to stop instead of waiting: the party is started again later.
    pub once: bool,
}

/// Opens an agreement with these terms if there is none, and makes every move of a party that is due, until the agreement has ended, or there is nothing to
/// do and the pace says to stop then.
///
/// The other party need not take or give anything, and may answer with what it likes: the escrow sees to it, and the next move is made in time. Nor does an
/// escrow that is down or busy end the loop, once the agreement is open, unless the pace says to stop. Both are told once in each stage.
///
/// # Errors
///
/// The escrow refuses the terms, or a move fails although it is still due.
pub fn drive(
    client: &Client,
    terms: Terms,
    pace: Pace,
    tell: &Tell,
    step: impl Fn(&AgreementView) -> Result<Step, PartyError>,
) -> Result<AgreementView, PartyError> {
    let (id, mut stage, mut told) = (open(client, terms)?, String::new(), None);
    let mut look = || -> Result<_, PartyError> {
        let view = client.agreement(id)?;
        if view.stage != stage {
            stage.clone_from(&view.stage);
            tell(&format!("stage `{stage}`"));
        }
        let step = if view.ended { Ok(Step::Waiting) } else { settle(client, &view, step(&view)) };
        Ok((view, step))
    };
    loop {
        let (view, step) = match look() {
            Ok((view, step)) => (Some(view), step),
            Err(error) => (None, Err(error)),
        };
        let step = match step {
            Err(error) if is_outlasted(&error, pace) => {
                // However often the other party changes its words.
                let trouble = Some((view.as_ref().map(|view| view.stage.clone()), discriminant(&error)));
                if told != trouble {
                    tell(&error.to_string());
                    told = trouble;
                }
                Step::Waiting
            }
            step => step?,
        };
        match (step, view) {
            (Step::Moved, _) => {}
            (Step::Waiting, Some(view)) if view.ended || pace.once => return Ok(view),
            (Step::Waiting, _) => sleep(pace.poll),
        }
    }
}

/// Whether a party waits, and goes on, although there was this error.
fn is_outlasted(error: &PartyError, pace: Pace) -> bool {
    let is_passing = matches!(error, PartyError::Escrow(error) if error.is_transient());
    matches!(error, PartyError::Peer(_)) || is_passing && !pace.once
}

/// The outcome of a step from `view`. A refusal counts for nothing if the agreement has meanwhile moved on: the stage had ended.
///
/// # Errors
///
/// The step failed, and the agreement is still as it was.
pub fn settle(client: &Client, view: &AgreementView, step: Result<Step, PartyError>) -> Result<Step, PartyError> {
    match step {
        Err(PartyError::Escrow(ClientError::Refused { .. })) if client.agreement(view.agreement.id)?.agreement != view.agreement => {
            Ok(Step::Moved)
        }
        result => result,
    }
}

/// Opens an agreement with these terms if there is none.
///
/// # Errors
///
/// The escrow refuses, or cannot be reached.
pub fn open(client: &Client, terms: Terms) -> Result<AgreementId, ClientError> {
    let id = terms.id(client.escrow());
    match client.agreement(id) {
        Err(error) if error.kind() == Some("no_agreement") => match client.open(terms) {
            // The answer to an earlier attempt was lost.
            Err(error) if matches!(error.kind(), Some("exists" | "replayed")) => Ok(id),
            result => result,
        },
        result => result.map(|_| id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::PeerError;

    #[test]
    fn neither_a_peer_that_answers_with_garbage_nor_an_escrow_that_is_busy_ends_the_drive() {
        let refused = |status| PartyError::from(ClientError::Refused { status, kind: String::new(), message: String::new() });
        let garbage = PartyError::from(PeerError::Answer { url: String::new(), reason: String::new() });
        let [waits, stops] = [false, true].map(|once| Pace { poll: Duration::ZERO, once });
        assert!(is_outlasted(&garbage, waits) && is_outlasted(&garbage, stops));
        assert!(is_outlasted(&refused(429), waits) && is_outlasted(&refused(503), waits));
        assert!(!is_outlasted(&refused(503), stops));
        assert!(!is_outlasted(&refused(409), waits), "a move that is refused is an error");
    }
}
