//! Why something cannot be opened or sealed.

use thiserror::Error;

/// Why a sealed item does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Too few bytes to be a sealed item.
    #[error("{len} bytes are no sealed item: it has at least {least}")]
    Truncated {
        /// Bytes found.
        len: usize,
        /// Bytes of the shortest.
        least: usize,
    },
    /// More bytes than any sealed item has.
    #[error("{len} bytes are no sealed item: it has at most {most}")]
    TooLong {
        /// Bytes found.
        len: usize,
        /// Bytes of the longest.
        most: usize,
    },
    /// It was sealed with another key, for another place or in another context.
    #[error("the item was sealed with another key, for another place or in another context")]
    WrongKey,
    /// Its content was not made by sealing with this key.
    #[error("the item's content was altered")]
    Altered,
}

/// Why an envelope cannot be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Bytes are no public key.
    #[error("this is no public key of a receiver")]
    NotAKey,
    /// Too few bytes to be an envelope.
    #[error("{len} bytes are no envelope")]
    Truncated {
        /// Bytes found.
        len: usize,
    },
    /// It is for another receiver or context, or was altered.
    #[error("the envelope is for another receiver or context, or was altered")]
    NotForMe,
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}

/// The operating system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gives no randomness")]
pub struct RandomnessError;
