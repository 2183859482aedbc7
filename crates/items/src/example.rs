use serde::{Deserialize, Serialize};
use verinfer_commitments::{Salt, commit_label};
use verinfer_protocols::digest::{Digest, canonical};
use verinfer_protocols::member::{OpenedLabel, example_entry};
use verinfer_protocols::merkle::{Path, Root};

use crate::error::ItemError;
use crate::input::{OpenedInput, decode, salt};

/// An example of a test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The input.
    pub input: OpenedInput,
    /// Its true class.
    pub label: Label,
    /// From the entry to the root.
    pub path: Path,
}

/// The true class of an example, with what opens the digest that stands for it in the test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    /// Where the evidence is outputs: the label is opened beside the proof.
    Opened(OpenedLabel),
    /// Where it is a count: the label stays behind a commitment that proofs are about.
    Committed {
        /// The true class.
        class: u32,
        /// The salt of the commitment.
        salt: Vec<u8>,
    },
}

impl Label {
    /// The class.
    pub const fn class(&self) -> u32 {
        match self {
            Self::Opened(label) => label.class,
            Self::Committed { class, .. } => *class,
        }
    }

    /// The salt of the commitment; nothing if there is none.
    ///
    /// # Errors
    ///
    /// It has another length than salts have.
    pub fn salt(&self) -> Result<Option<Salt>, ItemError> {
        match self {
            Self::Opened(_) => Ok(None),
            Self::Committed { salt: bytes, .. } => salt(bytes).map(Some),
        }
    }

    /// The digest that stands for it.
    ///
    /// # Errors
    ///
    /// There is no commitment to such a class, or the salt is none.
    pub fn digest(&self) -> Result<Digest, ItemError> {
        match self {
            Self::Opened(label) => Ok(label.digest()),
            Self::Committed { class, salt: bytes } => Ok(Digest::of_bytes(&commit_label(*class, &salt(bytes)?)?.commitment.to_bytes())),
        }
    }
}

impl Example {
    /// The entry of the test set that it is.
    ///
    /// # Errors
    ///
    /// It cannot be committed to.
    pub fn entry(&self) -> Result<Digest, ItemError> {
        Ok(example_entry(&self.input.digest()?, &self.label.digest()?))
    }

    /// Checks that it is the entry of a test set at a place.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn is_entry(&self, test_set: &Root, index: u32) -> Result<(), ItemError> {
        if test_set.holds(index, &self.entry()?, &self.path) { Ok(()) } else { Err(ItemError::NotInList { index }) }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }

    /// The example of these bytes.
    ///
    /// # Errors
    ///
    /// They are not its one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, ItemError> {
        decode(bytes)
    }
}
