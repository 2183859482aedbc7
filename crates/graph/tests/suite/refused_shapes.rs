//! Operators whose shapes, types or windows are refused.

use verinfer_graph::{
    Concat, Conv, DataType, Graph, GraphError, Lookup, MaxPool, Mul, Op, Pad, Shape, SumPool, TensorId, TensorSpec, Window,
};

use crate::support::{INPUT, add, at, conv, i8, node, plain, single, u8};

fn fault(input: TensorSpec, op: Op, output: TensorSpec) -> GraphError {
    single(input, op, output).unwrap_err()
}

fn max_pool(window: Window) -> Op {
    Op::MaxPool(MaxPool { input: INPUT, window, min: -128, max: 127 })
}

fn mul() -> Op {
    let (left, right) = (INPUT, INPUT);
    Op::Mul(Mul { left, left_zero_point: 0, right, right_zero_point: 0, requantization: plain(0) })
}

fn shape_mismatch(tensor: usize, found: Shape, expected: Shape) -> GraphError {
    GraphError::ShapeMismatch { at: at(0), tensor, found, expected }
}

#[test]
fn an_output_of_another_shape() {
    let (small, large) = (Shape::new(1, 1, 1), Shape::new(1, 1, 2));
    let table = vec![0; 256];
    let lookup = Op::Lookup(Lookup { input: INPUT, table: table.clone() });
    assert_eq!(fault(i8(1, 1, 1), lookup, i8(1, 1, 2)), shape_mismatch(1, large, small));
    assert_eq!(fault(i8(1, 1, 1), Op::Add(add(INPUT, INPUT)), i8(1, 1, 2)), shape_mismatch(0, small, large));
    assert_eq!(fault(i8(1, 1, 1), mul(), i8(1, 1, 2)), shape_mismatch(0, small, large));
    assert_eq!(fault(i8(1, 1, 1), max_pool(Window::POINT), i8(1, 1, 2)), shape_mismatch(1, large, small));
    let pool = SumPool { input: INPUT, window: Window::POINT, tables: vec![(1, table)] };
    assert_eq!(fault(i8(1, 1, 1), Op::SumPool(pool), i8(1, 1, 2)), shape_mismatch(1, large, small));
    let concat = Op::Concat(Concat { inputs: vec![INPUT, INPUT], axis: 0 });
    assert_eq!(fault(i8(1, 1, 1), concat, i8(1, 1, 2)), shape_mismatch(1, large, Shape::new(2, 1, 1)));
}

#[test]
fn joined_tensors_that_differ_in_another_side() {
    let pool = max_pool(Window { stride_h: 2, ..Window::POINT });
    let concat = Op::Concat(Concat { inputs: vec![INPUT, TensorId(1)], axis: 2 });
    let graph = Graph::new(
        vec![i8(2, 1, 1), i8(1, 1, 1), i8(2, 1, 2)],
        vec![node(pool, TensorId(1)), node(concat, TensorId(2))],
        INPUT,
        TensorId(2),
    );
    let (found, expected) = (Shape::new(1, 1, 1), Shape::new(2, 1, 1));
    assert_eq!(graph, Err(GraphError::ShapeMismatch { at: at(1), tensor: 1, found, expected }));
}

#[test]
fn an_output_of_another_type() {
    let error = GraphError::TypeMismatch { at: at(0), tensor: 1, found: DataType::U8, expected: DataType::I8 };
    for op in [
        Op::Reshape { input: INPUT },
        Op::Pad(Pad { input: INPUT, before: Shape::new(0, 0, 0), value: 0 }),
        Op::Concat(Concat { inputs: vec![INPUT], axis: 0 }),
        max_pool(Window::POINT),
    ] {
        assert_eq!(fault(i8(1, 1, 1), op, u8(1, 1, 1)), error);
    }
}

#[test]
fn an_operand_that_cannot_be_repeated() {
    for op in [
        Op::Add(add(INPUT, TensorId(1))),
        Op::Mul(Mul { left: INPUT, left_zero_point: 0, right: TensorId(1), right_zero_point: 0, requantization: plain(0) }),
    ] {
        let graph = Graph::new(
            vec![i8(3, 1, 1), i8(2, 1, 1), i8(3, 1, 1)],
            vec![node(max_pool(Window { stride_h: 2, ..Window::POINT }), TensorId(1)), node(op, TensorId(2))],
            INPUT,
            TensorId(2),
        );
        let (found, output) = (Shape::new(2, 1, 1), Shape::new(3, 1, 1));
        assert_eq!(graph, Err(GraphError::NotBroadcastable { at: at(1), tensor: 1, found, output }));
    }
}

#[test]
fn a_reshape_that_loses_elements() {
    let error = GraphError::ElementCount { at: at(0), tensor: 1, found: Shape::new(1, 1, 5), expected: 6 };
    assert_eq!(fault(i8(1, 2, 3), Op::Reshape { input: INPUT }, i8(1, 1, 5)), error);
}

#[test]
fn a_padded_tensor_that_does_not_fit() {
    for before in [Shape::new(2, 0, 0), Shape::new(0, usize::MAX, 0)] {
        let op = Op::Pad(Pad { input: INPUT, before, value: 0 });
        let (found, input) = (Shape::new(3, 3, 1), Shape::new(2, 2, 1));
        let error = GraphError::PadTooSmall { at: at(0), tensor: 1, found, input, before };
        assert_eq!(fault(i8(2, 2, 1), op, i8(3, 3, 1)), error);
    }
}

#[test]
fn depthwise_channels_that_are_no_multiple() {
    let op = Op::DepthwiseConv2d(Conv { weights: vec![1; 3], bias: vec![0; 3], ..conv() });
    let error = GraphError::ChannelMultiplier { at: at(0), output: 3, input: 2 };
    assert_eq!(fault(i8(1, 1, 2), op, i8(1, 1, 3)), error);
}
