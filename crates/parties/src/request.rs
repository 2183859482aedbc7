//! What a party is told to do, to which its state belongs: a state is never continued for something else.

use serde::{Deserialize, Serialize};
use verinfer_protocols::digest::Digest;

use crate::error::PartyError;
use crate::store::Store;

/// What a party is told to do, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    command: String,
    parts: Vec<(String, Digest)>,
}

/// A state belongs to something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Another command began it.
    #[error("the state was begun by `{found}`, not by `{expected}`: give another --state")]
    OtherCommand {
        /// What began it.
        found: String,
        /// What is given now.
        expected: String,
    },
    /// The same command began it, with something else.
    #[error("the state was begun with another {part}: give what it was begun with to go on, or another --state for another request")]
    OtherPart {
        /// What is different.
        part: String,
    },
}

const PLACE: (&str, &str) = ("self", "request");
const PART: &str = "verinfer parties v1 part of a request";

impl Request {
    /// What is told to a command, which is still to be said.
    pub fn new(command: &str) -> Self {
        Self { command: command.to_owned(), parts: Vec::new() }
    }

    /// With one thing more, and what it is called.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, part: &str, value: &T) -> Self {
        self.parts.push((part.to_owned(), Digest::of(PART, value)));
        self
    }

    /// Takes a new state for this request; of an earlier one checks that it belongs to it.
    ///
    /// # Errors
    ///
    /// It belongs to another, or cannot be read or written.
    pub fn claim(&self, store: &Store) -> Result<(), PartyError> {
        let kept: Self = store.once(PLACE.0, PLACE.1, || Ok::<_, PartyError>(self.clone()))?;
        Ok(kept.check(self)?)
    }

    fn check(&self, other: &Self) -> Result<(), RequestError> {
        if self.command != other.command {
            return Err(RequestError::OtherCommand { found: self.command.clone(), expected: other.command.clone() });
        }
        match other.parts.iter().find(|part| !self.parts.contains(part)) {
            Some((part, _)) => Err(RequestError::OtherPart { part: part.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_belongs_to_one_request_and_says_what_is_different() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let request = |target: u32| Request::new("customer accuracy").with("model", &Digest([1; 32])).with("target", &target);
        request(6).claim(&store).unwrap();
        request(6).claim(&store).unwrap();
        let refused = |request: Request| request.claim(&store).unwrap_err().to_string();
        assert!(refused(request(5)).contains("another target"));
        assert!(refused(request(6).with("beta", &2_u32)).contains("another beta"));
        assert!(refused(Request::new("customer serving")).contains("begun by `customer accuracy`, not by `customer serving`"));
    }
}
