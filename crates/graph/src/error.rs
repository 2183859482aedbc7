use std::fmt;

use crate::graph::NodeId;
use crate::shape::{DataType, Shape};

/// Where a fault lies: the node's index and what the source model calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the node.
    pub node: NodeId,
    /// [`crate::Node::source`].
    pub operator: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} ({})", self.node.0, self.operator)
    }
}

/// Why a network is not a valid [`crate::Graph`], or an input not one of its inputs. Tensors are named by their index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and names each field")]
pub enum GraphError {
    // Tensors and wiring.
    #[error("the input is tensor {tensor}, but there are {num_tensors} tensors")]
    InputOutOfRange { tensor: usize, num_tensors: usize },
    #[error("the output is tensor {tensor}, but there are {num_tensors} tensors")]
    OutputOutOfRange { tensor: usize, num_tensors: usize },
    #[error("{at} names tensor {tensor}, but there are {num_tensors} tensors")]
    TensorOutOfRange { at: Place, tensor: usize, num_tensors: usize },
    #[error("tensor {tensor} ({name}) of shape {shape} has no elements")]
    EmptyTensor { tensor: usize, name: String, shape: Shape },
    #[error("tensor {tensor} ({name}) of shape {shape} has more than {limit} elements")]
    TensorTooLarge { tensor: usize, name: String, shape: Shape, limit: u64 },
    #[error("the tensors up to {tensor} have {elements} elements together, more than {limit}")]
    GraphTooLarge { tensor: usize, elements: u64, limit: u64 },
    #[error("tensor {tensor} is both input and output of the network")]
    OutputIsInput { tensor: usize },
    #[error("{at} writes tensor {tensor}, the input of the network")]
    InputWritten { at: Place, tensor: usize },
    #[error("{at} writes tensor {tensor} a second time")]
    WrittenTwice { at: Place, tensor: usize },
    #[error("{at} reads tensor {tensor} before it is written")]
    ReadBeforeWritten { at: Place, tensor: usize },
    #[error("tensor {tensor} ({name}) is never written")]
    NeverWritten { tensor: usize, name: String },
    #[error("{at} writes tensor {tensor}, which is neither read nor the output")]
    DeadNode { at: Place, tensor: usize },

    // Shapes and types.
    #[error("{at}: tensor {tensor} has shape {found}, expected {expected}")]
    ShapeMismatch { at: Place, tensor: usize, found: Shape, expected: Shape },
    #[error("{at}: tensor {tensor} has type {found:?}, expected {expected:?}")]
    TypeMismatch { at: Place, tensor: usize, found: DataType, expected: DataType },
    #[error("{at}: tensor {tensor} of shape {found} cannot be repeated to {output}")]
    NotBroadcastable { at: Place, tensor: usize, found: Shape, output: Shape },
    #[error("{at}: tensor {tensor} of shape {found} has not the {expected} elements of the input")]
    ElementCount { at: Place, tensor: usize, found: Shape, expected: usize },
    #[error("{at}: tensor {tensor} of shape {found} is too small for {input} after a border of {before}")]
    PadTooSmall { at: Place, tensor: usize, found: Shape, input: Shape, before: Shape },
    #[error("{at}: {output} output channels are not a multiple of {input} input channels")]
    ChannelMultiplier { at: Place, output: usize, input: usize },
    #[error("{at} joins no tensors")]
    EmptyConcat { at: Place },
    #[error("{at} joins along axis {axis}, expected 0, 1 or 2")]
    AxisOutOfRange { at: Place, axis: usize },

