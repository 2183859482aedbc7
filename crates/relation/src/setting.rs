//! What of an execution is in the statement, and what is hidden behind commitments.

use std::fmt;

use crate::envelope::Envelope;

/// What is public and what is hidden. By default everything is public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Where weights, biases and multipliers are hidden, what is public about them.
    pub weights: Option<Envelope>,
    /// Whether the inputs are hidden.
    pub hidden_input: bool,
    /// What is said about the outputs.
    pub output: OutputForm,
}

/// What a statement says about the outputs of all images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OutputForm {
    /// Their values.
    #[default]
    Shown,
    /// Commitments to them.
    Committed,
    /// For each image, that fewer than `k` classes are ahead of its label: of classes with equal scores, the first is ahead.
    Rank {
        /// By image.
        labels: Vec<u32>,
        /// One for the top class.
        k: u32,
    },
    /// For each image, that a class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        value: i16,
    },
    /// The number of images whose committed label has fewer than `k` classes ahead of it.
    Correct {
        /// One for the top class.
        k: u32,
        /// How many images.
        count: u32,
    },
    /// For each image, whether a predicate holds: it or its negation, and nothing else.
    Decided {
        /// The predicate, one for all images.
        predicate: Predicate,
        /// By image.
        holds: Vec<bool>,
    },
}

/// A predicate about one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Fewer than `k` classes are ahead of the class: of classes with equal scores, the first is ahead.
    Top {
        /// The class.
        class: u32,
        /// One for the top class.
        k: u32,
    },
    /// The class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        value: i16,
    },
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top { class, k: 1 } => write!(f, "class {class} is first"),
            Self::Top { class, k } => write!(f, "class {class} is among the first {k}"),
            Self::AtLeast { class, value } => write!(f, "class {class} has a score of at least {value}"),
        }
    }
}
