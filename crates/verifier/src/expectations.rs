//! What a caller demands of a proof besides being valid.

use std::collections::HashMap;
use std::fmt;

use verinfer_graph::rank;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, OutputClaim, PublicTensor, Statement};

use crate::error::VerifyError;

/// What the caller demands of a proof besides being valid and about the verifier's network.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// Least security level in bits.
    pub security_level: u16,
    /// Context the proof must be bound to.
    pub context: Vec<u8>,
    /// Most images that the proof may be about.
    pub max_images: u32,
    /// What the inputs must be.
    pub input: ExpectedInput,
    /// Whether the inputs must be pairwise different. Of hidden inputs nobody knows: two commitments to one input with different salts are two commitments.
    pub distinct_inputs: bool,
    /// What must be said about the outputs.
    pub output: ExpectedOutput,
    /// Whether a hidden model is accepted although its architecture, which is its owner's choice, shows that its outputs depend on the input or on the
    /// weights in nothing, or that what is said of them holds for all that it can give.
    pub allow_degenerate: bool,
}

/// What is demanded of the inputs of a proof.
#[derive(Clone, Debug, Default)]
pub enum ExpectedInput {
    /// Nothing: they are what the statement says.
    #[default]
    Any,
    /// They are shown, and are these (NHWC order, image after image).
    Shown(Vec<i16>),
    /// They are hidden behind these commitments, one for each image.
    Hidden(Vec<Commitment>),
}

/// What must be said about the outputs of a proof. A statement of the same form that says more is accepted: a smaller rank, a higher score, more correct
/// labels. Outputs that are shown may have the rank or the score that is demanded.
#[derive(Clone, Debug, Default)]
pub enum ExpectedOutput {
    /// Anything: it is what the statement says.
    #[default]
    Any,
    /// Their values, whatever they are.
    Shown,
    /// They are hidden behind these commitments, one for each image.
    Committed(Vec<Commitment>),
    /// In each image, fewer than `k` classes are ahead of its label.
    Rank {
        /// By image.
        labels: Vec<u32>,
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
        labels: Vec<Commitment>,
        /// One for the top class; `u32::MAX` for any rank.
        k: u32,
        /// How many images.
        count: u32,
    },
    /// Whether this predicate holds in each image, and nothing else: the statement says which way it is.
    Decided(Predicate),
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
    /// Whether a predicate holds.
    Decided,
}

impl Expectations {
    /// 128 bits, an empty context, and nothing else.
    pub const DEFAULT: Self = Self {
        security_level: 128,
        context: Vec::new(),
        max_images: u32::MAX,
        input: ExpectedInput::Any,
        distinct_inputs: false,
        output: ExpectedOutput::Any,
        allow_degenerate: false,
    };

    /// Refuses a statement that says something else; level and parameters are checked with the argument.
    pub(crate) fn check(&self, statement: &Statement) -> Result<(), VerifyError> {
        if statement.images > self.max_images {
            return Err(VerifyError::TooManyImages { found: statement.images, limit: self.max_images });
        }
        check_input(&statement.input, &self.input)?;
        if self.distinct_inputs {
            check_distinct(statement)?;
        }
        check_output(&statement.output, &self.output)
    }
}

impl Default for Expectations {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl OutputKind {
    /// Of what a statement says.
    pub const fn of(claim: &OutputClaim) -> Self {
        match claim {
            OutputClaim::Shown(_) => Self::Shown,
            OutputClaim::Hidden(_) => Self::Committed,
            OutputClaim::Rank { .. } => Self::Rank,
            OutputClaim::AtLeast { .. } => Self::AtLeast,
            OutputClaim::Correct { .. } => Self::Correct,
            OutputClaim::Decided { .. } => Self::Decided,
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
            Self::Decided => "whether a predicate holds",
        })
    }
}

fn check_input(found: &InputClaim, expected: &ExpectedInput) -> Result<(), VerifyError> {
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

fn check_distinct(statement: &Statement) -> Result<(), VerifyError> {
    if let Some((first, second)) = equal_inputs(statement) {
        return Err(VerifyError::EqualInputs { first, second });
    }
    match &statement.input {
        InputClaim::Hidden(commitments) if commitments.len() > 1 => Err(VerifyError::MaybeEqualInputs),
        InputClaim::Hidden(_) | InputClaim::Shown(_) => Ok(()),
    }
}

/// The first two images of a statement that have the same input, as far as it shows: hidden inputs are the same if their commitments are; if they are not, the
/// inputs may be the same.
pub fn equal_inputs(statement: &Statement) -> Option<(usize, usize)> {
    match &statement.input {
        InputClaim::Shown(tensor) => {
            let images = usize::try_from(statement.images).ok()?;
            let len = tensor.values.len().checked_div(images).filter(|&len| len > 0)?;
            first_equal(tensor.values.chunks_exact(len))
        }
        InputClaim::Hidden(commitments) => first_equal(commitments.iter().map(Commitment::to_bytes)),
    }
}

fn first_equal<T: Eq + std::hash::Hash>(inputs: impl Iterator<Item = T>) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    inputs.enumerate().find_map(|(image, input)| seen.insert(input, image).map(|first| (first, image)))
}

