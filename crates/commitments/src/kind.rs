use std::fmt;

/// What a commitment is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What a network has learned.
    Model,
    /// One input of a network.
    Input,
    /// One output of a network.
    Output,
    /// The true class of one input.
    Label,
}

impl Kind {
    /// Its byte in files.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Model => 0,
            Self::Input => 1,
            Self::Output => 2,
            Self::Label => 3,
        }
    }

    /// The kind that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Model),
            1 => Some(Self::Input),
            2 => Some(Self::Output),
            3 => Some(Self::Label),
            _ => None,
        }
    }

    /// Name for people and for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Input => "input",
            Self::Output => "output",
            Self::Label => "label",
        }
    }

    /// Its name with an article.
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Model => "a model",
            Self::Input => "an input",
            Self::Output => "an output",
            Self::Label => "a label",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
