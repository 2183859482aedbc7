//! The interface under `/v1`.

use std::num::NonZeroU32;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use verinfer_escrow_client::messages::{
    About, AccountView, AgreementView, ErrorBody, FileAccess, MAX_ENDED_LISTED, MAX_OPEN_LISTED, OTHER_BODY, PartyView, RequestAccess,
    RequestReceipt,
};
use verinfer_http_server::{Counted, Meter, Room, body, vouch};
use verinfer_protocols::agreement::Terms;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::signed;
use verinfer_protocols::time::Timestamp;

use super::Shared;
use super::failure::Failure;
use super::sign::{BodyDigest, Heard};
use crate::books::{Entry, EntryFault};
use crate::error::ServiceError;

type Answer<T> = Result<Json<T>, Failure>;

/// The escrow, its time, and the end of its log.
#[utoipa::path(get, path = "/v1/about", responses((status = 200, body = About)))]
pub async fn about(State(shared): State<Shared>) -> Answer<About> {
    let head = shared.escrow.reading.head().await?;
    Ok(Json(About {
        escrow: shared.escrow.account(),
        now: shared.escrow.now(),
        position: head.position,
        head: head.digest,
        rules: shared.escrow.store.rules().await?,
        max_file_bytes: u64::try_from(shared.escrow.limits.file_bytes).unwrap_or(u64::MAX),
    }))
}

/// Carries out a signed request, once. The same request again has the same receipt. The `authorization` header is
/// `Verinfer ACCOUNT:EXPIRES:BODY:SIGNATURE`, where BODY is the BLAKE3 digest of the body: nothing is read of one that no known account sends.
#[utoipa::path(
    post, path = "/v1/requests", params(("authorization" = String, Header)), request_body = signed::Request,
    responses(
        (status = 200, description = "carried out", body = RequestReceipt),
        (status = 400, description = "malformed, version, broken, other_body", body = ErrorBody),
        (status = 401, description = "unsigned, expired", body = ErrorBody),
        (status = 402, description = "overdrawn", body = ErrorBody),
        (status = 403, description = "unknown_account, not_a_party, not_operator, too_many_agreements", body = ErrorBody),
        (status = 404, description = "no_agreement, no_file, no_payment", body = ErrorBody),
        (status = 408, description = "slow", body = ErrorBody),
        (status = 409, description = "replayed, out_of_order, exists, recorded, other_amount, paid, returned", body = ErrorBody),
        (status = 410, description = "ended, late", body = ErrorBody),
        (status = 412, description = "out_of_stage, other_kind, contested_before", body = ErrorBody),
        (status = 413, description = "oversized", body = ErrorBody),
        (status = 415, description = "media_type", body = ErrorBody),
        (status = 421, description = "other_escrow", body = ErrorBody),
        (status = 422, description = "what the machine or the verifier does not accept: proof_rejected, proof, member, transfer, terms, rules, stake, reference, control, ...", body = ErrorBody),
        (status = 429, description = "rate", body = ErrorBody),
        (status = 503, description = "busy, outage, standby, deposed, stopping", body = ErrorBody),
    )
)]
pub async fn request(State(shared): State<Shared>, request: Request) -> Answer<RequestReceipt> {
    let (by, access) = sent(&shared, request.headers()).await?;
    body::check_json(request.headers())?;
    vouch(&request)?;
    let (heard, meter) = (Heard::of(&request), Meter::of(&request)?);
    let most = shared.escrow.longest_request(by, shared.limits.body_bytes).await?;
    let body = body::read(request, most).await?;
    // What is long takes as much of the processor to understand as this many others.
    let len = u32::try_from(body.bytes.len() / PARSED).unwrap_or(u32::MAX);
    if let Some(weight) = NonZeroU32::new(len) {
        meter.charge(weight)?;
    }
    check_body(Digest::of_bytes(&body.bytes), access.body)?;
    let request: signed::Request = body.json()?;
    drop(body);
    let id = request.id();
    // What has been received is carried out even if the client does not wait for it.
    let escrow = shared.escrow.clone();
    let task = tokio::spawn(async move { escrow.carry_out(request).await });
    let entry = task.await.map_err(|_| ServiceError::Stopping)??;
    heard.entry(&entry);
    Ok(Json(RequestReceipt { request: id, entry }))
}

/// Bytes of a request's JSON that take as much of the processor as another request.
const PARSED: usize = 1 << 16;

