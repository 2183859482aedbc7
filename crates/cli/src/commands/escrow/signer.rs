//! The key by which `verinfer escrow serve` signs its answers.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use verinfer_escrow::signer::Signer;
use verinfer_protocols::answer::SignedCertificate;
use verinfer_protocols::keys::SecretKey;

use crate::output::Output;
use crate::{files, keys};

/// Who signs what the escrow answers.
#[derive(Debug, Args)]
pub struct SignerArguments {
    /// The escrow's own key, as `keys new` writes it, which then signs all answers, too: whoever has it records deposits. Better kept off this machine: see
    /// --receipt-key.
    #[arg(long, value_name = "FILE", required_unless_present = "receipt_key", conflicts_with = "receipt_key")]
    key: Option<PathBuf>,

    /// A key of its own for answers, as `keys new` writes it.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    receipt_key: Option<PathBuf>,

    /// The receipt key's certificate, as `escrow certify` writes it.
    #[arg(long, value_name = "FILE", requires = "receipt_key")]
    certificate: Option<PathBuf>,
}

impl SignerArguments {
    /// The file of the key that signs answers.
    pub fn file(&self) -> Option<&Path> {
        self.key.as_deref().or(self.receipt_key.as_deref())
    }

    /// The signer, and the operator's key if it is here.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the certificate does not hold.
    pub fn open(&self, output: Output) -> anyhow::Result<(Signer, Option<SecretKey>)> {
        match (&self.key, &self.receipt_key, &self.certificate) {
            (Some(key), _, _) => {
                let key = keys::read(key, output)?;
                Ok((Signer::of_account(key.clone()), Some(key)))
            }
            (None, Some(key), Some(certificate)) => {
                let signer = Signer::certified(keys::read(key, output)?, read(certificate)?, unix_time()?);
                Ok((signer.with_context(|| format!("cannot sign with {}", certificate.display()))?, None))
            }
            (None, _, _) => bail!("either --key, or --receipt-key and --certificate, must be given"),
        }
    }
}

/// Reads a certificate.
fn read(path: &Path) -> anyhow::Result<SignedCertificate> {
    serde_json::from_str(&files::read_text(path)?).with_context(|| format!("{} is no certificate of a receipt key", path.display()))
}

/// The time of this machine in seconds.
///
/// # Errors
///
/// Its clock is before 1970.
pub fn unix_time() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("this machine's clock is before 1970")?.as_secs())
}
