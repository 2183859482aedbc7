//! Operators whose constants are refused.

use verinfer_graph::{Add, Conv, DataType, GraphError, MaxPool, Mul, Op, Pad, Requantization, Shape, TensorSpec, Window};

use crate::support::{INPUT, add, at, conv, i8, plain, single, u8};

fn fault(op: Op) -> GraphError {
    fault_between(i8(1, 2, 2), op, i8(1, 2, 2))
}

fn fault_between(input: TensorSpec, op: Op, output: TensorSpec) -> GraphError {
    single(input, op, output).unwrap_err()
}

/// A convolution of two channels to two.
fn wide() -> Conv {
    Conv { weights: vec![1; 4], bias: vec![0; 2], ..conv() }
}

fn fault_of(requantization: Requantization) -> GraphError {
    fault(Op::Conv2d(Conv { requantization, ..wide() }))
}

#[test]
fn weights_of_the_wrong_number() {
    let op = Op::Conv2d(Conv { weights: vec![1; 5], ..wide() });
    assert_eq!(fault(op), GraphError::WeightCount { at: at(0), found: 5, expected: 4 });
    let op = Op::DepthwiseConv2d(wide());
    assert_eq!(fault(op), GraphError::WeightCount { at: at(0), found: 4, expected: 2 });
}

#[test]
fn biases_of_the_wrong_number() {
    let op = Op::Conv2d(Conv { bias: vec![0], ..wide() });
    assert_eq!(fault(op), GraphError::BiasCount { at: at(0), found: 1, expected: 2 });
}

#[test]
fn multipliers_of_the_wrong_number() {
    let error = GraphError::MultiplierCount { at: at(0), found: 3, channels: 2 };
    assert_eq!(fault_of(Requantization { multipliers: vec![1; 3], ..plain(0) }), error);
    let requantization = Requantization { multipliers: vec![1; 2], ..plain(0) };
    let op = Op::Add(Add { requantization, ..add(INPUT, INPUT) });
    assert_eq!(fault(op), GraphError::MultiplierCount { at: at(0), found: 2, channels: 1 });
}

#[test]
fn shifts_of_the_wrong_number() {
    let error = GraphError::ShiftCount { at: at(0), found: 0, channels: 2 };
    assert_eq!(fault_of(Requantization { shifts: vec![], ..plain(0) }), error);
}

#[test]
fn a_negative_multiplier() {
    let error = GraphError::NegativeMultiplier { at: at(0), index: 1, multiplier: -1 };
    assert_eq!(fault_of(Requantization { multipliers: vec![1, -1], ..plain(0) }), error);
}

#[test]
fn a_shift_out_of_range() {
    for shift in [31, -63, i32::MIN] {
        let error = GraphError::ShiftOutOfRange { at: at(0), index: 0, shift };
        assert_eq!(fault_of(Requantization { shifts: vec![shift], ..plain(0) }), error);
    }
}

#[test]
fn a_zero_point_outside_its_type() {
    let error = |tensor, zero_point| GraphError::ZeroPointOutOfRange { at: at(0), tensor, zero_point, dtype: DataType::I8 };
    assert_eq!(fault_of(plain(128)), error(1, 128));
    assert_eq!(fault(Op::Conv2d(Conv { input_zero_point: 1 << 20, ..wide() })), error(0, 1 << 20));
    for (left_zero_point, right_zero_point) in [(-129, 0), (0, -129)] {
        let (left, right) = (INPUT, INPUT);
        let op = Op::Mul(Mul { left, left_zero_point, right, right_zero_point, requantization: plain(0) });
        assert_eq!(fault(op), error(0, -129));
    }
}

#[test]
fn a_weight_zero_point_out_of_range() {
    let op = Op::Conv2d(Conv { weight_zero_point: 256, ..wide() });
    assert_eq!(fault(op), GraphError::WeightZeroPointOutOfRange { at: at(0), zero_point: 256 });
}

#[test]
fn a_weight_out_of_range() {
    let op = Op::Conv2d(Conv { weights: vec![1, 1, -129, 1], ..wide() });
    assert_eq!(fault(op), GraphError::WeightOutOfRange { at: at(0), index: 2, weight: -129 });
}

#[test]
fn a_weight_too_far_from_its_zero_point() {
    let op = Op::Conv2d(Conv { weights: vec![255, 255, 255, -1], weight_zero_point: 255, ..wide() });
    let error = GraphError::WeightTooFarFromZeroPoint { at: at(0), index: 3, weight: -1, zero_point: 255 };
    assert_eq!(fault(op), error);
}

#[test]
fn an_inverted_clamp() {
    let error = GraphError::ClampInverted { at: at(0), min: 2, max: 1 };
    assert_eq!(fault_of(Requantization { min: 2, max: 1, ..plain(0) }), error);
    assert_eq!(fault(Op::MaxPool(MaxPool { input: INPUT, window: Window::POINT, min: 2, max: 1 })), error);
}

#[test]
fn a_clamp_outside_the_type() {
    let error = GraphError::ClampOutOfRange { at: at(0), tensor: 1, min: 0, max: 255, dtype: DataType::I8 };
    assert_eq!(fault_of(Requantization { min: 0, max: 255, ..plain(0) }), error);
    assert_eq!(fault(Op::MaxPool(MaxPool { input: INPUT, window: Window::POINT, min: 0, max: 255 })), error);
}

#[test]
fn a_border_outside_the_type() {
    let op = Op::Pad(Pad { input: INPUT, before: Shape::new(0, 0, 0), value: -1 });
    let error = GraphError::PadValueOutOfRange { at: at(0), tensor: 1, value: -1, dtype: DataType::U8 };
    assert_eq!(fault_between(u8(1, 1, 1), op, u8(1, 1, 1)), error);
}
