use std::fmt;

/// How a file became the integers of an input: what a reader of the statement has to know to do the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Each step, in order.
    steps: Vec<String>,
    /// What looks like a mistake, though it can be meant.
    warnings: Vec<String>,
}

impl Reading {
    /// Adds a step.
    pub(super) fn step(&mut self, step: impl Into<String>) {
        self.steps.push(step.into());
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// What looks like a mistake, though it can be meant.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join("; "))
    }
}
