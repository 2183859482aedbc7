use crate::error::GraphError;
use crate::graph::{Node, TensorSpec};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges {
    pub values: Vec<(i16, i16)>,
    pub nodes: Vec<Option<NodeRange>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeRange {
    pub accumulators: Vec<(i64, i64)>,
    pub quotient: (i64, i64),
}

impl Ranges {
    pub fn analyse(_: &[TensorSpec], _: &[Node]) -> Result<Self, GraphError> {
        todo!()
    }
}
