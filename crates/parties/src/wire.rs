//! What parties say to each other directly, over HTTP.
//!
//! | | | |
//! | --- | --- | --- |
//! | `GET /v1/about` | [`About`] | who serves what |
//! | `PUT /v1/agreements/ID/ciphertexts` | envelope of a list of ciphertexts | accuracy: the customer delivers |
//! | `PUT /v1/agreements/ID/inputs/INDEX` | envelope of an input | serving: the customer sends |
//! | `POST /v1/agreements/ID/predictions/INDEX` | [`Ask`], answered by an envelope of a [`Prediction`] | serving: the customer asks |
//! | `PUT /v1/agreements/ID/model` | envelope of a [`SentModel`] | retrieval: the requester sends |
//! | `POST /v1/agreements/ID/ciphertexts` | [`Ask`], answered by an envelope of a list of ciphertexts | retrieval: the requester fetches |
//!
//! Nobody has to log in. What is sent is taken only if it is what an agreement with this party has committed to, and what is fetched can be opened only by the
//! other party. Everything can be repeated without harm.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::{AccountId, SecretKey, Signature};
use verinfer_protocols::merkle::Root;
use verinfer_protocols::serving::Answer;
use verinfer_protocols::statement::SaltedScores;
use verinfer_sealing::{Context, ReceiverPublic};

const ABOUT: &str = "verinfer parties v1 about";
const ASK: &str = "verinfer parties v1 ask";

/// Who serves what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its account.
    pub account: AccountId,
    /// Public key for envelopes to it.
    pub receiver: [u8; 32],
    /// What it does.
    pub offer: Offer,
    /// Its account's signature of receiver and offer.
    pub signature: Signature,
}

/// What a party does for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// A provider's predictions.
    Predictions {
        /// Digest of the public file of the model's commitment.
        model: Digest,
        /// Its stake for the model, if it has one.
        stake: Option<AgreementId>,
    },
    /// A responder's documents.
    Documents {
        /// Commitment to the corpus.
        corpus: Root,
        /// Who has signed each document, if anybody has.
        source: Option<AccountId>,
    },
}

/// A party to an agreement wants what is for it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Public key for the envelope.
    pub receiver: [u8; 32],
    /// The account's signature of agreement and receiver.
    pub signature: Signature,
}

/// A provider's prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// The quantized scores of all classes, with the salt that hides them in what is signed.
    pub scores: SaltedScores,
    /// The provider's signature of their digest.
    pub answer: Answer,
}

/// A requester's model.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentModel {
    /// The TFLite file.
    pub file: Vec<u8>,
    /// The secret file of its commitment.
    pub secret: Vec<u8>,
}

/// The ciphertexts of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ciphertexts(pub Vec<Vec<u8>>);

/// No ciphertext is shorter. Else many empty ones would take many times the memory of the body that they came in.
const MIN_CIPHERTEXT_BYTES: usize = verinfer_sealing::OVERHEAD;

impl<'de> Deserialize<'de> for Ciphertexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("Ciphertexts", CiphertextsVisitor)
    }
}

struct CiphertextsVisitor;

impl<'de> Visitor<'de> for CiphertextsVisitor {
    type Value = Ciphertexts;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of ciphertexts")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Ciphertexts, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ciphertexts, A::Error> {
        let mut ciphertexts = Vec::new();
        while let Some(ciphertext) = list.next_element::<Vec<u8>>()? {
            if ciphertext.len() < MIN_CIPHERTEXT_BYTES {
                return Err(A::Error::custom("a ciphertext is too short"));
            }
            ciphertexts.push(ciphertext);
        }
        Ok(Ciphertexts(ciphertexts))
    }
}

impl About {
    /// What a party says of itself.
    pub fn sign(receiver: &ReceiverPublic, offer: Offer, key: &SecretKey) -> Self {
        let signature = key.sign(ABOUT, &(receiver.0, &offer));
        Self { account: key.account(), receiver: receiver.0, offer, signature }
    }

