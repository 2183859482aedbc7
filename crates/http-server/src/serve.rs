//! The loop that accepts connections.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::Pin;
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
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{interval, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use crate::fault::Fault;
use crate::front::{Front, speaks_tls};
use crate::limits::Limits;
use crate::proxies::Proxies;
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

/// How often the files of the certificate are looked at.
const RENEWAL: Duration = Duration::from_secs(2);

/// What the requests of a connection carry with them.
#[derive(Clone, Debug)]
struct Origin {
    peer: IpAddr,
    shared: Arc<Shared>,
}

/// Whom a request counts to.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    address: IpAddr,
    shared: &'a Shared,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    proxies: Proxies,
    rate: Rate,
    /// TLS connections that are begun.
    handshakes: Rate,
    connections: Shares,
    bodies: Shares,
}

/// What every connection needs.
#[derive(Clone)]
struct Talk {
    service: Router,
    patience: Duration,
    /// Nothing is sent: the sender is gone when the server stops.
    stopping: watch::Receiver<()>,
}

/// Answers requests until `stop` is done, and then those that have begun.
pub async fn serve(listener: TcpListener, front: Front, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let Front { tls, proxies } = front;
    let shared = Arc::new(Shared::new(limits, proxies));
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(limits.connections)));
    let (mut forget, mut renew) = (interval(Duration::from_secs(60)), interval(RENEWAL));
    let (running, stopping) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = forget.tick() => {
                shared.rate.retain_recent();
                shared.handshakes.retain_recent();
                continue;
            }
            _ = renew.tick() => {
                if let Some(tls) = tls.clone() {
                    // Files may be slow.
                    tokio::task::spawn_blocking(move || tls.refresh());
                }
                continue;
            }
            () = &mut stop => break,
        };
        let Ok(own) = shared.let_in(peer.ip(), tls.is_some()) else {
            // Whoever does not get this has been told no less by the end of the connection. In TLS nothing can be said yet.
            if tls.is_none() {
                let _ = stream.try_write(TOO_MANY);
            }
            continue;
        };
        let service = router.clone().layer(axum::Extension(Origin { peer: peer.ip(), shared: shared.clone() }));
        let talk = Talk { service, patience: limits.patience, stopping: stopping.clone() };
        let (acceptor, watcher) = (tls.as_ref().map(|tls| tls.acceptor()), graceful.watcher());
        tokio::spawn(async move {
            match acceptor {
                Some(acceptor) => talk.secretly(stream, &acceptor, watcher).await,
                None => talk.over(patiently(stream, limits.patience), watcher).await,
            }
            drop((own, place));
        });
    }
    drop((listener, running));
    // Whoever is still connected after that is cut off.
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}

impl Talk {
    /// Answers the requests of a connection that begins with a handshake, which must not take long either.
    async fn secretly(mut self, mut stream: TcpStream, acceptor: &TlsAcceptor, watcher: Watcher) {
        let patience = self.patience;
        let handshake = async {
            let begins = speaks_tls(&mut stream).await.unwrap_or(false);
            if begins { acceptor.accept(patiently(stream, patience)).await.ok() } else { None }
        };
        let stream = tokio::select! {
            stream = timeout(patience, handshake) => stream.ok().flatten(),
            _ = self.stopping.changed() => None,
        };
        if let Some(stream) = stream {
            self.over(stream, watcher).await;
        }
    }

    /// Answers the requests of a connection.
    async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, watcher: Watcher) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.service));
        // A connection that breaks off has nobody to be told.
        let _ = watcher.watch(connection).await;
    }
}

/// Who does not read the answer would else keep the connection for ever.
fn patiently(stream: TcpStream, patience: Duration) -> Pin<Box<TimeoutStream<TcpStream>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    Box::pin(stream)
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
    shared.rate.check_key_n(&address, weight).map_err(|_| Fault::Rate)?.map_err(|_| Fault::Rate)
}

impl<'a> Connection<'a> {
    /// Whom a request counts to: where its connection comes from or, if that is a trusted proxy, for whom it asks.
    pub(crate) fn of(request: &'a Request) -> Result<Self, Fault> {
        let Origin { peer, shared } = request.extensions().get().ok_or(Fault::Unbounded)?;
        Ok(Self { address: whom(shared.proxies.client(*peer, request.headers())?), shared })
    }

    pub(crate) fn patience(&self) -> Duration {
        self.shared.limits.patience
    }

    pub(crate) fn claim_body(&self) -> Claim {
        self.shared.bodies.claim(self.address)
    }
}

impl Shared {
    fn new(limits: Limits, proxies: Proxies) -> Self {
        let Limits { connections, bodies_bytes, shares, requests_per_second, .. } = limits;
        let rate = || RateLimiter::dashmap_with_clock(Quota::per_second(requests_per_second), MonotonicClock);
        Self {
            limits,
            proxies,
            rate: rate(),
            handshakes: rate(),
            connections: Shares::new(connections, connections / shares),
            bodies: Shares::new(bodies_bytes, bodies_bytes / shares),
        }
    }

    /// A place for a connection among those of its address. A proxy's are those of many.
    fn let_in(&self, peer: IpAddr, is_tls: bool) -> Result<Option<Claim>, Fault> {
        if self.proxies.trusts(peer) {
            return Ok(None);
        }
        let address = whom(peer);
        let mut own = self.connections.claim(address);
        if !own.grow(1) {
            return Err(Fault::Full);
        }
        // Handshakes cost more than most requests.
        if is_tls && self.handshakes.check_key(&address).is_err() {
            return Err(Fault::Rate);
        }
        Ok(Some(own))
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
