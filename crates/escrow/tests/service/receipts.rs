//! Answers are signed: whoever stands between a party and its escrow cannot make up, change, replay or freeze them unnoticed.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::common::between::{Between, Pass, lying};
use crate::common::{LONG, Running, key, money, nonce, on_each_database, operator, serving, sqlite};
use ureq::Agent;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow_client::memory::KeptReceipt;
use verinfer_escrow_client::messages::{
    ANSWER_HEADER, ErrorBody, FileAccess, NONCE_HEADER, OTHER_BODY, Receipt, RequestAccess, RequestReceipt,
};
use verinfer_escrow_client::{Client, ClientError, Contradiction, EscrowAddress, EvidenceFault, Patience, ReplyFault};
use verinfer_protocols::agreement;
use verinfer_protocols::answer::{Answer, AnswerFault, Nonce, Question, SignedAnswer};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::serving::Move;
use verinfer_protocols::signed::{Body, Request};
use verinfer_protocols::time::Millis;

/// Whoever asks an escrow by way of somebody else.
fn by(between: &Between, patience: Duration) -> Client {
    let patience = Patience { answer: Duration::from_secs(100), total: patience };
    Client::connect(&between.url(), key(2), patience).unwrap()
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
        let provider = by(&between, Duration::from_secs(2));
        let terms = serving::terms(key(1).account(), key(2).account(), nonce(), 2, LONG);
        let customer = running.client(&key(1));
        let id = customer.open(agreement::Terms::Serving(terms)).unwrap();
        provider.act(id, agreement::Move::Serving(Move::Accept)).unwrap();
        let stage = provider.agreement(id).unwrap().stage;
        // From now on, the same old answer for ever.
        between.spoil(|first, _| first.to_vec());
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
        between.leave_alone();
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
    let client = by(&between, Duration::ZERO);
    let spoilt = |spoil: fn(&[u8], &[u8]) -> Vec<u8>| {
        between.spoil(spoil);
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
    between.leave_alone();
    assert_eq!(client.own_account().unwrap().balance, money(1000));
    running.stop();
}

#[test]
fn a_refusal_for_now_that_nobody_has_signed_says_nothing_more() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    between.spoil(|_, _| {
        let body = r#"{"error":{"kind":"proof_rejected","message":"no"}}"#;
        format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    });
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
        let checked = |question: Question<'_>| signed.check_reply(operator().account(), 0, (question.digest(), asked), (status, &content));
        let (content_type, content_length) = if method == "GET" { ("", "") } else { ("application/json", "1") };
        let sent = Question { method, target: path, authorization: "", content_type, content_length };
        assert_eq!(checked(sent), Ok(()));
        // It is no answer to what somebody in between has made of another question.
        for other in [
            Question { authorization: "Verinfer a:1:b:c", ..sent },
            Question { content_type: "text/plain", ..sent },
            Question { content_length: "2", ..sent },
        ] {
            assert_eq!(checked(other), Err(AnswerFault::OtherQuestion));
        }
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

/// Passes on a question that has a body with another header.
fn with_header(server: &mut TcpStream, asked: &[u8], name: &str, value: &str) {
    let text = String::from_utf8(asked.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let change = |line: &str| if line.to_lowercase().starts_with(name) { format!("{name}: {value}") } else { line.to_owned() };
    let head: Vec<String> = head.lines().map(|line| if asked.starts_with(b"GET") { line.to_owned() } else { change(line) }).collect();
    server.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes()).unwrap();
}

/// Passes on a question but for the end of its body.
fn without_end(server: &mut TcpStream, asked: &[u8]) -> bool {
    let is_cut = !asked.starts_with(b"GET");
    server.write_all(&asked[..asked.len() - usize::from(is_cut)]).unwrap();
    is_cut
}

#[test]
fn no_refusal_of_what_a_request_became_on_the_way_is_taken_for_one_of_the_request() {
    let database = sqlite();
    let limits = HttpLimits { patience: Duration::from_secs(2), ..HttpLimits::default() };
    let running = Running::with_limits(&database, Limits::default(), limits);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::from_secs(10));
    let body = Body::Withdraw { amount: money(1), reference: "bank".to_owned() };
    let request = client.prepare(AgreementId::NONE, body).unwrap();
    let changes: [Pass; 5] = [
        |server, asked| with_header(server, asked, "content-type", "text/plain"),
        |server, asked| with_header(server, asked, "content-length", "99999999"),
        |server, asked| with_header(server, asked, "content-length", "10"),
        |server, asked| {
            without_end(server, asked);
        },
        |server, asked| {
            if without_end(server, asked) {
                server.shutdown(Shutdown::Write).unwrap();
            }
        },
    ];
    let expected = [AnswerFault::OtherQuestion; 3].map(ReplyFault::from).into_iter().chain([ReplyFault::OtherBody, ReplyFault::OtherBody]);
    for (change, expected) in changes.into_iter().zip(expected) {
        // By a connection that the escrow has not closed.
        let client = by(&between, Duration::ZERO);
        between.pass(change);
        let error = client.submit(&request).unwrap_err();
        between.leave_alone();
        assert!(error.is_transient(), "{error}");
        assert_eq!(fault(&error), &expected, "{error}");
    }
    client.submit(&request).unwrap();
    assert_eq!(client.own_account().unwrap().balance, money(999));
    running.stop();
}

