use verinfer_protocols::answer::LogHead;
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
    /// Its time has run backwards.
    #[error("the escrow's time has run backwards: it has signed {known}, and now signs {found}")]
    Time {
        /// What it has signed.
        known: Timestamp,
        /// What it signs now.
        found: Timestamp,
    },
}
