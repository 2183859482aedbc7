//! A party's loop: look at the agreement, make the move that is due, look again.

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
    let (id, mut stage) = (open(client, terms)?, String::new());
    loop {
        let view = client.agreement(id)?;
        if view.stage != stage {
            stage.clone_from(&view.stage);
            tell(&format!("stage `{stage}`"));
        }
        if view.ended {
            return Ok(view);
        }
        match settle(client, &view, step(&view))? {
            Step::Moved => {}
            Step::Waiting if pace.once => return Ok(view),
            Step::Waiting => sleep(pace.poll),
        }
    }
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
    let id = terms.id();
    match client.agreement(id) {
        Err(error) if error.kind() == Some("no_agreement") => match client.open(terms) {
            // The answer to an earlier attempt was lost.
            Err(error) if matches!(error.kind(), Some("exists" | "replayed")) => Ok(id),
            result => result,
        },
        result => result.map(|_| id),
    }
}
