//! Which models a responder answers. Whatever a model selects is handed over, and each agreement tells one bit about every document that is proved:
//! a model of the requester's choice would be a way to read the corpus. So somebody whom the responder trusts, in the paper a judge, approves models.

use std::collections::BTreeSet;

use verinfer_graph::Graph;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

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
    },
    /// Every one.
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

impl Approved {
    /// Refuses a commitment of which no network can be approved; what [`Approved::check`] says once the network is there counts.
    pub(super) fn check_commitment(&self, model: &Digest) -> Result<(), &'static str> {
        match self {
            Self::Any => Ok(()),
            Self::Models { commitments, networks } if commitments.contains(model) || !networks.is_empty() => Ok(()),
            Self::Models { .. } => Err(REFUSED),
        }
    }

    /// Refuses what is not approved.
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
        let none = Approved::Models { commitments: BTreeSet::new(), networks: BTreeSet::new() };
        assert_eq!((none.check_commitment(&model), none.check(&model, &network)), (Err(REFUSED), Err(REFUSED)));
        let commitment = Approved::Models { commitments: BTreeSet::from([model]), networks: BTreeSet::new() };
        assert_eq!([commitment.check_commitment(&model), commitment.check_commitment(&another)], [Ok(()), Err(REFUSED)]);
        assert_eq!([commitment.check(&model, &other), commitment.check(&another, &network)], [Ok(()), Err(REFUSED)]);
        let named = Approved::Models { commitments: BTreeSet::new(), networks: BTreeSet::from([network.digest()]) };
        assert_eq!(named.check_commitment(&another), Ok(()));
        assert_eq!([named.check(&another, &network), named.check(&another, &other)], [Ok(()), Err(REFUSED)]);
        assert_eq!((Approved::Any.check_commitment(&model), Approved::Any.check(&model, &other)), (Ok(()), Ok(())));
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
