//! TLS as it is served: certificates that are not are refused by name, one that is renewed is served without a restart, and
//! who does not finish a handshake keeps nobody out.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::clients::{HONEST, HOSTILE, LONG, answer, connect, head, limits, start_behind, status};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use verinfer_http_server::{Front, Limits, Tls, TlsError};

/// Files of a server's certificate, what it was told, and its authority.
struct Files {
    folder: TempDir,
    told: Arc<Mutex<Vec<String>>>,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap(), told: Arc::default(), authority: authority() };
        files.write(&files.issue(|_| {}));
        files
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// A certificate of the authority and its key, as PEM.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        issue(&self.authority, change)
    }

    fn write(&self, (certificate, key): &(String, String)) {
        for (path, text) in [(self.certificate(), certificate), (self.key(), key)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn load(&self) -> Result<Tls, TlsError> {
        let told = self.told.clone();
        Tls::load(&self.certificate(), &self.key(), Box::new(move |line| told.lock().unwrap().push(line.to_owned())))
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    async fn serve(&self, limits: Limits) -> SocketAddr {
        start_behind(Front { tls: Some(Arc::new(self.load().unwrap())), ..Front::default() }, limits).await
    }

    /// The status of a request over TLS, if the server's certificate is of this authority.
    async fn ask(&self, server: SocketAddr, from: u8) -> std::io::Result<u16> {
        ask(&self.authority, server, from).await
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(authority: &CertifiedIssuer<'static, KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let (mut params, key) = (CertificateParams::new(["server.test".to_owned()]).unwrap(), KeyPair::generate().unwrap());
    change(&mut params);
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

async fn ask(authority: &CertifiedIssuer<'static, KeyPair>, server: SocketAddr, from: u8) -> std::io::Result<u16> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = connect(server, from).await;
    let mut stream = connector.connect(ServerName::try_from("server.test").unwrap(), stream).await?;
    stream.write_all(head(5).replace("host: x", "host: x\r\nconnection: close").as_bytes()).await?;
    stream.write_all(b"12345").await?;
    let mut bytes = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection stays open");
    Ok(status(&String::from_utf8_lossy(&bytes)))
}

#[tokio::test]
async fn client_that_trusts_the_authority_is_answered_and_one_that_trusts_another_refuses() {
    let files = Files::new();
    let server = files.serve(limits()).await;
    assert_eq!(files.ask(server, HONEST).await.unwrap(), 200);
    let refused = ask(&authority(), server, HONEST).await.unwrap_err().to_string();
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    assert_eq!(files.told(), [""; 0]);
}

#[tokio::test]
async fn who_speaks_plain_http_to_a_tls_port_is_told() {
    let files = Files::new();
    let server = files.serve(limits()).await;
    let mut plain = connect(server, HONEST).await;
    plain.write_all(head(0).as_bytes()).await.unwrap();
    let answer = answer(&mut plain).await;
    assert_eq!(status(&answer), 426);
    assert!(answer.ends_with("this address serves TLS: use https://\n"), "{answer}");
}

#[tokio::test]
async fn handshakes_that_are_not_finished_keep_nobody_else_out_and_end() {
    let files = Files::new();
    let limits = Limits { patience: Duration::from_secs(3), ..limits() };
    let server = files.serve(limits).await;
    let mut half_open = Vec::new();
    // Nothing at all, or the beginning of a handshake: all connections that the address may have, and more.
    for first in [&b""[..], b"\x16\x03\x01\x02\x00\x01"].into_iter().cycle().take(40) {
        let mut stream = connect(server, HOSTILE).await;
        let _ = stream.write_all(first).await;
        half_open.push(stream);
    }
    let start = Instant::now();
    assert_eq!(files.ask(server, HONEST).await.unwrap(), 200);
    assert!(start.elapsed() < limits.patience / 2, "it waited for {:?}", start.elapsed());
    assert!(files.ask(server, HOSTILE).await.is_err(), "its own address has no connection left");
    for stream in &mut half_open {
        answer(stream).await;
    }
    assert_eq!(files.ask(server, HOSTILE).await.unwrap(), 200);
}

#[tokio::test]
async fn handshakes_beyond_the_rate_of_an_address_are_refused() {
    let files = Files::new();
    let server = files.serve(Limits { requests_per_second: NonZeroU32::new(3).unwrap(), ..limits() }).await;
    let mut refused = 0;
    for _ in 0..12 {
        refused += u32::from(files.ask(server, HOSTILE).await.is_err());
    }
    assert!(refused > 0);
    assert_eq!(files.ask(server, HONEST).await.unwrap(), 200);
}

#[tokio::test]
async fn server_that_stops_does_not_wait_for_handshakes() {
    let files = Files::new();
    let tls = Some(Arc::new(files.load().unwrap()));
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, (stop, stopped)) = (listener.local_addr().unwrap(), tokio::sync::oneshot::channel::<()>());
    let front = Front { tls, ..Front::default() };
    let limits = Limits { patience: LONG, ..limits() };
    let server = tokio::spawn(verinfer_http_server::serve(listener, front, axum::Router::new(), limits, async {
        let _ = stopped.await;
    }));
    let _half_open = connect(address, HOSTILE).await;
    sleep(Duration::from_millis(200)).await;
    drop(stop);
    timeout(Duration::from_secs(5), server).await.expect("the server waits").unwrap();
}

/// Asks until the certificate is one of this authority.
async fn is_soon_served(authority: &CertifiedIssuer<'static, KeyPair>, server: SocketAddr) -> bool {
    for _ in 0..100 {
        if ask(authority, server, HONEST).await.is_ok_and(|status| status == 200) {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let files = Files::new();
    let server = files.serve(limits()).await;
    assert_eq!(files.ask(server, HONEST).await.unwrap(), 200);
    let renewed = authority();
    files.write(&issue(&renewed, |_| {}));
    assert!(is_soon_served(&renewed, server).await);
    assert!(files.ask(server, HONEST).await.is_err(), "the one before is still served");
    assert!(files.told().last().unwrap().contains("was renewed"), "{:?}", files.told());

    fs::write(files.key(), "no key").unwrap();
    let start = Instant::now();
    while !files.told().last().unwrap().contains("has no private key") {
        assert!(start.elapsed() < LONG, "{:?}", files.told());
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(files.told().len(), 2, "it is told once: {:?}", files.told());
    assert_eq!(ask(&renewed, server, HONEST).await.unwrap(), 200);
}

#[test]
fn each_fault_of_certificate_and_key_has_its_error() {
    let files = Files::new();
    let right = files.issue(|_| {});
    let fault = |certificate: &str, key: &str| {
        files.write(&(certificate.to_owned(), key.to_owned()));
        files.load().unwrap_err()
    };
    assert!(matches!(fault("", &right.1), TlsError::NoCertificate { .. }));
    assert!(matches!(fault(&right.1, &right.1), TlsError::NoCertificate { .. }), "the files are interchanged");
    assert!(matches!(fault(&right.0, ""), TlsError::NoKey { .. }));
    assert!(matches!(fault(&right.0, &right.0), TlsError::NoKey { .. }));
    assert!(matches!(fault(&right.0, &files.issue(|_| {}).1), TlsError::OtherKey { .. }));
    assert!(matches!(fault(&right.0.replace('M', "?"), &right.1), TlsError::Malformed { .. }));
    let cut = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n";
    assert!(matches!(fault(cut, &right.1), TlsError::Malformed { .. }));
    let unusable = "-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n";
    assert!(matches!(fault(&right.0, unusable), TlsError::UnusableKey { .. }));
    let expired = files.issue(|params| params.not_after = date_time_ymd(2020, 1, 1));
    assert!(matches!(fault(&expired.0, &expired.1), TlsError::Expired { .. }));
    let early = files.issue(|params| params.not_before = date_time_ymd(4000, 1, 1));
    assert!(matches!(fault(&early.0, &early.1), TlsError::NotYetValid { .. }));
    files.write(&right);
    fs::remove_file(files.key()).unwrap();
    assert!(matches!(files.load().unwrap_err(), TlsError::Read { path, .. } if path == Path::new(&files.key())));
}

#[test]
fn key_that_others_can_read_is_told() {
    let files = Files::new();
    files.load().unwrap();
    assert_eq!(files.told(), [""; 0]);
    fs::set_permissions(files.key(), fs::Permissions::from_mode(0o644)).unwrap();
    files.load().unwrap();
    assert!(files.told()[0].contains("chmod 600"), "{:?}", files.told());
}
