//! BLAKE3 digests, each kind of content in its own domain, and the canonical encoding of what is hashed and signed.

use serde::Serialize;

use crate::bytes::fixed_bytes;

fixed_bytes! {
    /// A BLAKE3 digest.
    Digest, 32
}

fixed_bytes! {
    /// Identifies an agreement: the digest of its terms, which hold a nonce.
    AgreementId, 32
}

impl AgreementId {
    /// Stands for none: the scope of requests about an account.
    pub const NONE: Self = Self([0; 32]);
}

/// Text is not the hexadecimal digits of such a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} lower-case hexadecimal digits")]
pub struct NotHexadecimal {
    /// How many digits there should be.
    pub digits: usize,
}

/// The canonical encoding of a value: postcard, which writes the fields of a type in order, without names, integers as shortest varints and lists
/// with their length. The types of this crate have one encoding for each value.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    // Postcard fails only for a full buffer and for sequences of unknown length; a vector grows, and no type of this crate has such a sequence.
    postcard::to_allocvec(value).unwrap_or_default()
}

impl Digest {
    /// The digest of bytes outside of any domain, as `b3sum` gives it: of files, ciphertexts and commitments.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest of a value's canonical encoding in a domain (BLAKE3's `derive_key` context, so that digests of different domains never agree).
    pub fn of<T: Serialize + ?Sized>(domain: &str, value: &T) -> Self {
        Self(blake3::derive_key(domain, &canonical(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_canonical_bytes_are_read_back() {
        let digest = Digest::of_bytes(b"content");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert_eq!(canonical(&digest), digest.0);
        assert_eq!(postcard::from_bytes::<Digest>(&canonical(&digest)).unwrap(), digest);
    }

    #[test]
    fn there_is_one_spelling_of_a_digest() {
        let text = Digest([0xab; 32]).to_string();
        for wrong in [text.to_uppercase(), text[2..].to_string(), format!("{text}00"), format!("0x{}", &text[2..])] {
            assert_eq!(wrong.parse::<Digest>(), Err(NotHexadecimal { digits: 64 }), "{wrong}");
        }
    }
}
