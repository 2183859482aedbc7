//! The HTTP server of a party that serves others.

use std::net::TcpListener;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use tokio::sync::Semaphore;
use verinfer_escrow_client::ClientError;
use verinfer_http_server::{Fault, Front, Limits, admit, body};
use verinfer_protocols::digest::AgreementId;
use verinfer_sealing::Envelope;

use crate::drive::Tell;
use crate::error::PartyError;
use crate::wire::{About, Ask, Topic};

pub use verinfer_http_server::Room;

/// A party that serves others; calls may take long.
pub trait Service: Send + Sync + 'static {
    /// Who it is, and what it does.
    fn about(&self) -> Result<About, Refused>;
    /// Takes something that it was sent.
    fn take(&self, agreement: AgreementId, topic: Topic, envelope: &Envelope) -> Result<(), Refused>;
    /// Gives an envelope to who asks, if there is room for what is in it.
    fn give(&self, agreement: AgreementId, topic: Topic, ask: &Ask, room: &mut Room) -> Result<Envelope, Refused>;
}

/// Why it does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    status: StatusCode,
    /// What who asks is told.
    reason: String,
    /// What the party itself is told: names of its files are not for strangers.
    inside: Option<String>,
}

/// Longest question, in bytes.
const MAX_ASK_BYTES: usize = 1 << 12;

/// What who asks is told of a failure inside.
const FAILED: &str = "this party has failed; its operator knows why";

/// The same failure is told again after so long: who asks again and again does not fill the party's log.
const REPEATED: Duration = Duration::from_secs(60);

/// Requests that are worked on at the same time.
const WORKERS: usize = 16;

impl Refused {
    fn new(status: StatusCode, reason: &str) -> Self {
        Self { status, reason: reason.to_owned(), inside: None }
    }

    /// The agreement is not one for that, or not yet, or no longer.
    pub fn not_now(reason: &str) -> Self {
        Self::new(StatusCode::CONFLICT, reason)
    }

    /// It is not what was agreed on.
    pub fn wrong(reason: &impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, &reason.to_string())
    }

    /// Somebody else may ask for it.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "this is for the other party to the agreement alone")
    }

    fn unknown() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    /// Too many ask; they may ask again.
    pub fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again")
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status(), &fault.to_string())
    }
}

impl<E: Into<PartyError>> From<E> for Refused {
    fn from(error: E) -> Self {
        let error = error.into();
        let (status, reason) = match &error {
            PartyError::Escrow(ClientError::Refused { status: 404, .. }) => return Self::new(StatusCode::NOT_FOUND, &error.to_string()),
            PartyError::Envelope(_) | PartyError::Item(_) | PartyError::List(_) => return Self::wrong(&error),
            PartyError::Escrow(_) => (StatusCode::SERVICE_UNAVAILABLE, "this party cannot ask its escrow now; try again"),
            PartyError::Model(_)
            | PartyError::Peer(_)
            | PartyError::Store(_)
            | PartyError::Money(_)
            | PartyError::Randomness(_)
            | PartyError::Seal(_)
            | PartyError::OtherKind { .. }
            | PartyError::Lost { .. }
            | PartyError::Plan(_)
            | PartyError::NotAcceptable(_)
            | PartyError::NoPlace { .. }
            | PartyError::NoTime { .. }
            | PartyError::NotProved(_)
            | PartyError::Pin(_)
            | PartyError::Request(_)
            | PartyError::NoRecord { .. }
            | PartyError::Failures { .. }
            | PartyError::Listen(_) => (StatusCode::INTERNAL_SERVER_ERROR, FAILED),
        };
        Self { inside: Some(error.with_causes()), ..Self::new(status, reason) }
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
    failures: Arc<Failures>,
}

/// What has failed inside, which the party alone is told.
struct Failures {
    tell: Tell,
    last: Mutex<Option<(String, Instant)>>,
}

impl Failures {
    fn tell(&self, refused: &Refused) {
        let Some(inside) = &refused.inside else { return };
        // Whoever panicked has written all or nothing.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_some_and(|(told, since)| told == inside && since.elapsed() < REPEATED) {
            return;
        }
        (self.tell)(&format!("error: a request of another party was not answered ({}): {inside}", refused.status.as_u16()));
        *last = Some((inside.clone(), Instant::now()));
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), free: self.free.clone(), failures: self.failures.clone() }
    }
}

