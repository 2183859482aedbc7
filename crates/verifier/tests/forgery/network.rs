//! A small network over all operators, whose constants can be changed without changing the shape of its relation.

use verinfer_graph::{
    Add, Concat, Conv, DataType, Graph, Lookup, MaxPool, Mul, Node, Op, Operand, Pad, Requantization, Rounding, Shape, SumPool, TensorId,
    TensorSpec, Window,
};

/// Index of the last node, a fully connected layer.
pub const LAST: usize = 10;

/// Index of the depthwise convolution.
pub const DEPTHWISE: usize = 1;

/// Nodes of the network; tensor 0 is the input and node `i` writes tensor `i + 1`.
///
/// The last layer's quotients lie within those of the depthwise layer, with which it shares its clamp, so that its constants leave no trace in
/// the tables.
pub fn nodes() -> Vec<(Op, Shape)> {
    let three = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
    let two = Window { kernel_h: 2, kernel_w: 2, ..Window::POINT };
    let relu = Requantization { min: -20, ..requantization(-20, -7) };
    let mut last = conv(10, Window::POINT, 32, 6, relu.clone());
    last.weights.iter_mut().for_each(|weight| *weight /= 4);
    last.bias = vec![-3000, 4000, 9000, 14_000, 30_000, 20_000];
    vec![
        (Op::Conv2d(conv(0, three, 2 * 9, 4, requantization(3, -8))), Shape::new(6, 6, 4)),
        (
            Op::DepthwiseConv2d(conv(1, Window { stride_h: 2, stride_w: 2, ..three }, 9, 4, Requantization { shifts: vec![-6], ..relu })),
            Shape::new(3, 3, 4),
        ),
        (Op::Lookup(Lookup { input: TensorId(2), table: (0..256).map(|i| i * 7 % 256 - 128).collect() }), Shape::new(3, 3, 4)),
        (
            Op::Mul(Mul {
                left: TensorId(2),
                left_zero_point: -20,
                right: TensorId(3),
                right_zero_point: 5,
                requantization: requantization(1, -7),
            }),
            Shape::new(3, 3, 4),
        ),
        (
            Op::Add(Add {
                left: TensorId(4),
                left_table: (-128..128).map(|v| (v - 1) * 900).collect(),
                right: Operand::Tensor { tensor: TensorId(2), table: (-128..128).map(|v| (v + 20) * 700).collect() },
                requantization: requantization(-4, -10),
            }),
            Shape::new(3, 3, 4),
        ),
        (
            Op::SumPool(SumPool {
                input: TensorId(5),
                window: two,
                tables: [1, 2, 4].map(|count| (count, (0..=255 * count).map(|sum| (sum / count) as i16 - 128).collect())).to_vec(),
            }),
            Shape::new(3, 3, 4),
        ),
        (Op::Concat(Concat { inputs: vec![TensorId(5), TensorId(6)], axis: 2 }), Shape::new(3, 3, 8)),
        (Op::Pad(Pad { input: TensorId(7), before: Shape::new(1, 1, 0), value: 5 }), Shape::new(4, 4, 8)),
        (
            Op::MaxPool(MaxPool { input: TensorId(8), window: Window { stride_h: 2, stride_w: 2, ..two }, min: -100, max: 100 }),
            Shape::new(2, 2, 8),
        ),
        (Op::Reshape { input: TensorId(9) }, Shape::new(1, 1, 32)),
        (Op::Conv2d(last), Shape::new(1, 1, 6)),
    ]
}

/// The network of [`nodes`], changed.
pub fn network(change: impl FnOnce(&mut Vec<(Op, Shape)>)) -> Graph {
    let mut nodes = nodes();
    change(&mut nodes);
    let spec = |shape| TensorSpec { name: "t".into(), shape, dtype: DataType::I8 };
    let shapes = std::iter::once(Shape::new(6, 6, 2)).chain(nodes.iter().map(|(_, shape)| *shape));
    let tensors: Vec<TensorSpec> = shapes.map(spec).collect();
    let output = TensorId(tensors.len() - 1);
    let nodes = nodes.into_iter().enumerate();
    let nodes = nodes.map(|(index, (op, _))| Node { source: format!("OP #{index}"), op, output: TensorId(index + 1) });
    Graph::new(tensors, nodes.collect(), TensorId(0), output).unwrap()
}

/// The network with one convolution changed.
pub fn with_conv(node: usize, change: impl FnOnce(&mut Conv)) -> Graph {
    network(|nodes| match &mut nodes[node].0 {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => change(conv),
        Op::Add(_) | Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => {
            panic!("node {node} is no convolution")
        }
    })
}

/// An input of [`network`].
pub fn input() -> Vec<i16> {
    (0..72).map(|i| (i * 83 + 11) % 256 - 128).collect()
}

fn conv(input: usize, window: Window, fan_in: usize, channels: usize, requantization: Requantization) -> Conv {
    Conv {
        input: TensorId(input),
        input_zero_point: -3,
        window,
        weights: (0..fan_in * channels).map(|i| (i * 47 % 255) as i16 - 127).collect(),
        weight_zero_point: 0,
        bias: (0..channels as i32).map(|channel| 300 - 211 * channel).collect(),
        requantization,
    }
}

fn requantization(zero_point: i32, shift: i32) -> Requantization {
    Requantization { multipliers: vec![1_500_000_000], shifts: vec![shift], rounding: Rounding::Twice, zero_point, min: -128, max: 127 }
}
