//! Small cases worked out by hand.

use verinfer_graph::{
    Add, Concat, Conv, Graph, Lookup, MaxPool, Mul, Op, Operand, Pad, Requantization, Shape, SumPool, TensorId, Window, run,
};

use crate::support::{INPUT, OUTPUT, add, conv, i8, node, output_of, plain, scaled, single, u8, window};

#[test]
fn conv2d_sums_over_channels_and_adds_the_bias() {
    let op = Op::Conv2d(Conv { weights: vec![1, 2, 3, -1, 0, 1], bias: vec![10, -1], ..conv() });
    assert_eq!(output_of(i8(1, 2, 3), op, i8(1, 2, 2), &[1, 2, 3, 4, 5, 6]), [24, 1, 42, 1]);
}

#[test]
fn conv2d_subtracts_both_zero_points() {
    let op = Op::Conv2d(Conv { input_zero_point: 100, weights: vec![130, 128, 127], weight_zero_point: 128, ..conv() });
    assert_eq!(output_of(u8(1, 1, 3), op, i8(1, 1, 1), &[103, 0, 150]), [6 - 50]);
}

#[test]
fn missing_taps_of_a_convolution_contribute_nothing() {
    // 3x3 of ones over a 2x2 input with padding 1 and zero point 1: every output is the sum of all four inputs less 1.
    let op = Op::Conv2d(Conv { input_zero_point: 1, window: window(3, 1, 1, 1), weights: vec![1; 9], ..conv() });
    assert_eq!(output_of(i8(2, 2, 1), op, i8(2, 2, 1), &[1, 2, 3, 5]), [7; 4]);
}

#[test]
fn conv2d_strides_and_dilates() {
    // Two taps two columns apart, at every second column.
    let window = Window { kernel_w: 2, stride_w: 2, dilation_w: 2, ..Window::POINT };
    let op = Op::Conv2d(Conv { window, weights: vec![1, 10], ..conv() });
    assert_eq!(output_of(i8(1, 5, 1), op, i8(1, 2, 1), &[1, 2, 3, 4, 5]), [31, 53]);
}

#[test]
fn depthwise_keeps_channels_apart() {
    let window = Window { kernel_h: 2, ..Window::POINT };
    let op = Op::DepthwiseConv2d(Conv { window, weights: vec![1, 2, 3, 4], bias: vec![0, 1], ..conv() });
    assert_eq!(output_of(i8(2, 1, 2), op, i8(1, 1, 2), &[1, 2, 3, 4]), [10, 21]);
}

#[test]
fn depthwise_repeats_channels_by_its_multiplier() {
    let op = Op::DepthwiseConv2d(Conv { weights: vec![1, 2, 3, 4], bias: vec![0; 4], ..conv() });
    assert_eq!(output_of(i8(1, 1, 2), op, i8(1, 1, 4), &[5, 7]), [5, 10, 21, 28]);
}

#[test]
fn requantization_constants_may_differ_by_channel() {
    let requantization = Requantization { multipliers: vec![1 << 30, 1 << 29], shifts: vec![1, 2], ..plain(-3) };
    let op = Op::Conv2d(Conv { weights: vec![2, 3], bias: vec![0, 0], requantization, ..conv() });
    assert_eq!(output_of(i8(1, 1, 1), op, i8(1, 1, 2), &[10]), [17, 27]);
}

#[test]
fn fused_activations_clamp() {
    let op = Op::Conv2d(Conv { requantization: Requantization { min: 0, max: 6, ..plain(0) }, ..conv() });
    assert_eq!(output_of(i8(1, 1, 1), op.clone(), i8(1, 1, 1), &[-5]), [0]);
    assert_eq!(output_of(i8(1, 1, 1), op, i8(1, 1, 1), &[50]), [6]);
}

#[test]
fn add_sums_rescaled_values() {
    let op = Op::Add(Add {
        left: INPUT,
        left_table: scaled(2),
        right: Operand::Tensor { tensor: INPUT, table: scaled(-1) },
        requantization: plain(5),
    });
    assert_eq!(output_of(i8(1, 1, 3), op, i8(1, 1, 3), &[-7, 0, 9]), [-2, 5, 14]);
}

#[test]
fn add_of_constants_goes_by_channel() {
    let op = Op::Add(Add { right: Operand::Constant(vec![1, -2]), ..add(INPUT, INPUT) });
    assert_eq!(output_of(i8(1, 2, 2), op, i8(1, 2, 2), &[10, 20, 30, 40]), [11, 18, 31, 38]);
}

