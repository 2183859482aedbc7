//! Tensors and nodes of a graph as they appear in reports.

use crate::{DataType, Graph, Node, NodeId, Op, Requantization, TensorId, Window, cost};
use serde::Serialize;

/// An activation tensor.
#[derive(Clone, Debug, Serialize)]
pub struct TensorReport {
    /// Index in the graph.
    pub index: usize,
    /// The model's own name.
    pub name: String,
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// `uint8` or `int8`.
    pub dtype: &'static str,
    /// Smallest and largest value it can take.
    pub range: [i16; 2],
}

impl TensorReport {
    /// `8x8x16`.
    pub fn shape_text(&self) -> String {
        let [height, width, channels] = self.shape;
        format!("{height}x{width}x{channels}")
    }
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// Index in the graph.
    pub index: usize,
    /// Operator name and index in the model.
    pub operator: String,
    /// Meaning in the graph.
    pub kind: &'static str,
    /// Indices of the tensors read.
    pub inputs: Vec<usize>,
    /// Tensor written.
    pub output: TensorReport,
    /// Sliding window, if the node has one.
    pub window: Option<WindowReport>,
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Elements computed.
    pub activations: u64,
    /// Smallest and largest accumulator over all channels and inputs.
    pub accumulator: Option<[i64; 2]>,
    /// How values are scaled.
    pub quantization: Option<QuantizationReport>,
}

/// A sliding window; pairs are vertical, horizontal.
#[derive(Clone, Debug, Serialize)]
pub struct WindowReport {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Rows above and columns to the left.
    padding: [usize; 2],
}

/// Zero points, clamp and granularity of a node that rescales an accumulator.
#[derive(Clone, Debug, Serialize)]
pub struct QuantizationReport {
    /// Whether each output channel has its own multiplier.
    pub per_channel: bool,
    /// Of convolutions and products.
    pub input_zero_point: Option<i32>,
    /// Of convolutions.
    pub weight_zero_point: Option<i32>,
    /// Added after rescaling.
    pub output_zero_point: i32,
    /// Smallest and largest output.
    pub clamp: [i16; 2],
}

/// Describes a tensor.
pub fn tensor(graph: &Graph, id: TensorId) -> TensorReport {
    let spec = graph.spec(id);
    let (min, max) = graph.value_range(id);
    TensorReport {
        index: id.0,
        name: spec.name.clone(),
        shape: [spec.shape.height, spec.shape.width, spec.shape.channels],
        dtype: data_type(spec.dtype),
        range: [min, max],
    }
}

/// Describes all nodes in execution order.
pub fn nodes(graph: &Graph) -> Vec<NodeReport> {
    graph.nodes().iter().enumerate().map(|(index, node)| describe_node(graph, index, node)).collect()
}

/// `uint8` or `int8`.
pub const fn data_type(dtype: DataType) -> &'static str {
    match dtype {
        DataType::U8 => "uint8",
        DataType::I8 => "int8",
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn describe_node(graph: &Graph, index: usize, node: &Node) -> NodeReport {
    let ranges = graph.accumulator_range(NodeId(index)).unwrap_or_default();
    let smallest = ranges.iter().map(|range| range.0).min();
    let largest = ranges.iter().map(|range| range.1).max();
    NodeReport {
        index,
        operator: node.source.clone(),
        kind: cost::kind(&node.op),
        inputs: node.op.inputs().into_iter().map(|id| id.0).collect(),
        output: tensor(graph, node.output),
        window: window(&node.op),
        parameters: cost::parameters(&node.op),
        macs: cost::macs(graph, node),
        activations: cost::activations(&node.op, graph.spec(node.output).shape),
        accumulator: smallest.zip(largest).map(|(smallest, largest)| [smallest, largest]),
        quantization: quantization(&node.op),
    }
}

fn window(op: &Op) -> Option<WindowReport> {
    let report = |window: &Window| {
        Some(WindowReport {
            kernel: [window.kernel_h, window.kernel_w],
            stride: [window.stride_h, window.stride_w],
            dilation: [window.dilation_h, window.dilation_w],
            padding: [window.pad_top, window.pad_left],
        })
    };
    match op {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => report(&conv.window),
        Op::SumPool(pool) => report(&pool.window),
        Op::MaxPool(pool) => report(&pool.window),
        Op::Add(_) | Op::Mul(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => None,
    }
}

fn quantization(op: &Op) -> Option<QuantizationReport> {
    let report = |requantization: &Requantization, input: Option<i32>, weight: Option<i32>| {
        Some(QuantizationReport {
            per_channel: requantization.multipliers.len() > 1,
            input_zero_point: input,
            weight_zero_point: weight,
            output_zero_point: requantization.zero_point,
            clamp: [requantization.min, requantization.max],
        })
    };
    match op {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => {
            report(&conv.requantization, Some(conv.input_zero_point), Some(conv.weight_zero_point))
        }
        Op::Add(add) => report(&add.requantization, None, None),
        Op::Mul(mul) => report(&mul.requantization, Some(mul.left_zero_point), None),
        Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => None,
    }
}

impl WindowReport {
    /// `3x3/2` for a 3x3 kernel with stride 2.
    pub fn text(&self) -> String {
        let pair = |[vertical, horizontal]: [usize; 2]| {
            if vertical == horizontal { vertical.to_string() } else { format!("{vertical}x{horizontal}") }
        };
        let mut text = format!("{}x{}", self.kernel[0], self.kernel[1]);
        if self.stride != [1, 1] {
            text.push_str(&format!("/{}", pair(self.stride)));
        }
        if self.dilation != [1, 1] {
            text.push_str(&format!(" dilated {}", pair(self.dilation)));
        }
        text
    }
}

impl QuantizationReport {
    /// `per channel, zero point -128, clamp -128..127`.
    pub fn text(&self) -> String {
        let granularity = if self.per_channel { "per channel" } else { "per tensor" };
        let [min, max] = self.clamp;
        let weights = match self.weight_zero_point {
            Some(zero_point) if zero_point != 0 => format!(", weight zero point {zero_point}"),
            Some(_) | None => String::new(),
        };
        format!("{granularity}, zero point {}{weights}, clamp {min}..{max}", self.output_zero_point)
    }
}
