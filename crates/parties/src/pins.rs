//! What a party names before it turns to others: whoever answers in their place is refused before anything is signed or paid.

use serde::{Deserialize, Serialize};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::AccountId;

/// The other party, as far as it is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins {
    /// Its account.
    pub account: Option<AccountId>,
    /// Of a provider: digest of the public file of its model's commitment.
    pub model: Option<Digest>,
}

/// Of which corpus a requester wants documents, as far as it is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusPins {
    /// The commitment to it, which binds how many documents it has.
    pub corpus: Option<Digest>,
    /// Who has signed each document.
    pub source: Option<AccountId>,
}

/// Somebody or something else answers than was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Another party.
    #[error("the other party's account is {found}, not {expected}: nothing was proposed or paid")]
    OtherParty {
        /// The account that was named.
        expected: AccountId,
        /// The account of the party that answers.
        found: AccountId,
    },
    /// Another model.
    #[error("the provider offers the model with the commitment {found}, not {expected}: nothing was proposed or paid")]
    OtherModel {
        /// The commitment that was named.
        expected: Digest,
        /// The commitment of the model that the provider offers.
        found: Digest,
    },
    /// Another corpus.
    #[error("the responder offers the corpus {found}, not {expected}: nothing was proposed or paid")]
    OtherCorpus {
        /// The commitment that was named.
        expected: Digest,
        /// The commitment to the corpus that the responder offers.
        found: Digest,
    },
    /// Documents of another source.
    #[error("the responder's documents are signed by {}, not by {expected}: nothing was proposed or paid", named(*found))]
    OtherSource {
        /// The source that was named.
        expected: AccountId,
        /// The source that the responder names.
        found: Option<AccountId>,
    },
}

impl CorpusPins {
    /// Checks which corpus is offered, and whose documents they are.
    ///
    /// # Errors
    ///
    /// It is another than was named.
    pub fn check(&self, corpus: Digest, source: Option<AccountId>) -> Result<(), PinError> {
        match *self {
            Self { corpus: Some(expected), .. } if expected != corpus => Err(PinError::OtherCorpus { expected, found: corpus }),
            Self { source: Some(expected), .. } if source != Some(expected) => Err(PinError::OtherSource { expected, found: source }),
            Self { .. } => Ok(()),
        }
    }
}

impl Pins {
    /// Checks who answers.
    ///
    /// # Errors
    ///
    /// It is another than was named.
    pub fn check_account(&self, found: AccountId) -> Result<(), PinError> {
        match self.account {
            Some(expected) if expected != found => Err(PinError::OtherParty { expected, found }),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks which model is offered.
    ///
    /// # Errors
    ///
    /// It is another than was named.
    pub fn check_model(&self, found: Digest) -> Result<(), PinError> {
        match self.model {
            Some(expected) if expected != found => Err(PinError::OtherModel { expected, found }),
            Some(_) | None => Ok(()),
        }
    }
}

fn named(source: Option<AccountId>) -> String {
    source.map_or_else(|| "nobody".to_owned(), |source| source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_corpus_or_source_than_was_named_is_refused() {
        let (corpus, source) = (Digest([1; 32]), AccountId([2; 32]));
        let pins = CorpusPins { corpus: Some(corpus), source: Some(source) };
        assert_eq!(pins.check(corpus, Some(source)), Ok(()));
        let other = Digest([3; 32]);
        assert_eq!(pins.check(other, Some(source)), Err(PinError::OtherCorpus { expected: corpus, found: other }));
        for found in [None, Some(AccountId([4; 32]))] {
            assert_eq!(pins.check(corpus, found), Err(PinError::OtherSource { expected: source, found }));
        }
        assert_eq!(CorpusPins::default().check(other, None), Ok(()));
        assert_eq!(CorpusPins { corpus: Some(corpus), source: None }.check(corpus, Some(source)), Ok(()));
    }

    #[test]
    fn another_than_was_named_is_refused_and_what_is_not_named_is_not_looked_at() {
        let (account, model) = (AccountId([1; 32]), Digest([2; 32]));
        let pins = Pins { account: Some(account), model: Some(model) };
        let (other, another) = (AccountId([3; 32]), Digest([4; 32]));
        assert_eq!((pins.check_account(account), pins.check_model(model)), (Ok(()), Ok(())));
        assert_eq!(pins.check_account(other), Err(PinError::OtherParty { expected: account, found: other }));
        assert_eq!(pins.check_model(another), Err(PinError::OtherModel { expected: model, found: another }));
        let none = Pins::default();
        assert_eq!((none.check_account(other), none.check_model(another)), (Ok(()), Ok(())));
    }
}
