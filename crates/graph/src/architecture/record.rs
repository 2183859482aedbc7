//! An architecture as it is encoded: the order of fields and variants is the format.

use serde::{Deserialize, Serialize};

use super::ArchitectureError;
use super::runs::Runs;
use crate::graph::{Graph, Node, TensorId, TensorSpec};
use crate::op::{Add, Conv, MaxPool, Op, Operand, Requantization, Rounding, SumPool, Window};
use crate::shape::{DataType, Shape};

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub tensors: Vec<TensorRecord>,
    pub nodes: Vec<NodeRecord>,
    pub input: usize,
    pub output: usize,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TensorRecord {
    pub shape: ShapeRecord,
    pub dtype: DataTypeRecord,
}

/// Height, width, channels.
pub(super) type ShapeRecord = [usize; 3];

#[derive(Serialize, Deserialize)]
pub(super) enum DataTypeRecord {
    U8,
    I8,
}

#[derive(Serialize, Deserialize)]
pub(super) struct NodeRecord {
    pub op: OpRecord,
    pub output: usize,
}

#[derive(Serialize, Deserialize)]
pub(super) enum OpRecord {
    Conv2d(ConvRecord),
    DepthwiseConv2d(ConvRecord),
    Add {
        left: usize,
        left_table: Vec<i32>,
        right: OperandRecord,
        multipliers: Vec<i32>,
        shifts: Vec<i32>,
        output: OutputRecord,
    },
    Mul {
        left: usize,
        left_zero_point: i32,
        right: usize,
        right_zero_point: i32,
        multipliers: Vec<i32>,
        shifts: Vec<i32>,
        output: OutputRecord,
    },
    SumPool {
        input: usize,
        window: WindowRecord,
        tables: Vec<(usize, Runs)>,
    },
    MaxPool {
        input: usize,
        window: WindowRecord,
        min: i16,
        max: i16,
    },
    Lookup {
        input: usize,
        table: Vec<i16>,
    },
    Pad {
        input: usize,
        before: ShapeRecord,
        value: i16,
    },
    Reshape {
        input: usize,
    },
    Concat {
        inputs: Vec<usize>,
        axis: usize,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct ConvRecord {
    pub input: usize,
    pub input_zero_point: i32,
    pub window: WindowRecord,
    pub multipliers: Multiplicity,
    pub shifts: Multiplicity,
    pub output: OutputRecord,
}

/// How many multipliers or shifts a layer has. One of a layer with one channel is `PerLayer`.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum Multiplicity {
    PerLayer,
    PerChannel,
}

#[derive(Serialize, Deserialize)]
pub(super) enum OperandRecord {
    Tensor { tensor: usize, table: Vec<i32> },
    Constant,
}

/// [`Window`] in the order of its fields.
pub(super) type WindowRecord = [usize; 8];

/// A [`Requantization`] without multipliers and shifts.
#[derive(Serialize, Deserialize)]
pub(super) struct OutputRecord {
    pub rounding: RoundingRecord,
    pub zero_point: i32,
    pub min: i16,
    pub max: i16,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum RoundingRecord {
    Twice,
    Once,
}

impl OpRecord {
    /// What a node is called whose model's name for it is not public.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conv2d(_) => "CONV_2D",
            Self::DepthwiseConv2d(_) => "DEPTHWISE_CONV_2D",
            Self::Add { .. } => "ADD",
            Self::Mul { .. } => "MUL",
            Self::SumPool { .. } => "AVERAGE_POOL",
            Self::MaxPool { .. } => "MAX_POOL",
            Self::Lookup { .. } => "FUNCTION",
            Self::Pad { .. } => "PAD",
            Self::Reshape { .. } => "RESHAPE",
            Self::Concat { .. } => "CONCATENATION",
        }
    }
}

impl Record {
    /// The architecture of `graph`.
    pub fn new(graph: &Graph) -> Self {
        let tensor = |spec: &TensorSpec| TensorRecord { shape: shape(spec.shape), dtype: dtype(spec.dtype) };
        let node = |node: &Node| NodeRecord { op: op(&node.op), output: node.output.0 };
        Self {
            tensors: graph.tensors().iter().map(tensor).collect(),
            nodes: graph.nodes().iter().map(node).collect(),
            input: graph.input().0,
            output: graph.output().0,
        }
    }

