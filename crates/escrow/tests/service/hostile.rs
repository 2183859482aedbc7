//! Hostile clients: each kind of bad request has its status and its name, and changes nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::common::{LONG, Running, audited, key, money, nonce, on_each_database, operator, serving, sqlite};
use ureq::Agent;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::service::Limits;
use verinfer_escrow_client::messages::{ErrorBody, RequestAccess};
use verinfer_protocols::agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{SecretKey, Signature};
use verinfer_protocols::serving::Move;
use verinfer_protocols::signed::{Body, Header, Request, VERSION};
use verinfer_protocols::time::{Millis, Timestamp};

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

/// The authorization of an account to send a body, which is good for so long from the escrow's time.
fn authorization(running: &Running, sender: &SecretKey, body: &[u8], lifetime: Millis) -> String {
    let now = running.client(sender).about().unwrap().now;
    RequestAccess { escrow: operator().account(), body: Digest::of_bytes(body), expires: now.after(lifetime) }.authorize(sender)
}

/// Status and kind of the answer to a body that an account sends with this authorization.
fn post_as(running: &Running, authorization: &str, body: &[u8], media_type: &str) -> (u16, String) {
    let post = agent().post(format!("{}/v1/requests", running.url())).content_type(media_type).header("authorization", authorization);
    let mut answer = post.send(body).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    let kind = serde_json::from_str::<ErrorBody>(&text).map_or("carried out".to_owned(), |body| body.error.kind);
    (answer.status().as_u16(), kind)
}

/// Status and kind of the answer to a body that a known account sends.
fn post(running: &Running, body: &[u8], media_type: &str) -> (u16, String) {
    post_as(running, &authorization(running, &key(1), body, Millis(60_000)), body, media_type)
}

fn send(running: &Running, request: &Request) -> (u16, String) {
    post(running, &serde_json::to_vec(request).unwrap(), "application/json")
}

fn header(running: &Running, key: &SecretKey, agreement: AgreementId, sequence: u64) -> Header {
    let now = running.client(key).about().unwrap().now;
    let (escrow, signer, expires) = (operator().account(), key.account(), now.after(Millis(60_000)));
    Header { version: VERSION, escrow, signer, agreement, sequence, expires }
}

fn withdrawal(units: u64) -> Body {
    Body::Withdraw { amount: money(units), reference: "bank".to_owned() }
}

