//! `verinfer escrow certify`: a receipt key, which signs the escrow's answers in place of its own.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_protocols::answer::SignedCertificate;
use verinfer_protocols::keys::AccountId;

use super::signer::unix_time;
use crate::output::{Output, Report, Verdict};
use crate::{files, keys};

/// Certify a receipt key: answers are signed by it, and the escrow's own key stays where nobody serves.
///
/// For example, on the serving machine `verinfer keys new receipts.key`; where the escrow's key is, `verinfer escrow certify --key escrow.key --receipt-account
/// ACCOUNT receipts.json`; then `verinfer escrow serve --receipt-key receipts.key --certificate receipts.json`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The escrow's own key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The receipt key's account, as `keys show` writes it.
    #[arg(long, value_name = "ACCOUNT")]
    receipt_account: AccountId,

    /// For how many days from now. A certificate cannot be taken back: whoever steals the receipt key signs for the escrow until then.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,

    /// Where to write the certificate.
    file: PathBuf,
}

/// How far clocks of parties may be behind the operator's.
const CLOCKS: u64 = 60 * 60;

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let key = keys::read(&arguments.key, output)?;
    let now = unix_time()?;
    let time = (now.saturating_sub(CLOCKS), now.saturating_add(u64::from(arguments.days).saturating_mul(24 * 60 * 60)));
    let signed = SignedCertificate::sign(arguments.receipt_account, time, &key);
    let mut json = serde_json::to_string_pretty(&signed)?;
    json.push('\n');
    files::write(&arguments.file, json.as_bytes())?;
    let output = output.beside(&arguments.file);
    output.report(&CertifyReport {
        account: key.account().to_string(),
        receipt_account: arguments.receipt_account.to_string(),
        days: arguments.days,
        certificate: arguments.file.display().to_string(),
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct CertifyReport {
    /// The escrow's account.
    account: String,
    /// The receipt key's.
    receipt_account: String,
    days: u16,
    /// The file.
    certificate: String,
}

impl Report for CertifyReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "escrow       {}", self.account)?;
        writeln!(out, "receipt key  {}, for {} days", self.receipt_account, self.days)?;
        writeln!(out, "certificate  {}", self.certificate)
    }
}
