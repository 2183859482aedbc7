//! Why a proof was not accepted, by a name for machines and a message for people.

use serde::Serialize;
use verinfer_verifier::VerifyError;

/// The check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Name of the check; stable.
    pub kind: &'static str,
    /// What was found.
    pub message: String,
}

impl From<&VerifyError> for Rejection {
    fn from(error: &VerifyError) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}

impl From<&verinfer::Error> for Rejection {
    fn from(error: &verinfer::Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}
