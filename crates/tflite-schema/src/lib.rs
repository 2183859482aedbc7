//! Reader of `.tflite` files: the flatbuffer's tables as plain values, with every position checked where it is read.
//!
//! [`tflite::Model::read`] takes what TensorFlow Lite takes: vectors need no alignment, an option type may come without options, and names need not be UTF-8.
//! What lies outside the file is [`Damage`]. A list counts as often as tables name it, so that a small file cannot ask for much memory.

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub use reader::Damage;

/// The schema.
pub mod tflite {
    pub use crate::enums::{ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Padding, TensorType};
    pub use crate::model::{Buffer, Model, Operator, OperatorCode, QuantizationParameters, SubGraph, Tensor};
    pub use crate::options::{
        AddOptions, BuiltinOptions, ConcatenationOptions, Conv2DOptions, DepthwiseConv2DOptions, FullyConnectedOptions, LeakyReluOptions,
        MulOptions, PackOptions, Pool2DOptions, ReducerOptions, ReshapeOptions, SoftmaxOptions, SqueezeOptions, StridedSliceOptions,
        SubOptions,
    };

    /// Bytes 4 to 8 of a file.
    pub const MODEL_IDENTIFIER: &[u8; 4] = b"TFL3";
}

mod enums;
mod model;
mod options;
mod reader;
