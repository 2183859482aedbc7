//! Why a request is not carried out.

use verinfer_escrow_client::FILE_OVERHEAD;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::signed::RequestFault;

use crate::books::EntryFault;
use crate::mark::MarkError;
use crate::proofs::ProofRejection;
use crate::signer::SignerError;
use crate::store::StoreError;
use crate::turns::Busy;

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
    Proof(ProofRejection),
    /// The account has as many open agreements as it may.
    #[error("the account has proposed {open} agreements that have not ended, no more are possible")]
    TooManyAgreements {
        /// How many.
        open: u64,
    },
    /// Nothing was ever recorded for the account.
    #[error("account {account} is unknown here: ask the escrow's operator to record a deposit for it")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// The files of the account are too many.
    #[error("the account's files with {limit} would take more than {most} bytes")]
    TooManyFiles {
        /// Which of them.
        limit: FileLimit,
        /// How many bytes they may take.
        most: u64,
    },
    /// The disk is nearly full.
    #[error(
        "the escrow has no room for files now, and time stands still until it has: {free} bytes are free, {reserve} are kept for its log"
    )]
    NoSpace {
        /// Bytes that are free.
        free: u64,
        /// Bytes that must be.
        reserve: u64,
    },
    /// Only parties may leave and read files, and may leave them only until the agreement has ended.
    #[error("the account may not do this with files of agreement {agreement}")]
    NoAccess {
        /// The agreement.
        agreement: AgreementId,
    },
    /// Another request of the party about the agreement is being verified or waits to be, or too many do that go first.
    #[error("a proof or contest of this party is being verified, or too many wait in agreements that hold as much; try again")]
    Busy,
    /// Nobody takes what this process signs.
    #[error(transparent)]
    Certificate(#[from] SignerError),
    /// The log is not the one that was written down.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// A task of the escrow was lost.
    #[error("the escrow is shutting down")]
    Stopping,
    /// The database fails, or an account has too little.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ProofRejection> for ServiceError {
    fn from(cause: ProofRejection) -> Self {
        Self::Proof(cause)
    }
}

/// Which of an account's files are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileLimit {
    /// Those with an agreement that nobody has accepted yet.
    #[error("this agreement, which is not accepted yet,")]
    Proposal,
    /// Those with one that was accepted.
    #[error("this agreement")]
    Agreement,
    /// All, where agreements have not ended.
    #[error("all agreements that have not ended, each with {FILE_OVERHEAD} bytes more than its content,")]
    Account,
}

impl From<Busy> for ServiceError {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
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
