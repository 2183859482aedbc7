//! The server's certificate: read from files, and read again when they have changed.

use std::fmt::{self, Debug, Formatter};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};
use x509_parser::certificate::{Validity, X509Certificate};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// Told of what the operator should know, one line each.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// A certificate with its key, in files that are looked at again while it is served: one that was renewed takes the place of the old one.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    tell: Tell,
    state: Mutex<State>,
}

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file is not in the PEM format, or what is in it is not what it says.
    #[error("{} is damaged: {reason}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no certificate in the file.
    #[error("{} has no certificate (a PEM block `CERTIFICATE`)", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// There is no key in the file.
    #[error("{} has no private key (a PEM block `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`)", path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// The key is not one that can sign here.
    #[error("the key in {} cannot be used: {reason}", path.display())]
    UnusableKey {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key is not that of the certificate.
    #[error("the key in {} is not that of the first certificate in {}", key.display(), certificate.display())]
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// No client takes the certificate any more.
    #[error("the certificate in {} has expired at {at}", path.display())]
    Expired {
        /// Which file.
        path: PathBuf,
        /// When.
        at: String,
    },
    /// No client takes the certificate yet.
    #[error("the certificate in {} is valid from {from} only; is this machine's clock right?", path.display())]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// From when.
        from: String,
    },
}

/// What is served.
struct State {
    config: Arc<ServerConfig>,
    until: ASN1Time,
    /// The files when they were last read, whether or not they could be used.
    seen: [Option<Stamp>; 2],
    has_told_expiry: bool,
}

/// What changes when a file is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Tls {
    /// The certificate (and those between it and its root) in one PEM file, its key in another.
    ///
    /// # Errors
    ///
    /// They cannot be read, do not belong together, or no client would take them.
    pub fn load(certificate: &Path, key: &Path, tell: Tell) -> Result<Self, TlsError> {
        let seen = [certificate, key].map(Stamp::of);
        let (config, until) = configure(certificate, key)?;
        if is_readable_by_others(key) {
            tell(&format!("warning: others than its owner can read the key in {}: chmod 600 it", key.display()));
        }
        let state = Mutex::new(State { config, until, seen, has_told_expiry: false });
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), tell, state })
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.state().config.clone().into()
    }

    /// Reads the files again if they have changed. What cannot be used is told once, and the certificate before it served on.
    pub(crate) fn refresh(&self) {
        let seen = [&self.certificate, &self.key].map(|path| Stamp::of(path));
        if self.state().seen == seen {
            return self.tell_expiry();
        }
        let loaded = configure(&self.certificate, &self.key);
        let mut state = self.state();
        state.seen = seen;
        let told = match loaded {
            Ok((config, until)) => {
                (state.config, state.until, state.has_told_expiry) = (config, until, false);
                format!("the certificate in {} was renewed; it is valid until {until}", self.certificate.display())
            }
            Err(error) => format!("warning: {}; the certificate from before is still served", chain(&error)),
        };
        drop(state);
        (self.tell)(&told);
    }

    fn tell_expiry(&self) {
        let mut state = self.state();
        let (is_over, until) = (state.until < ASN1Time::now(), state.until);
        if is_over && !std::mem::replace(&mut state.has_told_expiry, true) {
            drop(state);
            (self.tell)(&format!("warning: the certificate in {} has expired at {until}: no client takes it", self.certificate.display()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in between can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Tls {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("certificate", &self.certificate).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata: Metadata| Self {
            modified: metadata.modified().ok(),
            len: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

/// How a certificate is served, and until when it is valid.
#[allow(clippy::wildcard_enum_match_arm, reason = "errors of other crates, which may become more")]
fn configure(certificate: &Path, key: &Path) -> Result<(Arc<ServerConfig>, ASN1Time), TlsError> {
    let malformed = |path: &Path, reason: String| TlsError::Malformed { path: path.to_owned(), reason };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| malformed(certificate, error.to_string()))?;
    let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate { path: certificate.to_owned() })?;
    let until = check_validity(certificate, leaf)?;
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey { path: key.to_owned() },
        error => malformed(key, error.to_string()),
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let config = config.and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::OtherKey { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        rustls::Error::InvalidCertificate(reason) => malformed(certificate, reason.to_string()),
        error => TlsError::UnusableKey { path: key.to_owned(), reason: error.to_string() },
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), until))
}

/// Until when a certificate is valid, if it is now.
fn check_validity(path: &Path, leaf: &CertificateDer<'_>) -> Result<ASN1Time, TlsError> {
    let (_, leaf) =
        X509Certificate::from_der(leaf).map_err(|error| TlsError::Malformed { path: path.to_owned(), reason: error.to_string() })?;
    let Validity { not_before, not_after } = *leaf.validity();
    let now = ASN1Time::now();
    if not_after < now {
        return Err(TlsError::Expired { path: path.to_owned(), at: not_after.to_string() });
    }
    if now < not_before {
        return Err(TlsError::NotYetValid { path: path.to_owned(), from: not_before.to_string() });
    }
    Ok(not_after)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|cause| TlsError::Read { path: path.to_owned(), cause })
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

/// An error with what caused it, on one line.
fn chain(error: &TlsError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
