//! How commands serve and find each other on a network: certificates, authorities, proxies.

use std::path::PathBuf;
use std::sync::Arc;

use verinfer_escrow_client::tls::Roots;
use verinfer_http_server::{Front, Network, Tell, Tls};

use crate::output::Output;

/// Whose certificates a command believes.
#[derive(Clone, Debug, clap::Args)]
pub struct RootArguments {
    /// Believe servers at https:// addresses only if their certificates are signed by an authority in this PEM file (or are in it),
    /// instead of by a public authority.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl RootArguments {
    /// The authorities.
    ///
    /// # Errors
    ///
    /// The file does not name any.
    pub fn read(&self) -> anyhow::Result<Roots> {
        Ok(self.ca.as_deref().map(Roots::read).transpose()?.unwrap_or_default())
    }

    /// Warns of an address to which nothing of this applies.
    pub fn warn_of(&self, url: &str, output: Output) {
        if self.ca.is_some() && !url.starts_with("https://") {
            output
                .line(&format!("warning: --ca does nothing for {url}: only https:// keeps others from reading and changing what is sent"));
        }
    }
}

/// What a server stands behind.
#[derive(Clone, Debug, clap::Args)]
pub struct FrontArguments {
    /// Serve TLS with this certificate: a PEM file with it and those between it and its authority. Renewed files are read again without
    /// a restart.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// A proxy, or a network of them, that appends the address of its client to `X-Forwarded-For`: limits for each address then count
    /// by that one, for example `--trusted-proxy 10.0.0.0/8 ::1`. The header of others is ignored.
    #[arg(long, value_name = "CIDR", num_args = 1..)]
    trusted_proxy: Vec<Network>,
}

impl FrontArguments {
    /// What connections come through; `tell` is told of renewed certificates.
    ///
    /// # Errors
    ///
    /// The certificate cannot be served.
    pub fn open(&self, tell: Tell) -> anyhow::Result<Front> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key, tell)?)),
            _ => None,
        };
        Ok(Front { tls, proxies: self.trusted_proxy.iter().copied().collect() })
    }
}
