use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use verinfer_graph::{
    Add, Conv, DataType, MaxPool, Node, Op, Operand, Requantization, Rounding, Shape, SumPool, TensorId, TensorSpec, Window,
};
use verinfer_tflite_schema::tflite::Padding;

use crate::fixed_point::Multiplier;
use crate::tflite::window::WindowOptions;

/// Standard deviation of weights uniform in -127 to 127.
const WEIGHT_DEVIATION: f64 = 73.6;
/// Intended standard deviation of a layer's output, in steps, before a ReLU or without one.
const DEVIATION_BEFORE_RELU: f64 = 90.0;
const DEVIATION_LINEAR: f64 = 40.0;

/// A network under construction; every layer reads and writes int8.
pub struct Builder {
    rng: ChaCha8Rng,
    tensors: Vec<TensorSpec>,
    nodes: Vec<Node>,
}

/// A tensor and what is expected of its values.
#[derive(Clone, Copy)]
pub struct Activation {
    id: TensorId,
    height: usize,
    width: usize,
    pub channels: usize,
    zero_point: i32,
    /// Expected root mean square of `value - zero_point`.
    root_mean_square: f64,
}

/// A convolution with SAME padding.
#[derive(Clone, Copy)]
pub struct Layer {
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub relu: bool,
}

impl Builder {
    /// A network with only its input, of height, width and channels.
    pub fn new(seed: u64, [height, width, channels]: [usize; 3]) -> Self {
        let input = TensorSpec { name: "input".into(), shape: Shape::new(height, width, channels), dtype: DataType::I8 };
        Self { rng: ChaCha8Rng::seed_from_u64(seed), tensors: vec![input], nodes: Vec::new() }
    }

    /// The input: bytes less 128.
    pub fn input(&self) -> Activation {
        let shape = self.tensors.first().map_or(Shape::new(1, 1, 1), |input| input.shape);
        Activation {
            id: TensorId(0),
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
            zero_point: -128,
            root_mean_square: 147.0,
        }
    }

    /// Convolution, or a fully connected layer where `x` is a pixel.
    pub fn conv(&mut self, x: Activation, layer: Layer) -> Activation {
        let fan_in = x.channels.saturating_mul(layer.kernel).saturating_mul(layer.kernel);
        let (window, output) = self.windowed(x, layer.kernel, layer.stride, layer.channels, layer.relu);
        let conv = self.constants(x, window, fan_in.saturating_mul(layer.channels), fan_in, output, layer.relu);
        self.push("CONV_2D", Op::Conv2d(conv), output)
    }

    /// Depthwise convolution with ReLU.
    pub fn depthwise(&mut self, x: Activation, kernel: usize, stride: usize) -> Activation {
        let fan_in = kernel.saturating_mul(kernel);
        let (window, output) = self.windowed(x, kernel, stride, x.channels, true);
        let conv = self.constants(x, window, fan_in.saturating_mul(x.channels), fan_in, output, true);
        self.push("DEPTHWISE_CONV_2D", Op::DepthwiseConv2d(conv), output)
    }

    /// Sum of two tensors of one shape, scaled to keep the spread.
    pub fn add(&mut self, left: Activation, right: Activation) -> Activation {
        let deviation = left.root_mean_square.hypot(right.root_mean_square);
        let output = Activation { zero_point: 0, root_mean_square: DEVIATION_LINEAR, ..left };
        let table = |zero_point: i32| {
            (DataType::I8.min()..=DataType::I8.max()).map(|value| i32::from(value).wrapping_sub(zero_point) << 19).collect()
        };
        let op = Op::Add(Add {
            left: left.id,
            left_table: table(left.zero_point),
            right: Operand::Tensor { tensor: right.id, table: table(right.zero_point) },
            requantization: requantization(vec![DEVIATION_LINEAR / deviation / f64::from(1u32 << 19)], output),
        });
        self.push("ADD", op, output)
    }

    /// Mean of each channel.
    pub fn global_average_pool(&mut self, x: Activation) -> Activation {
        let count = x.height.saturating_mul(x.width);
        let window = Window { kernel_h: x.height, kernel_w: x.width, ..Window::POINT };
        // Rounded half away from zero, as AVERAGE_POOL_2D.
        let divisor = i64::try_from(count).unwrap_or(1);
        let least = divisor.saturating_mul(-128);
        let entries = i64::try_from(count.saturating_mul(255)).unwrap_or(0);
        let table = (0..=entries)
            .map(|offset| {
                let sum = least.saturating_add(offset);
                let half = if sum > 0 { divisor / 2 } else { divisor.saturating_neg() / 2 };
                let mean = sum.saturating_add(half).checked_div(divisor).unwrap_or(0);
                i16::try_from(mean.clamp(-128, 127)).unwrap_or(0)
            })
            .collect();
        // A ReLU of deviation d has mean 0.4 d.
        let output = Activation { height: 1, width: 1, root_mean_square: 0.4 * DEVIATION_BEFORE_RELU, ..x };
        self.push("AVERAGE_POOL_2D", Op::SumPool(SumPool { input: x.id, window, tables: vec![(count, table)] }), output)
    }

