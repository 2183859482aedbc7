//! Escrow and parties that serve TLS: whole agreements, and clients that believe somebody else.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use verinfer_escrow_client::tls::Roots;
use verinfer_escrow_client::{Client, ClientError, EscrowAddress, Patience};
use verinfer_parties::peer::{Peer, PeerError};

use crate::address::free_address;
use crate::world::play::Play;
use crate::world::{World, certify, key, stop};

#[test]
fn whole_agreements_run_over_tls() {
    std::thread::scope(|scope| {
        for play in Play::HONEST {
            scope.spawn(move || World::start_securely(play).finish());
        }
    });
}

#[test]
fn server_that_is_not_believed_or_speaks_something_else_is_refused_at_once() {
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    [&folder, &other].into_iter().for_each(|folder| certify(folder.path()));
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [operator, anyone] = ["operator.key", "anyone.key"].map(|name| key(&path(name)));
    let (secret, plain) = (free_address(), free_address());
    let serve = |address: &str, database: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verinfer"));
        command.args([
            "escrow",
            "serve",
            "--db",
            &format!("sqlite:{}", path(database)),
            "--listen",
            address,
            "--key",
            &path("operator.key"),
        ]);
        command.args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let [certificate, its_key] = ["cert.pem", "cert.key"].map(path);
    let mut servers = [serve(&secret, "secret.db", &["--tls-cert", &certificate, "--tls-key", &its_key]), serve(&plain, "plain.db", &[])];
    let right = Roots::read(&folder.path().join("ca.pem")).unwrap();
    let [secret_url, plain_url] = [&secret, &plain].map(|address| format!("http://{address}"));
    let secret_url = secret_url.replace("http:", "https:");
    // Both are there.
    let secretly = |patience| EscrowAddress { roots: right.clone(), ..EscrowAddress::of(&secret_url, patience) };
    Client::connect_to(&secretly(Patience::default()), operator.clone(), None).unwrap();
    Client::connect(&plain_url, operator, Patience::default()).unwrap();

    let deposit = |url: &str, more: &[&str]| {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_verinfer"));
        command.args(["escrow", "deposit", "--account", &anyone.account().to_string(), "--amount", "1", "--reference", "cash"]);
        let output = command.args(["--escrow", url, "--key", &path("operator.key")]).args(more).output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "it was tried for {:?}", start.elapsed());
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let others = other.path().join("ca.pem").display().to_string();
    let refused = |(is_done, message): (bool, String), expected: &str| assert!(!is_done && message.contains(expected), "{message}");
    refused(deposit(&secret_url, &["--ca", &others]), "not signed by an authority that is trusted here");
    refused(deposit(&secret_url, &[]), "not signed by an authority that is trusted here");
    refused(deposit(&secret_url.replace("127.0.0.1", "localhost"), &["--ca", &path("ca.pem")]), "its certificate is not valid");
    refused(deposit(&secret_url.replace("https:", "http:"), &[]), "it serves TLS there: use https://");
    refused(deposit(&plain_url.replace("http:", "https:"), &["--ca", &path("ca.pem")]), "does not speak TLS");
    refused(deposit(&secret_url, &["--ca", &path("operator.key")]), "operator.key has no certificate");
    assert_eq!(deposit(&secret_url, &["--ca", &path("ca.pem")]), (true, String::new()));

    // Parties are believed by the same authorities.
    let start = Instant::now();
    let peer = |roots: &Roots| Peer::secure(&secret_url, Duration::from_secs(60), roots).about().unwrap_err();
    assert!(matches!(peer(&Roots::default()), PeerError::Distrusted { .. }));
    assert!(matches!(peer(&right), PeerError::Refused { status: 404, .. } | PeerError::Answer { .. }), "an escrow is no party");
    assert!(start.elapsed() < Duration::from_secs(20));
    servers.iter_mut().for_each(stop);
    // Somebody who is gone is waited for, as ever.
    let patience = Patience { total: Duration::ZERO, ..Patience::default() };
    let gone = Client::connect_to(&secretly(patience), anyone, None).unwrap_err();
    assert!(matches!(gone, ClientError::Unreachable(_)), "{gone}");
}

#[test]
fn server_without_a_usable_certificate_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    key(&path("operator.key"));
    let database = format!("sqlite:{}", path("escrow.db"));
    let refusal = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verinfer"));
        command.args(["escrow", "serve", "--db", &database, "--listen", "127.0.0.1:0", "--key", &path("operator.key")]);
        let output = command.args(more).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let [certificate, its_key] = ["cert.pem", "cert.key"].map(path);
    let other = refusal(&["--tls-cert", &path("ca.pem"), "--tls-key", &its_key]);
    assert!(other.contains("cert.key is not that of the first certificate in"), "{other}");
    let none = refusal(&["--tls-cert", &its_key, "--tls-key", &its_key]);
    assert!(none.contains("cert.key has no certificate"), "{none}");
    let half = refusal(&["--tls-cert", &certificate]);
    assert!(half.contains("--tls-key"), "{half}");
    let everybody = refusal(&["--trusted-proxy", "0.0.0.0/0"]);
    assert!(everybody.contains("every address is in this network"), "{everybody}");
}
