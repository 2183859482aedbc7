//! Requests that are kept until what became of them is known: one whose answer was lost is sent again as it was signed, so that its receipt is had in the end.

use verinfer_escrow_client::messages::Receipt;
use verinfer_escrow_client::{Client, ClientError};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::signed::{Body, Request};

use crate::error::PartyError;
use crate::store::Store;

const SCOPE: &str = "pending requests";

/// A request for the same of which it is not known yet what became of it.
///
/// # Errors
///
/// It cannot be read.
pub fn pending(client: &Client, store: &Store, agreement: AgreementId, body: &Body) -> Result<Option<Request>, PartyError> {
    Ok(store.get(SCOPE, &name(client, agreement, body))?)
}

/// Has a request carried out once, however often it is tried: for what is wanted whenever it is carried out. What a move does depends on how its agreement
/// stands, so one that [was sent](again) and cannot be carried out any more is not signed [anew](anew) before that was looked at.
///
/// # Errors
///
/// The escrow refuses it or cannot be reached, or it cannot be kept.
pub fn carry_out(client: &Client, store: &Store, agreement: AgreementId, body: Body) -> Result<Receipt, PartyError> {
    match again(client, store, agreement, &body)? {
        Some(receipt) => Ok(receipt),
        None => anew(client, store, agreement, body),
    }
}

/// Sends a request that is pending again, as it was signed. Gives nothing if none is, or if it was not carried out and cannot be any more: then it is forgotten.
///
/// # Errors
///
/// The escrow refuses it or cannot be reached.
pub fn again(client: &Client, store: &Store, agreement: AgreementId, body: &Body) -> Result<Option<Receipt>, PartyError> {
    let name = name(client, agreement, body);
    let Some(request) = store.get::<Request>(SCOPE, &name)? else { return Ok(None) };
    match client.submit(&request) {
        Err(error) if matches!(error.kind(), Some("expired" | "replayed" | "out_of_order")) => {
            store.remove(SCOPE, &name)?;
            Ok(None)
        }
        result => finish(store, &name, result).map(Some),
    }
}

/// Signs a request, keeps it, and sends it.
///
/// # Errors
///
/// The escrow refuses it or cannot be reached, or it cannot be kept.
pub fn anew(client: &Client, store: &Store, agreement: AgreementId, body: Body) -> Result<Receipt, PartyError> {
    let name = name(client, agreement, &body);
    let request = client.prepare(agreement, body)?;
    store.put(SCOPE, &name, &request)?;
    finish(store, &name, client.submit(&request))
}

/// Forgets a request that is pending: it is not sent again.
///
/// # Errors
///
/// It cannot be written.
pub fn forget(client: &Client, store: &Store, agreement: AgreementId, body: &Body) -> Result<(), PartyError> {
    Ok(store.remove(SCOPE, &name(client, agreement, body))?)
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
