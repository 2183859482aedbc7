//! Ranges worked out by hand.

use verinfer_graph::{
    Add, Concat, Conv, Graph, GraphError, Lookup, MaxPool, Mul, NodeId, Op, Operand, Pad, Requantization, Shape, SumPool, TensorId,
    TensorSpec, Window,
};

use crate::support::{INPUT, OUTPUT, add, at, conv, i8, node, plain, scaled, single, u8};

fn accumulators(input: TensorSpec, op: Op, output: TensorSpec) -> Vec<(i64, i64)> {
    single(input, op, output).unwrap().accumulator_range(NodeId(0)).unwrap()
}

#[test]
fn accumulators_are_bounded_by_positive_and_negative_weights() {
    let op = Op::Conv2d(Conv { weights: vec![2, -3, 0, 1], bias: vec![7, 0], ..conv() });
    assert_eq!(accumulators(i8(1, 1, 2), op, i8(1, 1, 2)), [(-256 - 381 + 7, 254 + 384 + 7), (-128, 127)]);
}

#[test]
fn zero_points_shift_the_bounds() {
    let op = Op::Conv2d(Conv { input_zero_point: 100, weights: vec![5], weight_zero_point: 3, ..conv() });
    assert_eq!(accumulators(u8(1, 1, 1), op, i8(1, 1, 1)), [(-200, 310)]);
}

#[test]
fn only_taps_that_exist_together_count() {
    // Inputs are 0 to 255, so every existing tap of weight 1 only adds: at most 2 of 3 columns exist in a row of two.
    let window = Window { kernel_w: 3, pad_left: 1, ..Window::POINT };
    let op = Op::Conv2d(Conv { window, weights: vec![1, 1, 1], ..conv() });
    assert_eq!(accumulators(u8(1, 2, 1), op, i8(1, 2, 1)), [(0, 510)]);
    let window = Window { kernel_h: 3, pad_top: 1, ..Window::POINT };
    let op = Op::Conv2d(Conv { window, weights: vec![1, 1, 1], ..conv() });
    assert_eq!(accumulators(u8(2, 1, 1), op, i8(2, 1, 1)), [(0, 510)]);
}

#[test]
fn a_tap_that_always_exists_is_not_taken_as_missing() {
    let pool = MaxPool { input: INPUT, window: Window::POINT, min: 3, max: 9 };
    let conv = Conv { input: OUTPUT, weights: vec![2], bias: vec![10], ..conv() };
    let graph = Graph::new(
        vec![u8(1, 1, 1), u8(1, 1, 1), i8(1, 1, 1)],
        vec![node(Op::MaxPool(pool), OUTPUT), node(Op::Conv2d(conv), TensorId(2))],
        INPUT,
        TensorId(2),
    )
    .unwrap();
    assert_eq!(graph.accumulator_range(NodeId(1)), Some(vec![(16, 28)]));
    assert_eq!(graph.accumulator_range(NodeId(0)), None);
    assert_eq!(graph.quotient_range(NodeId(0)), None);
}

#[test]
fn additions_add_the_ranges_of_their_tables() {
    let graph = single(i8(1, 1, 2), Op::Add(add(INPUT, INPUT)), i8(1, 1, 2)).unwrap();
    assert_eq!(graph.accumulator_range(NodeId(0)), Some(vec![(-256, 254)]));
    let constants = Add { left_table: scaled(-2), right: Operand::Constant(vec![5, -5]), ..add(INPUT, INPUT) };
    let graph = single(i8(1, 1, 2), Op::Add(constants), i8(1, 1, 2)).unwrap();
    assert_eq!(graph.accumulator_range(NodeId(0)), Some(vec![(-249, 261), (-259, 251)]));
    assert_eq!(graph.quotient_range(NodeId(0)), Some((-259, 261)));
}

#[test]
fn products_take_the_extreme_corners() {
    let mul = Mul { left: INPUT, left_zero_point: 0, right: INPUT, right_zero_point: 27, requantization: plain(0) };
    assert_eq!(accumulators(i8(1, 1, 1), Op::Mul(mul), i8(1, 1, 1)), [(-155 * 127, 155 * 128)]);
}