/// What strangers may use up: room for two of the longest bodies or answers, one for each address; everything is copied a few times while it is worked on.
fn limits() -> Limits {
    Limits {
        connections: 256,
        body_bytes: MAX_ASK_BYTES,
        bodies_bytes: 2 * Topic::MAX_BYTES,
        shares: NonZeroUsize::MIN.saturating_add(1),
        // A party knows nobody before it has read what is sent.
        kept: None,
        patience: Duration::from_secs(60),
        requests_per_second: NonZeroU32::MIN.saturating_add(199),
    }
}

/// Where a party is reached.
#[derive(Debug)]
pub struct Entrance {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What they come through.
    pub front: Front,
}

impl From<TcpListener> for Entrance {
    fn from(listener: TcpListener) -> Self {
        Self { listener, front: Front::default() }
    }
}

impl Entrance {
    /// Its address on this machine.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn url(&self) -> std::io::Result<String> {
        Ok(format!("{}://{}", self.front.scheme(), self.listener.local_addr()?))
    }
}

/// Serves until the process ends; `tell` is told what fails.
///
/// # Errors
///
/// The socket fails.
pub fn serve<S: Service>(entrance: Entrance, service: Arc<S>, tell: Tell) -> Result<(), PartyError> {
    let Entrance { listener, front } = entrance;
    let failures = Arc::new(Failures { tell, last: Mutex::new(None) });
    let shared = Shared { service, free: Arc::new(Semaphore::new(WORKERS)), failures };
    let router = Router::new()
        .route("/v1/about", get(about::<S>))
        .route("/v1/agreements/{id}/{what}", put(take::<S>).post(give::<S>))
        .route("/v1/agreements/{id}/{what}/{index}", put(take::<S>).post(give::<S>))
        .layer(middleware::from_fn(limit_rate))
        .with_state(shared);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        verinfer_http_server::serve(listener, front, router, limits(), std::future::pending()).await;
        Ok(())
    })
}

async fn limit_rate(request: Request, next: Next) -> Response {
    match admit(&request) {
        Ok(()) => next.run(request).await,
        Err(fault) => Refused::from(fault).into_response(),
    }
}

async fn about<S: Service>(State(shared): State<Shared<S>>) -> Result<Json<About>, Refused> {
    shared.work(|service| service.about()).await.map(Json)
}

async fn take<S: Service>(
    State(shared): State<Shared<S>>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request,
) -> Result<StatusCode, Refused> {
    let (agreement, topic) = address(&path).ok_or_else(Refused::unknown)?;
    let mut body = body::read(request, topic.max_bytes()).await?;
    let work = move |service: &S| {
        let envelope = Envelope(std::mem::take(&mut body.bytes));
        service.take(agreement, topic, &envelope)
    };
    shared.work(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn give<S: Service>(
    State(shared): State<Shared<S>>,
    Path(path): Path<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Refused> {
    let (agreement, topic) = address(&path).ok_or_else(Refused::unknown)?;
    let mut room = Room::of(&request)?;
    let ask: Ask = body::json(request, MAX_ASK_BYTES).await?;
    let give = move |service: &S| service.give(agreement, topic, &ask, &mut room).map(|Envelope(bytes)| room.answer(bytes));
    let answer = shared.work(give).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response())
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
        let lost =
            || Refused { inside: Some("its thread has failed".to_owned()), ..Refused::new(StatusCode::INTERNAL_SERVER_ERROR, FAILED) };
        let result = task.await.unwrap_or_else(|_| Err(lost()));
        result.inspect_err(|refused| self.failures.tell(refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn strangers_are_told_nothing_of_what_fails_inside_and_the_party_is_once() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let tell: Tell = Arc::new(move |line| heard.lock().unwrap().push(line.to_owned()));
        let failures = Failures { tell, last: Mutex::new(None) };
        let secret = "/home/somebody/party.state";
        let unwritable = StoreError::InUse { path: secret.to_owned() };
        let kept = ClientError::Memory(verinfer_escrow_client::memory::MemoryError(secret.into()));
        let errors = [(PartyError::Store(unwritable), 500), (PartyError::Escrow(kept), 503)];
        for (number, (error, status)) in errors.into_iter().enumerate() {
            let refused = Refused::from(error);
            assert!(refused.status.as_u16() == status && !refused.reason.contains("party.state"), "{}", refused.reason);
            for _ in 0..3 {
                failures.tell(&refused);
            }
            let told = told.lock().unwrap();
            assert!(told.len() == number + 1 && told[number].contains(secret), "{told:?}");
        }
        failures.tell(&Refused::busy());
        assert_eq!(told.lock().unwrap().len(), 2);
    }
}
