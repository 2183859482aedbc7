//! Networks of real architecture with seeded random weights, for measuring without downloads.
//!
//! The weights are uniform in -127 to 127; each layer's multipliers are set from its fan-in and the root mean square of its input such that
//! activations spread over the 8 bits as in a trained network: about half of what passes a ReLU6 is zero, few values saturate.

use std::sync::Arc;

use verinfer_graph::{DataType, Graph};

use crate::model::{ElementType, InputSpec, Model, OperatorReport, OutputSpec, Support};
use crate::synthetic::builder::{Builder, Layer};

mod builder;

/// A network architecture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Architecture {
    /// MobileNet v2 (Sandler et al. 2018), int8 with one scale for each channel, from an RGB picture to logits.
    MobileNetV2 {
        /// Width multiplier; 0.1 to 4, what lies outside is moved to the nearest.
        width: f64,
        /// Side of the picture in pixels; 8 to 1024, likewise.
        resolution: usize,
        /// Number of logits; 1 to 65536, likewise.
        classes: usize,
    },
    /// 28x28x1 to 10 logits with 8,790 parameters: 3x3 convolution to 6 channels (60), 2x2 maximum, 3x3 convolution to 16 channels (880), 2x2
    /// maximum, fully connected from 784 (7,850); SAME padding, ReLU.
    LeNet,
}

/// A network of an architecture; the same for the same seed.
///
/// # Panics
///
/// Never: the parameters are clamped to what makes a valid graph.
pub fn synthetic(architecture: Architecture, seed: u64) -> Model {
    match architecture {
        Architecture::MobileNetV2 { width, resolution, classes } => {
            let width = if width.is_nan() { 1.0 } else { width.clamp(0.1, 4.0) };
            mobilenet_v2(width, resolution.clamp(8, 1024), classes.clamp(1, 1 << 16), seed)
        }
        Architecture::LeNet => lenet(seed),
    }
}

/// Expansion, output channels, repetitions and stride of the first repetition, for each group of bottlenecks (table 2 of the paper).
const BOTTLENECKS: [(usize, f64, usize, usize); 7] =
    [(1, 16.0, 1, 1), (6, 24.0, 2, 2), (6, 32.0, 3, 2), (6, 64.0, 4, 2), (6, 96.0, 3, 1), (6, 160.0, 3, 2), (6, 320.0, 1, 1)];

fn mobilenet_v2(width: f64, resolution: usize, classes: usize, seed: u64) -> Model {
    let mut builder = Builder::new(seed, [resolution, resolution, 3]);
    let mut x = builder.input();
    x = builder.conv(x, Layer { channels: make_divisible(32.0 * width), kernel: 3, stride: 2, relu: true });
    for (expansion, channels, repetitions, first_stride) in BOTTLENECKS {
        let channels = make_divisible(channels * width);
        for repetition in 0..repetitions {
            let stride = if repetition == 0 { first_stride } else { 1 };
            let input = x;
            if expansion > 1 {
                let expanded = input.channels.saturating_mul(expansion);
                x = builder.conv(x, Layer { channels: expanded, kernel: 1, stride: 1, relu: true });
            }
            x = builder.depthwise(x, 3, stride);
            x = builder.conv(x, Layer { channels, kernel: 1, stride: 1, relu: false });
            if stride == 1 && input.channels == channels {
                x = builder.add(input, x);
            }
        }
    }
    // The last layer does not shrink.
    x = builder.conv(x, Layer { channels: make_divisible(1280.0 * width.max(1.0)), kernel: 1, stride: 1, relu: true });
    x = builder.global_average_pool(x);
    builder.conv(x, Layer { channels: classes, kernel: 1, stride: 1, relu: false });
    finish(builder)
}

fn lenet(seed: u64) -> Model {
    let mut builder = Builder::new(seed, [28, 28, 1]);
    let mut x = builder.input();
    for channels in [6, 16] {
        x = builder.conv(x, Layer { channels, kernel: 3, stride: 1, relu: true });
        x = builder.max_pool(x);
    }
    x = builder.flatten(x);
    builder.conv(x, Layer { channels: 10, kernel: 1, stride: 1, relu: false });
    finish(builder)
}

