//! What the outputs of networks can be at all, and on what they depend.

use verinfer_graph::{
    Add, Concat, Conv, Element, Graph, Influence, Lookup, MaxPool, Mul, Op, Operand, Pad, Reach, Requantization, Shape, SumPool, TensorId,
    TensorSpec, Window,
};

use crate::support::{INPUT, add, conv, i8, node, plain, scaled, single, window};

const NOTHING: Influence = Influence { input: false, learned: false };
const INPUT_ONLY: Influence = Influence { input: true, learned: false };
const LEARNED_ONLY: Influence = Influence { input: false, learned: true };
const BOTH: Influence = Influence { input: true, learned: true };

/// A network from tensor 0 to the last one.
fn network(tensors: Vec<TensorSpec>, ops: Vec<Op>) -> Graph {
    let output = TensorId(tensors.len() - 1);
    let nodes = ops.into_iter().enumerate().map(|(index, op)| node(op, TensorId(index + 1)));
    Graph::new(tensors, nodes.collect(), INPUT, output).unwrap()
}

/// With hidden learned values.
fn hidden(graph: &Graph) -> Reach {
    Reach::of_architecture(&graph.without_learned(), &|_| None)
}

fn elements(reach: &Reach) -> Vec<Element> {
    (0..reach.shape().channels).map(|channel| reach.channel(channel)).collect()
}

fn clamped(min: i16, max: i16) -> Requantization {
    Requantization { min, max, ..plain(min.into()) }
}

/// A 1x1 convolution of `input` channels.
fn pointwise(tensor: usize, inner: usize, outer: usize, requantization: Requantization) -> Op {
    let (weights, bias) = (vec![1; inner * outer], vec![0; outer]);
    Op::Conv2d(Conv { input: TensorId(tensor), weights, bias, requantization, ..conv() })
}

fn lookup(tensor: usize, table: impl Fn(i16) -> i16) -> Op {
    Op::Lookup(Lookup { input: TensorId(tensor), table: (-128..128).map(table).collect() })
}

#[test]
fn the_output_of_a_hidden_layer_is_its_clamp_and_depends_on_input_and_weights() {
    let graph = network(vec![i8(2, 2, 3), i8(2, 2, 4)], vec![pointwise(0, 3, 4, clamped(-20, 50))]);
    let reach = hidden(&graph);
    assert_eq!(reach.influence(), BOTH);
    assert!(elements(&reach).iter().all(|element| element.bounds() == (-20, 50) && element.influence == BOTH));
    // With known weights the accumulators say more, and nothing is learned that anybody could choose.
    let known = Reach::of(&graph);
    assert_eq!((known.channel(0).bounds(), known.influence()), ((-20, 50), INPUT_ONLY));
}

#[test]
fn a_clamp_to_a_single_value_makes_the_output_constant() {
    let graph = network(vec![i8(1, 1, 3), i8(1, 1, 4)], vec![pointwise(0, 3, 4, clamped(7, 7))]);
    assert_eq!(hidden(&graph).influence(), NOTHING);
    assert_eq!(hidden(&graph).channel(3).bounds(), (7, 7));
}

#[test]
fn what_a_node_cannot_write_is_not_reached() {
    let graph = network(vec![i8(1, 1, 3), i8(1, 1, 4)], vec![pointwise(0, 3, 4, plain(0))]);
    let reach = Reach::of_architecture(&graph, &|_| Some((3, 3)));
    assert_eq!((reach.influence(), reach.channel(0).bounds()), (NOTHING, (3, 3)));
}

#[test]
fn a_table_that_is_constant_where_it_is_reached_ends_all_influence() {
    let layers = |table: fn(i16) -> i16| {
        network(vec![i8(1, 1, 1), i8(1, 1, 1), i8(1, 1, 1)], vec![pointwise(0, 1, 1, clamped(0, 10)), lookup(1, table)])
    };
    assert_eq!(hidden(&layers(|value| if (0..=10).contains(&value) { 5 } else { value })).influence(), NOTHING);
    assert_eq!(hidden(&layers(|value| if (0..=9).contains(&value) { 5 } else { value })).influence(), BOTH);
}

#[test]
fn sets_have_gaps() {
    // Only -128 and 127 are left; the next table tells apart only what is between.
    let graph = network(
        vec![i8(1, 1, 1); 3],
        vec![
            lookup(0, |value| if value < 0 { -128 } else { 127 }),
            lookup(1, |value| if (-127..127).contains(&value) { value } else { 1 }),
        ],
    );
    assert_eq!((Reach::of(&graph).influence(), Reach::of(&graph).channel(0).bounds()), (NOTHING, (1, 1)));
}

#[test]
fn a_window_that_reads_nothing_but_padding_does_not_depend_on_the_input() {
    // One pixel in the middle of five: every other pixel is read, from the first on or from the second on.
    let strided = |top: usize| {
        let pad = Op::Pad(Pad { input: INPUT, before: Shape::new(top, top, 0), value: 9 });
        let layer = Op::Conv2d(Conv { input: TensorId(1), window: window(1, 2, 1, 0), ..conv() });
        network(vec![i8(1, 1, 1), i8(5, 5, 1), i8(3, 3, 1)], vec![pad, layer])
    };
    assert_eq!(hidden(&strided(1)).influence(), LEARNED_ONLY);
    assert_eq!(hidden(&strided(2)).influence(), BOTH);
    assert_eq!(Reach::of(&strided(1)).influence(), NOTHING);
    assert_eq!(Reach::of(&strided(2)).influence(), INPUT_ONLY);
}

