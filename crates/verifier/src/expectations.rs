//! What a caller demands of a proof besides being valid.

use std::fmt;

use verinfer_relation::commitment::Commitment;
use verinfer_relation::statement::{InputClaim, OutputClaim, Statement};

use crate::error::VerifyError;

/// What the caller demands of a proof besides being valid and about the verifier's network.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// Least security level in bits.
    pub security_level: u16,
    /// Context the proof must be bound to.
    pub context: &'a [u8],
    /// Most images that the proof may be about.
    pub max_images: u32,
    /// What the inputs must be.
    pub input: ExpectedInput<'a>,
    /// What must be said about the outputs.
    pub output: ExpectedOutput<'a>,
}

/// What is demanded of the inputs of a proof.
#[derive(Clone, Copy, Debug, Default)]
pub enum ExpectedInput<'a> {
    /// Nothing: they are what the statement says.
    #[default]
    Any,
    /// They are shown, and are these (NHWC order, image after image).
    Shown(&'a [i16]),
    /// They are hidden behind these commitments, one for each image.
    Hidden(&'a [Commitment]),
}

/// What must be said about the outputs of a proof. A statement of the same form that says more is accepted: a smaller rank, a higher score, more correct
/// labels.
#[derive(Clone, Copy, Debug, Default)]
pub enum ExpectedOutput<'a> {
    /// Anything: it is what the statement says.
    #[default]
    Any,
    /// Their values, whatever they are.
    Shown,
    /// They are hidden behind these commitments, one for each image.
    Committed(&'a [Commitment]),
    /// In each image, fewer than `k` classes are ahead of its label.
    Rank {
        /// By image.
        labels: &'a [u32],
        /// One for the top class.
        k: u32,
    },
    /// In each image, the class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        value: i16,
    },
    /// In at least `count` images, fewer than `k` classes are ahead of the label behind the image's commitment.
    Correct {
        /// One for each image.
        labels: &'a [Commitment],
        /// One for the top class; `u32::MAX` for any rank.
        k: u32,
        /// How many images.
        count: u32,
    },
}

/// In which form a statement speaks of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Values.
    Shown,
    /// Commitments to them.
    Committed,
    /// Ranks of public labels.
    Rank,
    /// The least score of a class.
    AtLeast,
    /// The number of hidden labels that are correct.
    Correct,
}

impl Expectations<'_> {
    /// 128 bits, an empty context, and nothing else.
    pub const DEFAULT: Self =
        Self { security_level: 128, context: b"", max_images: u32::MAX, input: ExpectedInput::Any, output: ExpectedOutput::Any };

    /// Refuses a statement that says something else; level and parameters are checked with the argument.
    pub(crate) fn check(&self, statement: &Statement) -> Result<(), VerifyError> {
        if statement.images > self.max_images {
            return Err(VerifyError::TooManyImages { found: statement.images, limit: self.max_images });
        }
        check_input(&statement.input, self.input)?;
        check_output(&statement.output, self.output)
    }
}

impl Default for Expectations<'_> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl OutputKind {
    /// Of what a statement says.
    fn of(claim: &OutputClaim) -> Self {
        match claim {
            OutputClaim::Shown(_) => Self::Shown,
            OutputClaim::Hidden(_) => Self::Committed,
            OutputClaim::Rank { .. } => Self::Rank,
            OutputClaim::AtLeast { .. } => Self::AtLeast,
            OutputClaim::Correct { .. } => Self::Correct,
        }
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shown => "their values",
            Self::Committed => "commitments to them",
            Self::Rank => "ranks of public labels",
            Self::AtLeast => "the least score of a class",
            Self::Correct => "how many hidden labels are correct",
        })
    }
}