/// Nearest multiple of 8 that is not less than nine tenths of `channels`.
fn make_divisible(channels: f64) -> usize {
    let rounded = ((channels + 4.0) / 8.0).floor().max(1.0) * 8.0;
    let rounded = if rounded < 0.9 * channels { rounded + 8.0 } else { rounded };
    rounded as usize
}

fn finish(builder: Builder) -> Model {
    let (tensors, nodes, input, output) = builder.finish();
    let operators = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| OperatorReport {
            index,
            name: node.source.split(' ').next().unwrap_or_default().to_owned(),
            support: Support::Lowered,
        })
        .collect();
    #[allow(clippy::expect_used)] // A fault of this module, which its tests exclude for the limits of all parameters.
    let graph = Graph::new(tensors, nodes, input, output).expect("synthetic networks are valid");
    let shape = |tensor| graph.spec(tensor).shape;
    Model {
        input: InputSpec {
            name: "input".into(),
            element: ElementType::I8,
            dtype: DataType::I8,
            shape: shape(input),
            scale: 1.0 / 255.0,
            zero_point: -128,
        },
        output: OutputSpec {
            name: "logits".into(),
            dtype: DataType::I8,
            shape: shape(output),
            scale: 0.1,
            zero_point: 0,
            closing: Vec::new(),
        },
        operators,
        tensor_of: Vec::new(),
        graph: Arc::new(graph),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use verinfer_graph::{Op, run};

    use super::*;

    fn num_parameters(model: &Model) -> usize {
        let count = |op: &Op| match op {
            Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => conv.weights.len() + conv.bias.len(),
            Op::Add(_) | Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => {
                0
            }
        };
        model.graph.nodes().iter().map(|node| count(&node.op)).sum()
    }

    fn mobilenet(width: f64, resolution: usize) -> Model {
        synthetic(Architecture::MobileNetV2 { width, resolution, classes: 1001 }, 7)
    }

    #[test]
    fn sizes_are_those_of_the_published_networks() {
        for (width, resolution, parameters, activations) in [
            (0.35, 96, 1_671_369, 543_217),
            (0.5, 224, 1_960_689, 3_763_129),
            (0.75, 192, 2_624_385, 4_437_193),
            (1.0, 224, 3_489_097, 6_896_777),
        ] {
            let model = mobilenet(width, resolution);
            assert_eq!(num_parameters(&model), parameters, "{width} {resolution}");
            let elements = |node: &verinfer_graph::Node| model.graph.spec(node.output).shape.num_elements();
            assert_eq!(model.graph.nodes().iter().map(elements).sum::<usize>(), activations, "{width} {resolution}");
        }
        assert_eq!(num_parameters(&synthetic(Architecture::LeNet, 1)), 8790);
    }

    #[test]
    fn the_seed_decides_everything() {
        let lenet = |seed| synthetic(Architecture::LeNet, seed).graph;
        assert_eq!(lenet(1), lenet(1));
        assert_ne!(lenet(1), lenet(2));
    }

    #[test]
    fn parameters_outside_the_limits_make_valid_networks() {
        for (width, resolution, classes) in [(0.0, 0, 0), (f64::NAN, 8, 1), (0.1, 31, usize::MAX)] {
            synthetic(Architecture::MobileNetV2 { width, resolution, classes }, 0);
        }
    }

    #[test]
    fn activations_spread_over_their_range() {
        for model in [mobilenet(0.35, 96), synthetic(Architecture::LeNet, 3)] {
            let elements = model.input.shape.num_elements() as u64;
            let input: Vec<i16> = (0..elements).map(|i| (i * 7919 % 65_537 % 256) as i16 - 128).collect();
            let trace = run(&model.graph, &input).unwrap();
            for node in model.graph.nodes() {
                let mut counts = HashMap::new();
                for &value in &trace.tensors[node.output.0] {
                    *counts.entry(value).or_insert(0usize) += 1;
                }
                let total = trace.tensors[node.output.0].len();
                let at_top = counts.get(&127).copied().unwrap_or(0);
                let most = counts.values().copied().max().unwrap();
                assert!(at_top * 10 < total, "{} saturates: {at_top} of {total}", node.source);
                assert!(most * 10 < total * 9, "{} is nearly constant: {most} of {total}", node.source);
            }
        }
    }
}
