//! Why a proof was not accepted, by a name for machines and a message for people.

use serde::Serialize;
use verinfer_relation::statement::FormatError;
use verinfer_relation::transcript::DecodeError;
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
        Self { kind: kind(error), message: error.to_string() }
    }
}

const fn kind(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Format(error) => format_kind(error),
        VerifyError::Message(error) => message_kind(error),
        VerifyError::Relation(_) => "unprovable_network",
        VerifyError::WrongNetwork { .. } => "wrong_network",
        VerifyError::WrongArchitecture { .. } => "wrong_architecture",
        VerifyError::WrongModelCommitment => "wrong_model_commitment",
        VerifyError::ModelHidden => "model_hidden",
        VerifyError::ModelNotHidden => "model_not_hidden",
        VerifyError::InputHidden => "input_hidden",
        VerifyError::InputNotHidden => "input_not_hidden",
        VerifyError::WrongInputCommitment { .. } => "wrong_input_commitment",
        VerifyError::InputCount { .. } => "input_count",
        VerifyError::InputShape { .. } => "input_shape",
        VerifyError::OutputShape { .. } => "output_shape",
        VerifyError::WrongInput { .. } => "wrong_input",
        VerifyError::InputLength { .. } => "input_length",
        VerifyError::WrongContext => "wrong_context",
        VerifyError::InsecureParameters { .. } => "insecure_parameters",
        VerifyError::ZeroDenominator => "zero_denominator",
        VerifyError::DegenerateChallenge { .. } => "degenerate_challenge",
        VerifyError::Grinding { .. } => "grinding",
        VerifyError::MerkleRoot { .. } => "merkle_root",
        VerifyError::FinalPolynomial { .. } => "final_polynomial",
        VerifyError::CombinedClaim => "combined_claim",
        VerifyError::Parameters => "parameters",
    }
}

const fn format_kind(error: &FormatError) -> &'static str {
    match error {
        FormatError::Truncated { .. } => "truncated_file",
        FormatError::NotAProof => "not_a_proof",
        FormatError::UnsupportedVersion { .. } => "unsupported_version",
        FormatError::UnknownType { .. } => "unknown_type",
        FormatError::UnknownForm { .. } => "unknown_form",
        FormatError::Commitment { .. } => "malformed_commitment",
        FormatError::NoImages => "no_images",
        FormatError::ImpossibleShape { .. } => "impossible_shape",
        FormatError::ContextTooLong { .. } => "context_too_long",
        FormatError::TrailingBytes { .. } => "trailing_bytes",
    }
}

const fn message_kind(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::Truncated { .. } => "truncated_message",
        DecodeError::NotCanonical { .. } => "not_canonical",
        DecodeError::TrailingBytes { .. } => "trailing_message_bytes",
    }
}