#[test]
fn an_answer_that_nobody_signs_whole_is_asked_for_again() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    between.spoil(|_, _| {
        let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", (1 << 26) + 1).into_bytes();
        answer.resize(answer.len() + (1 << 26) + 1, b' ');
        answer
    });
    let error = client.own_account().unwrap_err();
    assert_eq!(fault(&error), &ReplyFault::TooLong { limit: 1 << 26 }, "{error}");
    assert!(error.is_transient());
    running.stop();
}

#[test]
fn nobody_is_followed_who_sends_elsewhere() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    let honest = running.url();
    between.spoil(move |_, _| {
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {honest}/v1/about\r\ncontent-length: 0\r\n\r\n").into_bytes()
    });
    let error = client.own_account().unwrap_err();
    assert!(matches!(error, ClientError::Distrusted { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().contains("/v1/about\" (status 307), which is not followed"), "{error}");
    running.stop();
}

#[test]
fn escrow_that_is_named_is_the_only_one_that_is_heard_from_the_first_question_on() {
    let database = sqlite();
    let running = Running::start(&database);
    let address = |account| EscrowAddress { account: Some(account), ..EscrowAddress::of(&running.url(), Patience::default()) };
    let (named, found) = (key(9).account(), operator().account());
    let start = Instant::now();
    let error = Client::connect_to(&address(named), key(2), None).unwrap_err();
    assert_eq!(fault(&error), &AnswerFault::OtherEscrow { found, expected: named }.into(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5) && error.is_transient(), "a wrong name is not waited for");
    assert_eq!(Client::connect_to(&address(found), key(2), None).unwrap().escrow(), found);
    running.stop();
}

#[test]
fn escrow_that_has_contradicted_itself_is_asked_nothing_more() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    let other = client.clone();
    between.spoil(|_, answer| {
        lying(&operator(), answer, |answer, _| {
            answer.head.position -= 1;
            answer.known = None;
        })
    });
    let is_told = |error: ClientError| matches!(error, ClientError::Contradiction(Contradiction::Shorter { .. }));
    assert!(is_told(client.own_account().unwrap_err()));
    between.leave_alone();
    // Whoever asks: none of its threads goes on.
    assert!(is_told(client.about().unwrap_err()) && is_told(other.withdraw(money(1), "bank".to_owned()).unwrap_err()));
    running.stop();
}

