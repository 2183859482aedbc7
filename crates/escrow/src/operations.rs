//! What an operator's programs ask a process: whether it does its work ([`health`]), and how it is ([`Metrics`]).

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::http::HttpLimits;
use crate::metrics::Readings;
use crate::service::Escrow;
use crate::store::Store;

/// How long the database has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The escrow of this process, while it leads.
#[derive(Clone, Debug, Default)]
pub struct Lead(Arc<RwLock<Option<Arc<Escrow>>>>);

impl Lead {
    /// This process leads, or does no longer.
    pub fn set(&self, escrow: Option<Arc<Escrow>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = escrow;
    }

    fn get(&self) -> Option<Arc<Escrow>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is asked about.
#[derive(Clone, Debug)]
struct Watched {
    store: Arc<Store>,
    lead: Lead,
}

/// What a process is to who asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It does an escrow's work.
    Leading,
    /// Another process leads, or none can; this one could take over.
    Standby,
    /// Its database does not answer, or it leads and time stands still.
    Broken,
}

/// Whether a process does an escrow's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Health {
    condition: Condition,
    /// This process writes; another stands by.
    leads: bool,
    /// The database answers.
    database: bool,
    /// The database takes what is written, so that the escrow's time goes on.
    time: bool,
}

impl Health {
    const fn of(leads: bool, database: bool, time: bool) -> Self {
        let condition = match (leads, database, time) {
            (true, true, true) => Condition::Leading,
            (false, true, _) => Condition::Standby,
            (true, true, false) | (_, false, _) => Condition::Broken,
        };
        Self { condition, leads, database, time }
    }

    fn answer(self, is_well: bool) -> Response {
        let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        ([(header::CACHE_CONTROL, "no-store")], (status, Json(self))).into_response()
    }

    /// For who passes requests on: well is who leads.
    pub fn ready(self) -> Response {
        self.answer(self.condition == Condition::Leading)
    }

    /// For who watches processes: well is who leads or stands by.
    pub fn live(self) -> Response {
        self.answer(self.condition != Condition::Broken)
    }
}

/// Whether a process does its work.
pub async fn health(store: &Store, escrow: Option<&Escrow>) -> Health {
    // Time goes on while the database takes what is written. Nobody who keeps the connections for reading busy makes a leader look broken.
    let time = escrow.is_some_and(|escrow| escrow.clock.goes());
    let database = time || timeout(PATIENCE, store.head()).await.is_ok_and(|head| head.is_ok());
    Health::of(escrow.is_some(), database, time)
}

/// A socket of the operator's own, which strangers should not reach.
#[derive(Debug)]
pub struct Operations {
    listener: TcpListener,
    router: Router,
}

impl Operations {
    /// Listens on an address, for a process that has its own connections to the database.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn bind(address: SocketAddr, store: Arc<Store>, lead: Lead) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, router: router(store, lead) })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until this is dropped.
    pub async fn serve(self) {
        verinfer_http_server::serve(
            self.listener,
            verinfer_http_server::Front::default(),
            self.router,
            HttpLimits::default(),
            std::future::pending(),
        )
        .await;
    }
}

fn router(store: Arc<Store>, lead: Lead) -> Router {
    Router::new()
        .route("/health", get(show_health))
        .route("/health/live", get(show_live))
        .route("/metrics", get(show_metrics))
        .with_state(Watched { store, lead })
}

async fn show_health(State(Watched { store, lead }): State<Watched>) -> Response {
    health(&store, lead.get().as_deref()).await.ready()
}

async fn show_live(State(Watched { store, lead }): State<Watched>) -> Response {
    health(&store, lead.get().as_deref()).await.live()
}

async fn show_metrics(State(Watched { store, lead }): State<Watched>) -> Response {
    let lead = lead.get();
    let metrics = lead.as_ref().map(|escrow| escrow.metrics.clone()).unwrap_or_default();
    // Also where the database fails: what is not watched then would look as if the process were gone.
    let readings = timeout(PATIENCE, Readings::of(&store)).await.ok().and_then(Result::ok);
    let text = metrics.page(readings, lead.as_ref());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