#[test]
fn each_kind_of_bad_request_is_refused_in_its_own_way_and_changes_nothing() {
    on_each_database(|database| {
        let (customers, providers, strangers, unknown) = (key(1), key(2), key(3), key(4));
        let limits = HttpLimits { body_bytes: 10_000, patience: Duration::from_millis(700), ..HttpLimits::default() };
        let running = Running::with_limits(database, Limits { open_agreements: 1, ..Limits::default() }, limits);
        running.fund(&[&customers, &providers, &strangers], 1000);
        let terms = serving::terms(customers.account(), providers.account(), nonce(), 2, LONG);
        let id = running.client(&customers).open(agreement::Terms::Serving(terms)).unwrap();
        let head = running.client(&customers).about().unwrap().head;

        let signed = |key: &SecretKey, header: Header, body: Body| send(&running, &Request::sign(header, body, key));
        let own = |sequence| header(&running, &customers, AgreementId::NONE, sequence);
        let refused = |status: u16, kind: &str| (status, kind.to_owned());
        let act = |action| Body::Act(agreement::Move::Serving(action));

        // Malformed.
        for body in ["", "{", "[]", "{\"header\":1}", "null", "\u{1f980}"] {
            assert_eq!(post(&running, body.as_bytes(), "application/json"), refused(400, "malformed"), "{body}");
        }
        assert_eq!(post(&running, b"{}", "text/plain"), refused(415, "media_type"));
        assert_eq!(post(&running, &[b' '; 10_001], "application/json"), refused(413, "oversized"));
        assert_eq!(signed(&customers, Header { version: 9, ..own(1) }, withdrawal(1)), refused(400, "version"));

        // Unsigned, signed by another, changed after it was signed.
        let request = Request::sign(own(1), withdrawal(1), &customers);
        assert_eq!(send(&running, &Request { signature: Signature([0; 64]), ..request.clone() }), refused(401, "unsigned"));
        assert_eq!(send(&running, &Request { body: withdrawal(2), ..request.clone() }), refused(401, "unsigned"));
        assert_eq!(signed(&strangers, own(1), withdrawal(1)), refused(401, "unsigned"));

        // For another escrow, too late, valid for too long.
        let elsewhere = Header { escrow: strangers.account(), ..own(1) };
        assert_eq!(signed(&customers, elsewhere, withdrawal(1)), refused(421, "other_escrow"));
        assert_eq!(signed(&customers, Header { expires: Timestamp(5), ..own(1) }, withdrawal(1)), refused(401, "expired"));
        assert_eq!(signed(&customers, Header { expires: Timestamp(u64::MAX), ..own(1) }, withdrawal(1)), refused(401, "expired"));

        // Replayed and reordered: the customer has opened the agreement with its request number 1 about it.
        let about = |sequence| header(&running, &customers, id, sequence);
        assert_eq!(signed(&customers, about(1), act(Move::Abort)), refused(409, "replayed"));
        assert_eq!(signed(&customers, about(0), act(Move::Abort)), refused(409, "replayed"));
        assert_eq!(signed(&customers, about(3), act(Move::Abort)), refused(409, "out_of_order"));

        // Out of stage, of another kind, by a stranger, about nothing.
        assert_eq!(signed(&customers, about(2), act(Move::Conclude)), refused(412, "out_of_stage"));
        let retire = Body::Act(agreement::Move::Stake(verinfer_protocols::stake::Move::Retire));
        assert_eq!(signed(&customers, about(2), retire), refused(412, "other_kind"));
        assert_eq!(signed(&strangers, header(&running, &strangers, id, 1), act(Move::Accept)), refused(403, "not_a_party"));
        let nothing = header(&running, &customers, AgreementId([9; 32]), 1);
        assert_eq!(signed(&customers, nothing, act(Move::Accept)), refused(404, "no_agreement"));

        // Money that is not there, and deposits by others than the operator.
        assert_eq!(signed(&customers, own(1), withdrawal(100_000)), refused(402, "overdrawn"));
        let deposit = Body::Deposit { account: customers.account(), amount: money(5), reference: String::new() };
        assert_eq!(signed(&customers, own(1), deposit), refused(403, "not_operator"));

        // One agreement too many, and terms that cannot be.
        let more = serving::terms(customers.account(), providers.account(), nonce(), 2, LONG);
        let more = agreement::Terms::Serving(more);
        let open = header(&running, &customers, more.id(running.client(&customers).escrow()), 1);
        assert_eq!(signed(&customers, open, Body::Open(more)), refused(403, "too_many_agreements"));
        let mut wrong = serving::terms(providers.account(), customers.account(), nonce(), 2, LONG);
        wrong.beta = 1;
        let wrong = agreement::Terms::Serving(wrong);
        let open = header(&running, &providers, wrong.id(running.client(&providers).escrow()), 1);
        assert_eq!(signed(&providers, open.clone(), Body::Open(wrong)), refused(422, "terms"));

        // Accounts that nothing was ever recorded for, not even if it costs nothing.
        let mut free = serving::terms(unknown.account(), providers.account(), nonce(), 2, LONG);
        free.proof = money(0);
        let free = agreement::Terms::Serving(free);
        let open = header(&running, &unknown, free.id(running.client(&unknown).escrow()), 1);
        assert_eq!(signed(&unknown, open, Body::Open(free)), refused(403, "unknown_account"));
        assert_eq!(signed(&unknown, header(&running, &unknown, id, 1), act(Move::Accept)), refused(403, "unknown_account"));
        assert_eq!(signed(&unknown, header(&running, &unknown, AgreementId::NONE, 1), withdrawal(0)), refused(403, "unknown_account"));
        assert_eq!(running.client(&unknown).leave_file(id, b"x").unwrap_err().kind(), Some("unknown_account"));

        // Files of others.
        let file = format!("{}/v1/agreements/{id}/files/{}", running.url(), nonce());
        assert_eq!(agent().get(&file).call().unwrap().status(), 401);
        let stranger = running.client(&strangers);
        assert_eq!(stranger.leave_file(id, b"x").unwrap_err().kind(), Some("no_access"));
        assert_eq!(stranger.file(id, nonce()).unwrap_err().kind(), Some("no_access"));
        assert_eq!(running.client(&customers).file(id, nonce()).unwrap_err().kind(), Some("no_file"));

        let about = running.client(&customers).about().unwrap();
        assert_eq!(about.head, head, "nothing has changed");
        running.stop();
        assert_eq!(audited(database).unwrap().digest, head);
    });
}

