//! What columns are for.

use verinfer_graph::TensorId;

use super::ObjectKind;
use crate::table::TableId;

/// The part a column plays in its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The node's output.
    Output,
    /// A limb of the remainder of a requantization, least significant first.
    Limb(usize),
    /// One if the value before the last rounding is negative.
    Sign,
    /// A rescaled operand of an addition (0 left, 1 right).
    Addend(usize),
    /// Square of the sum (0) or of the difference (1) of the factors of a product.
    Square(usize),
    /// The `n`-th of the pairwise maxima that a maximum over a window is made of.
    Running(usize),
    /// A copy of another tensor in an own layout.
    Copy(TensorId),
    /// Hidden weights less the smallest value: a plane for each output channel, or for each tap where the layer is depthwise.
    Weights,
    /// The hidden zero point of weights, less the smallest value.
    WeightZeroPoint,
    /// Bytes of the hidden multipliers from this one on, least significant first.
    Multiplier(usize),
    /// Bytes of the hidden constants.
    Constant(usize),
    /// Bytes of what hidden multipliers subtract where there is a sign.
    SignFactor(usize),
    /// Bytes of the hidden addends of an addition of constants.
    Addends(usize),
    /// The hidden input.
    Input,
    /// The bytes of the hidden inputs, less the smallest value, to which the statement has commitments.
    CommittedInput,
    /// The bytes of the outputs, less the smallest value, to which the statement has commitments.
    CommittedOutput,
    /// A byte of the hidden labels.
    Label(usize),
    /// How often each class's score is read.
    Reads,
    /// The score of each image's label.
    LabelScore,
    /// Whether a class comes before the label.
    Before,
    /// Whether a class is ahead of the label.
    Ahead,
    /// Whether few enough classes are ahead of the label, or the score is high enough.
    Correct,
    /// The number of images for which that holds.
    Count,
    /// Bytes of the digests of an object's blocks.
    Digests(ObjectKind),
    /// Randomness of an object's commitment.
    Salt(ObjectKind),
    /// How many times each row of a table is looked up.
    Multiplicity(TableId),
    /// The secrets of [`MaskPlan`], three cells each.
    Secrets,
    /// One random element that makes the product of all denominators uniform.
    Spare,
}
