//! What is between clients and the server.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxies::Proxies;
use crate::tls::Tls;

/// What is between clients and the server: TLS, and proxies that say for whom they ask. By default neither.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// The server's certificate; without one it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
}

impl Front {
    /// How addresses of the server begin.
    pub const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// The first byte of a TLS connection: a handshake record.
const HANDSHAKE: u8 = 22;

/// For who speaks plain HTTP where TLS is served.
const NOT_TLS: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nupgrade: TLS/1.2, HTTP/1.1\r\nconnection: upgrade, close\r\ncontent-type: text/plain\r\ncontent-length: 38\r\n\r\nthis address serves TLS: use https://\n";

/// Bytes that are read of what is refused, so that the client has a chance to read why.
const IGNORED: usize = 1 << 16;

/// Whether a client begins with TLS. Who speaks plain HTTP is told.
pub(crate) async fn speaks_tls(stream: &mut TcpStream) -> std::io::Result<bool> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(false);
    }
    if first == [HANDSHAKE] {
        return Ok(true);
    }
    stream.write_all(NOT_TLS).await?;
    stream.shutdown().await?;
    let (mut ignored, mut buffer) = (0, [0; 1 << 12]);
    while ignored < IGNORED {
        match stream.read(&mut buffer).await? {
            0 => break,
            len => ignored = ignored.saturating_add(len),
        }
    }
    Ok(false)
}
