//! What the nodes of a graph hold and cost.

use crate::{Conv, Graph, Node, Op, Operand, Shape};

/// The kind of a node, in the words of the graph.
pub const fn kind(op: &Op) -> &'static str {
    match op {
        Op::Conv2d(_) => "conv",
        Op::DepthwiseConv2d(_) => "depthwise conv",
        Op::Add(_) => "add",
        Op::Mul(_) => "mul",
        Op::SumPool(_) => "sum pool",
        Op::MaxPool(_) => "max pool",
        Op::Lookup(_) => "lookup",
        Op::Pad(_) => "pad",
        Op::Reshape { .. } => "reshape",
        Op::Concat(_) => "concat",
    }
}

/// Learned constants of a node: weights and biases, and the constants of an addition.
pub fn parameters(op: &Op) -> u64 {
    match op {
        Op::Conv2d(Conv { weights, bias, .. }) | Op::DepthwiseConv2d(Conv { weights, bias, .. }) => {
            weights.len() as u64 + bias.len() as u64
        }
        Op::Add(add) => match &add.right {
            Operand::Tensor { .. } => 0,
            Operand::Constant(constants) => constants.len() as u64,
        },
        Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => 0,
    }
}

/// Multiply-accumulates of a node, taps outside the input included, as is usual.
pub fn macs(graph: &Graph, node: &Node) -> u64 {
    let output = graph.spec(node.output).shape;
    let elements = output.num_elements() as u64;
    match &node.op {
        // Each weight is used once for each output pixel.
        Op::Conv2d(conv) => output.num_pixels() as u64 * conv.weights.len() as u64,
        Op::DepthwiseConv2d(conv) => elements * conv.window.num_taps() as u64,
        Op::Mul(_) => elements,
        Op::Add(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => 0,
    }
}

/// Elements a node computes; a reshape only renames its input's.
pub const fn activations(op: &Op, output: Shape) -> u64 {
    match op {
        Op::Reshape { .. } => 0,
        Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::Add(_)
        | Op::Mul(_)
        | Op::SumPool(_)
        | Op::MaxPool(_)
        | Op::Lookup(_)
        | Op::Pad(_)
        | Op::Concat(_) => output.num_elements() as u64,
    }
}
