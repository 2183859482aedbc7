//! A server, and clients that say whatever they like.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::routing::{get, put};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use verinfer_http_server::{Fault, Front, Limits, Room, admit, body, serve, vouch};

pub const MIB: usize = 1 << 20;

/// Longest that anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

/// Where a client comes from, on this machine.
pub const HOSTILE: u8 = 2;
pub const HONEST: u8 = 3;

pub fn limits() -> Limits {
    Limits { body_bytes: 2 * MIB, bodies_bytes: 8 * MIB, patience: Duration::from_secs(2), connections: 64, ..Limits::default() }
}

/// Bytes that fill every buffer.
pub const LARGE: usize = 32 * MIB;

/// A server that says how long a body is; `/large` has an answer that fills every buffer, and so does `/room`, if there is room for it.
pub async fn start(limits: Limits) -> SocketAddr {
    start_behind(Front::default(), limits).await
}

/// The same, behind something.
pub async fn start_behind(front: Front, limits: Limits) -> SocketAddr {
    let refuse = |fault: Fault| (fault.status(), fault.name());
    let length = async move |request: Request| -> Result<String, (StatusCode, &'static str)> {
        admit(&request).map_err(refuse)?;
        Ok(body::read(request, limits.body_bytes).await.map_err(refuse)?.bytes.len().to_string())
    };
    let large = || async { vec![b'x'; LARGE] };
    let room = async move |request: Request| -> Result<Body, (StatusCode, &'static str)> {
        let mut room = Room::of(&request).map_err(refuse)?;
        room.take(LARGE).map_err(refuse)?;
        Ok(room.answer(vec![b'x'; LARGE]))
    };
    let known = async move |request: Request| vouch(&request).map_err(refuse);
    let router =
        Router::new().route("/known", get(known)).route("/", put(length).get(length)).route("/large", get(large)).route("/room", get(room));
    let router = router.layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, front, router, limits, std::future::pending()));
    address
}

pub async fn connect(server: SocketAddr, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    timeout(LONG, socket.connect(server)).await.unwrap().unwrap()
}

pub fn head(length: usize) -> String {
    format!("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

/// What comes until the server closes the connection; the beginning of it, as text.
pub async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset ends, too.
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection stays open");
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}

/// The status of one whole request with such a body.
pub async fn send(server: SocketAddr, from: u8, length: usize) -> u16 {
    let mut stream = connect(server, from).await;
    let request = [head(length).replace("host: x", "host: x\r\nconnection: close").into_bytes(), vec![0; length]].concat();
    // A server that refuses does not read on.
    let _ = stream.write_all(&request).await;
    status(&answer(&mut stream).await)
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer:?}"))
}
