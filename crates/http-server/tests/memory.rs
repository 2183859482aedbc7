//! Many large bodies at once, in a process of their own: its memory is measured.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::time::Duration;

use clients::{HONEST, HOSTILE, MIB, answer, connect, head, limits, send, start, status};
use tokio::io::AsyncWriteExt;
use verinfer_http_server::Limits;

mod clients;

#[tokio::test]
async fn large_bodies_at_once_take_bounded_memory_and_leave_room_for_others() {
    let server = start(Limits { connections: 4096, patience: Duration::from_secs(5), ..limits() }).await;
    // What a body takes that is not refused.
    assert_eq!(send(server, HONEST, 2 * MIB).await, 200);
    let before = peak();
    // Each but for its last byte: 200 MiB in all, of which the server may have 2 in memory.
    let almost = vec![0; MIB - 1];
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut client = connect(server, HOSTILE).await;
        client.write_all(head(MIB).as_bytes()).await.unwrap();
        // One that is refused is not read from.
        let _ = client.write_all(&almost).await;
        clients.push(client);
    }
    assert_eq!(send(server, HONEST, 2 * MIB).await, 200, "another address has its share");
    let mut statuses = BTreeMap::<u16, u32>::new();
    for client in &mut clients {
        *statuses.entry(status(&answer(client).await)).or_default() += 1;
    }
    let grown = peak() - before;
    println!("200 bodies of 1 MiB at once: {statuses:?}, {} KiB more at most", grown >> 10);
    // Those for which there was room have not sent their last byte. There is room again when the first of them have been given up.
    let waited = statuses.get(&408).copied().unwrap_or(0);
    assert!(waited < 20 && statuses.get(&503) == Some(&(200 - waited)), "{statuses:?}");
    assert!(grown < 40 * MIB, "{grown} bytes more");
    assert_eq!(send(server, HOSTILE, 2 * MIB).await, 200, "room is given back");
}

/// Most memory that this process ever had, in bytes.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
