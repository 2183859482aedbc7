use serde::{Deserialize, Serialize};
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_protocols::keys::{AccountId, Signature};
use verinfer_protocols::member::document_entry;
use verinfer_protocols::merkle::{Path, Root};
use verinfer_protocols::retrieval::is_signed_document;

use crate::error::ItemError;
use crate::input::{OpenedInput, decode};

/// A document of a corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its content, as an input of the model.
    pub content: OpenedInput,
    /// The signature of its source, if it has one.
    pub signature: Option<Signature>,
    /// From the entry to the root.
    pub path: Path,
}

impl Document {
    /// The entry of the corpus that it is.
    ///
    /// # Errors
    ///
    /// It cannot be committed to.
    pub fn entry(&self) -> Result<Digest, ItemError> {
        Ok(document_entry(&self.content.digest()?))
    }

    /// Checks that it is the entry of a corpus at a place, and signed by its source, if there must be one.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn is_entry(&self, corpus: &Root, index: u32, source: Option<&AccountId>) -> Result<(), ItemError> {
        let digest = self.content.digest()?;
        if !corpus.holds(index, &document_entry(&digest), &self.path) {
            return Err(ItemError::NotInList { index });
        }
        match (source, &self.signature) {
            (None, _) => Ok(()),
            (Some(source), Some(signature)) if is_signed_document(source, &digest, signature) => Ok(()),
            (Some(_), _) => Err(ItemError::Signature),
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }

    /// The document of these bytes.
    ///
    /// # Errors
    ///
    /// They are not its one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, ItemError> {
        decode(bytes)
    }
}
