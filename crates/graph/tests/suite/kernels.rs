//! The kernels against a direct transcription of the definitions, on random small windows.

use proptest::prelude::*;
use verinfer_graph::{Conv, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, Window, requantize, run_observed};

use crate::support::{INPUT, OUTPUT, conv, i8, node, output_of, window};

/// A one-node network and an input.
#[derive(Clone, Debug)]
struct Case {
    input: Shape,
    output: Shape,
    depthwise: bool,
    conv: Conv,
    values: Vec<i16>,
}

impl Case {
    fn accumulator(&self, y: usize, x: usize, channel: usize) -> i32 {
        let Self { input, output, conv, .. } = self;
        let mut sum = conv.bias[channel];
        for tap in 0..conv.window.num_taps() {
            let Some(pixel) = conv.window.source(*input, y, x, tap) else {
                continue;
            };
            let channels = if self.depthwise {
                let source = channel / (output.channels / input.channels);
                source..source + 1
            } else {
                0..input.channels
            };
            for source in channels {
                let weight = if self.depthwise {
                    conv.weights[tap * output.channels + channel]
                } else {
                    conv.weights[(channel * conv.window.num_taps() + tap) * input.channels + source]
                };
                let value = self.values[pixel * input.channels + source];
                sum += (i32::from(value) - conv.input_zero_point) * (i32::from(weight) - conv.weight_zero_point);
            }
        }
        sum
    }

    fn graph(&self) -> Option<Graph> {
        let op = if self.depthwise { Op::DepthwiseConv2d(self.conv.clone()) } else { Op::Conv2d(self.conv.clone()) };
        let spec = |shape: Shape| i8(shape.height, shape.width, shape.channels);
        let nodes: Vec<Node> = vec![node(op, OUTPUT)];
        Graph::new(vec![spec(self.input), spec(self.output)], nodes, INPUT, TensorId(1)).ok()
    }
}

/// Window sides, strides and so on in one direction, with the input's and output's side.
fn axis() -> impl Strategy<Value = [usize; 6]> {
    (1_usize..=4, 1_usize..=3, 1_usize..=3, 0_usize..=3, 1_usize..=9, any::<prop::sample::Index>()).prop_filter_map(
        "some output has a tap everywhere",
        |(kernel, stride, dilation, pad, side, choice)| {
            let window = Window { kernel_h: kernel, stride_h: stride, dilation_h: dilation, pad_top: pad, ..Window::POINT };
            let most = (0..).take_while(|&y| !window.row_taps(side, y).is_empty()).count();
            let reach = (kernel - 1) * dilation + 1;
            let least = (side + pad).checked_sub(reach).map_or(1, |room| room / stride + 1);
            (most >= least).then(|| [kernel, stride, dilation, pad, side, least + choice.index(most - least + 1)])
        },
    )
}

fn rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::Twice), Just(Rounding::Once)]
}

fn case() -> impl Strategy<Value = Case> {
    (axis(), axis(), 1_usize..=4, 1_usize..=20, any::<bool>(), any::<bool>()).prop_flat_map(
        |(rows, columns, channels, factor, depthwise, per_channel)| {
            let window = Window {
                kernel_h: rows[0],
                kernel_w: columns[0],
                stride_h: rows[1],
                stride_w: columns[1],
                dilation_h: rows[2],
                dilation_w: columns[2],
                pad_top: rows[3],
                pad_left: columns[3],
            };
            let input = Shape::new(rows[4], columns[4], channels);
            let output = Shape::new(rows[5], columns[5], if depthwise { channels * factor.min(3) } else { factor });
            let filter_len = window.num_taps() * if depthwise { 1 } else { channels };
            let num_constants = if per_channel { output.channels } else { 1 };
            let constants =
                (prop::collection::vec(0..=i32::MAX, num_constants), prop::collection::vec(-12..=3, num_constants), -128..=127, rounding());
            (
                prop::collection::vec(-128_i16..=127, input.num_elements()),
                prop::collection::vec(-100_i16..=127, filter_len * output.channels),
                prop::collection::vec(-100_000..=100_000, output.channels),
                (-128..=127, -100..=100),
                constants,
            )
                .prop_map(move |(values, weights, bias, zero_points, (multipliers, shifts, zero_point, rounding))| Case {
                    input,
                    output,
                    depthwise,
                    conv: Conv {
                        input: INPUT,
                        input_zero_point: zero_points.0,
                        window,
                        weights,
                        weight_zero_point: zero_points.1,
                        bias,
                        requantization: Requantization { multipliers, shifts, rounding, zero_point, min: -128, max: 120 },
                    },
                    values,
                })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn convolutions_equal_their_definition_and_stay_in_their_ranges(case in case()) {
        let graph = case.graph().expect("small windows cannot overflow");
        let (mut accumulators, mut outputs) = (Vec::new(), Vec::new());
        run_observed(&graph, &case.values, &mut |_, node_accumulators, output| {
            accumulators = node_accumulators.unwrap().to_vec();
            outputs = output.to_vec();
        }).unwrap();

        let ranges = graph.accumulator_range(verinfer_graph::NodeId(0)).unwrap();
        let quotients = graph.quotient_range(verinfer_graph::NodeId(0)).unwrap();
        let mut index = 0;
        for y in 0..case.output.height {
            for x in 0..case.output.width {
                for (channel, range) in ranges.iter().enumerate() {
                    let acc = case.accumulator(y, x, channel);
                    prop_assert_eq!(accumulators[index], acc);
                    prop_assert_eq!(outputs[index], requantize(acc, &case.conv.requantization, channel));
                    prop_assert!((range.0..=range.1).contains(&i64::from(acc)));
                    let quotient = case.conv.requantization.quotient(acc, channel);
                    prop_assert!((quotients.0..=quotients.1).contains(&quotient));
                    index += 1;
                }
            }
        }
        prop_assert_eq!(index, accumulators.len());
    }
}

#[test]
fn pixels_do_not_see_the_windows_of_others() {
    let side = 100;
    let conv = Conv { window: window(3, 1, 1, 1), weights: vec![1; 9], ..conv() };
    let output = output_of(i8(side, side, 1), Op::Conv2d(conv), i8(side, side, 1), &vec![1; side * side]);
    let taps = |position: usize| if position == 0 || position == side - 1 { 2 } else { 3 };
    let expected: Vec<i16> = (0..side * side).map(|pixel| taps(pixel / side) * taps(pixel % side)).collect();
    assert_eq!(output, expected);
}

proptest! {
    #[test]
    fn existing_taps_equal_the_taps_with_a_source(rows in axis(), columns in axis()) {
        let window = Window {
            kernel_h: rows[0], stride_h: rows[1], dilation_h: rows[2], pad_top: rows[3],
            kernel_w: columns[0], stride_w: columns[1], dilation_w: columns[2], pad_left: columns[3],
        };
        let input = Shape::new(rows[4], columns[4], 1);
        for y in 0..rows[5] {
            for x in 0..columns[5] {
                let sources = (0..window.num_taps()).filter(|&tap| window.source(input, y, x, tap).is_some());
                let expected: Vec<usize> = window
                    .row_taps(input.height, y)
                    .flat_map(|row| window.column_taps(input.width, x).map(move |column| row * window.kernel_w + column))
                    .collect();
                prop_assert_eq!(window.num_existing_taps(input, y, x), expected.len());
                prop_assert_eq!(sources.collect::<Vec<_>>(), expected);
            }
        }
    }
}
