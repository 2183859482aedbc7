use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use verinfer_protocols::digest::Digest;

use super::*;
use crate::wire::Offer;

const TO: AgreementId = AgreementId([5; 32]);

/// Somebody who answers every request with `status` and `body` after a time, whatever it is; and how often it was asked.
fn answering(status: &'static str, body: Vec<u8>, after: Duration) -> (Peer, Arc<AtomicU32>) {
    let (listener, asked) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::<AtomicU32>::default());
    let peer = Peer::new(&format!("http://{}", listener.local_addr().unwrap()), Duration::from_secs(3600));
    let counted = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            assert!(request.map_while(Result::ok).any(|line| line.is_empty()), "the request ends");
            counted.fetch_add(1, Ordering::SeqCst);
            sleep(after);
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            // Who asks may have given up.
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    (peer, asked)
}

/// What the account of a key says of itself.
fn about(key: &SecretKey) -> Vec<u8> {
    let offer = Offer::Predictions { model: Digest([3; 32]), stake: None };
    serde_json::to_vec(&About::sign(&ReceiverSecret::from_bytes([4; 32]).public(), offer, key)).unwrap()
}

#[test]
fn nothing_is_sent_to_somebody_else_who_answers_in_the_place_of_the_other_party() {
    let [expected, found] = [1, 2].map(|seed| SecretKey::from_seed(&[seed; 32]));
    let (peer, _) = answering("200 OK", about(&found), Duration::ZERO);
    let sent = peer.send(TO, expected.account(), Topic::Model, "secret");
    let Err(PeerError::OtherAccount { expected: to, found: by, .. }) = sent else { panic!("{sent:?}") };
    assert_eq!((to, by), (expected.account(), found.account()));
}

#[test]
fn party_that_keeps_another_waiting_is_waited_for_no_longer_than_an_eighth_of_its_time() {
    let key = SecretKey::from_seed(&[1; 32]);
    let stall = Duration::from_millis(600);
    // It takes what it is sent, but says who it is only when half of the time is over.
    let (slow, asked) = answering("200 OK", about(&key), stall);
    slow.send(TO, key.account(), Topic::Model, "content").unwrap();
    let within = slow.within(Millis(8 * 1000));
    assert!(matches!(within.send(TO, key.account(), Topic::Model, "content"), Err(PeerError::Unreachable { .. })));
    assert_eq!(asked.load(Ordering::SeqCst), 4, "each was sent, or at least begun to be");
    // One that always asks for patience is asked as often as there is time.
    let (busy, asked) = answering("503 Service Unavailable", Vec::new(), stall);
    let start = Instant::now();
    assert!(busy.within(Millis(8 * 1000)).about().is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn nobody_is_followed_who_sends_elsewhere() {
    let (elsewhere, asked) = answering("307 Temporary Redirect", Vec::new(), Duration::ZERO);
    let error = elsewhere.about().unwrap_err();
    assert!(matches!(error, PeerError::Distrusted { .. }) && error.to_string().contains("is not followed"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
