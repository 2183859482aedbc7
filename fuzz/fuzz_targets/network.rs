//! What is proved in the proofs that are fuzzed: a convolution whose rounding needs a sign, a maximum, a layer over all that is left; public, hidden,
//! on several images, with all that can be said about outputs.
//!
//! `crates/verifier/tests/fuzz` reads this file too.

use verinfer_graph::{Conv, DataType, Graph, MaxPool, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{ModelClaim, Statement};
use verinfer_verifier::{Verifier, VerifyError};

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
        Op::Conv2d(conv(3, Window::POINT, 8, CLASSES)),
    ];
    let node = |(index, op)| Node { source: String::new(), op, output: TensorId(index + 1) };
    let nodes = ops.into_iter().enumerate().map(node).collect();
    Graph::new(tensors, nodes, TensorId(0), TensorId(4)).expect("the network is valid")
}

/// Inputs of it, image after image.
pub fn input(images: usize) -> Vec<i16> {
    (0..25 * images as i16).map(|i| (i * 83 + 11) % 256 - 128).collect()
}

/// A kind of statement of which there is a seed.
pub struct Seed {
    /// The seed's file.
    pub name: &'static str,
    pub images: usize,
    pub setting: Setting,
}

/// All kinds. The predicates hold of every output of the network.
pub fn seeds(network: &Graph) -> Vec<Seed> {
    let weights = Envelope::of(network).ok();
    let public = Setting::default();
    let hidden = |output: OutputForm| Setting { weights, hidden_input: true, output };
    let all = CLASSES as u32;
    let seed = |name, images, setting| Seed { name, images, setting };
    vec![
        seed("public", 1, public.clone()),
        seed("batch", 2, Setting { output: OutputForm::Rank { labels: vec![0, 2], k: all }, ..public.clone() }),
        seed("input", 1, Setting { hidden_input: true, output: OutputForm::AtLeast { class: 1, value: -128 }, ..public }),
        seed("hidden", 1, hidden(OutputForm::Shown)),
        seed("committed", 1, hidden(OutputForm::Committed)),
        seed("correct", 2, hidden(OutputForm::Correct { k: all, count: 2 })),
    ]
}

/// Labels where they are hidden.
pub fn labels(images: usize) -> Vec<u32> {
    vec![1; images]
}

const CLASSES: usize = 3;

/// What verifies proofs of a statement about the network; of hidden weights nothing is read.
pub fn verifier(network: Graph, statement: &Statement) -> Result<Verifier, VerifyError> {
    let (images, setting) = (statement.images as usize, statement.setting());
    match &statement.model {
        ModelClaim::Public { .. } => Verifier::with_setting(network, images, &setting),
        ModelClaim::Hidden { envelope, commitment, .. } => Verifier::hidden(network, *envelope, **commitment, images, &setting),
    }
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