fn check_output(found: &OutputClaim, expected: &ExpectedOutput) -> Result<(), VerifyError> {
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
            check_rank(*k, *largest)
        }
        (OutputClaim::AtLeast { class, value }, ExpectedOutput::AtLeast { class: expected, value: least }) => {
            if class != expected {
                return Err(VerifyError::WrongClass { found: *class, expected: *expected });
            }
            if value < least { Err(VerifyError::LowerScore { found: *value, expected: *least }) } else { Ok(()) }
        }
        (OutputClaim::Correct { labels, k, count }, ExpectedOutput::Correct { labels: expected, k: largest, count: least }) => {
            if expected.len() != labels.len() {
                return Err(VerifyError::LabelCount { found: labels.len(), expected: expected.len() });
            }
            if let Some(image) = first_difference(labels, expected) {
                return Err(VerifyError::WrongLabelCommitment { image });
            }
            check_rank(*k, *largest)?;
            if count < least { Err(VerifyError::FewerCorrect { found: *count, expected: *least }) } else { Ok(()) }
        }
        (OutputClaim::Shown(tensor), ExpectedOutput::Rank { labels, k }) => check_shown_rank(tensor, labels, *k),
        (OutputClaim::Shown(tensor), ExpectedOutput::AtLeast { class, value }) => check_shown_score(tensor, *class, *value),
        (OutputClaim::Decided { predicate, .. }, ExpectedOutput::Decided(expected)) => {
            if predicate == expected {
                Ok(())
            } else {
                Err(VerifyError::WrongPredicate { found: *predicate, expected: *expected })
            }
        }
        (_, ExpectedOutput::Shown) => other_form(OutputKind::Shown),
        (_, ExpectedOutput::Committed(_)) => other_form(OutputKind::Committed),
        (_, ExpectedOutput::Rank { .. }) => other_form(OutputKind::Rank),
        (_, ExpectedOutput::AtLeast { .. }) => other_form(OutputKind::AtLeast),
        (_, ExpectedOutput::Correct { .. }) => other_form(OutputKind::Correct),
        (_, ExpectedOutput::Decided(_)) => other_form(OutputKind::Decided),
    }
}

fn check_rank(found: u32, expected: u32) -> Result<(), VerifyError> {
    if found > expected { Err(VerifyError::LowerRank { found, expected }) } else { Ok(()) }
}

/// Demands of outputs that are shown that fewer than `k` classes are ahead of each image's label.
fn check_shown_rank(tensor: &PublicTensor, labels: &[u32], k: u32) -> Result<(), VerifyError> {
    let images = scores(tensor)?;
    if images.len() != labels.len() {
        return Err(VerifyError::LabelCount { found: images.len(), expected: labels.len() });
    }
    for (image, (scores, &class)) in images.zip(labels).enumerate() {
        let ahead = rank(scores, class).ok_or(VerifyError::NoSuchClass { class, classes: scores.len() })?;
        if u32::try_from(ahead).map_or(true, |ahead| ahead >= k) {
            return Err(VerifyError::ShownBehind { image, class, ahead, k });
        }
    }
    Ok(())
}

/// Demands of outputs that are shown that a class has a score in each image.
fn check_shown_score(tensor: &PublicTensor, class: u32, value: i16) -> Result<(), VerifyError> {
    for scores in scores(tensor)? {
        let found = score(scores, class)?;
        if found < value {
            return Err(VerifyError::LowerScore { found, expected: value });
        }
    }
    Ok(())
}

/// By image the scores of all classes.
fn scores(tensor: &PublicTensor) -> Result<std::slice::ChunksExact<'_, i16>, VerifyError> {
    let shape = tensor.shape;
    if shape.num_pixels() != 1 || shape.channels == 0 {
        return Err(VerifyError::NoClasses { shape });
    }
    Ok(tensor.values.chunks_exact(shape.channels))
}

fn score(scores: &[i16], class: u32) -> Result<i16, VerifyError> {
    let score = usize::try_from(class).ok().and_then(|class| scores.get(class));
    score.copied().ok_or(VerifyError::NoSuchClass { class, classes: scores.len() })
}

/// The first place where two lists of the same length differ.
fn first_difference(found: &[Commitment], expected: &[Commitment]) -> Option<usize> {
    found.iter().zip(expected).position(|(found, expected)| found != expected)
}
