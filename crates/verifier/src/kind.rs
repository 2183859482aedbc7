//! Why a proof was not accepted, by names for machines.

use verinfer_relation::RelationError;
use verinfer_relation::statement::FormatError;
use verinfer_relation::transcript::DecodeError;

use crate::error::VerifyError;
use crate::expectations::OutputKind;

impl VerifyError {
    /// The name of the check that failed. It is stable: programs may compare it, and what is printed as JSON has it.
    pub const fn kind(&self) -> &'static str {
        match self {
            VerifyError::Format(error) => format_kind(error),
            VerifyError::Message(error) => message_kind(error),
            VerifyError::Relation(RelationError::TooLarge { .. } | RelationError::TooManyConnections { .. }) => "too_large",
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
            VerifyError::WrongOutputForm { expected, .. } => output_form_kind(*expected),
            VerifyError::OutputCount { .. } => "output_count",
            VerifyError::WrongOutputCommitment { .. } => "wrong_output_commitment",
            VerifyError::LabelCount { .. } => "label_count",
            VerifyError::WrongLabel { .. } => "wrong_label",
            VerifyError::WrongLabelCommitment { .. } => "wrong_label_commitment",
            VerifyError::LowerRank { .. } => "lower_rank",
            VerifyError::WrongPredicate { .. } => "wrong_predicate",
            VerifyError::WrongClass { .. } => "wrong_class",
            VerifyError::LowerScore { .. } => "lower_score",
            VerifyError::FewerCorrect { .. } => "fewer_correct",
            VerifyError::ShownBehind { .. } => "shown_behind",
            VerifyError::NoSuchClass { .. } => "no_such_class",
            VerifyError::NoClasses { .. } => "no_classes",
            VerifyError::EqualInputs { .. } => "equal_inputs",
            VerifyError::MaybeEqualInputs => "maybe_equal_inputs",
            VerifyError::ConstantOutput => "constant_output",
            VerifyError::OutputIgnoresInput => "output_ignores_input",
            VerifyError::OutputIgnoresWeights => "output_ignores_weights",
            VerifyError::PredicateAlwaysHolds => "predicate_always_holds",
            VerifyError::TooManyImages { .. } => "too_many_images",
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
}

/// By what was demanded instead.
const fn output_form_kind(expected: OutputKind) -> &'static str {
    match expected {
        OutputKind::Shown => "output_not_shown",
        OutputKind::Committed => "output_not_committed",
        OutputKind::Rank => "no_rank",
        OutputKind::AtLeast => "no_score",
        OutputKind::Correct => "labels_not_committed",
        OutputKind::Decided => "not_decided",
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
        FormatError::TooLong { .. } => "too_long",
    }
}

const fn message_kind(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::Truncated { .. } => "truncated_message",
        DecodeError::NotCanonical { .. } => "not_canonical",
        DecodeError::TrailingBytes { .. } => "trailing_message_bytes",
    }
}
