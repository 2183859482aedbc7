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
use tokio::sync::{oneshot, watch};
use tokio::time::{interval, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use crate::fault::Fault;
use crate::front::{Front, speaks_tls};
use crate::limits::Limits;
use crate::places::{Place, Places};
use crate::proxies::Proxies;
use crate::shares::{Claim, Shares, whom};

/// How long requests that are being answered have when the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(30);

/// Between two attempts to accept a connection when the operating system gives none.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a connection that are read ahead, and the longest header of a request.
pub(crate) const BUFFER_BYTES: usize = 1 << 16;

/// For a connection too many, of one address or of all.
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
    connections: Places,
    bodies: Shares,
}

/// Charges an address for what its request turns out to be, when the request itself is not there any more.
#[derive(Clone, Debug)]
pub struct Meter {
    address: IpAddr,
    shared: Arc<Shared>,
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
    let graceful = GracefulShutdown::new();
    let (mut forget, mut renew) = (interval(Duration::from_secs(60)), interval(RENEWAL));
    let (running, stopping) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = forget.tick() => {
                shared.connections.forget();
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
        let Ok((place, gives_way)) = shared.let_in(peer.ip(), tls.is_some()) else {
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
            let talk = async {
                match acceptor {
                    Some(acceptor) => talk.secretly(stream, &acceptor, watcher).await,
                    None => talk.over(patiently(stream, limits.patience), watcher).await,
                }
            };
            tokio::select! {
                () = talk => {}
                Ok(()) = gives_way => {}
            }
            drop(place);
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
    shared.charge(address, weight)
}

/// Says that somebody whom the server knows asks: the address keeps its places, and has room where strangers have none, for a day.
///
/// # Errors
///
/// The request has not come through [`serve`].
pub fn vouch(request: &Request) -> Result<(), Fault> {
    let Connection { address, shared } = Connection::of(request)?;
    shared.connections.vouch(address);
    Ok(())
}

impl Meter {
    /// For a request.
    ///
    /// # Errors
    ///
    /// It has not come through [`serve`].
    pub fn of(request: &Request) -> Result<Self, Fault> {
        let Connection { address, .. } = Connection::of(request)?;
        let Origin { shared, .. } = request.extensions().get().ok_or(Fault::Unbounded)?;
        Ok(Self { address, shared: shared.clone() })
    }

    /// As [`charge`].
    ///
    /// # Errors
    ///
    /// The address has asked too often.
    pub fn charge(&self, weight: NonZeroU32) -> Result<(), Fault> {
        self.shared.charge(self.address, weight)
    }
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
        self.shared.bodies.claim(self.address, self.shared.connections.knows(self.address))
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
            connections: Places::new(connections, limits.open(connections), connections / shares),
            bodies: Shares::new(bodies_bytes, limits.open(bodies_bytes), bodies_bytes / shares),
        }
    }

    fn charge(&self, address: IpAddr, weight: NonZeroU32) -> Result<(), Fault> {
        // No more than may be asked for at once.
        let weight = weight.min(self.limits.requests_per_second);
        self.rate.check_key_n(&address, weight).map_err(|_| Fault::Rate)?.map_err(|_| Fault::Rate)
    }

    /// A place for a connection among those of its address, and what is told when it has to give way.
    fn let_in(&self, peer: IpAddr, is_tls: bool) -> Result<(Place, oneshot::Receiver<()>), Fault> {
        let (address, is_proxy) = (whom(peer), self.proxies.trusts(peer));
        // Handshakes cost more than most requests.
        if is_tls && !is_proxy && self.handshakes.check_key(&address).is_err() {
            return Err(Fault::Rate);
        }
        self.connections.take(address, is_proxy).ok_or(Fault::Full)
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are short and should not wait to be joined to others.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            // Out of file handles, say: others may be given back meanwhile.
            Err(_) => sleep(PAUSE).await,
        }
    }
}
