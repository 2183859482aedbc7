//! Requests that come through proxies count to whom they are asked for, and nobody else's header is believed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::clients::{HONEST, HOSTILE, LONG, MIB, answer, connect, head, limits, start_behind, status};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use verinfer_http_server::{Front, Limits};

/// The last number of the address of a trusted proxy.
const PROXY: u8 = 77;

async fn start(limits: Limits) -> SocketAddr {
    let proxies = ["127.0.0.77", "192.0.2.0/24"].map(|network| network.parse().unwrap()).into_iter().collect();
    start_behind(Front { proxies, ..Front::default() }, limits).await
}

/// The status of a whole request that says to be of somebody.
async fn send(server: SocketAddr, from: u8, forwarded: &str, length: usize) -> u16 {
    let mut stream = connect(server, from).await;
    let head = head(length).replace("host: x", &format!("host: x\r\nconnection: close\r\nx-forwarded-for: {forwarded}"));
    let _ = stream.write_all(&[head.into_bytes(), vec![0; length]].concat()).await;
    status(&answer(&mut stream).await)
}

#[tokio::test]
async fn clients_behind_a_proxy_have_a_rate_each_and_a_network_of_ipv6_has_one() {
    let server = start(Limits { requests_per_second: NonZeroU32::new(5).unwrap(), ..limits() }).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(send(server, PROXY, "203.0.113.1, 192.0.2.9", 1).await);
    }
    assert!(statuses[..5].iter().all(|status| *status == 200) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(send(server, PROXY, "203.0.113.2", 1).await, 200, "another client of the same proxy");
    let mut statuses = Vec::new();
    for host in 0..20 {
        statuses.push(send(server, PROXY, &format!("2001:db8:1:2::{host}"), 1).await);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn client_that_is_no_proxy_gains_nothing_by_naming_others() {
    let server = start(Limits { requests_per_second: NonZeroU32::new(5).unwrap(), ..limits() }).await;
    let mut statuses = Vec::new();
    for host in 0..20 {
        statuses.push(send(server, HOSTILE, &format!("203.0.113.{host}"), 1).await);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    // Nor does who writes something before what the proxy writes, or takes away from whom it names.
    let mut statuses = Vec::new();
    for host in 0..20 {
        statuses.push(send(server, PROXY, &format!("203.0.113.{host}, 198.51.100.7"), 1).await);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(send(server, PROXY, "203.0.113.5", 1).await, 200);
}

#[tokio::test]
async fn header_of_a_proxy_that_names_no_address_is_refused() {
    let server = start(limits()).await;
    for wrong in ["unknown", "203.0.113.1,", "203.0.113.1, 192.0.2.9, nobody"] {
        assert_eq!(send(server, PROXY, wrong, 1).await, 400, "{wrong}");
        assert_eq!(send(server, HONEST, wrong, 1).await, 200, "{wrong} of somebody who is not believed");
    }
}

#[tokio::test]
async fn proxy_has_more_connections_than_one_address_but_each_client_its_share_of_bodies() {
    let limits = Limits { patience: LONG, bodies_bytes: 8 * MIB, ..limits() };
    let server = start(limits).await;
    let mut open = Vec::new();
    for _ in 0..limits.connections - 16 {
        open.push(connect(server, PROXY).await);
    }
    assert_eq!(send(server, PROXY, "203.0.113.1", 1).await, 200, "connections of a proxy are those of many");
    // A quarter of 8 MiB is for one address; a body that is announced and half sent holds its room.
    let announced = head(2 * MIB).replace("host: x", "host: x\r\nx-forwarded-for: 203.0.113.1");
    let (mut halves, mut statuses) = (Vec::new(), Vec::new());
    while statuses.len() < 10 && !statuses.contains(&503) {
        let mut half = connect(server, PROXY).await;
        half.write_all(&[announced.as_bytes(), &vec![0; 2 * MIB - 1]].concat()).await.unwrap();
        // The server has to have read it: of two that come at once either may be refused.
        sleep(Duration::from_millis(500)).await;
        statuses.push(send(server, PROXY, "203.0.113.1", MIB).await);
        halves.push(half);
    }
    assert!(statuses.contains(&503), "{statuses:?}");
    assert_eq!(send(server, PROXY, "203.0.113.2", MIB).await, 200);
    drop((open, halves));
}
