//! The escrow over HTTP: the interface under `/v1`, its description, and pages for people.

mod api;
mod body;
mod failure;
mod openapi;
mod page;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::service::Escrow;

pub use openapi::document;

use failure::Failure;

/// What the interface allows.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Bytes of a request that is not a file.
    pub body_bytes: usize,
    /// How long the header of a request may take, and then its body.
    pub patience: Duration,
    /// Requests of one address in a second, on average; as many again at once.
    pub requests_per_second: NonZeroU32,
    /// Connections at the same time.
    pub connections: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        let requests_per_second = NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN);
        Self { body_bytes: 1 << 22, patience: Duration::from_secs(15), requests_per_second, connections: 1024 }
    }
}

type Rate = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub escrow: Arc<Escrow>,
    pub limits: HttpLimits,
    pub rate: Arc<Rate>,
}

/// The address at the other end of the connection, as the server found it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub IpAddr);

impl Shared {
    pub(crate) fn new(escrow: Arc<Escrow>, limits: HttpLimits) -> Self {
        let rate = Arc::new(RateLimiter::dashmap_with_clock(Quota::per_second(limits.requests_per_second), MonotonicClock));
        Self { escrow, limits, rate }
    }
}

/// Everything that can be asked for.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/v1/about", get(api::about))
        .route("/v1/requests", post(api::request))
        .route("/v1/accounts/{account}", get(api::account))
        .route("/v1/agreements/{id}", get(api::agreement))
        .route("/v1/agreements/{id}/files/{file}", get(api::file).put(api::leave_file))
        .route("/v1/log", get(api::log))
        .route("/openapi.json", get(openapi::serve))
        .route("/", get(page::overview))
        .route("/agreements/{id}", get(page::agreement))
        .route("/page/style.css", get(page::style))
        .route("/page/live.js", get(page::script))
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "no_such_page", "there is nothing at this address".to_owned()) })
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this method is not possible at this address".to_owned())
        })
        .layer(middleware::from_fn_with_state(shared.clone(), limit_rate))
        .with_state(shared)
}

/// Refuses more requests of an address than it may make.
async fn limit_rate(State(shared): State<Shared>, request: Request, next: Next) -> Result<Response, Failure> {
    if let Some(Peer(address)) = request.extensions().get()
        && shared.rate.check_key(address).is_err()
    {
        return Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many requests from this address".to_owned()));
    }
    Ok(next.run(request).await)
}