/// `combine` of the input (2 x 2 x 2) with one pool of it to `height x width x channels`.
fn with_pooled(height: usize, width: usize, combine: impl Fn(TensorId, TensorId) -> Op) -> Vec<i16> {
    let pool = MaxPool { input: INPUT, window: Window { kernel_h: 3 - height, kernel_w: 3 - width, ..Window::POINT }, min: -128, max: 127 };
    let graph = Graph::new(
        vec![i8(2, 2, 2), i8(height, width, 2), i8(2, 2, 2)],
        vec![node(Op::MaxPool(pool), TensorId(1)), node(combine(INPUT, TensorId(1)), TensorId(2))],
        INPUT,
        TensorId(2),
    );
    run(&graph.unwrap(), &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap().tensors.swap_remove(2)
}

#[test]
fn the_second_addend_is_repeated_along_sides_of_one() {
    let sum = |left, right| Op::Add(add(left, right));
    assert_eq!(with_pooled(1, 1, sum), [8, 10, 10, 12, 12, 14, 14, 16]);
    assert_eq!(with_pooled(1, 2, sum), [6, 8, 10, 12, 10, 12, 14, 16]);
    assert_eq!(with_pooled(2, 1, sum), [4, 6, 6, 8, 12, 14, 14, 16]);
}

#[test]
fn the_second_factor_is_repeated_along_sides_of_one() {
    let product = |left, right| Op::Mul(Mul { left, left_zero_point: 1, right, right_zero_point: 5, requantization: plain(0) });
    assert_eq!(with_pooled(1, 1, product), [0, 3, 4, 9, 8, 15, 12, 21]);
}

#[test]
fn a_single_channel_is_repeated() {
    let graph = Graph::new(
        vec![i8(1, 2, 2), i8(1, 2, 1), i8(1, 2, 2)],
        vec![node(Op::Conv2d(Conv { weights: vec![1, 1], ..conv() }), TensorId(1)), node(Op::Add(add(INPUT, TensorId(1))), TensorId(2))],
        INPUT,
        TensorId(2),
    );
    assert_eq!(run(&graph.unwrap(), &[1, 2, 3, 4]).unwrap().tensors[2], [4, 5, 10, 11]);
}

#[test]
fn mul_subtracts_zero_points() {
    let op = Op::Mul(Mul { left: INPUT, left_zero_point: 2, right: INPUT, right_zero_point: -1, requantization: plain(0) });
    assert_eq!(output_of(i8(1, 1, 2), op, i8(1, 1, 2), &[5, -3]), [18, 10]);
}

#[test]
fn sum_pool_uses_the_table_of_its_number_of_taps() {
    // Columns of windows of two with one column of padding: one tap, then two.
    let window = Window { kernel_w: 2, pad_left: 1, ..Window::POINT };
    let halves = |count: i32| (0..=255 * count).map(|sum| (sum / count) as i16).collect();
    let op = Op::SumPool(SumPool { input: INPUT, window, tables: vec![(1, halves(1)), (2, halves(2))] });
    assert_eq!(output_of(u8(1, 3, 1), op, u8(1, 3, 1), &[10, 20, 255]), [10, 15, 137]);
}

#[test]
fn sum_pool_counts_from_the_type_minimum() {
    let window = Window { kernel_h: 2, ..Window::POINT };
    let means = (0..=510).map(|sum: i16| (sum - 256) / 2).collect();
    let op = Op::SumPool(SumPool { input: INPUT, window, tables: vec![(2, means)] });
    assert_eq!(output_of(i8(2, 1, 2), op, i8(1, 1, 2), &[-128, 100, -10, 20]), [-69, 60]);
}

#[test]
fn max_pool_ignores_missing_taps_and_clamps() {
    let op = Op::MaxPool(MaxPool { input: INPUT, window: window(2, 1, 1, 1), min: -20, max: 6 });
    assert_eq!(output_of(i8(2, 2, 1), op, i8(2, 2, 1), &[-50, -9, 3, 7]), [-20, -9, 3, 6]);
}

#[test]
fn lookup_starts_at_the_type_minimum() {
    let table: Vec<i16> = (0..256).map(|index| 255 - index).collect();
    let op = Op::Lookup(Lookup { input: INPUT, table });
    assert_eq!(output_of(i8(1, 1, 3), op, u8(1, 1, 3), &[-128, 0, 127]), [255, 127, 0]);
}

#[test]
fn pad_surrounds_the_input() {
    let op = Op::Pad(Pad { input: INPUT, before: Shape::new(1, 0, 1), value: 9 });
    assert_eq!(output_of(i8(1, 2, 1), op, i8(2, 3, 2), &[1, 2]), [9, 9, 9, 9, 9, 9, 9, 1, 9, 2, 9, 9]);
}

#[test]
fn reshape_keeps_the_order() {
    let op = Op::Reshape { input: INPUT };
    assert_eq!(output_of(i8(2, 1, 3), op, i8(1, 1, 6), &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn concat_joins_along_each_axis() {
    let joined = |axis, output| {
        let op = Op::Concat(Concat { inputs: vec![INPUT, INPUT], axis });
        output_of(i8(2, 2, 1), op, output, &[1, 2, 3, 4])
    };
    assert_eq!(joined(0, i8(4, 2, 1)), [1, 2, 3, 4, 1, 2, 3, 4]);
    assert_eq!(joined(1, i8(2, 4, 1)), [1, 2, 1, 2, 3, 4, 3, 4]);
    assert_eq!(joined(2, i8(2, 2, 2)), [1, 1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn work_is_that_of_the_weights_and_not_of_the_taps_of_a_maximum() {
    assert_eq!(single(i8(6, 5, 1), Op::Conv2d(conv()), i8(6, 5, 1)).unwrap().work(), 60);
    let wide = |kernel, outputs| {
        let window = Window { kernel_h: kernel, kernel_w: kernel, ..Window::POINT };
        let op = Op::MaxPool(MaxPool { input: INPUT, window, min: -128, max: 127 });
        let side = kernel + outputs - 1;
        single(i8(side, side, 1), op, i8(outputs, outputs, 1)).unwrap()
    };
    assert_eq!(wide(2, 10).work(), 5 * 100);
    // 10^10 pairs of an output and a tap.
    let graph = wide(1000, 100);
    assert!(graph.work() < 20 * 1099 * 1099, "{}", graph.work());
    let input: Vec<i16> = (0..1099 * 1099).map(|i| if i == 500 * 1099 + 600 { 77 } else { 5 }).collect();
    assert!(run(&graph, &input).unwrap().tensors[OUTPUT.0].iter().all(|&value| value == 77));
}