#[test]
fn padding_is_followed_through_other_shapes_channels_and_depthwise_layers() {
    let pad = |channels| Op::Pad(Pad { input: INPUT, before: Shape::new(0, 0, channels), value: 9 });
    let depthwise = |tensor, channels: usize| {
        let (weights, bias) = (vec![1; channels], vec![0; channels]);
        Op::DepthwiseConv2d(Conv { input: TensorId(tensor), weights, bias, ..conv() })
    };
    // Two channels of border, then one of the input.
    let reach = hidden(&network(vec![i8(2, 2, 1), i8(2, 2, 3), i8(2, 2, 3)], vec![pad(2), depthwise(1, 3)]));
    assert_eq!(elements(&reach).iter().map(|element| element.influence).collect::<Vec<_>>(), [LEARNED_ONLY, LEARNED_ONLY, BOTH]);
    // The same elements as one channel of pixels, of which every third is read.
    for (first, influence) in [(2, BOTH), (1, LEARNED_ONLY)] {
        let tensors = vec![i8(2, 2, 1), i8(2, 2, 3), i8(1, 12, 1), i8(1, 4, 1)];
        let strided = Window { stride_w: 3, kernel_w: 2, dilation_w: first, ..Window::POINT };
        let layer = Op::Conv2d(Conv { input: TensorId(2), window: strided, weights: vec![1; 2], ..conv() });
        assert_eq!(hidden(&network(tensors, vec![pad(2), Op::Reshape { input: TensorId(1) }, layer])).influence(), influence, "{first}");
    }
}

#[test]
fn a_maximum_over_the_largest_value_and_anything_is_constant() {
    let network = |value| {
        let pad = Op::Pad(Pad { input: INPUT, before: Shape::new(1, 1, 0), value });
        let pool = Op::MaxPool(MaxPool { input: TensorId(1), window: window(2, 1, 1, 0), min: -128, max: 127 });
        network(vec![i8(1, 1, 1), i8(2, 2, 1), i8(1, 1, 1)], vec![pad, pool])
    };
    assert_eq!(Reach::of(&network(127)).channel(0).bounds(), (127, 127));
    assert_eq!(Reach::of(&network(127)).influence(), NOTHING);
    assert_eq!(Reach::of(&network(100)).channel(0).bounds(), (100, 127));
    assert_eq!(Reach::of(&network(100)).influence(), INPUT_ONLY);
}

#[test]
fn an_average_that_takes_one_value_for_all_sums_that_occur_is_constant() {
    let network = |table: fn(usize) -> i16| {
        let ends = lookup(0, |value| if value < 0 { -128 } else { 127 });
        let table = (0..=4 * 255).map(table).collect();
        let pool = Op::SumPool(SumPool { input: TensorId(1), window: window(2, 1, 1, 0), tables: vec![(4, table)] });
        network(vec![i8(2, 2, 1), i8(2, 2, 1), i8(1, 1, 1)], vec![ends, pool])
    };
    // The sums are 0, 255, 510, 765 and 1020.
    assert_eq!(Reach::of(&network(|sum| i16::from(sum % 255 != 0))).influence(), NOTHING);
    assert_eq!(Reach::of(&network(|sum| i16::from(sum == 510))).influence(), INPUT_ONLY);
}

#[test]
fn a_product_with_nothing_is_constant() {
    let product = |min, max| {
        let mul = Mul { left: INPUT, left_zero_point: 0, right: TensorId(1), right_zero_point: 4, requantization: plain(3) };
        network(vec![i8(1, 1, 2), i8(1, 1, 2), i8(1, 1, 2)], vec![pointwise(0, 2, 2, clamped(min, max)), Op::Mul(mul)])
    };
    assert_eq!((hidden(&product(4, 4)).influence(), hidden(&product(4, 4)).channel(0).bounds()), (NOTHING, (3, 3)));
    // With a constant factor the weights do not matter, but the input does.
    assert_eq!(hidden(&product(5, 5)).influence(), INPUT_ONLY);
    assert_eq!(hidden(&product(4, 5)).influence(), BOTH);
}

#[test]
fn an_operand_whose_table_is_constant_does_not_count() {
    let sum = |table: Vec<i32>| {
        let right = Operand::Tensor { tensor: TensorId(1), table };
        let sum = Op::Add(Add { left: INPUT, left_table: scaled(1), right, requantization: plain(0) });
        network(vec![i8(1, 1, 2), i8(1, 1, 2), i8(1, 1, 2)], vec![pointwise(0, 2, 2, plain(0)), sum])
    };
    assert_eq!(hidden(&sum(vec![77; 256])).influence(), INPUT_ONLY);
    assert_eq!(hidden(&sum(scaled(1))).influence(), BOTH);
    let constants = |left_table| Op::Add(Add { left_table, right: Operand::Constant(vec![1, 2]), ..add(INPUT, INPUT) });
    assert_eq!(hidden(&network(vec![i8(1, 1, 2); 2], vec![constants(vec![5; 256])])).influence(), LEARNED_ONLY);
    assert_eq!(hidden(&network(vec![i8(1, 1, 2); 2], vec![constants(scaled(1))])).influence(), BOTH);
}

