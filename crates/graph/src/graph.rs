use crate::error::GraphError;
use crate::op::{Op, Operand};
use crate::ranges::{self, Ranges};
use crate::shape::{DataType, Shape};
use crate::validate::{self, Wiring};

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
    wiring: Wiring,
    ranges: Ranges,
}

impl Graph {
    /// Checks a network and analyses its ranges; the only constructor.
    ///
    /// `nodes` are in execution order. After it returns, every index, shape, constant and range is as the documentation of [`Op`] says, and
    /// no accumulator can leave 32 bits for any input.
    ///
    /// # Errors
    ///
    /// The first fault found, as a [`GraphError`].
    pub fn new(tensors: Vec<TensorSpec>, nodes: Vec<Node>, input: TensorId, output: TensorId) -> Result<Self, GraphError> {
        let wiring = Wiring::check(&tensors, &nodes, input, output)?;
        validate::check_operators(&tensors, &nodes)?;
        let ranges = Ranges::analyse(&tensors, &nodes)?;
        Ok(Self { tensors, nodes, input, output, wiring, ranges })
    }

    /// As [`Graph::new`], after replacing the constants of additions by neutral ones.
    pub(crate) fn with_neutral_constants(
        tensors: Vec<TensorSpec>,
        mut nodes: Vec<Node>,
        input: TensorId,
        output: TensorId,
    ) -> Result<Self, GraphError> {
        let wiring = Wiring::check(&tensors, &nodes, input, output)?;
        validate::check_operators(&tensors, &nodes)?;
        let values = ranges::value_ranges(&tensors, &nodes);
        for node in &mut nodes {
            if let Op::Add(add) = &mut node.op
                && matches!(add.right, Operand::Constant(_))
            {
                let neutral = ranges::neutral_constant(&values, &tensors, add);
                let channels = tensors[node.output.0].shape.channels;
                add.right = Operand::Constant(vec![neutral; channels]);
            }
        }
        let ranges = Ranges::analyse(&tensors, &nodes)?;
        Ok(Self { tensors, nodes, input, output, wiring, ranges })
    }

    /// All activation tensors.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// All nodes in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The tensor the caller supplies.
    pub const fn input(&self) -> TensorId {
        self.input
    }

    /// The tensor that is the network's result.
    pub const fn output(&self) -> TensorId {
        self.output
    }

    /// Shape and type of a tensor.
    ///
    /// # Panics
    ///
    /// If `tensor` is not a tensor of this graph; the ids found in a graph always are.
    pub fn spec(&self, tensor: TensorId) -> &TensorSpec {
        &self.tensors[tensor.0]
    }

    /// A node.
    ///
    /// # Panics
    ///
    /// If `node` is not a node of this graph.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0]
    }

    /// The node that writes `tensor`, `None` for the network's input (and for what is no tensor of this graph).
    pub fn producer(&self, tensor: TensorId) -> Option<NodeId> {
        self.wiring.producers.get(tensor.0).copied().flatten()
    }

    /// The nodes that read `tensor`, in execution order, each once.
    pub fn consumers(&self, tensor: TensorId) -> &[NodeId] {
        self.wiring.consumers.get(tensor.0).map_or(&[], Vec::as_slice)
    }

    /// Smallest and largest value `tensor` can take in any execution: its type's range, narrowed by what its producer can output.
    ///
    /// # Panics
    ///
    /// If `tensor` is not a tensor of this graph.
    pub fn value_range(&self, tensor: TensorId) -> (i16, i16) {
        self.ranges.values[tensor.0]
    }

    /// Smallest and largest accumulator of `node` over all inputs within [`Graph::value_range`], before requantization; `None` for nodes
    /// without accumulator.
    ///
    /// One entry for each output channel of a convolution or an addition of constants, otherwise one entry. Always within 32 bits.
    pub fn accumulator_range(&self, node: NodeId) -> Option<Vec<(i64, i64)>> {
        self.ranges.nodes.get(node.0)?.as_ref().map(|range| range.accumulators.clone())
    }

    /// Smallest and largest requantized accumulator of `node` over all channels, before the output zero point is added and before the clamp;
    /// `None` for nodes without accumulator.
    pub fn quotient_range(&self, node: NodeId) -> Option<(i64, i64)> {
        self.ranges.nodes.get(node.0)?.as_ref().map(|range| range.quotient)
    }
}
