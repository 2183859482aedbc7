//! The interpreter: what a [`Graph`] computes.

use crate::error::GraphError;
use crate::graph::{Graph, NodeId};
use crate::op::Requantization;

/// The values of every tensor in one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Elements of each tensor in NHWC order, indexed by [`crate::TensorId`].
    pub tensors: Vec<Vec<i16>>,
}

/// TODO
pub fn run(graph: &Graph, input: &[i16]) -> Result<Trace, GraphError> {
    run_observed(graph, input, &mut |_, _, _| {})
}

/// TODO
pub fn run_observed(
    _graph: &Graph,
    _input: &[i16],
    _observer: &mut dyn FnMut(NodeId, Option<&[i32]>, &[i16]),
) -> Result<Trace, GraphError> {
    todo!()
}

/// TODO
pub fn requantize(_acc: i32, _requantization: &Requantization, _channel: usize) -> i16 {
    todo!()
}
