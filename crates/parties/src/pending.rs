//! Requests that are kept until what became of them is known: one whose answer was lost is sent again as it was signed, so that its receipt is had in the end.

use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{Client, ClientError};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::signed::{Body, Request};

use crate::error::PartyError;
use crate::store::Store;

const SCOPE: &str = "pending requests";

/// Whether what became of a request is not known yet.
pub fn is_pending(client: &Client, store: &Store, agreement: AgreementId, body: &Body) -> bool {
    store.has(SCOPE, &name(client, agreement, body))
}

/// Has a request carried out once, however often it is tried.
///
/// # Errors
///
/// The escrow refuses it or cannot be reached, or it cannot be kept.
pub fn carry_out(client: &Client, store: &Store, agreement: AgreementId, body: Body) -> Result<Receipt, PartyError> {
    let name = name(client, agreement, &body);
    if let Some(request) = store.get::<Request>(SCOPE, &name)? {
        match client.submit(&request) {
            // It was not carried out, and cannot be any more.
            Err(error) if matches!(error.kind(), Some("expired" | "replayed" | "out_of_order")) => {}
            result => return finish(store, &name, result),
        }
    }
    let request = client.prepare(agreement, body)?;
    store.put(SCOPE, &name, &request)?;
    finish(store, &name, client.submit(&request))
}

fn finish(store: &Store, name: &str, result: Result<Receipt, ClientError>) -> Result<Receipt, PartyError> {
    let is_known = match &result {
        Ok(_) => true,
        Err(error) => matches!(error, ClientError::Refused { .. }) && !error.is_transient(),
    };
    if is_known {
        store.remove(SCOPE, name)?;
    }
    Ok(result?)
}

fn name(client: &Client, agreement: AgreementId, body: &Body) -> String {
    Digest::of("verinfer parties v1 pending request", &(client.account(), agreement, body)).to_string()
}
