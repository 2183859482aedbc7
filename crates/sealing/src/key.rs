use std::fmt;

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::RandomnessError;

/// What the items of one transfer are sealed with: 32 uniform bytes, secret until they are published.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; Self::LEN]);

impl Key {
    /// Bytes of a key.
    pub const LEN: usize = 32;

    /// A fresh key.
    ///
    /// # Errors
    ///
    /// There is no randomness.
    pub fn draw() -> Result<Self, RandomnessError> {
        draw_bytes().map(Self)
    }

    /// The bytes that are published.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// A published key; `None` if it does not have [`Key::LEN`] bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl From<[u8; Self::LEN]> for Key {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// Uniform bytes from the operating system.
pub fn draw_bytes<const N: usize>() -> Result<[u8; N], RandomnessError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| RandomnessError)?;
    Ok(bytes)
}
