//! Why a request is not carried out.

use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::signed::RequestFault;

use crate::books::EntryFault;
use crate::proofs::ProofRejection;
use crate::store::StoreError;

/// Why a request is not carried out. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not one that can be.
    #[error(transparent)]
    Entry(#[from] EntryFault),
    /// There is no such file with the agreement.
    #[error("file {file} was not left with agreement {agreement}")]
    NoFile {
        /// The agreement.
        agreement: AgreementId,
        /// Digest of the file.
        file: Digest,
    },
    /// The proof does not hold.
    #[error("the proof is rejected: {0}")]
    Proof(#[from] ProofRejection),
    /// The account has as many open agreements as it may.
    #[error("the account has proposed {open} agreements that have not ended, no more are possible")]
    TooManyAgreements {
        /// How many.
        open: u64,
    },
    /// The files of the account with this agreement are too many.
    #[error("the files left with the agreement have more than {most} bytes")]
    TooManyFiles {
        /// How many bytes they may have.
        most: u64,
    },
    /// Only parties may leave and read files, and may leave them only until the agreement has ended.
    #[error("the account may not do this with files of agreement {agreement}")]
    NoAccess {
        /// The agreement.
        agreement: AgreementId,
    },
    /// Too many proofs are waiting.
    #[error("too many proofs wait to be verified; try again later")]
    Busy,
    /// A task of the escrow was lost.
    #[error("the escrow is shutting down")]
    Stopping,
    /// The database fails, or an account has too little.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RequestFault> for ServiceError {
    fn from(fault: RequestFault) -> Self {
        Self::Entry(fault.into())
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        Self::Entry(refusal.into())
    }
}