#[test]
fn file_that_a_party_has_left_is_no_receipt_of_a_request_that_it_never_sent() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let client = running.client(&key(2));
    let terms = serving::terms(key(2).account(), key(1).account(), nonce(), 2, LONG);
    let agreement = client.open(agreement::Terms::Serving(terms)).unwrap();
    let body = Body::Withdraw { amount: money(1), reference: "never sent".to_owned() };
    let mut header = client.prepare(AgreementId::NONE, body.clone()).unwrap().header;
    header.sequence = 1_000_000;
    let (request, about) = (Request::sign(header, body, &key(2)), client.about().unwrap());
    let entry = Receipt { position: about.position, head: about.head, at: about.now };
    let body = serde_json::to_string(&RequestReceipt { request: request.id(), entry }).unwrap();
    let file = client.leave_file(agreement, body.as_bytes()).unwrap();
    let access = FileAccess { escrow: client.escrow(), agreement, file, leave: false, expires: about.now.after(Millis(60_000)) };
    let authorization = access.authorize(&key(2));
    let url = format!("{}/v1/agreements/{agreement}/files/{file}", running.url());
    let mut reply = ureq::get(&url).header("authorization", &authorization).call().unwrap();
    assert_eq!(reply.body_mut().read_to_string().unwrap(), body);
    let answer: SignedAnswer = serde_json::from_slice(reply.headers()[ANSWER_HEADER].as_bytes()).unwrap();
    answer.check(operator().account()).unwrap();
    let forged = KeptReceipt { authorization, content_length: 0, entry, answer, body, request };
    assert_eq!(forged.check(operator().account()), Err(EvidenceFault::OtherQuestion { request: forged.request.id() }));
    running.stop();
}

#[test]
fn answer_that_would_show_nobody_that_a_request_was_carried_out_is_not_taken_for_its_receipt() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    let body = Body::Withdraw { amount: money(1), reference: "bank".to_owned() };
    let request = client.prepare(AgreementId::NONE, body).unwrap();
    client.submit(&request).unwrap();
    let refused = |lie: fn(&mut Answer, &mut String)| {
        between.spoil(move |_, answer| {
            let is_receipt = String::from_utf8_lossy(answer).contains("\"entry\":");
            if is_receipt { lying(&operator(), answer, lie) } else { answer.to_vec() }
        });
        let error = client.submit(&request).unwrap_err();
        between.leave_alone();
        assert!(error.is_transient(), "{error}");
        fault(&error).clone()
    };
    assert_eq!(refused(|answer, _| answer.status = 201), ReplyFault::Status { expected: 200 });
    let far = refused(|_, body| *body = body.replace("\"position\":", "\"position\":1000000"));
    assert!(matches!(far, ReplyFault::Receipt(EvidenceFault::OutsideLog { .. })), "{far}");
    client.submit(&request).unwrap();
    running.stop();
}

#[test]
fn view_of_another_account_or_agreement_than_was_asked_for_is_no_answer() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1), &key(2)], 1000);
    let between = Between::start(running.address);
    let client = by(&between, Duration::ZERO);
    let terms = serving::terms(key(2).account(), key(1).account(), nonce(), 2, LONG);
    let agreement = client.open(agreement::Terms::Serving(terms)).unwrap();
    between.spoil(move |_, answer| {
        lying(&operator(), answer, |_, body| {
            let mut view: serde_json::Value = serde_json::from_str(body).unwrap();
            match view.get_mut("agreement") {
                Some(agreement) => agreement["id"] = AgreementId([7; 32]).to_string().into(),
                None => view["account"] = key(1).account().to_string().into(),
            }
            *body = view.to_string();
        })
    });
    let is_other = |error: ClientError| matches!(&error, ClientError::Answer { reason, .. } if reason.contains("it is about"));
    assert!(is_other(client.own_account().unwrap_err()) && is_other(client.agreement(agreement).unwrap_err()));
    running.stop();
}
