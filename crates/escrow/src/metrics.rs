//! What an operator watches, in Prometheus's text format.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::clock::machine_seconds;
use crate::service::Escrow;
use crate::store::{Funds, Head, Stage, Store, StoreError};

/// Counts what is asked of a process.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    kind: String,
    stage: String,
}

/// What a database says.
#[derive(Debug)]
pub struct Readings {
    head: Head,
    free: Option<u64>,
    funds: Funds,
    stages: Vec<Stage>,
}

impl Readings {
    /// Of a store.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn of(store: &Store) -> Result<Self, StoreError> {
        let (head, funds) = (store.head().await?, store.funds().await?);
        Ok(Self { head, free: store.free_bytes()?, funds, stages: store.stages().await? })
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // From half a millisecond to 16 s: reads, signed requests, and proofs that are verified.
        Self { requests: Family::default(), seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 16))) }
    }
}

impl Metrics {
    fn count(&self, route: Route, status: u16, elapsed: Duration) {
        let answered = Answered { route: route.route.clone(), method: route.method, status: status.into() };
        self.requests.get_or_create(&answered).inc();
        self.seconds.get_or_create(&route).observe(elapsed.as_secs_f64());
    }

    /// What there is to watch now; of a process that stands by, what its own database and requests show. Without readings the database does not answer.
    pub fn page(&self, readings: Option<Readings>, lead: Option<&Arc<Escrow>>) -> String {
        let mut registry = Registry::with_prefix("verinfer_escrow");
        registry.register("requests", "Requests that were answered", self.requests.clone());
        registry.register("request_seconds", "How long requests took to answer", self.seconds.clone());
        let mut gauge = |name: &str, help: &str, value: i64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        gauge("leading", "Whether this process is the one that writes; else it stands by", lead.is_some().into());
        if let Some(left) = lead.and_then(|escrow| escrow.signer.seconds_left(machine_seconds())) {
            gauge("certificate_seconds", "Seconds for which the receipt key's certificate is still used", signed(left));
        }
        gauge("database", "Whether the database answers", readings.is_some().into());
        if let Some(escrow) = lead {
            let (verifying, waiting) = escrow.turns.in_use();
            gauge("clock_stands", "Whether the escrow's time stands still, so that no deadline is called", (!escrow.clock.goes()).into());
            gauge("verifying", "Proofs and ciphertexts that are being verified", signed_usize(verifying));
            gauge("verification_queue", "Requests that wait for their turn to be verified", signed_usize(waiting));
        }
        if let Some(readings) = readings {
            readings.register(&mut registry);
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

impl Readings {
    fn register(self, registry: &mut Registry) {
        let Self { head, free, funds, stages } = self;
        let mut gauge = |name: &str, help: &str, value: i64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        gauge("log_entries", "Entries of the log", signed(head.position));
        gauge("clock_milliseconds", "The escrow's time when it was last written down", signed(head.clock.0));
        if let Some(free) = free {
            gauge("disk_free_bytes", "Bytes that can still be written on the disk of the database", signed(free));
        }
        gauge("money_issued", "Units paid in and not paid out", funds.issued);
        gauge("money_due", "Units withdrawn and not paid out yet", funds.due);
        gauge("money_fees", "Units of fees that the operator has not withdrawn", funds.fees);
        let (agreements, held) = (Family::<StageLabels, Gauge>::default(), Family::<StageLabels, Gauge>::default());
        for Stage { kind, stage, count, units } in stages {
            let labels = StageLabels { kind, stage };
            agreements.get_or_create(&labels).set(count);
            held.get_or_create(&labels).set(units);
        }
        registry.register("open_agreements", "Agreements that have not ended", agreements);
        registry.register("money_held", "Units that open agreements hold", held);
    }
}

/// Counts a request by its route and the status of its answer.
pub(crate) async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    // Only routes that there are: whatever else strangers ask for is one.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let route = Route { route, method: method(request.method()) };
    let start = Instant::now();
    let response = next.run(request).await;
    metrics.count(route, response.status().as_u16(), start.elapsed());
    response
}

/// The methods that mean something here.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "other",
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn signed_usize(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
