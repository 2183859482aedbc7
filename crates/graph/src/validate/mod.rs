use crate::error::GraphError;
use crate::graph::{Node, NodeId, TensorId, TensorSpec};

/// Who writes and reads each tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wiring {
    pub producers: Vec<Option<NodeId>>,
    pub consumers: Vec<Vec<NodeId>>,
}

impl Wiring {
    pub fn check(
        _: &[TensorSpec],
        _: &[Node],
        _: TensorId,
        _: TensorId,
    ) -> Result<Self, GraphError> {
        todo!()
    }
}

pub(crate) fn check_operators(_: &[TensorSpec], _: &[Node]) -> Result<(), GraphError> {
    todo!()
}
