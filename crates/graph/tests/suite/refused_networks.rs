//! Networks whose tensors or wiring are refused.

use verinfer_graph::{Concat, Graph, GraphError, MaxPool, Node, Op, Shape, TensorId, TensorSpec, Window};

use crate::support::{INPUT, OUTPUT, add, at, i8, node, single};

fn reshape(input: usize, output: usize) -> Node {
    node(Op::Reshape { input: TensorId(input) }, TensorId(output))
}

/// The fault of a network of equal tensors from tensor 0 to tensor `output`.
fn fault(num_tensors: usize, nodes: Vec<Node>, output: usize) -> GraphError {
    Graph::new(vec![i8(1, 1, 1); num_tensors], nodes, INPUT, TensorId(output)).unwrap_err()
}

fn fault_of_tensor(spec: TensorSpec) -> GraphError {
    single(spec, Op::Reshape { input: INPUT }, i8(1, 1, 1)).unwrap_err()
}

#[test]
fn an_input_out_of_range() {
    let graph = Graph::new(vec![i8(1, 1, 1)], vec![], TensorId(3), INPUT);
    assert_eq!(graph, Err(GraphError::InputOutOfRange { tensor: 3, num_tensors: 1 }));
}

#[test]
fn an_output_out_of_range() {
    assert_eq!(fault(2, vec![reshape(0, 1)], 2), GraphError::OutputOutOfRange { tensor: 2, num_tensors: 2 });
}

#[test]
fn an_operand_out_of_range() {
    let error = GraphError::TensorOutOfRange { at: at(0), tensor: 5, num_tensors: 2 };
    assert_eq!(fault(2, vec![reshape(5, 1)], 1), error);
    assert_eq!(fault(2, vec![reshape(0, 5)], 1), error);
}

#[test]
fn a_tensor_without_elements() {
    let error = GraphError::EmptyTensor { tensor: 0, name: "t".into(), shape: Shape::new(1, 0, 3) };
    assert_eq!(fault_of_tensor(i8(1, 0, 3)), error);
}

#[test]
fn a_tensor_that_is_too_large() {
    for shape in [Shape::new(1 << 14, 1 << 14, 2), Shape::new(usize::MAX, usize::MAX, 3)] {
        let error = GraphError::TensorTooLarge { tensor: 0, name: "t".into(), shape, limit: 1 << 28 };
        assert_eq!(fault_of_tensor(i8(shape.height, shape.width, shape.channels)), error);
    }
}

#[test]
fn tensors_that_are_too_large_together() {
    let graph = Graph::new(vec![i8(1 << 14, 1 << 14, 1); 5], vec![], INPUT, OUTPUT);
    assert_eq!(graph, Err(GraphError::GraphTooLarge { tensor: 4, elements: 5 << 28, limit: 1 << 30 }));
}

#[test]
fn an_output_that_is_the_input() {
    assert_eq!(fault(1, vec![], 0), GraphError::OutputIsInput { tensor: 0 });
}

#[test]
fn a_written_input() {
    let nodes = vec![reshape(0, 1), reshape(1, 0)];
    assert_eq!(fault(2, nodes, 1), GraphError::InputWritten { at: at(1), tensor: 0 });
}

#[test]
fn a_tensor_written_twice() {
    let nodes = vec![reshape(0, 1), reshape(0, 1)];
    assert_eq!(fault(2, nodes, 1), GraphError::WrittenTwice { at: at(1), tensor: 1 });
}

#[test]
fn a_tensor_read_before_it_is_written() {
    let nodes = vec![reshape(2, 1), reshape(1, 2)];
    assert_eq!(fault(3, nodes, 2), GraphError::ReadBeforeWritten { at: at(0), tensor: 2 });
    let itself = node(Op::Add(add(INPUT, OUTPUT)), OUTPUT);
    assert_eq!(fault(2, vec![itself], 1), GraphError::ReadBeforeWritten { at: at(0), tensor: 1 });
}

#[test]
fn a_tensor_that_is_never_written() {
    let error = GraphError::NeverWritten { tensor: 2, name: "t".into() };
    assert_eq!(fault(3, vec![reshape(0, 1)], 1), error);
}

#[test]
fn a_node_that_serves_nothing() {
    let nodes = vec![reshape(0, 1), reshape(0, 2)];
    assert_eq!(fault(3, nodes, 2), GraphError::DeadNode { at: at(0), tensor: 1 });
}

#[test]
fn a_join_of_nothing() {
    let op = Op::Concat(Concat { inputs: vec![], axis: 0 });
    assert_eq!(single(i8(1, 1, 1), op, i8(1, 1, 1)), Err(GraphError::EmptyConcat { at: at(0) }));
}

#[test]
fn a_join_along_a_fourth_axis() {
    let op = Op::Concat(Concat { inputs: vec![INPUT], axis: 3 });
    assert_eq!(single(i8(1, 1, 1), op, i8(1, 1, 1)), Err(GraphError::AxisOutOfRange { at: at(0), axis: 3 }));
}

#[test]
fn messages_name_the_node_and_the_numbers() {
    let pool = MaxPool { input: INPUT, window: Window { stride_w: 0, ..Window::POINT }, min: 0, max: 1 };
    let error = single(i8(1, 1, 1), Op::MaxPool(pool), i8(1, 1, 1)).unwrap_err();
    assert_eq!(error.to_string(), "node 0 (OP #0): window column stride is zero");
}
