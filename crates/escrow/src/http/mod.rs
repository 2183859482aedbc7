//! The escrow over HTTP: the interface under `/v1`, its description, and pages for people.

mod api;
mod door;
mod failure;
mod openapi;
mod page;
mod payments;
mod sign;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::time::sleep;
use verinfer_http_server::Room;

use crate::metrics::count;
use crate::operations::{self, Health};
use crate::service::Escrow;
use crate::store::Store;

pub(crate) use door::Door;
pub use openapi::document;

use failure::Failure;

/// What the interface allows.
pub use verinfer_http_server::Limits as HttpLimits;

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub escrow: Arc<Escrow>,
    pub limits: HttpLimits,
}

/// Everything that can be asked for.
pub(crate) fn router(shared: Shared) -> Router {
    let metrics = shared.escrow.metrics.clone();
    let signed = Router::new()
        .route("/v1/about", get(api::about))
        .route("/v1/requests", post(api::request))
        .route("/v1/accounts/{account}", get(api::account))
        .route("/v1/accounts/{account}/history", get(payments::history))
        .route("/v1/payments", get(payments::payments))
        .route("/v1/accounts/{account}/met/{model}", get(api::met_targets))
        .route("/v1/agreements/{id}", get(api::agreement))
        .route("/v1/agreements/{id}/files/{file}", get(api::file).put(api::leave_file))
        .route("/v1/log", get(api::log))
        .layer(middleware::from_fn_with_state(shared.clone(), sign::answers));
    Router::new()
        .merge(signed)
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/openapi.json", get(openapi::serve))
        .route("/", get(page::overview))
        .route("/agreements", get(page::agreements))
        .route("/agreements/{id}", get(page::agreement))
        .route("/accounts", get(page::accounts))
        .route("/accounts/{account}", get(page::account))
        .route("/log", get(page::log))
        .route("/page/style.css", get(page::style))
        .route("/page/live.js", get(page::script))
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "no_such_page", "there is nothing at this address".to_owned()) })
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this method is not possible at this address".to_owned())
        })
        .layer(middleware::from_fn_with_state(metrics, count))
        .with_state(shared)
}

/// Whether this process does an escrow's work: for who passes requests on to it.
#[utoipa::path(
    get, path = "/health",
    responses((status = 200, description = "it leads", body = Health), (status = 503, description = "it stands by or is broken", body = Health))
)]
async fn health(State(shared): State<Shared>) -> Response {
    operations::health(&shared.escrow.reading, Some(&shared.escrow)).await.ready()
}

/// Whether this process does an escrow's work, or could: for who watches it.
#[utoipa::path(
    get, path = "/health/live",
    responses((status = 200, description = "it leads or stands by", body = Health), (status = 503, description = "it is broken", body = Health))
)]
async fn live(State(shared): State<Shared>) -> Response {
    operations::health(&shared.escrow.reading, Some(&shared.escrow)).await.live()
}

/// Answers for a process that stands by, beside this store.
pub(crate) fn standby(store: Store) -> Router {
    let ready = |State(store): State<Store>| async move { operations::health(&store, None).await.ready() };
    let live = |State(store): State<Store>| async move { operations::health(&store, None).await.live() };
    let router = Router::new().route("/health", get(ready)).route("/health/live", get(live)).with_state(store);
    router.fallback(|| async {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "standby",
            "another process of this escrow leads, or none can; this one stands by".to_owned(),
        )
    })
}

/// What every request passes.
fn admitting(router: Router) -> Router {
    router.layer(middleware::from_fn(limit_rate)).layer(middleware::from_fn(page::show_refusals))
}

/// How long a connection that asks too often waits for its refusal.
const PENANCE: Duration = Duration::from_millis(500);

/// Refuses more requests of an address than it may make, and more of its long answers than there is room for.
async fn limit_rate(request: Request, next: Next) -> Result<Response, Failure> {
    if let Err(fault) = verinfer_http_server::charge(&request, weight(request.uri().path())) {
        // Whoever asks again at once would take as much of the processor for refusals as it is refused for.
        sleep(PENANCE).await;
        return Err(fault.into());
    }
    let room = Room::of(&request)?;
    Ok(room.hold(next.run(request).await).await?)
}

/// As how many requests one counts: lists and the log take as much of the escrow's time as this many of the others.
fn weight(path: &str) -> NonZeroU32 {
    let weight = match path {
        "/" | "/log" | "/agreements" | "/accounts" | "/v1/payments" => 20,
        "/v1/log" => 10,
        path if path.starts_with("/v1/accounts/") && !path.ends_with("/history") => 4,
        path if path.starts_with("/agreements/") || path.starts_with("/accounts/") || path.ends_with("/history") => 20,
        _ => 1,
    };
    NonZeroU32::MIN.saturating_add(weight - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_more_counts_more() {
        for (path, expected) in [
            ("/v1/about", 1),
            ("/v1/requests", 1),
            ("/v1/agreements/00", 1),
            ("/v1/accounts/00", 4),
            ("/v1/accounts/00/met/11", 4),
            ("/v1/log", 10),
            ("/v1/accounts/00/history", 20),
            ("/v1/payments", 20),
            ("/agreements/00", 20),
        ] {
            assert_eq!(weight(path).get(), expected, "{path}");
        }
    }
}
