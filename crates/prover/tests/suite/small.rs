//! A small network that ends in a class for each channel, with weights that a seed decides and everything else of the architecture fixed.

use verinfer_graph::{Conv, DataType, Graph, MaxPool, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};

use crate::random::Rng;

/// Elements of an input.
pub const INPUT: usize = 25;

/// Classes.
pub const CLASSES: usize = 3;

/// A convolution whose rounding needs a sign, a maximum, a layer over all that is left: 5x5x1 to 3 values, int8.
pub fn network(seed: u64) -> Graph {
    let mut random = Rng::new(seed);
    let shapes = [Shape::new(5, 5, 1), Shape::new(5, 5, 2), Shape::new(2, 2, 2), Shape::new(1, 1, 8), Shape::new(1, 1, CLASSES)];
    let tensors = shapes.map(|shape| TensorSpec { name: "t".into(), shape, dtype: DataType::I8 }).to_vec();
    let three = Window { kernel_h: 3, kernel_w: 3, pad_top: 1, pad_left: 1, ..Window::POINT };
    let two = Window { kernel_h: 2, kernel_w: 2, stride_h: 2, stride_w: 2, ..Window::POINT };
    let ops = [
        Op::Conv2d(conv(0, three, 9, 2, &mut random)),
        Op::MaxPool(MaxPool { input: TensorId(1), window: two, min: -128, max: 127 }),
        Op::Reshape { input: TensorId(2) },
        Op::Conv2d(conv(3, Window::POINT, 8, CLASSES, &mut random)),
    ];
    let nodes = ops.into_iter().enumerate().map(|(index, op)| Node { source: "OP".into(), op, output: TensorId(index + 1) });
    Graph::new(tensors, nodes.collect(), TensorId(0), TensorId(4)).unwrap()
}

fn conv(input: usize, window: Window, fan_in: usize, channels: usize, random: &mut Rng) -> Conv {
    Conv {
        input: TensorId(input),
        input_zero_point: -3,
        window,
        weights: (0..fan_in * channels).map(|_| random.between(-127, 127) as i16).collect(),
        weight_zero_point: 0,
        bias: (0..channels).map(|_| random.between(-300, 300) as i32).collect(),
        requantization: Requantization {
            multipliers: vec![random.between(1_500_000_000, 1_600_000_000) as i32],
            shifts: vec![-8],
            rounding: Rounding::Twice,
            zero_point: 3,
            min: -128,
            max: 127,
        },
    }
}

/// An input.
pub fn input(seed: u64) -> Vec<i16> {
    let mut random = Rng::new(seed);
    (0..INPUT).map(|_| random.between(-128, 127) as i16).collect()
}

/// Weights and inputs hidden.
pub fn hidden(graph: &Graph, output: OutputForm) -> Setting {
    Setting { weights: Some(Envelope::of(graph).unwrap()), hidden_input: true, output }
}
