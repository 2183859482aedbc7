//! Sealed items.
//!
//! ```text
//! sealed = commitment (32) || ChaCha20-Poly1305(key_i, nonce 0, item) || tag (16)
//! commitment || key_i = BLAKE3-derive_key("verinfer sealing v1 item", key (32) || context (32) || position (4, little-endian)), 64 bytes
//! ```
//!
//! A key of the cipher seals one item, so that its nonce is constant. Relation to the literature: the key-commitment by a second output of the key
//! derivation is that of Albertini et al. ("How to abuse and fix authenticated encryption without key commitment", USENIX Security 2022) and `UtC` of Bellare and Hoang
//! (Eurocrypt 2022); since context and place go into the derivation, they are committed to as well.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Key;
use crate::error::OpenError;

/// What a transfer belongs to: a digest of the agreement and the stage, the same for all its items and for no other transfer's.
pub type Context = [u8; 32];

/// Bytes that a sealed item is longer than the item.
pub const OVERHEAD: usize = COMMITMENT_LEN.saturating_add(TAG_LEN);

/// Longest item, in bytes.
pub const MAX_ITEM_BYTES: usize = (1 << 24) - OVERHEAD;

const COMMITMENT_LEN: usize = 32;
const TAG_LEN: usize = 16;
const DOMAIN: &str = "verinfer sealing v1 item";

/// Why an item cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// It is too long.
    #[error("item {position} has {len} bytes, more than {MAX_ITEM_BYTES}")]
    TooLong {
        /// Which.
        position: u32,
        /// Its bytes.
        len: usize,
    },
}

/// Seals the item at `position` of a transfer. Nothing is drawn: the same item is sealed to the same bytes.
///
/// For each place of a context a key seals one item only: two different ones would give away where they differ.
///
/// # Errors
///
/// The item is longer than [`MAX_ITEM_BYTES`].
pub fn seal(key: &Key, context: &Context, position: u32, item: &[u8]) -> Result<Vec<u8>, SealError> {
    let too_long = SealError::TooLong { position, len: item.len() };
    if item.len() > MAX_ITEM_BYTES {
        return Err(too_long);
    }
    let (commitment, cipher) = derive(key, context, position);
    // The cipher refuses only what is longer than 2^38 bytes.
    let content = cipher.encrypt(&Nonce::default(), item).map_err(|_| too_long)?;
    Ok([commitment.as_slice(), &content].concat())
}

/// The item at `position` of a transfer.
///
/// There is at most one key, context, place and item for sealed bytes, as long as nobody finds a collision of BLAKE3.
///
/// # Errors
///
/// The bytes were not made by [`seal`] with this key and context for this place.
pub fn open(key: &Key, context: &Context, position: u32, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (len, most) = (sealed.len(), MAX_ITEM_BYTES.saturating_add(OVERHEAD));
    if len > most {
        return Err(OpenError::TooLong { len, most });
    }
    let (found, content) = sealed.split_at_checked(COMMITMENT_LEN).ok_or(OpenError::Truncated { len, least: OVERHEAD })?;
    if content.len() < TAG_LEN {
        return Err(OpenError::Truncated { len, least: OVERHEAD });
    }
    let (commitment, cipher) = derive(key, context, position);
    // Nothing secret is compared: the commitment is in the sealed bytes, and the key is public when it matters.
    if found != commitment {
        return Err(OpenError::WrongKey);
    }
    cipher.decrypt(&Nonce::default(), content).map_err(|_| OpenError::Altered)
}

/// The commitment that a sealed item begins with, and the cipher of its content.
fn derive(key: &Key, context: &Context, position: u32) -> ([u8; COMMITMENT_LEN], ChaCha20Poly1305) {
    let (mut commitment, mut item_key) = ([0; COMMITMENT_LEN], Zeroizing::new([0; Key::LEN]));
    let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
    hasher.update(key.as_bytes()).update(context).update(&position.to_le_bytes());
    let mut output = hasher.finalize_xof();
    output.fill(&mut commitment);
    output.fill(item_key.as_mut_slice());
    (commitment, ChaCha20Poly1305::new((&*item_key).into()))
}
