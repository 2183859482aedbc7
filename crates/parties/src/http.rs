//! The HTTP server of a party that serves others.

use std::net::TcpListener;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use tokio::sync::Semaphore;
use verinfer_escrow_client::ClientError;
use verinfer_protocols::digest::AgreementId;
use verinfer_sealing::Envelope;

use crate::error::PartyError;
use crate::wire::{About, Ask, Topic};

/// A party that serves others; calls may take long.
pub trait Service: Send + Sync + 'static {
    /// Who it is, and what it does.
    fn about(&self) -> Result<About, Refused>;
    /// Takes something that it was sent.
    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused>;
    /// Gives an envelope to who asks.
    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask) -> Result<Envelope, Refused>;
}

/// Why it does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    reason: String,
}

/// Longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 1 << 28;

/// Requests that are worked on at the same time.
const WORKERS: usize = 16;

impl Refused {
    /// The agreement is not one for that, or not yet, or no longer.
    pub fn not_now(reason: &str) -> Self {
        Self { status: StatusCode::CONFLICT, reason: reason.to_owned() }
    }

    /// It is not what was agreed on.
    pub fn wrong(reason: &impl ToString) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, reason: reason.to_string() }
    }

    /// Somebody else may ask for it.
    pub fn forbidden() -> Self {
        Self { status: StatusCode::FORBIDDEN, reason: "this is for the other party to the agreement alone".to_owned() }
    }

    fn unknown() -> Self {
        Self { status: StatusCode::NOT_FOUND, reason: "there is nothing at this address".to_owned() }
    }

    fn busy() -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, reason: "too many requests at once; try again".to_owned() }
    }
}

impl<E: Into<PartyError>> From<E> for Refused {
    fn from(error: E) -> Self {
        let error = error.into();
        let status = match &error {
            PartyError::Escrow(ClientError::Refused { status: 404, .. }) => StatusCode::NOT_FOUND,
            PartyError::Escrow(_) => StatusCode::SERVICE_UNAVAILABLE,
            PartyError::Envelope(_) | PartyError::Item(_) | PartyError::List(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PartyError::Model(_)
            | PartyError::Peer(_)
            | PartyError::Store(_)
            | PartyError::Money(_)
            | PartyError::Randomness(_)
            | PartyError::Seal(_)
            | PartyError::OtherKind { .. }
            | PartyError::Lost { .. }
            | PartyError::Plan(_)
            | PartyError::NotProved(_)
            | PartyError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, reason: error.to_string() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, self.reason).into_response()
    }
}

struct Shared<S> {
    service: Arc<S>,
    free: Arc<Semaphore>,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), free: self.free.clone() }
    }
}

/// Serves until the process ends.
///
/// # Errors
///
/// The socket fails.
pub fn serve<S: Service>(listener: TcpListener, service: Arc<S>) -> Result<(), PartyError> {
    let shared = Shared { service, free: Arc::new(Semaphore::new(WORKERS)) };
    let router = Router::new()
        .route("/v1/about", get(about::<S>))
        .route("/v1/agreements/{id}/{what}", put(take::<S>).post(give::<S>))
        .route("/v1/agreements/{id}/{what}/{index}", put(take::<S>).post(give::<S>))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
    })?;
    Ok(())
}

async fn about<S: Service>(State(shared): State<Shared<S>>) -> Result<Json<About>, Refused> {
    shared.work(|service| service.about()).await.map(Json)
}

async fn take<S: Service>(
    State(shared): State<Shared<S>>,
    Path(path): Path<Vec<(String, String)>>,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    let (agreement, topic) = address(&path).ok_or_else(Refused::unknown)?;
    let envelope = Envelope(body.into());
    shared.work(move |service| service.take(agreement, topic, &envelope)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn give<S: Service>(
    State(shared): State<Shared<S>>,
    Path(path): Path<Vec<(String, String)>>,
    Json(ask): Json<Ask>,
) -> Result<Response, Refused> {
    let (agreement, topic) = address(&path).ok_or_else(Refused::unknown)?;
    let Envelope(bytes) = shared.work(move |service| service.give(agreement, topic, &ask)).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

fn address(path: &[(String, String)]) -> Option<(AgreementId, Topic)> {
    let [(_, id), (_, what), index @ ..] = path else { return None };
    let index = index.first().map(|(_, index)| index.parse::<u32>());
    let topic = match (what.as_str(), index) {
        ("ciphertexts", None) => Topic::Ciphertexts,
        ("model", None) => Topic::Model,
        ("inputs", Some(Ok(index))) => Topic::Input(index),
        ("predictions", Some(Ok(index))) => Topic::Prediction(index),
        _ => return None,
    };
    Some((id.parse().ok()?, topic))
}

impl<S: Service> Shared<S> {
    /// Works on a thread of its own; refuses if all of them work.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&S) -> Result<T, Refused> + Send + 'static) -> Result<T, Refused> {
        let permit = self.free.clone().try_acquire_owned().map_err(|_| Refused::busy())?;
        let service = self.service.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&service)
        });
        task.await.unwrap_or_else(|_| Err(Refused { status: StatusCode::INTERNAL_SERVER_ERROR, reason: "it has failed".to_owned() }))
    }
}
