//! Envelopes for one receiver: HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! They hide and protect bytes on their way. They prove nothing to third parties, and nothing is adjudicated about them: a receiver who cannot open
//! one has not received anything.

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use rand::SeedableRng;
use rand::rngs::StdRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Context;
use crate::error::{EnvelopeError, RandomnessError};
use crate::key::draw_bytes;

const DOMAIN: &[u8] = b"verinfer sealing v1 envelope";
const ENCAPSULATED_LEN: usize = 32;

/// What a receiver opens envelopes with: the seed of its key pair.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ReceiverSecret([u8; 32]);

/// What envelopes for a receiver are made with: an X25519 public key. Its owner signs it for who is to believe that it is his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverPublic(pub [u8; 32]);

/// Bytes that only one receiver can read: encapsulated key, ciphertext and tag, as RFC 9180 writes them, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope(pub Vec<u8>);

impl ReceiverSecret {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// There is no randomness.
    pub fn draw() -> Result<Self, RandomnessError> {
        draw_bytes().map(Self)
    }

    /// The bytes to be kept.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// One that was kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its public half.
    pub fn public(&self) -> ReceiverPublic {
        ReceiverPublic(X25519HkdfSha256::derive_keypair(&self.0).1.to_bytes().into())
    }
}

impl fmt::Debug for ReceiverSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReceiverSecret(..)")
    }
}

impl Envelope {
    /// Puts `content` in an envelope for a receiver.
    ///
    /// # Errors
    ///
    /// The public key is none, or there is no randomness.
    pub fn new(receiver: &ReceiverPublic, context: &Context, content: &[u8]) -> Result<Self, EnvelopeError> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&receiver.0).map_err(|_| EnvelopeError::NotAKey)?;
        let mut random = StdRng::from_seed(draw_bytes()?);
        let (encapsulated, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            DOMAIN,
            content,
            context,
            &mut random,
        )
        .map_err(|_| EnvelopeError::NotAKey)?;
        Ok(Self([encapsulated.to_bytes().as_slice(), &ciphertext].concat()))
    }

    /// The content.
    ///
    /// # Errors
    ///
    /// It is not for this receiver, or was altered.
    pub fn open(&self, receiver: &ReceiverSecret, context: &Context) -> Result<Vec<u8>, EnvelopeError> {
        let truncated = EnvelopeError::Truncated { len: self.0.len() };
        let (encapsulated, ciphertext) = self.0.split_at_checked(ENCAPSULATED_LEN).ok_or(truncated)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| EnvelopeError::NotForMe)?;
        let (secret, _) = X25519HkdfSha256::derive_keypair(&receiver.0);
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            DOMAIN,
            ciphertext,
            context,
        )
        .map_err(|_| EnvelopeError::NotForMe)
    }
}
