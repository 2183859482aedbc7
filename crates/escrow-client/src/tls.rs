//! Whose certificates a client believes, and why it does not believe one.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};
use ureq::Body;
use ureq::config::{Config, ConfigBuilder};
use ureq::http::header::LOCATION;
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// The authorities whose certificates a client believes: by default those that Mozilla does, as of when this program was built.
#[derive(Clone, Debug, Default)]
pub struct Roots(Option<Vec<CertificateDer<'static>>>);

/// Why a file does not name authorities.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// It is not in the PEM format, or what is in it is no certificate.
    #[error("{} is damaged: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is none in it.
    #[error("{} has no certificate (a PEM block `CERTIFICATE`)", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
}

impl Roots {
    /// Those in a PEM file, and no others.
    ///
    /// # Errors
    ///
    /// It cannot be read, or there is none in it.
    pub fn read(path: &Path) -> Result<Self, RootsError> {
        let bytes = std::fs::read(path).map_err(|cause| RootsError::Read { path: path.to_owned(), cause })?;
        let malformed = |reason: String| RootsError::Malformed { path: path.to_owned(), reason };
        let roots = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|error| malformed(error.to_string()))?;
        if roots.is_empty() {
            return Err(RootsError::NoCertificate { path: path.to_owned() });
        }
        for root in &roots {
            // The client would leave out what it cannot read.
            RootCertStore::empty().add(root.clone()).map_err(|error| malformed(error.to_string()))?;
        }
        Ok(Self(Some(roots)))
    }

    /// Configures an agent that believes these, takes every status for an answer, and follows nobody who sends it elsewhere.
    pub fn agent(&self) -> ConfigBuilder<AgentScope> {
        let roots = match &self.0 {
            None => RootCerts::WebPki,
            Some(roots) => roots.iter().map(|root| Certificate::from_der(root).to_owned()).into(),
        };
        Config::builder().http_status_as_error(false).max_redirects(0).tls_config(TlsConfig::builder().root_certs(roots).build())
    }
}

/// Where an answer sends instead of answering, which nobody follows: who says it need not be who should answer.
pub fn referral(answer: &Response<Body>) -> Option<String> {
    match answer.status() {
        StatusCode::UPGRADE_REQUIRED => Some("it serves TLS there: use https://".to_owned()),
        status if status.is_redirection() => {
            let place = answer.headers().get(LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()).chars().take(200).collect());
            let place: String = place.unwrap_or_else(|| "nowhere".to_owned());
            Some(format!(
                "it sends to {place:?} (status {}), which is not followed: give the address where it answers itself",
                status.as_u16()
            ))
        }
        _ => None,
    }
}

/// Why a connection is no secret one with whom it should be with, if that is why an attempt failed: it fails in the same way again.
#[allow(clippy::wildcard_enum_match_arm, reason = "errors of other crates, which may become more")]
pub fn distrust(error: &ureq::Error) -> Option<String> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        // A handshake is part of reading and writing.
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        ureq::Error::Tls(reason) => return Some((*reason).to_owned()),
        _ => return None,
    };
    Some(match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is not signed by an authority that is trusted here (`--ca FILE` trusts those in the file instead of the usual ones)".to_owned()
        }
        rustls::Error::InvalidCertificate(reason) => format!("its certificate is not valid: {reason}"),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there (is it http://?)".to_owned(),
        error => format!("TLS fails: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_authorities_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refusal = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = Roots::read(&path).unwrap_err();
            assert!(error.to_string().contains("ca.pem"), "{error}");
            error
        };
        assert!(matches!(Roots::read(&path).unwrap_err(), RootsError::Read { .. }));
        assert!(matches!(refusal(""), RootsError::NoCertificate { .. }));
        assert!(matches!(refusal("-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n"), RootsError::NoCertificate { .. }));
        assert!(matches!(refusal("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"), RootsError::Malformed { .. }));
        assert!(matches!(refusal("-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"), RootsError::Malformed { .. }));
    }
}
