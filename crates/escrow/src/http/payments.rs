//! Payments from and to outside, and what became of an account's money.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use verinfer_escrow_client::messages::{Cause, ErrorBody, MovementView, PaymentView};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::payment::Standing;
use verinfer_protocols::signed::Body;

use super::Shared;
use super::failure::Failure;
use crate::books::{Entry, Record};
use crate::store::{Movement, PaymentFilter, StoreError};

type Answer<T> = Result<Json<T>, Failure>;

/// Lines of one answer: each is read in the log.
const MOST: u32 = 100;

const fn most() -> u32 {
    MOST
}

const fn end() -> u64 {
    u64::MAX
}

/// Which payments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PaymentQuery {
    /// Only those of this account; the escrow's own withdraws fees.
    account: Option<AccountId>,
    /// Only those that stand so: `received`, `due`, `paid`, `returned`.
    standing: Option<Standing>,
    /// Recorded before this entry.
    #[serde(default = "end")]
    before: u64,
    /// At most so many, up to 100.
    #[serde(default = "most")]
    limit: u32,
}

/// Payments from and to outside, the last first.
#[utoipa::path(
    get, path = "/v1/payments", params(PaymentQuery),
    responses((status = 200, body = Vec<PaymentView>), (status = 400, body = ErrorBody))
)]
pub async fn payments(State(shared): State<Shared>, query: Result<Query<PaymentQuery>, QueryRejection>) -> Answer<Vec<PaymentView>> {
    let Query(query) = query.map_err(|error| Failure::malformed(&error))?;
    let escrow = shared.escrow.account();
    let filter = PaymentFilter { holder: query.account.map(|account| holder(account, escrow)), standing: query.standing };
    let payments = shared.escrow.reading.payments(filter, query.before, query.limit.min(MOST)).await?;
    let view = |recorded: crate::store::RecordedPayment| {
        let payment = recorded.payment;
        PaymentView {
            account: if let Account::Party(account) = payment.key.holder { account } else { escrow },
            direction: payment.key.direction,
            reference: payment.key.reference,
            amount: payment.amount,
            left: payment.left,
            standing: payment.standing,
            recorded: recorded.recorded,
            changed: recorded.changed,
        }
    };
    Ok(Json(payments.into_iter().map(view).collect()))
}

/// Which part of an account's history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Before this entry.
    #[serde(default = "end")]
    before: u64,
    /// At most so many, up to 100.
    #[serde(default = "most")]
    limit: u32,
}

/// The entries that changed what an account can dispose of, the last first; of the escrow's own, fees.
#[utoipa::path(
    get, path = "/v1/accounts/{account}/history", params(("account" = AccountId, Path), HistoryQuery),
    responses((status = 200, body = Vec<MovementView>), (status = 400, body = ErrorBody))
)]
pub async fn history(
    State(shared): State<Shared>,
    Path(account): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Answer<Vec<MovementView>> {
    let account: AccountId = account.parse().map_err(|error| Failure::malformed(&error))?;
    let Query(query) = query.map_err(|error| Failure::malformed(&error))?;
    let store = &shared.escrow.reading;
    let movements = store.movements(holder(account, shared.escrow.account()), query.before, query.limit.min(MOST)).await?;
    let mut views = Vec::with_capacity(movements.len());
    for movement in movements {
        let line = store.line(movement.position).await?.ok_or(StoreError::Content { table: "movements", column: "position" })?;
        views.push(view(movement, &line.decode()?));
    }
    Ok(Json(views))
}

/// Whose balance an account is about: the operator's own has fees.
fn holder(account: AccountId, escrow: AccountId) -> Account {
    if account == escrow { Account::Fees } else { Account::Party(account) }
}

fn view(movement: Movement, entry: &Entry) -> MovementView {
    let (what, reference) = match &entry.record {
        Record::Deadline { .. } => (Cause::Deadline, None),
        Record::Request { request, .. } => match &request.body {
            Body::Deposit { reference, .. } => (Cause::Deposit, Some(reference)),
            Body::Withdraw { reference, .. } => (Cause::Withdrawal, Some(reference)),
            Body::Reverse { reference, .. } => (Cause::Reversal, Some(reference)),
            Body::Paid { reference, .. } | Body::Returned { reference, .. } => (Cause::Return, Some(reference)),
            Body::Open(_) => (Cause::Proposal, None),
            // Rules move nothing.
            Body::Act(_) | Body::Rules(_) => (Cause::Move, None),
        },
    };
    MovementView {
        position: movement.position,
        at: entry.at,
        what,
        agreement: entry.agreement(),
        reference: reference.cloned(),
        units: movement.units,
        balance: movement.balance,
    }
}
