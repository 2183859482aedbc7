//! The interpreter: what a [`Graph`] computes.
//!
//! Equal to TFLite's reference kernels bit for bit. Sums wrap nowhere: the range analysis of [`Graph::new`] has excluded it, which is why the
//! kernels may use wrapping arithmetic (partial sums may leave 32 bits, the total may not).

use crate::error::GraphError;
use crate::graph::{Graph, Node, NodeId};
use crate::op::{Op, Requantization, Window};
use crate::shape::{DataType, Shape};

mod convolution;
mod elementwise;
mod movement;
mod pool;
mod rescale;
mod sliding;
mod work;

/// The values of every tensor in one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Elements of each tensor in NHWC order, indexed by [`crate::TensorId`].
    pub tensors: Vec<Vec<i16>>,
}

/// Told of each node: its accumulators, if it has any, and its output.
pub type Observer<'a> = dyn FnMut(NodeId, Option<&[i32]>, &[i16]) + 'a;

/// Runs the network on `input` (NHWC order, values of the input tensor's type).
///
/// # Errors
///
/// [`GraphError::InputLength`], [`GraphError::InputValue`].
pub fn run(graph: &Graph, input: &[i16]) -> Result<Trace, GraphError> {
    run_observed(graph, input, &mut |_, _, _| {})
}

/// As [`run`]; calls `observer` after each node, in execution order, with the node's accumulators before requantization (in the output's NHWC
/// order; `None` unless it is a Conv2d, DepthwiseConv2d, Add or Mul) and its output.
///
/// # Errors
///
/// [`GraphError::InputLength`], [`GraphError::InputValue`].
pub fn run_observed(graph: &Graph, input: &[i16], observer: &mut Observer<'_>) -> Result<Trace, GraphError> {
    check_input(graph, input)?;
    let mut trace = Trace { tensors: vec![Vec::new(); graph.tensors().len()] };
    trace.tensors[graph.input().0] = input.to_vec();
    for (index, node) in graph.nodes().iter().enumerate() {
        let result = execute(graph, &trace, node);
        observer(NodeId(index), result.accumulators.as_deref(), &result.output);
        trace.tensors[node.output.0] = result.output;
    }
    Ok(trace)
}

fn check_input(graph: &Graph, input: &[i16]) -> Result<(), GraphError> {
    let spec = graph.spec(graph.input());
    let expected = spec.shape.num_elements();
    if input.len() != expected {
        return Err(GraphError::InputLength { found: input.len(), expected });
    }
    match input.iter().enumerate().find(|&(_, &value)| !spec.dtype.contains(value)) {
        Some((index, &value)) => Err(GraphError::InputValue { index, value, dtype: spec.dtype }),
        None => Ok(()),
    }
}

/// What a node computed.
struct NodeResult {
    accumulators: Option<Vec<i32>>,
    output: Vec<i16>,
}

fn execute(graph: &Graph, trace: &Trace, node: &Node) -> NodeResult {
    let operand = |tensor| {
        let spec = graph.spec(tensor);
        View { values: &trace.tensors[tensor.0], shape: spec.shape, dtype: spec.dtype }
    };
    let output_shape = graph.spec(node.output).shape;
    let requantized = |accumulators: Vec<i32>, requantization: &Requantization| {
        let output = rescale::requantize_all(&accumulators, requantization, output_shape.channels);
        NodeResult { accumulators: Some(accumulators), output }
    };
    let moved = |output| NodeResult { accumulators: None, output };
    match &node.op {
        Op::Conv2d(conv) => requantized(convolution::conv2d(conv, operand(conv.input), output_shape), &conv.requantization),
        Op::DepthwiseConv2d(conv) => requantized(convolution::depthwise(conv, operand(conv.input), output_shape), &conv.requantization),
        Op::Add(add) => requantized(elementwise::add(add, &operand, output_shape), &add.requantization),
        Op::Mul(mul) => requantized(elementwise::mul(mul, operand(mul.left), operand(mul.right)), &mul.requantization),
        Op::SumPool(pool) => moved(pool::sum_pool(pool, operand(pool.input), output_shape)),
        Op::MaxPool(pool) => moved(pool::max_pool(pool, operand(pool.input), output_shape)),
        Op::Lookup(lookup) => moved(elementwise::lookup(lookup, operand(lookup.input))),
        Op::Pad(pad) => moved(movement::pad(pad, operand(pad.input), output_shape)),
        Op::Reshape { input } => moved(operand(*input).values.to_vec()),
        Op::Concat(concat) => moved(movement::concat(concat, &operand, output_shape)),
    }
}

/// A tensor being read.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [i16],
    shape: Shape,
    dtype: DataType,
}

impl<'a> View<'a> {
    /// The channels of a pixel, by its row-major index.
    fn pixel(&self, index: usize) -> &'a [i16] {
        &self.values[index * self.shape.channels..][..self.shape.channels]
    }
}

/// Calls `visit` with each existing tap at output pixel `(y, x)` and the channels of its input pixel.
#[inline]
fn for_each_tap(window: &Window, input: View<'_>, y: usize, x: usize, mut visit: impl FnMut(usize, &[i16])) {
    let columns = window.column_taps(input.shape.width, x);
    for tap_y in window.row_taps(input.shape.height, y) {
        let row = y * window.stride_h + tap_y * window.dilation_h - window.pad_top;
        for tap_x in columns.clone() {
            let column = x * window.stride_w + tap_x * window.dilation_w - window.pad_left;
            visit(tap_y * window.kernel_w + tap_x, input.pixel(row * input.shape.width + column));
        }
    }
}
