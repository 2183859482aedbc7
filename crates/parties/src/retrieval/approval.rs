//! Which questions a responder answers about which models. Whatever a model selects is handed over, and each agreement tells one bit about every document
//! that is proved: a model or a threshold of the requester's choice would be a way to read the corpus. So somebody whom the responder trusts, in the paper
//! a judge, approves models and questions.

use std::collections::BTreeSet;

use verinfer_graph::Graph;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::statement::Predicate;

use crate::store::{Store, StoreError};

/// Which models a responder answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// These, and no others.
    Models {
        /// Digests of the public files of their commitments.
        commitments: BTreeSet<Digest>,
        /// Digests of networks, whatever commitment a requester has made to them.
        networks: BTreeSet<[u8; 32]>,
        /// What may be asked of each document.
        questions: Vec<Predicate>,
    },
    /// Every one, and every question.
    Any,
}

/// What an account has asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// In so many agreements.
    pub agreements: u64,
    /// How many bits that has told, one about each document of the corpus in each.
    pub bits: u64,
}

const REFUSED: &str = "the model is none that this responder was told to answer";
const NOT_ASKED: &str = "the predicate is none that this responder was told to answer";

impl Approved {
    /// Refuses a question that is not approved, and a commitment of which no network can be; what [`Approved::check`] says once the network is there counts.
    pub(super) fn check_terms(&self, model: &Digest, question: Predicate) -> Result<(), &'static str> {
        match self {
            Self::Any => Ok(()),
            Self::Models { questions, .. } if !questions.contains(&question) => Err(NOT_ASKED),
            Self::Models { commitments, networks, .. } if commitments.contains(model) || !networks.is_empty() => Ok(()),
            Self::Models { .. } => Err(REFUSED),
        }
    }

    /// Refuses a model that is not approved.
    pub(super) fn check(&self, model: &Digest, network: &Graph) -> Result<(), &'static str> {
        match self {
            Self::Any => Ok(()),
            Self::Models { commitments, .. } if commitments.contains(model) => Ok(()),
            Self::Models { networks, .. } if networks.contains(&network.digest()) => Ok(()),
            Self::Models { .. } => Err(REFUSED),
        }
    }
}

/// Counts an agreement for the account that has asked, once, before it learns anything; gives what it has asked altogether.
pub(super) fn count(store: &Store, account: &AccountId, id: AgreementId, documents: u32) -> Result<Asked, StoreError> {
    store.once(&scope(account), &id.to_string(), || Ok::<_, StoreError>(documents))?;
    asked(store, account)
}

/// What an account has asked.
///
/// # Errors
///
/// It cannot be read.
pub fn asked(store: &Store, account: &AccountId) -> Result<Asked, StoreError> {
    store.list::<u32>(&scope(account)).try_fold(Asked::default(), |asked, entry| {
        let (_, documents) = entry?;
        Ok(Asked { agreements: asked.agreements.saturating_add(1), bits: asked.bits.saturating_add(documents.into()) })
    })
}

fn scope(account: &AccountId) -> String {
    format!("asked {account}")
}

#[cfg(test)]
mod tests {
    use verinfer_import::{Architecture, synthetic};

    use super::*;

    #[test]
    fn only_what_was_approved_is_answered() {
        let [network, other] = [0, 1].map(|seed| synthetic(Architecture::LeNet, seed).graph);
        let [model, another] = [Digest([1; 32]), Digest([2; 32])];
        let question = Predicate::Top { class: 3, k: 1 };
        let models = |commitments: &[Digest], networks: &[[u8; 32]]| Approved::Models {
            commitments: commitments.iter().copied().collect(),
            networks: networks.iter().copied().collect(),
            questions: vec![question],
        };
        let none = models(&[], &[]);
        assert_eq!((none.check_terms(&model, question), none.check(&model, &network)), (Err(REFUSED), Err(REFUSED)));
        let commitment = models(&[model], &[]);
        assert_eq!([commitment.check_terms(&model, question), commitment.check_terms(&another, question)], [Ok(()), Err(REFUSED)]);
        assert_eq!([commitment.check(&model, &other), commitment.check(&another, &network)], [Ok(()), Err(REFUSED)]);
        let named = models(&[], &[network.digest()]);
        assert_eq!(named.check_terms(&another, question), Ok(()));
        assert_eq!([named.check(&another, &network), named.check(&another, &other)], [Ok(()), Err(REFUSED)]);
        assert_eq!((Approved::Any.check_terms(&model, question), Approved::Any.check(&model, &other)), (Ok(()), Ok(())));
    }

    #[test]
    fn an_approved_model_answers_only_what_may_be_asked_of_it() {
        let model = Digest([1; 32]);
        let questions = vec![Predicate::Top { class: 3, k: 1 }, Predicate::AtLeast { class: 3, score: 20 }];
        let approved = Approved::Models { commitments: BTreeSet::from([model]), networks: BTreeSet::new(), questions: questions.clone() };
        for question in questions {
            assert_eq!(approved.check_terms(&model, question), Ok(()));
        }
        for other in [
            Predicate::Top { class: 3, k: 2 },
            Predicate::Top { class: 4, k: 1 },
            Predicate::AtLeast { class: 3, score: 19 },
            Predicate::AtLeast { class: 2, score: 20 },
        ] {
            assert_eq!(approved.check_terms(&model, other), Err(NOT_ASKED));
            assert_eq!(Approved::Any.check_terms(&model, other), Ok(()));
        }
    }

    #[test]
    fn each_agreement_counts_once_for_the_account_that_has_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let [first, second] = [AccountId([1; 32]), AccountId([2; 32])];
        for id in [1, 1, 2] {
            count(&store, &first, AgreementId([id; 32]), 10).unwrap();
        }
        assert_eq!(asked(&store, &first).unwrap(), Asked { agreements: 2, bits: 20 });
        assert_eq!(count(&store, &second, AgreementId([3; 32]), 7).unwrap(), Asked { agreements: 1, bits: 7 });
    }
}
