use rand::TryRng;
use rand::rngs::SysRng;
use verinfer_relation::commitment::SALT_CELLS;

use crate::error::CommitError;

/// The randomness of a commitment: [`SALT_CELLS`] uniform bytes, used for one vector of values only.
pub type Salt = Box<[u8; SALT_CELLS]>;

/// A fresh salt from the operating system.
///
/// # Errors
///
/// It gives no randomness.
pub fn draw_salt() -> Result<Salt, CommitError> {
    let mut salt = Box::new([0; SALT_CELLS]);
    SysRng.try_fill_bytes(salt.as_mut_slice()).map_err(|error| CommitError::Randomness { reason: error.to_string() })?;
    Ok(salt)
}