    // Windows.
    #[error("{at}: window {parameter} is zero")]
    ZeroWindow { at: Place, parameter: &'static str },
    #[error("{at}: window {parameter} is {value}, more than {limit}")]
    WindowTooLarge { at: Place, parameter: &'static str, value: u64, limit: u64 },
    #[error("{at}: output {axis} {position} of tensor {tensor} has no tap inside the input")]
    NoTap { at: Place, tensor: usize, axis: &'static str, position: usize },
    #[error("{at}: tensor {tensor} has {found} {axis}s, but whole windows fit at {expected}")]
    OutputTooSmall { at: Place, tensor: usize, axis: &'static str, found: usize, expected: usize },

    // Constants.
    #[error("{at} has {found} weights, expected {expected}")]
    WeightCount { at: Place, found: usize, expected: usize },
    #[error("{at} has {found} biases, expected {expected}")]
    BiasCount { at: Place, found: usize, expected: usize },
    #[error("{at} has {found} multipliers, expected 1 or {channels}")]
    MultiplierCount { at: Place, found: usize, channels: usize },
    #[error("{at} has {found} shifts, expected 1 or {channels}")]
    ShiftCount { at: Place, found: usize, channels: usize },
    #[error("{at}: multiplier {index} is {multiplier}, less than 0")]
    NegativeMultiplier { at: Place, index: usize, multiplier: i32 },
    #[error("{at}: shift {index} is {shift}, outside -62 to 30")]
    ShiftOutOfRange { at: Place, index: usize, shift: i32 },
    #[error("{at}: zero point {zero_point} of tensor {tensor} is not a value of {dtype:?}")]
    ZeroPointOutOfRange { at: Place, tensor: usize, zero_point: i32, dtype: DataType },
    #[error("{at}: weight zero point {zero_point} is outside -128 to 255")]
    WeightZeroPointOutOfRange { at: Place, zero_point: i32 },
    #[error("{at}: weight {index} is {weight}, outside -128 to 255")]
    WeightOutOfRange { at: Place, index: usize, weight: i16 },
    #[error("{at}: weight {index} is {weight}, more than 255 from its zero point {zero_point}")]
    WeightTooFarFromZeroPoint { at: Place, index: usize, weight: i16, zero_point: i32 },
    #[error("{at}: smallest output {min} is larger than largest output {max}")]
    ClampInverted { at: Place, min: i16, max: i16 },
    #[error("{at}: outputs {min} to {max} of tensor {tensor} are not all values of {dtype:?}")]
    ClampOutOfRange { at: Place, tensor: usize, min: i16, max: i16, dtype: DataType },
    #[error("{at}: border value {value} of tensor {tensor} is not a value of {dtype:?}")]
    PadValueOutOfRange { at: Place, tensor: usize, value: i16, dtype: DataType },
    #[error("{at} has a table of {found} entries, expected {expected}")]
    TableLength { at: Place, found: usize, expected: u64 },
    #[error("{at}: table entry {index} is {entry}, not a value of {dtype:?}")]
    TableEntryOutOfRange { at: Place, index: usize, entry: i16, dtype: DataType },
    #[error("{at}: pool table {index} is not for more taps than the one before")]
    PoolTableOrder { at: Place, index: usize },
    #[error("{at} has no table for {count} taps")]
    MissingPoolTable { at: Place, count: usize },
    #[error("{at} has a table for {count} taps, which do not occur")]
    UnusedPoolTable { at: Place, count: usize },
    #[error("{at} has {found} constants, expected {expected}")]
    ConstantCount { at: Place, found: usize, expected: usize },
    #[error("{at}: addend {index} is {addend}, 2^30 or more in magnitude")]
    AddendOutOfRange { at: Place, index: usize, addend: i32 },

    // Ranges.
    #[error("{at}: the accumulator of channel {channel} can be {min} to {max}, outside 32 bits")]
    AccumulatorOverflow { at: Place, channel: usize, min: i64, max: i64 },
    #[error("{at}: the accumulator of channel {channel}, {min} to {max}, leaves 32 bits when shifted left by {shift}")]
    ShiftedAccumulatorOverflow { at: Place, channel: usize, min: i64, max: i64, shift: i32 },
    #[error("{at}: the output of channel {channel}, {min} to {max} before the clamp, leaves 32 bits")]
    OutputOverflow { at: Place, channel: usize, min: i64, max: i64 },

    // Inputs of the interpreter.
    #[error("the input has {found} elements, expected {expected}")]
    InputLength { found: usize, expected: usize },
    #[error("input element {index} is {value}, not a value of {dtype:?}")]
    InputValue { index: usize, value: i16, dtype: DataType },
}
