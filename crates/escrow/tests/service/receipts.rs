//! Answers are signed: whoever stands between a party and its escrow cannot make up, change, replay or freeze them unnoticed.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{LONG, Running, key, money, nonce, on_each_database, operator, serving, sqlite};
use ureq::Agent;
use verinfer_escrow_client::messages::{ANSWER_HEADER, ErrorBody, NONCE_HEADER, OTHER_BODY, RequestAccess};
use verinfer_escrow_client::{Client, ClientError, Patience, ReplyFault};
use verinfer_protocols::agreement;
use verinfer_protocols::answer::{AnswerFault, Nonce, SignedAnswer, question};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::serving::Move;
use verinfer_protocols::signed::Body;

/// What stands in between makes of the first answer that it saw and the present one.
type Change = fn(&[u8], &[u8]) -> Vec<u8>;

/// What it does with an answer that it has seen; nothing while it only passes things on.
type Spoil = Arc<Mutex<Option<Change>>>;

/// Stands between parties and an escrow: passes on what parties send, and what comes back as `spoil` says of the first answer that it saw and the present one.
struct Between {
    address: SocketAddr,
    spoil: Spoil,
}

impl Between {
    fn start(escrow: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, spoil) = (listener.local_addr().unwrap(), Spoil::default());
        let (spoils, first) = (spoil.clone(), Arc::new(Mutex::new(None::<Vec<u8>>)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut party, spoils, first) = (stream.unwrap(), spoils.clone(), first.clone());
                thread::spawn(move || {
                    let mut server = TcpStream::connect(escrow).unwrap();
                    while let Some(asked) = message(&mut party) {
                        server.write_all(&asked).unwrap();
                        let Some(answer) = message(&mut server) else { return };
                        let first = first.lock().unwrap().get_or_insert_with(|| answer.clone()).clone();
                        let spoil = *spoils.lock().unwrap();
                        let given = spoil.map_or(answer.clone(), |spoil| spoil(&first, &answer));
                        // Who asks may have gone.
                        let _ = party.write_all(&given);
                    }
                });
            }
        });
        Self { address, spoil }
    }

    fn spoil(&self, spoil: Option<Change>) {
        *self.spoil.lock().unwrap() = spoil;
    }

    fn client(&self, patience: Duration) -> Client {
        let patience = Patience { answer: Duration::from_secs(100), total: patience };
        Client::connect(&format!("http://{}", self.address), key(2), patience).unwrap()
    }
}

/// One HTTP message with its body.
fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn replace(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(old), "{text}");
    text.replacen(old, new, 1).into_bytes()
}

fn fault(error: &ClientError) -> &ReplyFault {
    match error {
        ClientError::Unproved { fault, .. } => fault,
        error => panic!("{error}"),
    }
}

#[test]
fn a_frozen_answer_is_noticed_within_the_partys_patience_and_costs_nothing() {
    on_each_database(|database| {
        let running = Running::start(database);
        running.fund(&[&key(1), &key(2)], 1000);
        let between = Between::start(running.address);
        let provider = between.client(Duration::from_secs(2));
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
        let customer = running.client(&key(1));
        let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
        provider.act(id, agreement::Move::Serving(Move::Accept)).unwrap();
        let stage = provider.agreement(id).unwrap().stage;
        // From now on, the same old answer for ever.
        between.spoil(Some(|first, _| first.to_vec()));
        customer.act(id, agreement::Move::Serving(Move::Send { inputs: vec![nonce(), nonce()] })).unwrap();
        let start = Instant::now();
        let error = provider.agreement(id).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(fault(&error), &ReplyFault::Answer(AnswerFault::Stale), "{error}");
        assert!(error.to_string().contains("old answer") && error.is_transient(), "{error}");
        // Nobody takes it for an answer to a request either.
        let error = provider.act(id, agreement::Move::Serving(Move::Confirm)).unwrap_err();
        assert_eq!(fault(&error), &ReplyFault::Answer(AnswerFault::Stale), "{error}");
        // Once the escrow is heard again, the party goes on as if nothing had been.
        between.spoil(None);
        assert_ne!(provider.agreement(id).unwrap().stage, stage);
        provider.act(id, agreement::Move::Serving(Move::Confirm)).unwrap();
        running.stop();
    });
}

