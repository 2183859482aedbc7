//! Files that nobody but their owner should read: what they are and what they belong to, and nothing of what is secret in them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use verinfer_commitments::Secret;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;

use crate::escape::one_line;
use crate::files;
use crate::output::{Output, Report, Verdict, thousands};

/// Digits of an account's key.
const KEY_DIGITS: usize = 64;

/// Shows to which commitment a salt belongs.
///
/// # Errors
///
/// It is damaged, or of another version.
pub fn inspect_salt(path: &Path, bytes: &[u8], output: Output) -> anyhow::Result<Verdict> {
    let secret = Secret::decode(bytes).with_context(|| format!("cannot read {}", path.display()))?;
    report(
        path,
        output,
        SecretReport {
            kind: "secret",
            to: Some(secret.kind.name()),
            commitment: Some(verinfer::Secret::from(secret).fingerprint()),
            account: None,
            ..SecretReport::new(path, bytes.len())
        },
    )
}

/// The key in a file that holds nothing but the digits of one.
pub fn account_key(bytes: &[u8]) -> Option<SecretKey> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    let seed: Digest = if text.len() == KEY_DIGITS { text.parse().ok()? } else { return None };
    Some(SecretKey::from_seed(&seed.0))
}

/// Shows to which account a key belongs.
///
/// # Errors
///
/// The report cannot be printed.
pub fn inspect_key(path: &Path, bytes: usize, key: &SecretKey, output: Output) -> anyhow::Result<Verdict> {
    report(path, output, SecretReport { kind: "key", account: Some(key.account().to_string()), ..SecretReport::new(path, bytes) })
}

/// Says of a party's state what it is.
///
/// # Errors
///
/// The report cannot be printed.
pub fn inspect_state(path: &Path, bytes: &[u8], output: Output) -> anyhow::Result<Verdict> {
    // Only its beginning has been read.
    let len = fs::metadata(path).map_or(bytes.len(), |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    report(path, output, SecretReport { kind: "state", ..SecretReport::new(path, len) })
}

fn report(path: &Path, output: Output, report: SecretReport) -> anyhow::Result<Verdict> {
    if files::is_readable_by_others(path) {
        output.warning(&format!("{} can be read by others than its owner (chmod 600 changes that)", path.display()));
    }
    output.report(&report)?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct SecretReport {
    /// `secret`, `key` or `state`.
    kind: &'static str,
    file: String,
    bytes: usize,
    /// Of a secret: `model`, `input`, `output` or `label`.
    to: Option<&'static str>,
    /// Of a secret: BLAKE3 of the commitment that it belongs to, hexadecimal.
    commitment: Option<String>,
    /// Of a key: the account's public key, hexadecimal.
    account: Option<String>,
}

impl SecretReport {
    fn new(path: &Path, bytes: usize) -> Self {
        Self { kind: "", file: path.display().to_string(), bytes, to: None, commitment: None, account: None }
    }
}

impl Report for SecretReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (file, bytes) = (one_line(&self.file), thousands(self.bytes as u64));
        if let (Some(to), Some(commitment)) = (self.to, &self.commitment) {
            let article = if matches!(to, "input" | "output") { "an" } else { "a" };
            writeln!(out, "secret      {file} ({bytes} bytes): the salt of a commitment to {article} {to}, without what is committed to")?;
            writeln!(out, "commitment  {commitment}")?;
            return writeln!(out, "Who has it can prove about this commitment, and can test guesses of what is behind it.");
        }
        match &self.account {
            Some(account) => {
                writeln!(out, "key      {file}: the key of an account with an escrow")?;
                writeln!(out, "account  {account}")?;
                writeln!(out, "Who has it can sign for the account.")
            }
            None => {
                writeln!(out, "state  {file} ({bytes} bytes): what a party to agreements goes on from after a crash")?;
                writeln!(out, "It holds the party's random choices and what it was sent; nothing of it is shown.")
            }
        }
    }
}