#[test]
fn the_same_request_is_carried_out_once_and_answered_again() {
    on_each_database(|database| {
        let customers = key(1);
        let running = Running::start(database);
        running.fund(&[&customers], 1000);
        let client = running.client(&customers);
        let request = client.prepare(AgreementId::NONE, withdrawal(10)).unwrap();
        let receipt = client.submit(&request).unwrap();
        let (first, again) = std::thread::scope(|scope| {
            let again = scope.spawn(|| client.submit(&request).unwrap());
            (client.submit(&request).unwrap(), again.join().unwrap())
        });
        assert_eq!([first, again], [receipt; 2]);
        assert_eq!(client.own_account().unwrap().balance, money(990));
        running.stop();
        let running = Running::start(database);
        assert_eq!(running.client(&customers).submit(&request).unwrap(), receipt);
        running.stop();
        assert_eq!(audited(database).unwrap().issued, 1000, "what is due is still here");
    });
}

#[test]
fn slow_clients_are_cut_off() {
    let database = sqlite();
    let limits = HttpLimits { patience: Duration::from_millis(300), ..HttpLimits::default() };
    let running = Running::with_limits(&database, Limits::default(), limits);
    let talk = |first: &str| {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        let (mut answer, start) = (String::new(), Instant::now());
        let _ = stream.read_to_string(&mut answer);
        assert!(start.elapsed() < Duration::from_secs(10));
        answer
    };
    running.fund(&[&key(1)], 1);
    let authorization = authorization(&running, &key(1), b"{", Millis(60_000));
    let answer = talk(&format!("{}{{", announcement(&authorization, 100)));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"slow\""), "{answer}");
    // Without a whole header there is nothing to answer to.
    talk("POST /v1/requests HTT");
    assert_eq!(running.client(&key(1)).about().unwrap().position, 1);
    running.stop();
}

/// The header of a request whose body is to follow.
fn announcement(authorization: &str, bytes: usize) -> String {
    format!(
        "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: {authorization}\r\n\
         content-length: {bytes}\r\n\r\n"
    )
}

#[test]
fn nothing_is_read_of_a_request_that_no_known_account_sends() {
    let database = sqlite();
    let running = Running::start(&database);
    running.fund(&[&key(1)], 1);
    let good = authorization(&running, &key(1), b"{}", Millis(60_000));
    let forged = good.replacen(&key(1).account().to_string(), &key(2).account().to_string(), 1);
    let cases = [
        ("", 401, "unsigned"),
        (&*forged, 401, "unsigned"),
        (&*authorization(&running, &key(1), b"{}", Millis(3_600_000)), 401, "expired"),
        (&*authorization(&running, &key(2), b"{}", Millis(60_000)), 403, "unknown_account"),
    ];
    for (authorization, status, kind) in cases {
        // The body never comes: whoever waits for it is told nothing before the patience of the server is over.
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(announcement(authorization, 1 << 22).as_bytes()).unwrap();
        let mut answer = vec![0; 1 << 12];
        let len = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(kind), "{kind}: {answer}");
    }
    assert_eq!(post_as(&running, &good, b"[]", "application/json"), (400, "other_body".to_owned()));
    running.stop();
}

#[test]
fn requests_beyond_the_rate_are_refused() {
    let database = sqlite();
    let limits = HttpLimits { requests_per_second: NonZeroU32::new(5).unwrap(), ..HttpLimits::default() };
    let running = Running::with_limits(&database, Limits::default(), limits);
    let statuses: Vec<u16> =
        (0..30).map(|_| agent().get(format!("{}/v1/about", running.url())).call().unwrap().status().as_u16()).collect();
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    // A client that tries again is served in the end.
    assert_eq!(running.client(&key(1)).about().unwrap().position, 0);
    running.stop();
}

#[test]
fn account_is_known_once_a_deposit_is_recorded() {
    let database = sqlite();
    let running = Running::start(&database);
    let client = running.client(&key(1));
    let error = client.withdraw(money(1), "first".to_owned()).unwrap_err();
    assert!(error.to_string().contains("ask the escrow's operator to record a deposit"), "{error}");
    running.fund(&[&key(1)], 1);
    client.withdraw(money(1), "first".to_owned()).unwrap();
    // It stays so when nothing is left of it.
    let error = client.withdraw(money(1), "second".to_owned()).unwrap_err();
    assert_eq!(error.kind(), Some("overdrawn"));
    running.stop();
}
