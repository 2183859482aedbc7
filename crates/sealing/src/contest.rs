//! Contests of what was handed over, which anybody can decide.

use crate::error::OpenError;
use crate::{Context, Key, open};

/// Who is right about a contested item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It opens to what was promised: the receiver contested without reason.
    Kept,
    /// It does not: the sender is at fault.
    Broken(Fault),
}

/// How a sender broke its promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What was published has not the length of a key.
    #[error("{len} bytes were published, which are no key")]
    NotAKey {
        /// Bytes published.
        len: usize,
    },
    /// The item does not open with the published key.
    #[error("the item does not open: {0}")]
    Closed(OpenError),
    /// The item opens to something else.
    #[error("the item is not what was promised")]
    OtherContent,
}

impl From<OpenError> for Fault {
    fn from(cause: OpenError) -> Self {
        Self::Closed(cause)
    }
}

/// Decides whether the item `sealed`, which the sender has committed to for `position`, opens under the published key to what was promised.
///
/// `is_promised` compares an item with the promise: with the digests of input and label in the committed test set, say. That `sealed` are the bytes
/// committed to is the caller's to check: the receiver brings them, and others say nothing about the sender.
pub fn adjudicate(
    published_key: &[u8],
    context: &Context,
    position: u32,
    sealed: &[u8],
    is_promised: impl FnOnce(&[u8]) -> bool,
) -> Verdict {
    let Some(key) = Key::from_bytes(published_key) else { return Verdict::Broken(Fault::NotAKey { len: published_key.len() }) };
    match open(&key, context, position, sealed) {
        Ok(item) if is_promised(&item) => Verdict::Kept,
        Ok(_) => Verdict::Broken(Fault::OtherContent),
        Err(error) => Verdict::Broken(Fault::Closed(error)),
    }
}
