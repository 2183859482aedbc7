//! Randomness of the operating system.

use rand::TryRng;
use rand::rngs::SysRng;

/// The operating system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness;

/// Uniform bytes.
///
/// # Errors
///
/// There are none.
pub fn random_bytes<const LEN: usize>() -> Result<[u8; LEN], NoRandomness> {
    let mut bytes = [0; LEN];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
