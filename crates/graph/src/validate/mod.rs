//! What [`crate::Graph::new`] checks before the range analysis.

use crate::error::{GraphError, Place};
use crate::graph::{Node, NodeId, TensorId, TensorSpec};

pub(crate) use operators::check_operators;

mod constants;
mod operators;
mod windows;

/// Most elements of one tensor.
const MAX_TENSOR_ELEMENTS: u64 = 1 << 28;

/// Most elements of all tensors together.
const MAX_GRAPH_ELEMENTS: u64 = 1 << 30;

/// Who writes and reads each tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wiring {
    /// By tensor: the node that writes it, `None` for the input.
    pub producers: Vec<Option<NodeId>>,
    /// By tensor: the nodes that read it, in order, each once.
    pub consumers: Vec<Vec<NodeId>>,
}

impl Wiring {
    /// Checks sizes and that each tensor but the input is written exactly once, before it is read, and serves the output.
    pub fn check(tensors: &[TensorSpec], nodes: &[Node], input: TensorId, output: TensorId) -> Result<Self, GraphError> {
        check_sizes(tensors)?;
        let num_tensors = tensors.len();
        if input.0 >= num_tensors {
            return Err(GraphError::InputOutOfRange { tensor: input.0, num_tensors });
        }
        if output.0 >= num_tensors {
            return Err(GraphError::OutputOutOfRange { tensor: output.0, num_tensors });
        }
        if input == output {
            return Err(GraphError::OutputIsInput { tensor: output.0 });
        }
        let mut wiring = Self { producers: vec![None; num_tensors], consumers: vec![Vec::new(); num_tensors] };
        for (index, node) in nodes.iter().enumerate() {
            wiring.add(NodeId(index), node, input)?;
        }
        wiring.check_every_tensor_serves(tensors, nodes, input, output)?;
        Ok(wiring)
    }

    fn add(&mut self, id: NodeId, node: &Node, input: TensorId) -> Result<(), GraphError> {
        let at = || place(id, node);
        let num_tensors = self.producers.len();
        for read in node.op.inputs() {
            let Some(producer) = self.producers.get(read.0) else {
                return Err(GraphError::TensorOutOfRange { at: at(), tensor: read.0, num_tensors });
            };
            if producer.is_none() && read != input {
                return Err(GraphError::ReadBeforeWritten { at: at(), tensor: read.0 });
            }
            let consumers = &mut self.consumers[read.0];
            if consumers.last() != Some(&id) {
                consumers.push(id);
            }
        }
        let tensor = node.output.0;
        let Some(producer) = self.producers.get_mut(tensor) else {
            return Err(GraphError::TensorOutOfRange { at: at(), tensor, num_tensors });
        };
        if node.output == input {
            return Err(GraphError::InputWritten { at: at(), tensor });
        }
        if producer.is_some() {
            return Err(GraphError::WrittenTwice { at: at(), tensor });
        }
        *producer = Some(id);
        Ok(())
    }

    fn check_every_tensor_serves(
        &self,
        tensors: &[TensorSpec],
        nodes: &[Node],
        input: TensorId,
        output: TensorId,
    ) -> Result<(), GraphError> {
        for (tensor, (spec, producer)) in tensors.iter().zip(&self.producers).enumerate() {
            if producer.is_none() && TensorId(tensor) != input {
                return Err(GraphError::NeverWritten { tensor, name: spec.name.clone() });
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            if self.consumers[node.output.0].is_empty() && node.output != output {
                return Err(GraphError::DeadNode { at: place(NodeId(index), node), tensor: node.output.0 });
            }
        }
        Ok(())
    }
}

/// Where `node` is, for an error.
pub(crate) fn place(id: NodeId, node: &Node) -> Place {
    Place { node: id, operator: node.source.clone() }
}

fn check_sizes(tensors: &[TensorSpec]) -> Result<(), GraphError> {
    let mut total = 0;
    for (tensor, spec) in tensors.iter().enumerate() {
        let (shape, name) = (spec.shape, &spec.name);
        let elements = [shape.height, shape.width, shape.channels]
            .into_iter()
            .try_fold(1_u64, |product, side| product.checked_mul(u64::try_from(side).ok()?));
        match elements {
            Some(0) => {
                return Err(GraphError::EmptyTensor { tensor, name: name.clone(), shape });
            }
            Some(elements) if elements <= MAX_TENSOR_ELEMENTS => total += elements,
            _ => {
                let limit = MAX_TENSOR_ELEMENTS;
                return Err(GraphError::TensorTooLarge { tensor, name: name.clone(), shape, limit });
            }
        }
        if total > MAX_GRAPH_ELEMENTS {
            return Err(GraphError::GraphTooLarge { tensor, elements: total, limit: MAX_GRAPH_ELEMENTS });
        }
    }
    Ok(())
}