#[test]
fn quotients_cover_all_channels() {
    let requantization = Requantization { shifts: vec![0, -1], ..plain(50) };
    let op = Op::Conv2d(Conv { weights: vec![1, 10], bias: vec![0, 0], requantization, ..conv() });
    let graph = single(i8(1, 1, 1), op, i8(1, 1, 2)).unwrap();
    assert_eq!(graph.accumulator_range(NodeId(0)), Some(vec![(-128, 127), (-1280, 1270)]));
    // 1270 / 2 / 2 is 317.5, and -1280 / 4 is -320.
    assert_eq!(graph.quotient_range(NodeId(0)), Some((-320, 318)));
}

#[test]
fn clamps_and_tables_narrow_values_and_moves_keep_them() {
    let [clamped, pooled, padded, reshaped, looked_up, joined, averaged] = [1, 2, 3, 4, 5, 6, 7].map(TensorId);
    let relu = Conv { requantization: Requantization { min: -10, max: 20, ..plain(0) }, ..conv() };
    let quarters = (0..256).map(|index| index / 64 + 30).collect();
    let halves = (0..256).map(|sum| sum / 128 - 50).collect();
    let ops = [
        Op::Conv2d(relu),
        Op::MaxPool(MaxPool { input: clamped, window: Window::POINT, min: 0, max: 127 }),
        Op::Pad(Pad { input: pooled, before: Shape::new(0, 1, 0), value: -7 }),
        Op::Reshape { input: padded },
        Op::Lookup(Lookup { input: reshaped, table: quarters }),
        Op::Concat(Concat { inputs: vec![reshaped, looked_up], axis: 2 }),
        Op::SumPool(SumPool { input: joined, window: Window::POINT, tables: vec![(1, halves)] }),
    ];
    let shapes = [(2, 1), (2, 1), (2, 1), (4, 1), (1, 4), (1, 4), (1, 8), (1, 8)];
    let graph = Graph::new(
        shapes.map(|(width, channels)| i8(1, width, channels)).to_vec(),
        (1..).map(TensorId).zip(ops).map(|(output, op)| node(op, output)).collect(),
        INPUT,
        averaged,
    )
    .unwrap();
    let ranges: Vec<(i16, i16)> = (0..8).map(|tensor| graph.value_range(TensorId(tensor))).collect();
    assert_eq!(ranges, [(-128, 127), (-10, 20), (0, 20), (-7, 20), (-7, 20), (30, 33), (-7, 33), (-50, -49)]);
}

#[test]
fn accumulators_that_could_leave_32_bits_are_refused() {
    let with_bias = |bias| single(i8(1, 1, 1), Op::Conv2d(Conv { bias: vec![bias], ..conv() }), i8(1, 1, 1));
    let error = GraphError::AccumulatorOverflow { at: at(0), channel: 0, min: (1 << 31) - 255, max: 1 << 31 };
    assert_eq!(with_bias(i32::MAX - 126), Err(error));
    let channel = Requantization { shifts: vec![0], ..plain(0) };
    let op = Op::Conv2d(Conv { bias: vec![i32::MAX - 127], requantization: channel, ..conv() });
    assert!(single(i8(1, 1, 1), op, i8(1, 1, 1)).is_ok());
}

#[test]
fn accumulators_that_leave_32_bits_when_shifted_are_refused() {
    let with_shift = |shift| {
        let requantization = Requantization { multipliers: vec![1 << 20], shifts: vec![shift], ..plain(0) };
        single(i8(1, 1, 1), Op::Conv2d(Conv { requantization, ..conv() }), i8(1, 1, 1))
    };
    // -128 * 2^24 is -2^31.
    assert!(with_shift(24).is_ok());
    let error = GraphError::ShiftedAccumulatorOverflow { at: at(0), channel: 0, min: -128, max: 127, shift: 25 };
    assert_eq!(with_shift(25), Err(error));
}

#[test]
fn outputs_that_leave_32_bits_before_the_clamp_are_refused() {
    let requantization = Requantization { multipliers: vec![i32::MAX], shifts: vec![0], ..plain(127) };
    let op = Op::Conv2d(Conv { bias: vec![i32::MAX - 127], requantization, ..conv() });
    let error =
        GraphError::OutputOverflow { at: at(0), channel: 0, min: i64::from(i32::MAX) - 255 - 1 + 127, max: i64::from(i32::MAX) - 1 + 127 };
    assert_eq!(single(i8(1, 1, 1), op, i8(1, 1, 1)), Err(error));
}
