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

/// Whether a process does an escrow's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// This process writes; another stands by.
    leads: bool,
    /// The database answers.
    database: bool,
    /// The database takes what is written, so that the escrow's time goes on.
    time: bool,
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        let Self { leads, database, time } = self;
        let status = if leads && database && time { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        ([(header::CACHE_CONTROL, "no-store")], (status, Json(self))).into_response()
    }
}

/// Whether a process does its work.
pub async fn health(store: &Store, escrow: Option<&Escrow>) -> Health {
    let database = timeout(PATIENCE, store.head()).await.is_ok_and(|head| head.is_ok());
    Health { leads: escrow.is_some(), database, time: escrow.is_some_and(|escrow| escrow.clock.goes()) }
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
    Router::new().route("/health", get(show_health)).route("/metrics", get(show_metrics)).with_state(Watched { store, lead })
}

async fn show_health(State(Watched { store, lead }): State<Watched>) -> Health {
    health(&store, lead.get().as_deref()).await
}

async fn show_metrics(State(Watched { store, lead }): State<Watched>) -> Response {
    let lead = lead.get();
    let metrics = lead.as_ref().map(|escrow| escrow.metrics.clone()).unwrap_or_default();
    match timeout(PATIENCE, metrics.page(&store, lead.as_ref())).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}
