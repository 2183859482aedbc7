use std::sync::Arc;

use verinfer_graph::{DataType, Graph, GraphError, Shape, TensorId};

use crate::error::Unsupported;

/// An imported network and what its user needs around it.
#[derive(Clone, Debug)]
pub struct Model {
    /// The integer program; shared with provers and verifiers, so that its weights are in memory once.
    pub graph: Arc<Graph>,
    /// How numbers become the program's input.
    pub input: InputSpec,
    /// How the program's output becomes numbers.
    pub output: OutputSpec,
    /// What became of each operator of the file, in its order.
    pub operators: Vec<OperatorReport>,
    /// Tensor index in the file and tensor of the graph, for each tensor of the file that the graph holds.
    pub tensor_of: Vec<(usize, TensorId)>,
}

/// The input tensor as the file declares it: `real = scale * (stored - zero_point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Name in the file.
    pub name: String,
    /// Type a caller of TFLite supplies: 8 bits, or float where the file quantizes first.
    pub element: ElementType,
    /// Type of the graph's input.
    pub dtype: DataType,
    /// Height, width, channels.
    pub shape: Shape,
    /// Step of the quantization, positive; not a number where it is not known.
    pub scale: f32,
    /// Stored value of zero.
    pub zero_point: i32,
}

/// The output tensor: `real = scale * (stored - zero_point)`; a classifier's logits where the file ends in SOFTMAX.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSpec {
    /// Name in the file.
    pub name: String,
    /// Type of the graph's output.
    pub dtype: DataType,
    /// Height, width, channels.
    pub shape: Shape,
    /// Step of the quantization, positive; not a number where it is not known.
    pub scale: f32,
    /// Stored value of zero.
    pub zero_point: i32,
    /// The file's operators after the graph's output, in execution order; they are not part of the graph.
    pub closing: Vec<Closing>,
}

impl Model {
    /// A network without the file around it, such as a public architecture. Pictures become its input as that of a model which takes 8-bit integers;
    /// what stored values mean is not known, and floats have no place.
    pub fn without_file(graph: impl Into<Arc<Graph>>) -> Self {
        let graph = graph.into();
        let (input, output) = (graph.spec(graph.input()).clone(), graph.spec(graph.output()).clone());
        let element = match input.dtype {
            DataType::U8 => ElementType::U8,
            DataType::I8 => ElementType::I8,
        };
        let input = InputSpec { name: input.name, element, dtype: input.dtype, shape: input.shape, scale: f32::NAN, zero_point: 0 };
        let (name, dtype, shape) = (output.name, output.dtype, output.shape);
        let output = OutputSpec { name, dtype, shape, scale: f32::NAN, zero_point: 0, closing: Vec::new() };
        Self { graph, input, output, operators: Vec::new(), tensor_of: Vec::new() }
    }
}

impl InputSpec {
    /// Whether floats can become stored values.
    pub fn is_quantization_known(&self) -> bool {
        self.scale.is_finite() && self.scale > 0.0
    }

    /// The least and the largest number that can be stored; not numbers where the quantization is not known.
    pub fn range(&self) -> (f64, f64) {
        let real = |stored: i16| f64::from(self.scale) * (f64::from(stored) - f64::from(self.zero_point));
        (real(self.dtype.min()), real(self.dtype.max()))
    }
}

impl OutputSpec {
    /// Whether stored values have a meaning as real numbers.
    pub fn is_quantization_known(&self) -> bool {
        self.scale.is_finite() && self.scale > 0.0
    }

    /// Real values of stored outputs.
    pub fn dequantize(&self, stored: &[i16]) -> Vec<f32> {
        stored.iter().map(|&value| self.scale * (i32::from(value).saturating_sub(self.zero_point)) as f32).collect()
    }

    /// What the file's closing operators make of stored outputs, for display only (softmax in floating point, over each row of classes).
    pub fn display_values(&self, stored: &[i16]) -> Vec<f32> {
        self.closing.iter().fold(self.dequantize(stored), |values, closing| closing.apply(values))
    }
}

/// An operator after the graph's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Closing {
    /// DEQUANTIZE.
    Dequantize,
    /// SOFTMAX over the last axis.
    Softmax {
        /// Factor of the logits.
        beta: f32,
        /// Length of the last axis.
        classes: usize,
    },
    /// LOG_SOFTMAX over the last axis.
    LogSoftmax {
        /// Length of the last axis.
        classes: usize,
    },
    /// QUANTIZE of what a SOFTMAX or LOG_SOFTMAX gave.
    Quantize,
    /// RESHAPE, SQUEEZE or EXPAND_DIMS of what the other ones gave.
    Reshape,
}

impl Closing {
    fn apply(self, values: Vec<f32>) -> Vec<f32> {
        match self {
            Self::Dequantize | Self::Quantize | Self::Reshape => values,
            Self::Softmax { beta, classes } => softmax(&values, beta, classes),
            Self::LogSoftmax { classes } => softmax(&values, 1.0, classes).iter().map(|p| p.ln()).collect(),
        }
    }
}

/// The softmax of each row of so many values.
fn softmax(values: &[f32], beta: f32, classes: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = row.iter().map(|value| (beta * (value - largest)).exp()).collect();
        let sum: f32 = powers.iter().sum();
        powers.into_iter().map(move |power| power / sum)
    };
    values.chunks(classes.max(1)).flat_map(row).collect()
}

/// Element type of a tensor in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    F32,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 8-bit integer.
    I8,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// Any other, by its number in the schema.
    Other(i8),
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::F32 => f.write_str("FLOAT32"),
            Self::U8 => f.write_str("UINT8"),
            Self::I8 => f.write_str("INT8"),
            Self::I32 => f.write_str("INT32"),
            Self::I64 => f.write_str("INT64"),
            Self::Other(number) => match verinfer_tflite_schema::tflite::TensorType(*number).variant_name() {
                Some(name) => f.write_str(name),
                None => write!(f, "type {number}"),
            },
        }
    }
}

/// What became of one operator of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorReport {
    /// Index in the file.
    pub index: usize,
    /// Builtin name, `CONV_2D`.
    pub name: String,
    /// Whether and how it is supported.
    pub support: Support,
}

/// Whether and how an operator of a file is supported.
#[derive(Clone, Debug, PartialEq)]
pub enum Support {
    /// It became nodes of the graph.
    Lowered,
    /// It converts between numbers and integers at the model's edge, or closes a classifier; the graph begins after it or ends before it.
    Edge,
    /// It computes a shape from shapes; the result is a constant of the graph.
    Constant,
    /// Nothing depends on its outputs.
    Unused,
    /// It cannot be lowered.
    Unsupported(Unsupported),
}

/// All operators of a file with their support, also where it cannot be imported.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Every operator, in the file's order.
    pub operators: Vec<OperatorReport>,
    /// Why the model's input cannot be used, if so.
    pub input: Option<Unsupported>,
    /// Why the model's output cannot be used, if so.
    pub output: Option<Unsupported>,
    /// Why the lowered graph is invalid, where every operator alone is supported.
    pub graph: Option<GraphError>,
}

impl Survey {
    /// Whether [`crate::import_tflite`] accepts the file.
    pub fn is_supported(&self) -> bool {
        self.input.is_none()
            && self.output.is_none()
            && self.graph.is_none()
            && !self.operators.iter().any(|operator| matches!(operator.support, Support::Unsupported(_)))
    }
}
