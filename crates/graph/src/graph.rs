use crate::error::GraphError;
use crate::op::Op;
use crate::shape::{DataType, Shape};

/// Index of an activation tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// Index of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// What is public about an activation tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// The model's own name, for messages only; not part of the digest.
    pub name: String,
    /// Height, width, channels.
    pub shape: Shape,
    /// Stored type.
    pub dtype: DataType,
}

/// An operator and the tensor it produces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Operator name and index in the source model (`CONV_2D #3`), for messages only; not part of the digest.
    pub source: String,
    /// Meaning and constants.
    pub op: Op,
    /// Tensor written.
    pub output: TensorId,
}

/// A validated network: one input, one output, nodes in an order in which every tensor is written before it is read, exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    tensors: Vec<TensorSpec>,
    nodes: Vec<Node>,
    input: TensorId,
    output: TensorId,
}
