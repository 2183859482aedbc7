//! Hostile clients: each is refused in its own way, takes only its share, and an honest one is answered meanwhile. Only
//! Linux has more than one address for clients on the same machine.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, Instant};

use clients::{HONEST, HOSTILE, LARGE, LONG, MIB, answer, connect, head, limits, send, start, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;
use verinfer_http_server::Limits;

mod clients;
#[path = "hostile/proxies.rs"]
mod proxies;
#[path = "hostile/tls.rs"]
mod tls;

#[tokio::test]
async fn each_bad_body_has_its_status() {
    let server = start(limits()).await;
    assert_eq!(send(server, HOSTILE, 2 * MIB).await, 200);
    assert_eq!(send(server, HOSTILE, 2 * MIB + 1).await, 413, "announced as too long");
    let mut chunked = connect(server, HOSTILE).await;
    chunked.write_all(b"PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n300000\r\n").await.unwrap();
    let _ = chunked.write_all(&vec![0; 3 * MIB]).await;
    assert_eq!(status(&answer(&mut chunked).await), 413, "too long without a word");

    let mut slow = connect(server, HOSTILE).await;
    slow.write_all(head(100).as_bytes()).await.unwrap();
    let start = Instant::now();
    assert_eq!(status(&answer(&mut slow).await), 408);
    assert!(start.elapsed() < LONG / 2);
    assert_eq!(send(server, HONEST, 5).await, 200);
}

#[tokio::test]
async fn slow_headers_and_idle_connections_are_cut_off() {
    let server = start(limits()).await;
    for first in ["", "PUT / HT", "PUT / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = connect(server, HOSTILE).await;
        stream.write_all(first.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await, "", "there is nothing to answer to {first:?}");
    }
    let mut endless = connect(server, HOSTILE).await;
    let _ = endless.write_all(&[b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'x'; MIB]].concat()).await;
    assert_eq!(status(&answer(&mut endless).await), 431);
}

#[tokio::test]
async fn who_does_not_read_the_answer_is_cut_off() {
    let server = start(Limits { connections: 4, shares: NonZeroUsize::MIN, kept: None, ..limits() }).await;
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(server, HOSTILE).await;
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        deaf.push(stream);
    }
    sleep(limits().patience * 3).await;
    for mut stream in deaf {
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await;
        assert!(read.len() < LARGE, "it was not cut off");
    }
    assert_eq!(send(server, HONEST, 5).await, 200);
}

/// Asks for an answer that takes all the room of one address, and reads its first bytes.
async fn ask_for_room(server: SocketAddr, from: u8) -> (TcpStream, u16) {
    let mut stream = connect(server, from).await;
    stream.write_all(b"GET /room HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut first = [0; 20];
    stream.read_exact(&mut first).await.unwrap();
    (stream, status(&String::from_utf8_lossy(&first)))
}

#[tokio::test]
async fn answers_that_are_not_read_take_no_more_than_the_room_of_their_address() {
    let limits = Limits { bodies_bytes: 4 * LARGE, ..limits() };
    let server = start(limits).await;
    let (unread, first) = ask_for_room(server, HOSTILE).await;
    assert_eq!(first, 200);
    assert_eq!(ask_for_room(server, HOSTILE).await.1, 503);
    assert_eq!(send(server, HOSTILE, MIB).await, 503, "long bodies have no room, either");
    assert_eq!(send(server, HOSTILE, 1000).await, 200, "short ones need none");
    let (mut read, other) = ask_for_room(server, HONEST).await;
    assert_eq!(other, 200, "another address has its share");
    let mut rest = Vec::new();
    assert!(read.read_to_end(&mut rest).await.unwrap() > LARGE, "the whole answer comes");
    assert_eq!(ask_for_room(server, HONEST).await.1, 200, "what has been read takes no room");
    // Who neither reads nor goes away is cut off.
    sleep(limits.patience * 2).await;
    assert_eq!(ask_for_room(server, HOSTILE).await.1, 200);
    drop(unread);
}

#[tokio::test]
async fn who_reads_a_long_answer_slowly_is_cut_off() {
    let limits = Limits { bodies_bytes: 4 * LARGE, ..limits() };
    let server = start(limits).await;
    let (mut slow, _) = ask_for_room(server, HOSTILE).await;
    let (mut read, mut buffer) = (0, vec![0; LARGE / 200]);
    let last = loop {
        match slow.read(&mut buffer).await {
            Ok(0) | Err(_) => break read,
            Ok(len) => read += len,
        }
        sleep(limits.patience / 50).await;
    };
    assert!(last < LARGE, "all {last} bytes have come");
}

#[tokio::test]
async fn one_address_has_its_share_of_the_connections() {
    let server = start(Limits { patience: LONG, ..limits() }).await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        idle.push(connect(server, HOSTILE).await);
    }
    let mut refused = connect(server, HOSTILE).await;
    assert_eq!(status(&answer(&mut refused).await), 503);
    assert_eq!(send(server, HONEST, 5).await, 200);
    idle.clear();
    // The server has to see that they are gone.
    for _ in 0..100 {
        let mut stream = connect(server, HOSTILE).await;
        let _ = stream.write_all(head(0).replace("host: x", "host: x\r\nconnection: close").as_bytes()).await;
        if status(&answer(&mut stream).await) == 200 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("connections are not given back");
}

/// The status of a request for `/known`, after which the address is.
async fn become_known(server: SocketAddr, from: u8) -> u16 {
    let mut stream = connect(server, from).await;
    stream.write_all(b"GET /known HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    status(&answer(&mut stream).await)
}

#[tokio::test]
async fn a_flood_of_connections_keeps_nobody_out_from_few_addresses_and_nobody_who_is_known_from_many() {
    let limits = Limits { connections: 256, patience: LONG, ..limits() };
    let server = start(limits).await;
    // 192 places are for strangers, 64 for each address.
    let mut flood = Vec::new();
    for host in (10..15).cycle().take(300) {
        flood.push(connect(server, host).await);
    }
    for _ in 0..20 {
        assert_eq!(send(server, HONEST, 5).await, 200);
    }
    assert_eq!(become_known(server, HONEST).await, 200);
    flood.clear();
    for host in 10..210 {
        flood.push(connect(server, host).await);
    }
    sleep(Duration::from_millis(500)).await;
    let mut stranger = connect(server, 250).await;
    assert_eq!(status(&answer(&mut stranger).await), 503);
    // More than are kept: where nothing is free, strangers give way.
    let mut known = Vec::new();
    for _ in 0..64 {
        known.push(connect(server, HONEST).await);
    }
    for stream in &mut known {
        stream.write_all(head(0).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}

#[tokio::test]
async fn requests_beyond_the_rate_are_refused() {
    let server = start(Limits { requests_per_second: NonZeroU32::new(5).unwrap(), ..limits() }).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(send(server, HOSTILE, 1).await);
    }
    assert!(statuses[..5].iter().all(|status| *status == 200) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(send(server, HONEST, 1).await, 200);
}
