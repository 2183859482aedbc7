//! Accounts are Ed25519 keys.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::Serialize;

use crate::bytes::fixed_bytes;
use crate::digest::canonical;

fixed_bytes! {
    /// An account: an Ed25519 public key.
    AccountId, 32
}

fixed_bytes! {
    /// An Ed25519 signature.
    Signature, 64
}

/// An Ed25519 secret key. Its bytes are wiped when it is dropped and are not shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a seed of 32 uniform bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        AccountId(self.0.verifying_key().to_bytes())
    }

    /// Signs a value of a domain.
    pub fn sign<T: Serialize + ?Sized>(&self, domain: &str, value: &T) -> Signature {
        Signature(self.0.sign(&message(domain, value)).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.account())
    }
}

impl AccountId {
    /// Whether the account has signed a value of a domain. Keys of small order and signatures that are not canonical are refused, so that nobody can
    /// make a second signature from a first.
    pub fn has_signed<T: Serialize + ?Sized>(&self, domain: &str, value: &T, signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(&message(domain, value), &signature).is_ok())
    }
}

/// What is signed: the canonical encodings of the domain and of the value.
fn message<T: Serialize + ?Sized>(domain: &str, value: &T) -> Vec<u8> {
    canonical(&(domain, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_of_one_account_domain_and_value() {
        let key = SecretKey::from_seed(&[1; 32]);
        let signature = key.sign("domain", "value");
        assert!(key.account().has_signed("domain", "value", &signature));
        assert!(!key.account().has_signed("domai", "nvalue", &signature));
        assert!(!key.account().has_signed("domain", "other", &signature));
        assert!(!SecretKey::from_seed(&[2; 32]).account().has_signed("domain", "value", &signature));
        assert!(!AccountId([0; 32]).has_signed("domain", "value", &Signature([0; 64])));
    }

    #[test]
    fn secret_is_not_shown() {
        let key = SecretKey::from_seed(&[7; 32]);
        assert!(!format!("{key:?}").contains(&hex::encode([7; 32])));
    }
}