    #[allow(clippy::expect_used, reason = "fails only for lists of unknown length and full buffers")]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a record can be encoded")
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, ArchitectureError> {
        let malformed = |error: postcard::Error| ArchitectureError::Malformed { reason: error.to_string() };
        let (record, rest) = postcard::take_from_bytes(bytes).map_err(malformed)?;
        if rest.is_empty() { Ok(record) } else { Err(ArchitectureError::TrailingBytes { count: rest.len() }) }
    }
}

fn op(op: &Op) -> OpRecord {
    match op {
        Op::Conv2d(conv) => OpRecord::Conv2d(convolution(conv)),
        Op::DepthwiseConv2d(conv) => OpRecord::DepthwiseConv2d(convolution(conv)),
        Op::Add(Add { left, left_table, right, requantization }) => OpRecord::Add {
            left: left.0,
            left_table: left_table.clone(),
            right: operand(right),
            multipliers: requantization.multipliers.clone(),
            shifts: requantization.shifts.clone(),
            output: output(requantization),
        },
        Op::Mul(mul) => OpRecord::Mul {
            left: mul.left.0,
            left_zero_point: mul.left_zero_point,
            right: mul.right.0,
            right_zero_point: mul.right_zero_point,
            multipliers: mul.requantization.multipliers.clone(),
            shifts: mul.requantization.shifts.clone(),
            output: output(&mul.requantization),
        },
        Op::SumPool(SumPool { input, window: geometry, tables }) => OpRecord::SumPool {
            input: input.0,
            window: window(geometry),
            tables: tables.iter().map(|(count, table)| (*count, Runs::new(table))).collect(),
        },
        Op::MaxPool(MaxPool { input, window: geometry, min, max }) => {
            OpRecord::MaxPool { input: input.0, window: window(geometry), min: *min, max: *max }
        }
        Op::Lookup(lookup) => OpRecord::Lookup { input: lookup.input.0, table: lookup.table.clone() },
        Op::Pad(pad) => OpRecord::Pad { input: pad.input.0, before: shape(pad.before), value: pad.value },
        Op::Reshape { input } => OpRecord::Reshape { input: input.0 },
        Op::Concat(concat) => {
            OpRecord::Concat { inputs: concat.inputs.iter().map(|TensorId(tensor)| *tensor).collect(), axis: concat.axis }
        }
    }
}

fn convolution(conv: &Conv) -> ConvRecord {
    let Conv { input, input_zero_point, window: geometry, weights: _, weight_zero_point: _, bias: _, requantization } = conv;
    ConvRecord {
        input: input.0,
        input_zero_point: *input_zero_point,
        window: window(geometry),
        multipliers: multiplicity(&requantization.multipliers),
        shifts: multiplicity(&requantization.shifts),
        output: output(requantization),
    }
}

const fn multiplicity(values: &[i32]) -> Multiplicity {
    if values.len() == 1 { Multiplicity::PerLayer } else { Multiplicity::PerChannel }
}

fn operand(operand: &Operand) -> OperandRecord {
    match operand {
        Operand::Tensor { tensor, table } => OperandRecord::Tensor { tensor: tensor.0, table: table.clone() },
        Operand::Constant(_) => OperandRecord::Constant,
    }
}

const fn output(requantization: &Requantization) -> OutputRecord {
    let Requantization { multipliers: _, shifts: _, rounding, zero_point, min, max } = requantization;
    let rounding = match rounding {
        Rounding::Twice => RoundingRecord::Twice,
        Rounding::Once => RoundingRecord::Once,
    };
    OutputRecord { rounding, zero_point: *zero_point, min: *min, max: *max }
}

const fn window(window: &Window) -> WindowRecord {
    let Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left } = *window;
    [kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left]
}

const fn shape(shape: Shape) -> ShapeRecord {
    let Shape { height, width, channels } = shape;
    [height, width, channels]
}

const fn dtype(dtype: DataType) -> DataTypeRecord {
    match dtype {
        DataType::U8 => DataTypeRecord::U8,
        DataType::I8 => DataTypeRecord::I8,
    }
}