#[test]
fn what_is_changed_on_the_way_is_not_taken_for_the_escrows_answer() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = between.client(Duration::ZERO);
    let spoilt = |spoil: fn(&[u8], &[u8]) -> Vec<u8>| {
        between.spoil(Some(spoil));
        let error = client.own_account().unwrap_err();
        fault(&error).clone()
    };
    assert_eq!(spoilt(|_, answer| replace(answer, "\"balance\":1000", "\"balance\":9000")), ReplyFault::Answer(AnswerFault::Changed));
    assert_eq!(spoilt(|_, answer| replace(answer, "200 OK", "404 Not Found")), ReplyFault::Answer(AnswerFault::Changed));
    assert_eq!(spoilt(|_, answer| replace(answer, "verinfer-answer", "verinfer-nothing")), ReplyFault::Unsigned);
    assert!(matches!(spoilt(|_, answer| replace(answer, "verinfer-answer: {", "verinfer-answer: [")), ReplyFault::Unreadable { .. }));
    assert_eq!(
        spoilt(|_, answer| replace(answer, "\"position\":1", "\"position\":2")),
        ReplyFault::Answer(AnswerFault::Signature { key: operator().account() })
    );
    between.spoil(None);
    assert_eq!(client.own_account().unwrap().balance, money(1000));
    running.stop();
}

#[test]
fn a_refusal_for_now_that_nobody_has_signed_says_nothing_more() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = between.client(Duration::ZERO);
    between.spoil(Some(|_, _| {
        let body = r#"{"error":{"kind":"proof_rejected","message":"no"}}"#;
        format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }));
    let error = client.own_account().unwrap_err();
    assert_eq!(error.kind(), Some("unsigned"), "{error}");
    assert!(error.is_transient());
    running.stop();
}

#[test]
fn refusals_are_signed_as_answers_to_one_question() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let asked = Nonce([7; 32]);
    for (method, path, status) in
        [("POST", "/v1/requests", 401), ("GET", "/v1/accounts/x", 400), ("GET", "/v1/agreements/x", 400), ("GET", "/v1/log?x", 400)]
    {
        let url = format!("{}{path}", running.url());
        let reply = match method {
            "GET" => agent.get(&url).header(NONCE_HEADER, asked.to_string()).call(),
            _ => agent.post(&url).header(NONCE_HEADER, asked.to_string()).content_type("application/json").send("{"),
        };
        let mut reply = reply.unwrap();
        assert_eq!(reply.status(), status);
        let signed: SignedAnswer = serde_json::from_slice(reply.headers()[ANSWER_HEADER].as_bytes()).unwrap();
        let content = reply.body_mut().read_to_vec().unwrap();
        let checked = |question| signed.check_reply(operator().account(), 0, (question, asked), (status, &content));
        assert_eq!(checked(question(method, path, "")), Ok(()));
        // It is no answer to what somebody in between has made of another question.
        assert_eq!(checked(question(method, path, "Verinfer a:1:b:c")), Err(AnswerFault::OtherQuestion));
    }
    running.stop();
}

#[test]
fn a_body_changed_on_the_way_is_not_carried_out_and_the_party_is_told() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let client = running.client(&key(2));
    let body = Body::Withdraw { amount: money(1), reference: "bank".to_owned() };
    let request = client.prepare(AgreementId::NONE, body).unwrap();
    let (escrow, expires) = (client.escrow(), request.header.expires);
    let access = RequestAccess { escrow, body: Digest::of_bytes(b"what the party has sent"), expires };
    let post = agent.post(format!("{}/v1/requests", running.url())).content_type("application/json");
    let mut reply = post.header("authorization", access.authorize(&key(2))).send(&serde_json::to_vec(&request).unwrap()).unwrap();
    let refused: ErrorBody = serde_json::from_slice(&reply.body_mut().read_to_vec().unwrap()).unwrap();
    assert_eq!((reply.status().as_u16(), refused.error.kind.as_str()), (400, OTHER_BODY));
    assert_eq!(client.own_account().unwrap().balance, money(1000));
    running.stop();
}
