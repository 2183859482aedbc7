use verinfer_graph::{GraphError, Shape};
use verinfer_tflite_schema::Damage;

use crate::format::Format;
use crate::model::ElementType;

/// Why a file could not be imported.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The message of each variant is its description, and names each field.
pub enum ImportError {
    // The file.
    #[error("the file has {bytes} bytes, more than {limit}")]
    FileTooLarge { bytes: usize, limit: usize },
    #[error("not a TFLite model: {found}")]
    NotTflite { found: Format },
    #[error("the file is damaged: {0}")]
    Damaged(Damage),
    #[error("schema version {found}, expected 3")]
    SchemaVersion { found: u32 },
    #[error("the model has no subgraph")]
    NoSubgraph,
    #[error("the model has {found} inputs, expected 1")]
    InputCount { found: usize },
    #[error("the model has {found} outputs, expected 1")]
    OutputCount { found: usize },
    #[error("the model has {found} tensors and operators, more than {limit}")]
    ModelTooLarge { found: usize, limit: usize },
    #[error("tensor {tensor} names buffer {buffer}, but there are {num_buffers} buffers")]
    BufferOutOfRange { tensor: usize, buffer: u32, num_buffers: usize },
    #[error("operator {operator} names operator code {code}, but there are {num_codes} codes")]
    CodeOutOfRange { operator: usize, code: u32, num_codes: usize },
    #[error("{reader} names tensor {tensor}, but there are {num_tensors} tensors")]
    TensorOutOfRange { reader: String, tensor: i32, num_tensors: usize },

    // The network.
    #[error("the model's input: {0}")]
    Input(Unsupported),
    #[error("the model's output: {0}")]
    Output(Unsupported),
    #[error("{operator} #{index}: {reason}")]
    Operator { operator: String, index: usize, reason: Unsupported },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl From<Damage> for ImportError {
    fn from(cause: Damage) -> Self {
        Self::Damaged(cause)
    }
}

/// Why an operator or an edge of the model cannot be lowered exactly.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The message of each variant is its description, and names each field.
pub enum Unsupported {
    // The operator.
    #[error("this operator is not supported")]
    Operator,
    #[error("custom operator '{name}' is not supported")]
    CustomOperator { name: String },
    #[error("it has {found} inputs, expected {expected}")]
    OperandCount { found: usize, expected: &'static str },
    #[error("its options are missing or of another operator")]
    Options,
    #[error("{name} {value} is not supported")]
    Option { name: &'static str, value: i64 },
    #[error("fused activation {activation} is not supported here")]
    Activation { activation: &'static str },
    #[error("it is only supported as the last operator")]
    NotLast,

    // Tensors.
    #[error("tensor '{tensor}' has dimension {dimension}, which is not positive or makes it larger than 2^28 elements")]
    Dimension { tensor: String, dimension: i32 },
    #[error("tensor '{tensor}' is {found}, expected {expected}: only fully quantized 8-bit models are supported")]
    Type { tensor: String, found: ElementType, expected: &'static str },
    #[error("weights '{weights}' are {weights_type} but activations '{input}' are {input_type}: hybrid quantization is not supported")]
    Hybrid { weights: String, weights_type: ElementType, input: String, input_type: ElementType },
    #[error("tensor '{tensor}' is sparse")]
    Sparse { tensor: String },
    #[error("tensor '{tensor}' is a variable")]
    Variable { tensor: String },
    #[error("tensor '{tensor}' has a dimension that is not fixed")]
    DynamicShape { tensor: String },
    #[error("tensor '{tensor}' has batch size {batch}, expected 1")]
    Batch { tensor: String, batch: usize },
    #[error("tensor '{tensor}' has {found} dimensions, expected {expected}")]
    Rank { tensor: String, found: usize, expected: &'static str },
    #[error("tensor '{tensor}' has shape {found:?}, expected {expected:?}")]
    Shape { tensor: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("tensor '{tensor}' is not constant")]
    NotConstant { tensor: String },
    #[error("tensor '{tensor}' is constant")]
    Constant { tensor: String },
    #[error("tensor '{tensor}' has {found} bytes of data, expected {expected}")]
    DataLength { tensor: String, found: usize, expected: usize },
    #[error("the data of tensor '{tensor}' lie outside the flatbuffer")]
    ExternalData { tensor: String },
    #[error("shapes {left} and {right} cannot be combined to {output}")]
    ShapesDiffer { left: Shape, right: Shape, output: Shape },
    #[error("operands of shapes {left} and {right} would both have to be repeated to {output}: at most one is")]
    BothRepeated { left: Shape, right: Shape, output: Shape },
    #[error("an operand of shape {found} would have to be repeated to {output} beside a constant")]
    RepeatedBesideConstant { found: Shape, output: Shape },
    #[error("both operands are constant")]
    BothConstant,
    #[error("a constant of {elements} elements is too large: at most {limit} are supported")]
    ConstantTooLarge { elements: usize, limit: usize },
    #[error("{channels} output channels of filter '{filter}' cannot be divided into {groups} groups")]
    Groups { filter: String, channels: usize, groups: usize },
    #[error("a convolution in {groups} groups becomes one of {weights} weights, more than {limit}")]
    GroupsTooLarge { groups: usize, weights: usize, limit: usize },

    // Quantization.
    #[error("tensor '{tensor}' has no quantization parameters")]
    NotQuantized { tensor: String },
    #[error("tensor '{tensor}' has {found} scales, expected {expected}")]
    ScaleCount { tensor: String, found: usize, expected: &'static str },
    #[error("tensor '{tensor}' is quantized along dimension {found}, expected {expected}")]
    QuantizedDimension { tensor: String, found: i32, expected: i32 },
    #[error("tensor '{tensor}' has scale {scale}, which is not a positive number")]
    Scale { tensor: String, scale: f32 },
    #[error("tensor '{tensor}' has scale {scale}, expected {expected}")]
    ScaleMismatch { tensor: String, scale: f32, expected: f32 },
    #[error("tensor '{tensor}' has zero point {zero_point}, which is not a value of its type")]
    ZeroPoint { tensor: String, zero_point: i64 },
    #[error("tensor '{tensor}' has zero point {zero_point}, expected {expected}")]
    ZeroPointMismatch { tensor: String, zero_point: i64, expected: i64 },
    #[error("the scale {bias_scale} of bias '{bias}' is too far from {expected}, input scale times filter scale")]
    BiasScale { bias: String, bias_scale: f32, expected: f64 },
    #[error("rescaling factor {factor} is outside what TFLite computes with")]
    Factor { factor: f64 },
    #[error("no 31-bit multiplier rounds every accumulator as the double {factor} does")]
    NoExactMultiplier { factor: f64 },
    #[error("a rescaled value leaves 32 bits")]
    Overflow,
    #[error("activation bounds {min} to {max} are empty")]
    EmptyRange { min: i32, max: i32 },

    // Windows.
    #[error("{axis} {found} of the input is smaller than the window of {window}")]
    WindowTooLarge { axis: &'static str, found: usize, window: usize },
    #[error("the tables for windows up to this one have at least {entries} entries, more than {limit}")]
    TablesTooLarge { entries: usize, limit: usize },
    #[error("the operators up to this one have {constants} weights, more than {limit}")]
    TooManyConstants { constants: usize, limit: usize },
}