fn check_input(found: &InputClaim, expected: ExpectedInput<'_>) -> Result<(), VerifyError> {
    match (found, expected) {
        (_, ExpectedInput::Any) => Ok(()),
        (InputClaim::Shown(found), ExpectedInput::Shown(expected)) => {
            if expected.len() != found.values.len() {
                return Err(VerifyError::InputLength { found: found.values.len(), expected: expected.len() });
            }
            let differs = found.values.iter().zip(expected).enumerate().find(|(_, (found, expected))| found != expected);
            differs.map_or(Ok(()), |(index, (&found, &expected))| Err(VerifyError::WrongInput { index, found, expected }))
        }
        (InputClaim::Hidden(found), ExpectedInput::Hidden(expected)) => {
            if expected.len() != found.len() {
                return Err(VerifyError::InputCount { found: found.len(), expected: expected.len() });
            }
            first_difference(found, expected).map_or(Ok(()), |image| Err(VerifyError::WrongInputCommitment { image }))
        }
        (InputClaim::Hidden(_), ExpectedInput::Shown(_)) => Err(VerifyError::InputHidden),
        (InputClaim::Shown(_), ExpectedInput::Hidden(_)) => Err(VerifyError::InputNotHidden),
    }
}

fn check_output(found: &OutputClaim, expected: ExpectedOutput<'_>) -> Result<(), VerifyError> {
    let other_form = |expected| Err(VerifyError::WrongOutputForm { found: OutputKind::of(found), expected });
    match (found, expected) {
        (_, ExpectedOutput::Any) | (OutputClaim::Shown(_), ExpectedOutput::Shown) => Ok(()),
        (OutputClaim::Hidden(found), ExpectedOutput::Committed(expected)) => {
            if expected.len() != found.len() {
                return Err(VerifyError::OutputCount { found: found.len(), expected: expected.len() });
            }
            first_difference(found, expected).map_or(Ok(()), |image| Err(VerifyError::WrongOutputCommitment { image }))
        }
        (OutputClaim::Rank { labels, k }, ExpectedOutput::Rank { labels: expected, k: largest }) => {
            if expected.len() != labels.len() {
                return Err(VerifyError::LabelCount { found: labels.len(), expected: expected.len() });
            }
            let differs = labels.iter().zip(expected).enumerate().find(|(_, (found, expected))| found != expected);
            if let Some((image, (&found, &expected))) = differs {
                return Err(VerifyError::WrongLabel { image, found, expected });
            }
            check_rank(*k, largest)
        }
        (OutputClaim::AtLeast { class, value }, ExpectedOutput::AtLeast { class: expected, value: least }) => {
            if *class != expected {
                return Err(VerifyError::WrongClass { found: *class, expected });
            }
            if *value < least { Err(VerifyError::LowerScore { found: *value, expected: least }) } else { Ok(()) }
        }
        (OutputClaim::Correct { labels, k, count }, ExpectedOutput::Correct { labels: expected, k: largest, count: least }) => {
            if expected.len() != labels.len() {
                return Err(VerifyError::LabelCount { found: labels.len(), expected: expected.len() });
            }
            if let Some(image) = first_difference(labels, expected) {
                return Err(VerifyError::WrongLabelCommitment { image });
            }
            check_rank(*k, largest)?;
            if *count < least { Err(VerifyError::FewerCorrect { found: *count, expected: least }) } else { Ok(()) }
        }
        (_, ExpectedOutput::Shown) => other_form(OutputKind::Shown),
        (_, ExpectedOutput::Committed(_)) => other_form(OutputKind::Committed),
        (_, ExpectedOutput::Rank { .. }) => other_form(OutputKind::Rank),
        (_, ExpectedOutput::AtLeast { .. }) => other_form(OutputKind::AtLeast),
        (_, ExpectedOutput::Correct { .. }) => other_form(OutputKind::Correct),
    }
}

fn check_rank(found: u32, expected: u32) -> Result<(), VerifyError> {
    if found > expected { Err(VerifyError::LowerRank { found, expected }) } else { Ok(()) }
}

/// The first place where two lists of the same length differ.
fn first_difference(found: &[Commitment], expected: &[Commitment]) -> Option<usize> {
    found.iter().zip(expected).position(|(found, expected)| found != expected)
}
