//! Key files of accounts: the seed of an Ed25519 key, as hexadecimal text that only its owner can read.

use std::path::Path;

use anyhow::{Context, anyhow};
use rand::TryRng;
use rand::rngs::SysRng;
use verinfer_protocols::keys::SecretKey;

use crate::files;
use crate::output::Output;

/// A new key from the operating system's randomness.
///
/// # Errors
///
/// There is none.
pub fn draw() -> anyhow::Result<SecretKey> {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).map_err(|error| anyhow!("the operating system gives no randomness: {error}"))?;
    Ok(SecretKey::from_seed(&seed))
}

/// Writes a key file. It must not exist yet, unless `replace`.
///
/// # Errors
///
/// It cannot be written, or exists.
pub fn write(path: &Path, key: &SecretKey, replace: bool) -> anyhow::Result<()> {
    let digits: String = key.seed().iter().map(|byte| format!("{byte:02x}")).collect();
    files::write_secret(path, format!("{digits}\n").as_bytes(), replace)
}

/// Reads a key file; warns if others can read it too.
///
/// # Errors
///
/// It cannot be read, or is none.
pub fn read(path: &Path, output: Output) -> anyhow::Result<SecretKey> {
    let text = files::read_text(path)?;
    let seed: verinfer_protocols::digest::Digest = text.trim_end().parse().with_context(|| format!("{} is no key file", path.display()))?;
    if files::is_readable_by_others(path) {
        output.warning(&format!("{} can be read by others: whoever has it can sign for the account", path.display()));
    }
    Ok(SecretKey::from_seed(&seed.0))
}
