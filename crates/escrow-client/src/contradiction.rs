use verinfer_protocols::answer::LogHead;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::time::Timestamp;

/// An escrow has signed two things that cannot both be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Its log has lost entries.
    #[error(
        "the escrow has taken entries back: it has signed a log of {} entries ({}), and now signs one of {} ({})",
        known.position, known.digest, found.position, found.digest
    )]
    Shorter {
        /// What it has signed.
        known: LogHead,
        /// What it signs now.
        found: LogHead,
    },
    /// It has another log.
    #[error(
        "the escrow has changed its log: it has signed that the digest up to entry {} is {}, and now signs that it is {}",
        known.position, known.digest, found.digest
    )]
    OtherLog {
        /// What it has signed.
        known: LogHead,
        /// What it signs now.
        found: LogHead,
    },
    /// A request that it has carried out is gone.
    #[error(
        "the escrow has taken a request back: it has signed that request {request}, number {sequence} about agreement {agreement}, is entry {position} of its \
         log, and now signs that the next number is {next}"
    )]
    MoveGone {
        /// The request's digest.
        request: Digest,
        /// What it was about; nothing but zeros if it was about the account itself.
        agreement: AgreementId,
        /// Its number.
        sequence: u64,
        /// Where it was.
        position: u64,
        /// The number that the escrow says is next.
        next: u64,
    },
    /// Its time has run backwards.
    #[error("the escrow's time has run backwards: it has signed {known}, and now signs {found}")]
    Time {
        /// What it has signed.
        known: Timestamp,
        /// What it signs now.
        found: Timestamp,
    },
}
