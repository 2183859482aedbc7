//! Refusals as answers: each kind has its status and its name.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use verinfer_escrow_client::RECORDED;
use verinfer_escrow_client::messages::{ErrorBody, ErrorDetail};
use verinfer_http_server::Fault;
use verinfer_protocols::payment::PaymentFault;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::signed::RequestFault;

use crate::books::EntryFault;
use crate::error::ServiceError;
use crate::store::StoreError;

/// A refusal as an answer.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(super) status: StatusCode,
    kind: &'static str,
    pub(super) message: String,
}

impl Failure {
    /// With this status, name and explanation.
    pub const fn new(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self { status, kind, message }
    }

    /// The escrow's own answer breaks off.
    pub fn broken() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the escrow has failed; nothing has changed".to_owned())
    }

    /// The request is not of the right form.
    pub fn malformed(reason: &impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", reason.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, kind, message } = self.clone();
        let body = Json(ErrorBody { error: ErrorDetail { kind: kind.to_owned(), message } });
        // For who shows it to people.
        (status, Extension(self), body).into_response()
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status(), fault.name(), fault.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        ServiceError::Store(error).into()
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let (status, kind) = classify(&error);
        // What went wrong inside is for the operator's eyes.
        let message = match kind {
            "internal" => "the escrow has failed; nothing has changed".to_owned(),
            OUTAGE => "the escrow's database fails; try again".to_owned(),
            _ => return Self { status, kind, message: error.to_string() },
        };
        tracing::error!(%error, "a request failed");
        Self { status, kind, message }
    }
}

/// The name of a failure that passes with the database's.
const OUTAGE: &str = "outage";

fn classify(error: &ServiceError) -> (StatusCode, &'static str) {
    match error {
        ServiceError::Entry(fault) => classify_entry(fault),
        ServiceError::NoFile { .. } => (StatusCode::NOT_FOUND, "no_file"),
        ServiceError::Proof(_) => (StatusCode::UNPROCESSABLE_ENTITY, "proof_rejected"),
        ServiceError::TooManyAgreements { .. } => (StatusCode::FORBIDDEN, "too_many_agreements"),
        ServiceError::UnknownAccount { .. } => (StatusCode::FORBIDDEN, "unknown_account"),
        ServiceError::NoSpace { .. } => (StatusCode::INSUFFICIENT_STORAGE, "no_space"),
        ServiceError::TooManyFiles { .. } => (StatusCode::INSUFFICIENT_STORAGE, "too_many_files"),
        ServiceError::NoAccess { .. } => (StatusCode::FORBIDDEN, "no_access"),
        ServiceError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        ServiceError::Certificate(_) => (StatusCode::SERVICE_UNAVAILABLE, "certificate"),
        ServiceError::Mark(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        ServiceError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        ServiceError::Store(StoreError::Deposed) => (StatusCode::SERVICE_UNAVAILABLE, "deposed"),
        ServiceError::Store(StoreError::Overdrawn { .. }) => (StatusCode::PAYMENT_REQUIRED, "overdrawn"),
        ServiceError::Store(StoreError::Value(_)) => (StatusCode::UNPROCESSABLE_ENTITY, "value"),
        ServiceError::Store(error) if error.is_outage() => (StatusCode::SERVICE_UNAVAILABLE, OUTAGE),
        ServiceError::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

const fn classify_entry(fault: &EntryFault) -> (StatusCode, &'static str) {
    match fault {
        EntryFault::Request(fault) => match fault {
            RequestFault::Version { .. } => (StatusCode::BAD_REQUEST, "version"),
            RequestFault::OtherEscrow { .. } => (StatusCode::MISDIRECTED_REQUEST, "other_escrow"),
            RequestFault::Signature { .. } => (StatusCode::UNAUTHORIZED, "unsigned"),
            RequestFault::Expiry { .. } => (StatusCode::UNAUTHORIZED, "expired"),
            RequestFault::Replayed { .. } => (StatusCode::CONFLICT, "replayed"),
            RequestFault::OutOfOrder { .. } => (StatusCode::CONFLICT, "out_of_order"),
        },
        EntryFault::Refusal(refusal) => classify_refusal(refusal),
        EntryFault::NoAgreement { .. } => (StatusCode::NOT_FOUND, "no_agreement"),
        EntryFault::Exists { .. } => (StatusCode::CONFLICT, "exists"),
        EntryFault::OtherAgreement { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "other_agreement"),
        EntryFault::NotOperator => (StatusCode::FORBIDDEN, "not_operator"),
        EntryFault::OwnDeposit => (StatusCode::UNPROCESSABLE_ENTITY, "own_deposit"),
        EntryFault::Payment(fault) => classify_payment(fault),
        EntryFault::Waited { .. } | EntryFault::OtherStake => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

const fn classify_payment(fault: &PaymentFault) -> (StatusCode, &'static str) {
    match fault {
        PaymentFault::Reference { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "reference"),
        PaymentFault::Reason { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "reason"),
        PaymentFault::Control { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "control"),
        PaymentFault::Nothing => (StatusCode::UNPROCESSABLE_ENTITY, "no_amount"),
        PaymentFault::Unknown { .. } => (StatusCode::NOT_FOUND, "no_payment"),
        PaymentFault::Recorded => (StatusCode::CONFLICT, RECORDED),
        PaymentFault::OtherAmount { .. } | PaymentFault::NotLess { .. } => (StatusCode::CONFLICT, "other_amount"),
        PaymentFault::Paid => (StatusCode::CONFLICT, "paid"),
        PaymentFault::Returned => (StatusCode::CONFLICT, "returned"),
    }
}

const fn classify_refusal(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::Ended => (StatusCode::GONE, "ended"),
        Refusal::Late { .. } => (StatusCode::GONE, "late"),
        Refusal::Early { .. } => (StatusCode::PRECONDITION_FAILED, "early"),
        Refusal::OutOfStage { .. } => (StatusCode::PRECONDITION_FAILED, "out_of_stage"),
        Refusal::OtherKind => (StatusCode::PRECONDITION_FAILED, "other_kind"),
        Refusal::NotAParty { .. } => (StatusCode::FORBIDDEN, "not_a_party"),
        Refusal::Terms(_) => (StatusCode::UNPROCESSABLE_ENTITY, "terms"),
        Refusal::Rules(_) => (StatusCode::UNPROCESSABLE_ENTITY, "rules"),
        Refusal::Stake(_) => (StatusCode::UNPROCESSABLE_ENTITY, "stake"),
        Refusal::Money(_) => (StatusCode::UNPROCESSABLE_ENTITY, "money"),
        Refusal::OtherShare => (StatusCode::UNPROCESSABLE_ENTITY, "other_share"),
        Refusal::Transfer(_) => (StatusCode::UNPROCESSABLE_ENTITY, "transfer"),
        Refusal::Member { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "member"),
        Refusal::Proof(_) => (StatusCode::UNPROCESSABLE_ENTITY, "proof"),
        Refusal::ContestedBefore => (StatusCode::PRECONDITION_FAILED, "contested_before"),
        Refusal::FactsMissing => (StatusCode::UNPROCESSABLE_ENTITY, "facts_missing"),
    }
}