#[test]
fn a_tensor_less_itself_is_constant() {
    let difference = |left: usize, right: usize| {
        Op::Add(Add {
            left: TensorId(left),
            left_table: scaled(1),
            right: Operand::Tensor { tensor: TensorId(right), table: scaled(-1) },
            requantization: plain(5),
        })
    };
    let graph = network(vec![i8(1, 1, 2); 3], vec![pointwise(0, 2, 2, plain(0)), difference(1, 1)]);
    assert_eq!((hidden(&graph).influence(), hidden(&graph).channel(1).bounds()), (NOTHING, (5, 5)));
    // Also if it has been through tables and other shapes in between.
    let graph = network(
        vec![i8(1, 1, 4), i8(1, 1, 4), i8(1, 1, 4), i8(2, 2, 1), i8(2, 2, 1), i8(2, 2, 1)],
        vec![
            pointwise(0, 4, 4, clamped(-50, 50)),
            lookup(1, |value| -1 - value),
            Op::Reshape { input: TensorId(2) },
            Op::Reshape { input: TensorId(1) },
            Op::Add(Add {
                left: TensorId(3),
                left_table: scaled(2),
                right: Operand::Tensor { tensor: TensorId(4), table: scaled(2) },
                requantization: plain(0),
            }),
        ],
    );
    assert_eq!((hidden(&graph).influence(), hidden(&graph).channel(0).bounds()), (NOTHING, (-2, -2)));
    // Two layers with weights of their own are two tensors.
    let layers = vec![pointwise(0, 2, 2, plain(0)), pointwise(0, 2, 2, plain(0)), difference(1, 2)];
    assert_eq!(hidden(&network(vec![i8(1, 1, 2); 4], layers)).influence(), BOTH);
}

#[test]
fn each_class_that_cannot_vary_is_told_from_the_others() {
    let layers = vec![
        pointwise(0, 2, 1, clamped(100, 100)),
        pointwise(0, 2, 2, clamped(-128, 99)),
        Op::Concat(Concat { inputs: vec![TensorId(1), TensorId(2)], axis: 2 }),
    ];
    let reach = hidden(&network(vec![i8(1, 1, 2), i8(1, 1, 1), i8(1, 1, 2), i8(1, 1, 3)], layers));
    assert_eq!(elements(&reach).iter().map(Element::bounds).collect::<Vec<_>>(), [(100, 100), (-128, 99), (-128, 99)]);
    assert_eq!(elements(&reach).iter().map(Element::is_constant).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(reach.influence(), BOTH);
}

#[test]
fn known_weights_give_each_channel_its_own_values() {
    // Twice, zero times and minus once the input.
    let requantization = Requantization { multipliers: vec![1 << 30], shifts: vec![0], ..plain(0) };
    let layer = Conv { weights: vec![2, 0, -1], bias: vec![0, 40, 0], requantization, ..conv() };
    let reach = Reach::of(&single(i8(1, 1, 1), Op::Conv2d(layer), i8(1, 1, 3)).unwrap());
    assert_eq!(elements(&reach).iter().map(Element::bounds).collect::<Vec<_>>(), [(-128, 127), (20, 20), (-63, 64)]);
    assert_eq!(elements(&reach).iter().map(|element| element.influence.input).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn tensors_joined_along_rows_and_columns_keep_their_places() {
    for axis in [0, 1] {
        let side = |long: usize| if axis == 0 { i8(long, 2, 1) } else { i8(2, long, 1) };
        let constant = lookup(0, |_| 3);
        let join = Op::Concat(Concat { inputs: vec![TensorId(1), INPUT, TensorId(1)], axis });
        // Every second line of six, from the first or from the third on: three joined tensors of two lines.
        let strided = |first: usize| {
            let (kernel, stride) = (first + 1, 6);
            let window = Window { kernel_h: 1, kernel_w: 1, stride_h: 1, stride_w: 1, ..Window::POINT };
            let window = if axis == 0 {
                Window { kernel_h: 2, dilation_h: kernel - 1, stride_h: stride, ..window }
            } else {
                Window { kernel_w: 2, dilation_w: kernel - 1, stride_w: stride, ..window }
            };
            Op::Conv2d(Conv { input: TensorId(2), window, weights: vec![1; 2], ..conv() })
        };
        for (first, influence) in [(1, LEARNED_ONLY), (2, BOTH), (3, BOTH), (4, LEARNED_ONLY)] {
            let tensors = vec![side(2), side(2), side(6), side(1)];
            let reach = hidden(&network(tensors, vec![constant.clone(), join.clone(), strided(first)]));
            assert_eq!(reach.influence(), influence, "{axis} {first}");
        }
    }
}
