//! The loop that accepts connections.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use crate::fault::Fault;
use crate::limits::Limits;
use crate::shares::{Claim, Shares, whom};

/// How long requests that are being answered have when the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(30);

/// Between two attempts to accept a connection when the operating system gives none.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a connection that are read ahead, and the longest header of a request.
pub(crate) const BUFFER_BYTES: usize = 1 << 16;

/// For a connection too many of one address.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

type Rate = RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// What the requests of a connection carry with them.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    address: IpAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    rate: Rate,
    connections: Shares,
    bodies: Shares,
}

/// Answers requests until `stop` is done, and then those that have begun.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let shared = Arc::new(Shared::new(limits));
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(limits.connections)));
    let mut forget = interval(Duration::from_secs(60));
    tokio::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = forget.tick() => {
                shared.rate.retain_recent();
                continue;
            }
            () = &mut stop => break,
        };
        let address = whom(peer.ip());
        let mut own = shared.connections.claim(address);
        if !own.grow(1) {
            // Whoever does not get this has been told no less by the end of the connection.
            let _ = stream.try_write(TOO_MANY);
            continue;
        }
        let service = router.clone().layer(axum::Extension(Connection { address, shared: shared.clone() }));
        let mut stream = TimeoutStream::new(stream);
        // Else who does not read the answer would keep the connection for ever.
        stream.set_write_timeout(Some(limits.patience));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.patience)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks off has nobody to be told.
            let _ = connection.await;
            drop((own, place));
        });
    }
    drop(listener);
    // Whoever is still connected after that is cut off.
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}

/// Counts a request to its address.
///
/// # Errors
///
/// The address has asked too often, or the request has not come through [`serve`].
pub fn admit(request: &Request) -> Result<(), Fault> {
    charge(request, NonZeroU32::MIN)
}

/// Counts a request to its address as so many, or as all that it may make in a second.
///
/// # Errors
///
/// As [`admit`].
pub fn charge(request: &Request, weight: NonZeroU32) -> Result<(), Fault> {
    let Connection { address, shared } = Connection::of(request)?;
    let weight = weight.min(shared.limits.requests_per_second);
    // No more than may be asked for at once.
    shared.rate.check_key_n(address, weight).map_err(|_| Fault::Rate)?.map_err(|_| Fault::Rate)
}

impl Connection {
    /// The connection through which a request has come.
    pub(crate) fn of(request: &Request) -> Result<&Self, Fault> {
        request.extensions().get().ok_or(Fault::Unbounded)
    }

    pub(crate) fn patience(&self) -> Duration {
        self.shared.limits.patience
    }

    pub(crate) fn claim_body(&self) -> Claim {
        self.shared.bodies.claim(self.address)
    }
}

impl Shared {
    fn new(limits: Limits) -> Self {
        let Limits { connections, bodies_bytes, shares, requests_per_second, .. } = limits;
        Self {
            limits,
            rate: RateLimiter::dashmap_with_clock(Quota::per_second(requests_per_second), MonotonicClock),
            connections: Shares::new(connections, connections / shares),
            bodies: Shares::new(bodies_bytes, bodies_bytes / shares),
        }
    }
}

/// The next connection, when there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    loop {
        // The semaphore is never closed.
        let place = places.clone().acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are short and should not wait to be joined to others.
                let _ = stream.set_nodelay(true);
                return (stream, peer, place);
            }
            // Out of file handles, say: others may be given back meanwhile.
            Err(_) => sleep(PAUSE).await,
        }
    }
}
