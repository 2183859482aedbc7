//! What of an execution is in the statement, and what is hidden behind commitments.

use crate::envelope::Envelope;

/// What is public and what is hidden. By default everything is public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Where weights, biases and multipliers are hidden, what is public about them.
    pub weights: Option<Envelope>,
    /// Whether the inputs are hidden.
    pub hidden_input: bool,
}