    /// Whether its account has said so.
    pub fn is_signed(&self) -> bool {
        self.account.has_signed(ABOUT, &(self.receiver, &self.offer), &self.signature)
    }
}

impl Ask {
    /// For an envelope to `receiver`.
    pub fn sign(agreement: AgreementId, receiver: &ReceiverPublic, key: &SecretKey) -> Self {
        Self { receiver: receiver.0, signature: key.sign(ASK, &(agreement, receiver.0)) }
    }

    /// Whether a party to the agreement asks.
    pub fn is_signed_by(&self, account: &AccountId, agreement: AgreementId) -> bool {
        account.has_signed(ASK, &(agreement, self.receiver), &self.signature)
    }
}

impl std::fmt::Debug for SentModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentModel(..)")
    }
}

/// What an envelope is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Topic {
    /// The ciphertexts of a transfer.
    Ciphertexts,
    /// An input of a round.
    Input(u32),
    /// A prediction of a round.
    Prediction(u32),
    /// A requester's model.
    Model,
}

impl Topic {
    /// Longest envelope about anything, in bytes. Ciphertexts that are longer in all go through the escrow, one by one.
    pub const MAX_BYTES: usize = 1 << 28;

    /// Longest envelope about it, in bytes.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Ciphertexts | Self::Model => Self::MAX_BYTES,
            Self::Input(_) => 1 << 24,
            Self::Prediction(_) => 1 << 20,
        }
    }

    /// The context of envelopes about it.
    pub fn context(self, agreement: AgreementId) -> Context {
        Digest::of("verinfer parties v1 envelope", &(agreement, self)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_party_says_and_asks_is_its_own() {
        let (key, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let receiver = ReceiverPublic([3; 32]);
        let about = About::sign(&receiver, Offer::Predictions { model: Digest([4; 32]), stake: None }, &key);
        assert!(about.is_signed());
        assert!(!About { account: other.account(), ..about.clone() }.is_signed());
        assert!(!About { receiver: [5; 32], ..about.clone() }.is_signed());
        assert!(!About { offer: Offer::Predictions { model: Digest([6; 32]), stake: None }, ..about }.is_signed());

        let ask = Ask::sign(AgreementId([7; 32]), &receiver, &key);
        assert!(ask.is_signed_by(&key.account(), AgreementId([7; 32])));
        assert!(!ask.is_signed_by(&other.account(), AgreementId([7; 32])));
        assert!(!ask.is_signed_by(&key.account(), AgreementId([8; 32])));
        assert!(!Ask { receiver: [9; 32], ..ask }.is_signed_by(&key.account(), AgreementId([7; 32])));
    }

    #[test]
    fn ciphertexts_take_no_more_memory_than_they_should() {
        let encode = |list: &[Vec<u8>]| verinfer_protocols::digest::canonical(list);
        let ciphertexts = vec![vec![1; MIN_CIPHERTEXT_BYTES], vec![2; 100]];
        assert_eq!(postcard::from_bytes(&encode(&ciphertexts)), Ok(Ciphertexts(ciphertexts.clone())));
        assert_eq!(verinfer_protocols::digest::canonical(&Ciphertexts(ciphertexts.clone())), encode(&ciphertexts));
        assert!(postcard::from_bytes::<Ciphertexts>(&encode(&[vec![1; 100], Vec::new()])).is_err());
    }

    #[test]
    fn envelopes_are_about_one_thing() {
        let topics = [Topic::Ciphertexts, Topic::Model, Topic::Input(0), Topic::Input(1), Topic::Prediction(0)];
        let contexts: std::collections::BTreeSet<Context> =
            topics.iter().flat_map(|topic| [1, 2].map(|id| topic.context(AgreementId([id; 32])))).collect();
        assert_eq!(contexts.len(), 2 * topics.len());
    }
}
