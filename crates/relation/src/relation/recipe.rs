//! How cells follow from an execution.

use verinfer_graph::{Shape, TensorId, Window};

use crate::layout::ColumnId;

/// How a node's cells follow from the interpreter's trace.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// No cells.
    None,
    /// Linear layer, addition or product: accumulator to output.
    Requantize(RequantizeRecipe),
    /// Output by a key that is a sum over a window; the key is that sum plus an offset.
    SumPool {
        /// Output column.
        output: ColumnId,
        /// By number of the window's taps that exist, and offset.
        offsets: Vec<(usize, i64)>,
    },
    /// Maxima over few taps each, one stage after the other.
    MaxPool {
        /// The stages, at least one; each reads the maxima of the one before.
        stages: Vec<MaximumStage>,
        /// Column of the clamped output, where it is not the last maximum.
        clamped: Option<ColumnId>,
    },
    /// Function of one element.
    Lookup {
        /// Output column.
        output: ColumnId,
    },
}

/// A chain of pairwise maxima.
#[derive(Clone, Debug)]
pub struct MaximumStage {
    /// Geometry. A tap outside of the source is the type's smallest value.
    pub window: Window,
    /// Shape of what is read.
    pub source: Shape,
    /// Shape of the maxima.
    pub target: Shape,
    /// Columns of the maxima over the first 2, 3, ... taps; none for a window of one tap.
    pub columns: Vec<ColumnId>,
}

/// Columns and constants of a requantization `key * 2^shift + remainder = multiplier * acc + constant - sign_factor * sign`.
#[derive(Clone, Debug)]
pub struct RequantizeRecipe {
    /// Output column.
    pub output: ColumnId,
    /// Remainder limbs, least significant first.
    pub limbs: Vec<ColumnId>,
    /// Bits of each limb.
    pub limb_bits: Vec<usize>,
    /// Sign column, where the rounding needs it.
    pub sign: Option<ColumnId>,
    /// The constants, `None` where they are hidden.
    pub rescaling: Option<Rescaling>,
    /// Bits of the remainder.
    pub shift: usize,
    /// Added to the key before the output is looked up.
    pub key_offset: i64,
    /// Columns of operands that are tables of one element, with the tensor read.
    pub operands: Vec<(ColumnId, TensorId)>,
}

/// The constants of a requantization, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescaling {
    /// Factors of the accumulator.
    pub multipliers: Vec<i64>,
    /// Addends.
    pub constants: Vec<i64>,
    /// What is subtracted where there is a sign; at most `2^shift`. Zero if there is no sign column.
    pub sign_factors: Vec<i64>,
}

/// An accumulator's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Quotient (with one more bit of precision where there is a sign).
    pub key: i64,
    /// Remainder, `0 <= remainder < 2^shift`.
    pub remainder: i64,
    /// Whether the value before the last rounding counts as negative.
    pub sign: bool,
}

impl RequantizeRecipe {
    /// The only parts of `acc` that satisfy the relation (up to a sign that does not change the output).
    pub fn split(&self, values: &Rescaling, channel: usize, acc: i64) -> Split {
        let value = values.multipliers[channel] * acc + values.constants[channel];
        let key = value >> self.shift;
        let sign = self.sign.is_some() && key <= 0;
        let value = if sign { value - values.sign_factors[channel] } else { value };
        let key = value >> self.shift;
        Split { key, remainder: value - (key << self.shift), sign }
    }
}
