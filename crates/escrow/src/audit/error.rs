//! What an audit can find.

use verinfer_escrow_client::ClientError;
use verinfer_escrow_client::memory::KeptFault;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::{Account, LedgerError};
use verinfer_protocols::time::Timestamp;

use crate::books::EntryFault;
use crate::proofs::ProofRejection;
use crate::store::StoreError;

/// What does not follow from the log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry is not the next one.
    #[error("entry {expected} of the log is missing, found {found}")]
    Gap {
        /// The entry that should come.
        expected: u64,
        /// The one that comes.
        found: u64,
    },
    /// An entry was changed after it was written.
    #[error("entry {position}: the digest of the log is another one")]
    Digest {
        /// Its place.
        position: u64,
    },
    /// An entry could not be written then.
    #[error("entry {position}: {fault}")]
    Entry {
        /// Its place.
        position: u64,
        /// Why not.
        fault: EntryFault,
    },
    /// The payments of an entry cannot be made.
    #[error("entry {position}: {fault}")]
    Ledger {
        /// Its place.
        position: u64,
        /// Why not.
        fault: LedgerError,
    },
    /// The database has another end of the log.
    #[error("the log ends with entry {found}, the database says {expected}")]
    End {
        /// Last entry.
        found: u64,
        /// What the database says.
        expected: u64,
    },
    /// The database has another balance.
    #[error("account {account} has {expected} units by the log, {found} in the database")]
    Balance {
        /// Its name.
        account: String,
        /// In the database.
        found: i64,
        /// By the log.
        expected: i64,
    },
    /// The database has another payment from or to outside.
    #[error("the payment of {account} with the reference {reference:?} stands otherwise in the database than by the log")]
    Payment {
        /// Whose it is.
        account: Account,
        /// Its reference.
        reference: String,
    },
    /// The database has fewer payments.
    #[error("{expected} payments from and to outside follow from the log, {found} are in the database")]
    PaymentsMissing {
        /// By the log.
        expected: usize,
        /// In the database.
        found: usize,
    },
    /// The database says otherwise what an entry did to an account.
    #[error("entry {position}: what it did to accounts is another thing in the database")]
    Movement {
        /// Its place.
        position: u64,
    },
    /// The database has another state of an agreement.
    #[error("agreement {id} stands otherwise in the database than by the log")]
    Agreement {
        /// Its name.
        id: AgreementId,
    },
    /// A file is gone that the log names.
    #[error("entry {position}: file {file} of agreement {agreement} is missing")]
    FileMissing {
        /// Place of the entry.
        position: u64,
        /// With which agreement it was left.
        agreement: AgreementId,
        /// Its digest.
        file: Digest,
    },
    /// A file was changed after it was left.
    #[error("entry {position}: file {file} of agreement {agreement} has another digest")]
    FileChanged {
        /// Place of the entry.
        position: u64,
        /// With which agreement it was left.
        agreement: AgreementId,
        /// The digest under which it is kept.
        file: Digest,
    },
    /// The log says that a proof holds that does not.
    #[error("entry {position}: the log says that the proof holds, it is rejected: {rejection}")]
    Proof {
        /// Place of the entry.
        position: u64,
        /// Why it is rejected.
        rejection: ProofRejection,
    },
    /// The log says of a proof that holds that it says something else than it does.
    #[error("entry {position}: the proof holds, but does not say what the log says that it says")]
    Statement {
        /// Place of the entry.
        position: u64,
    },
    /// The log says of a contested ciphertext that it opens to what was promised, or that it does not, and that is not so.
    #[error("entry {position}: whether the contested ciphertext opens to what was promised is {logged} by the log, and is not so")]
    Opens {
        /// Place of the entry.
        position: u64,
        /// Whether it does, by the log.
        logged: bool,
    },
    /// The log does not say what the move depends on.
    #[error("entry {position}: the log says nothing about the file that the move names")]
    Unsaid {
        /// Place of the entry.
        position: u64,
    },
    /// A proof or ciphertext could not be looked at: a thread was lost.
    #[error("entry {position}: its files could not be looked at")]
    Interrupted {
        /// Place of the entry.
        position: u64,
    },
    /// Lines of the log could not be checked: a thread was lost.
    #[error("lines of the log could not be checked: a thread was lost")]
    Unchecked,
    /// The rules are not those of the log.
    #[error("the marketplace's rules in the database are not those that the log sets")]
    Rules,
    /// A stake has covered another number of agreements.
    #[error("the database says that stake {stake} has covered another number of agreements than the log")]
    Covered {
        /// The stake.
        stake: AgreementId,
    },
    /// Agreements of an account have ended otherwise.
    #[error("the database counts other outcomes of account {account} than the log")]
    Outcomes {
        /// The account.
        account: AccountId,
    },
    /// An entry is earlier than it can be.
    #[error("entry {position}: it was written at {found}, long before an entry that comes before it ({before}): time has run backwards")]
    Backwards {
        /// Its place.
        position: u64,
        /// When it was written.
        found: Timestamp,
        /// When an earlier entry was.
        before: Timestamp,
    },
    /// An entry is of the future.
    #[error("entry {position}: it was written at {found}, and it is not later than {latest} yet")]
    Ahead {
        /// Its place.
        position: u64,
        /// When it was written.
        found: Timestamp,
        /// The latest time at which it can have been.
        latest: Timestamp,
    },
    /// The log is another one than is known.
    #[error("entry {position}: the digest of the log up to it is {found}, and is known to be {known}")]
    OtherLog {
        /// Up to which entry.
        position: u64,
        /// What is known, or was signed by the escrow.
        known: Digest,
        /// What it is.
        found: Digest,
    },
    /// A request for which there is a receipt is gone.
    #[error("entry {position}: it does not carry out request {request}, and there is a receipt which says that it does")]
    NotCarriedOut {
        /// Its place.
        position: u64,
        /// The request.
        request: Digest,
    },
    /// Entries that are known are gone.
    #[error("the log ends with entry {end}, and is known to have entry {position}")]
    Gone {
        /// The last that is known.
        position: u64,
        /// The last that is there.
        end: u64,
    },
    /// What a party has kept does not show what it is kept for.
    #[error(transparent)]
    Kept(#[from] KeptFault),
    /// The escrow cannot be reached, or contradicts itself.
    #[error(transparent)]
    Client(#[from] ClientError),
}
