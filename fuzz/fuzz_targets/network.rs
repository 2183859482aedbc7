//! The network whose proofs are fuzzed: a convolution whose rounding needs a sign, a maximum, a layer over all that is left.

use verinfer_graph::{Conv, DataType, Graph, MaxPool, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};

/// Security level of the seed: few queries, a short file.
pub const LEVEL: u16 = 20;

/// Context of the seed.
pub const CONTEXT: &[u8] = b"fuzz";

/// The network: 5x5x1 to 3 values, int8.
pub fn network() -> Graph {
    let shapes = [Shape::new(5, 5, 1), Shape::new(5, 5, 2), Shape::new(2, 2, 2), Shape::new(1, 1, 8), Shape::new(1, 1, 3)];
    let tensors = shapes.map(|shape| TensorSpec { name: String::new(), shape, dtype: DataType::I8 }).to_vec();
    let three = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
    let two = Window { kernel_h: 2, kernel_w: 2, stride_h: 2, stride_w: 2, ..Window::POINT };
    let ops = [
        Op::Conv2d(conv(0, three, 9, 2)),
        Op::MaxPool(MaxPool { input: TensorId(1), window: two, min: -128, max: 127 }),
        Op::Reshape { input: TensorId(2) },
        Op::Conv2d(conv(3, Window::POINT, 8, 3)),
    ];
    let node = |(index, op)| Node { source: String::new(), op, output: TensorId(index + 1) };
    let nodes = ops.into_iter().enumerate().map(node).collect();
    Graph::new(tensors, nodes, TensorId(0), TensorId(4)).expect("the network is valid")
}

/// An input of it.
pub fn input() -> Vec<i16> {
    (0..25).map(|i| (i * 83 + 11) % 256 - 128).collect()
}

fn conv(input: usize, window: Window, fan_in: usize, channels: usize) -> Conv {
    Conv {
        input: TensorId(input),
        input_zero_point: -3,
        window,
        weights: (0..fan_in * channels).map(|i| (i * 47 % 255) as i16 - 127).collect(),
        weight_zero_point: 0,
        bias: vec![100; channels],
        requantization: Requantization {
            multipliers: vec![1_500_000_000],
            shifts: vec![-8],
            rounding: Rounding::Twice,
            zero_point: 3,
            min: -128,
            max: 127,
        },
    }
}
