//! What is committed to outside of proofs.

use crate::commitment::{Plan, Tag};
use crate::layout::{ColumnId, Region};

/// Bytes that are committed to once, outside of proofs, and bound to that commitment in each proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What they are.
    pub kind: ObjectKind,
    /// Their kind and what is public about them, as the commitment is bound to it.
    pub tag: Tag,
    /// Columns of the values, with their pixels. They lie at consecutive addresses.
    pub values: Region,
    /// Numbers of its cells.
    pub plan: Plan,
    /// Column of the digests of their blocks, if there are several.
    pub digests: Option<ColumnId>,
    /// Column of the commitment's randomness.
    pub salt: ColumnId,
}

/// What a commitment is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// Weights, multipliers and constants of all layers.
    Model,
    /// The input of an image.
    Input(usize),
    /// The output of an image.
    Output(usize),
    /// The label of an image.
    Label(usize),
}
