//! A connection to PostgreSQL that is gone without a word, just when an entry is committed: what is answered is what is in the log.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::agreement::{Move, Terms};
use verinfer_protocols::serving::Move as Serving;
use verinfer_protocols::signed::Body;

use crate::common::{Database, LONG, POSTGRES, Running, audited, key, nonce, operator, postgres, serving};

/// What does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// The commit of the transaction that has a text in it.
    Commit,
    /// The answer to it.
    Answer,
}

/// What the network loses next: once, and nothing arrives on that connection any more, which nobody closes.
type Fault = Arc<Mutex<Option<(String, Lost)>>>;

/// A network before a server, and the URL of a database behind it.
fn network(database: &Database, fault: Fault) -> String {
    let (server, query) = database.url.split_once('?').unwrap();
    let folder = query.split('&').find_map(|part| part.strip_prefix("host=")).map(str::to_owned);
    let host = server.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let fault = fault.clone();
            if let Some(folder) = &folder {
                let server = UnixStream::connect(Path::new(folder).join(".s.PGSQL.5432")).unwrap();
                connect(client, server.try_clone().unwrap(), server, fault);
            } else {
                let with_port = if host.contains(':') { host.clone() } else { format!("{host}:5432") };
                let server = TcpStream::connect(with_port).unwrap();
                connect(client, server.try_clone().unwrap(), server, fault);
            }
        }
    });
    let rest: Vec<&str> = query.split('&').filter(|part| !part.starts_with("host=")).collect();
    format!("{server}?{}&host=127.0.0.1&port={port}&sslmode=disable", rest.join("&"))
}

fn connect(client: TcpStream, mut to: impl Write + Send + 'static, mut from: impl Read + Send + 'static, fault: Fault) {
    let lost = Arc::new(AtomicBool::new(false));
    let (mut requests, mut answers, heard) = (client.try_clone().unwrap(), client, lost.clone());
    thread::spawn(move || {
        let mut marked = None;
        pass(&mut requests, &mut to, |bytes| {
            let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            let next = fault.lock().unwrap().clone();
            if let Some((marker, what)) = next
                && contains(&marker)
            {
                marked = Some(what);
            }
            // Others have merely looked for the text.
            if marked.is_some() && contains("COMMIT") && fault.lock().unwrap().take().is_some() {
                lost.store(true, Ordering::SeqCst);
            }
            marked != Some(Lost::Commit) || !lost.load(Ordering::SeqCst)
        });
    });
    thread::spawn(move || pass(&mut from, &mut answers, |_| !heard.load(Ordering::SeqCst)));
}

/// Passes on what arrives.
fn pass(from: &mut impl Read, to: &mut impl Write, mut arrives: impl FnMut(&[u8]) -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(len) = from.read(&mut bytes) {
        if len == 0 {
            return;
        }
        if arrives(&bytes[..len]) && to.write_all(&bytes[..len]).is_err() {
            return;
        }
    }
}

#[test]
fn a_commit_that_is_not_confirmed_is_looked_up_before_it_is_answered() {
    let Ok(server) = std::env::var(POSTGRES) else {
        return eprintln!("SKIPPED: {POSTGRES} does not name a server");
    };
    let (direct, fault) = (postgres(&server), Fault::default());
    let running = Running::start(&direct.by(network(&direct, fault.clone())));
    running.fund(&[&key(1), &key(2), &key(3)], 1000);
    let customer = running.client(&key(1));
    let impatient = Client::connect(&running.url(), key(2), Patience { answer: Duration::from_secs(100), total: Duration::ZERO }).unwrap();
    for lost in [Lost::Answer, Lost::Commit] {
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
        let id = customer.open(Terms::Serving(terms)).unwrap();
        let request = impatient.prepare(id, Body::Act(Move::Serving(Serving::Accept))).unwrap();
        let before = customer.about().unwrap().position;
        *fault.lock().unwrap() = Some((request.id().to_string(), lost));
        let start = Instant::now();
        let answer = impatient.submit(&request);
        println!("{lost:?} lost: answered after {:?}", start.elapsed());
        assert!(fault.lock().unwrap().is_none() && start.elapsed() > Duration::from_secs(4), "nothing was lost: {answer:?}");
        let position = customer.about().unwrap().position;
        match lost {
            Lost::Answer => assert_eq!((answer.unwrap().position, position), (before + 1, before + 1)),
            Lost::Commit => {
                let refused = answer.unwrap_err();
                assert!(refused.kind() == Some("outage") && refused.is_transient(), "{refused}");
                assert_eq!(position, before, "nothing has happened");
                assert_eq!(impatient.submit(&request).unwrap().position, before + 1);
            }
        }
        // Nobody waits for the connection any more.
        let start = Instant::now();
        running.client(&operator()).deposit(key(3).account(), crate::common::money(1), format!("{lost:?}")).unwrap();
        assert!(start.elapsed() < Duration::from_secs(4));
    }
    running.stop();
    audited(&direct).unwrap();
}