    /// Maximum over 2x2 pixels.
    pub fn max_pool(&mut self, x: Activation) -> Activation {
        let window = Window { kernel_h: 2, kernel_w: 2, stride_h: 2, stride_w: 2, ..Window::POINT };
        let output = Activation { height: x.height / 2, width: x.width / 2, root_mean_square: 1.6 * x.root_mean_square, ..x };
        self.push("MAX_POOL_2D", Op::MaxPool(MaxPool { input: x.id, window, min: -128, max: 127 }), output)
    }

    /// All elements as the channels of one pixel.
    pub fn flatten(&mut self, x: Activation) -> Activation {
        let channels = x.height.saturating_mul(x.width).saturating_mul(x.channels);
        self.push("RESHAPE", Op::Reshape { input: x.id }, Activation { height: 1, width: 1, channels, ..x })
    }

    /// Tensors, nodes, input and output (the last layer's).
    pub fn finish(self) -> (Vec<TensorSpec>, Vec<Node>, TensorId, TensorId) {
        let output = TensorId(self.tensors.len().saturating_sub(1));
        (self.tensors, self.nodes, TensorId(0), output)
    }

    fn push(&mut self, name: &str, op: Op, output: Activation) -> Activation {
        let id = TensorId(self.tensors.len());
        let source = format!("{name} #{}", self.nodes.len());
        let shape = Shape::new(output.height, output.width, output.channels);
        self.tensors.push(TensorSpec { name: source.clone(), shape, dtype: DataType::I8 });
        self.nodes.push(Node { source, op, output: id });
        Activation { id, ..output }
    }

    /// The window and the expected output of a convolution with SAME padding.
    fn windowed(&self, x: Activation, kernel: usize, stride: usize, channels: usize, relu: bool) -> (Window, Activation) {
        let stride = i32::try_from(stride).unwrap_or(1);
        let options = WindowOptions { padding: Padding::SAME, kernel: (kernel, kernel), stride: (stride, stride), dilation: (1, 1) };
        let shape = Shape::new(x.height, x.width, x.channels);
        let (window, (height, width)) = options.resolve(shape).unwrap_or((Window::POINT, (x.height, x.width)));
        // After a ReLU half of the square sum is left.
        let root_mean_square = if relu { DEVIATION_BEFORE_RELU / 2f64.sqrt() } else { DEVIATION_LINEAR };
        let zero_point = if relu { -128 } else { 0 };
        (window, Activation { height, width, channels, zero_point, root_mean_square, ..x })
    }

    /// Random weights and biases, and multipliers that give the intended spread.
    fn constants(&mut self, x: Activation, window: Window, num_weights: usize, fan_in: usize, output: Activation, relu: bool) -> Conv {
        let accumulator_deviation = WEIGHT_DEVIATION * x.root_mean_square * (fan_in as f64).sqrt();
        let intended = if relu { DEVIATION_BEFORE_RELU } else { DEVIATION_LINEAR };
        let weights = (0..num_weights).map(|_| self.uniform(127) as i16).collect();
        let bias_limit = (accumulator_deviation * 0.25).min(1e6) as i32;
        let bias = (0..output.channels).map(|_| self.uniform(bias_limit)).collect();
        let multipliers = (0..output.channels)
            .map(|_| intended / accumulator_deviation * (1.0 + f64::from(self.uniform(1 << 16)) / f64::from(1u32 << 19)))
            .collect();
        Conv {
            input: x.id,
            input_zero_point: x.zero_point,
            window,
            weights,
            weight_zero_point: 0,
            bias,
            requantization: requantization(multipliers, output),
        }
    }

    /// An integer from `-limit` to `limit`; a modulo bias of 2^-32 does not matter here.
    fn uniform(&mut self, limit: i32) -> i32 {
        let values = i64::from(limit.max(0)).wrapping_mul(2).wrapping_add(1);
        let offset = i64::from(self.rng.next_u32()).checked_rem(values).unwrap_or(0);
        offset.wrapping_sub(i64::from(limit.max(0))) as i32
    }
}

/// Scales to int8 of the output's zero point; the clamp is that of the type, which for a ReLU begins at the zero point.
fn requantization(factors: Vec<f64>, output: Activation) -> Requantization {
    let zero = Multiplier { multiplier: 0, shift: 0 };
    let multipliers: Vec<Multiplier> = factors.into_iter().map(|factor| Multiplier::quantize(factor).unwrap_or(zero)).collect();
    Requantization {
        multipliers: multipliers.iter().map(|multiplier| multiplier.multiplier).collect(),
        shifts: multipliers.iter().map(|multiplier| multiplier.shift).collect(),
        rounding: Rounding::Twice,
        zero_point: output.zero_point,
        min: DataType::I8.min(),
        max: DataType::I8.max(),
    }
}