/// An account and its agreements.
#[utoipa::path(
    get, path = "/v1/accounts/{account}", params(("account" = AccountId, Path)),
    responses((status = 200, body = AccountView), (status = 400, body = ErrorBody))
)]
pub async fn account(State(shared): State<Shared>, Path(account): Path<String>) -> Answer<AccountView> {
    let account: AccountId = account.parse().map_err(|error| Failure::malformed(&error))?;
    let store = &shared.escrow.reading;
    Ok(Json(AccountView {
        account,
        balance: store.balance(Account::Party(account)).await?,
        next_sequence: store.last_sequence(account, AgreementId::NONE).await?.saturating_add(1),
        outcomes: store.outcomes(account).await?,
        agreements: store.summaries(account, MAX_OPEN_LISTED, MAX_ENDED_LISTED).await?,
    }))
}

/// Agreements in which an account, as the customer, had a target met by the model of a public commitment: the newest first, at most 1000.
#[utoipa::path(
    get, path = "/v1/accounts/{account}/met/{model}", params(("account" = AccountId, Path), ("model" = Digest, Path)),
    responses((status = 200, body = Vec<AgreementId>), (status = 400, body = ErrorBody))
)]
pub async fn met_targets(State(shared): State<Shared>, Path((account, model)): Path<(String, String)>) -> Answer<Vec<AgreementId>> {
    let account: AccountId = account.parse().map_err(|error| Failure::malformed(&error))?;
    let model: Digest = model.parse().map_err(|error| Failure::malformed(&error))?;
    Ok(Json(shared.escrow.reading.met_targets(account, model, 1000).await?))
}

/// An agreement as it stands.
#[utoipa::path(
    get, path = "/v1/agreements/{id}", params(("id" = AgreementId, Path)),
    responses((status = 200, body = AgreementView), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn agreement(State(shared): State<Shared>, Path(id): Path<String>) -> Answer<AgreementView> {
    let id: AgreementId = id.parse().map_err(|error| Failure::malformed(&error))?;
    view(&shared, id).await.map(Json)
}

/// An agreement as it stands.
pub async fn view(shared: &Shared, id: AgreementId) -> Result<AgreementView, Failure> {
    let store = &shared.escrow.reading;
    let missing = || ServiceError::from(EntryFault::NoAgreement { id });
    let agreement = store.agreement(id).await?.ok_or_else(missing)?.agreement;
    let (proposer, acceptor) = agreement.terms.parties();
    let mut parties = Vec::new();
    for account in [Some(proposer), acceptor].into_iter().flatten() {
        let next_sequence = store.last_sequence(account, id).await?.saturating_add(1);
        parties.push(PartyView { account, next_sequence });
    }
    Ok(AgreementView {
        stage: agreement.state.stage().to_owned(),
        ended: agreement.state.has_ended(),
        deadline: agreement.state.deadline(),
        awaits: agreement.awaits(),
        parties,
        held: store.balance(Account::Holding(id)).await?,
        covered: match agreement.terms {
            Terms::Stake(_) => Some(store.covered(id).await?),
            Terms::Accuracy(_) | Terms::Serving(_) | Terms::Retrieval(_) => None,
        },
        now: shared.escrow.now(),
        agreement,
    })
}

/// Leaves a file with an agreement, for the escrow and the other party. The `authorization` header is `Verinfer ACCOUNT:EXPIRES:SIGNATURE`.
#[utoipa::path(
    put, path = "/v1/agreements/{id}/files/{file}",
    params(("id" = AgreementId, Path), ("file" = Digest, Path, description = "BLAKE3 of the body"), ("authorization" = String, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 204, description = "kept"),
        (status = 400, description = "malformed, broken, other_body", body = ErrorBody),
        (status = 401, description = "unsigned, expired", body = ErrorBody),
        (status = 403, description = "unknown_account, no_access", body = ErrorBody),
        (status = 404, description = "no_agreement", body = ErrorBody),
        (status = 408, description = "slow", body = ErrorBody),
        (status = 413, description = "oversized", body = ErrorBody),
        (status = 429, description = "rate", body = ErrorBody),
        (status = 503, description = "outage, standby, deposed, busy: no room for bodies now", body = ErrorBody),
        (status = 507, description = "too_many_files, no_space", body = ErrorBody),
    )
)]
pub async fn leave_file(
    State(shared): State<Shared>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (id, file, by) = authorized(&shared, &id, &file, &headers, true)?;
    shared.escrow.check_may_leave(by, id).await?;
    vouch(&request)?;
    let body = body::read(request, shared.escrow.limits.file_bytes).await?;
    check_body(Digest::of_bytes(&body.bytes), file)?;
    shared.escrow.keep_file(by, id, &body.bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file that was left with an agreement, for its parties. The `authorization` header is as for leaving one.
#[utoipa::path(
    get, path = "/v1/agreements/{id}/files/{file}",
    params(("id" = AgreementId, Path), ("file" = Digest, Path), ("authorization" = String, Header)),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody),
    )
)]
pub async fn file(
    State(shared): State<Shared>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    let (id, file, by) = authorized(&shared, &id, &file, &headers, false)?;
    let mut room = Room::of(&request)?;
    room.take(shared.escrow.file_bytes(by, id, file).await?)?;
    let bytes = shared.escrow.file(by, id, file).await?;
    let digest = BodyDigest(Digest::of_bytes(&bytes));
    Ok((Extension(Counted), Extension(digest), [(header::CONTENT_TYPE, "application/octet-stream")], room.answer(bytes)).into_response())
}

/// Checks that a body is the one that was authorized: no refusal of what somebody in between has made of it is taken for one of what was sent.
fn check_body(found: Digest, authorized: Digest) -> Result<(), Failure> {
    if found == authorized {
        return Ok(());
    }
    let message = format!("the body has the digest {found}, not {authorized} as the authorization says: it was changed on the way");
    Err(Failure::new(StatusCode::BAD_REQUEST, OTHER_BODY, message))
}

/// What an account sends that is known here, if its signature says so.
async fn sent(shared: &Shared, headers: &HeaderMap) -> Result<(AccountId, RequestAccess), Failure> {
    let claimed = RequestAccess::claimed(authorization(headers), shared.escrow.account());
    let (by, access, signature) = claimed.ok_or_else(|| unsigned("the authorization header is missing or malformed"))?;
    check_expiry(shared, access.expires)?;
    // Whoever is unknown costs no more than this.
    if !access.is_signed_by(&by, &signature) {
        return Err(unsigned("the authorization is not signed by its account"));
    }
    shared.escrow.check_sender(by).await?;
    Ok((by, access))
}

/// Who asks for a file of an agreement, if its signature says so.
fn authorized(
    shared: &Shared,
    id: &str,
    file: &str,
    headers: &HeaderMap,
    leave: bool,
) -> Result<(AgreementId, Digest, AccountId), Failure> {
    let agreement: AgreementId = id.parse().map_err(|error| Failure::malformed(&error))?;
    let file: Digest = file.parse().map_err(|error| Failure::malformed(&error))?;
    let claimed = FileAccess::claimed(authorization(headers));
    let (by, expires, signature) = claimed.ok_or_else(|| unsigned("the authorization header is missing or malformed"))?;
    let access = FileAccess { escrow: shared.escrow.account(), agreement, file, leave, expires };
    if !access.is_signed_by(&by, &signature) {
        return Err(unsigned("the authorization is not signed by its account"));
    }
    check_expiry(shared, expires)?;
    Ok((agreement, file, by))
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn check_expiry(shared: &Shared, expires: Timestamp) -> Result<(), Failure> {
    let now = shared.escrow.now();
    if (now..=now.after(signed::MAX_LIFETIME)).contains(&expires) {
        return Ok(());
    }
    Err(Failure::new(StatusCode::UNAUTHORIZED, "expired", format!("the authorization expires at {expires}, now is {now}")))
}

fn unsigned(message: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, "unsigned", message.to_owned())
}

/// Bytes of entries in one answer: what is after them is asked for again.
pub const LOG_BYTES: usize = 1 << 16;

/// Which part of the log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// Only entries about this agreement.
    agreement: Option<AgreementId>,
    /// Entries after this position.
    #[serde(default)]
    after: u64,
    /// At most so many, up to 1000; fewer where they are long, but at least one if there is any.
    #[serde(default = "most")]
    limit: u32,
}

const fn most() -> u32 {
    1000
}

/// An entry of the log.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// Its place; the first has 1.
    position: u64,
    /// Digest of the log up to it: of the digest before it and the canonical bytes of the entry.
    head: Digest,
    /// When it happened.
    at: Timestamp,
    /// What happened: `request` (with what the escrow found out) or `deadline`.
    #[schema(value_type = Object)]
    record: crate::books::Record,
}

/// The log.
#[utoipa::path(get, path = "/v1/log", params(LogQuery), responses((status = 200, body = Vec<LogEntry>), (status = 400, body = ErrorBody)))]
pub async fn log(State(shared): State<Shared>, query: Result<Query<LogQuery>, QueryRejection>) -> Answer<Vec<LogEntry>> {
    let Query(query) = query.map_err(|error| Failure::malformed(&error))?;
    let lines = shared.escrow.reading.log(query.agreement, query.after, query.limit.min(most()), LOG_BYTES).await?;
    let entry = |line: &crate::store::LogLine| {
        let Entry { at, record } = line.decode()?;
        Ok(LogEntry { position: line.position, head: line.digest, at, record })
    };
    Ok(Json(lines.iter().map(entry).collect::<Result<_, crate::store::StoreError>>()?))
}
