//! From files to integer programs: TFLite models, images and arrays, synthetic networks.
//!
//! [`import_tflite`] reads a quantized `.tflite` file and lowers each operator to the closed set of [`verinfer_graph::Op`], with every constant
//! computed as TFLite's `Prepare` functions compute it, so that the graph equals TFLite's reference kernels (`BUILTIN_REF`) bit for bit. What
//! cannot be lowered exactly is refused by operator, index and reason; [`survey`] lists all such reasons at once. [`load_input`] turns a
//! picture or an array into the model's input tensor; [`synthetic`](fn@synthetic) makes networks of any size for measuring.
//!
//! Floating point exists only in this crate. Files are untrusted: no panic, no unbounded allocation.

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub use error::{ImportError, Unsupported};
pub use format::Format;
pub use input::{Input, InputError, InputFormat, InputOptions, Pixels, PixelsError, Reading, Resize, load_input, write_npy};
pub use model::{Closing, ElementType, InputSpec, Model, OperatorReport, OutputSpec, Support, Survey};
pub use registry::{HEAD_BYTES, Importer, Importers, Tflite};
pub use synthetic::{Architecture, synthetic};
pub use tflite::{import_tflite, is_tflite, survey};

mod error;
mod fixed_point;
mod format;
mod input;
mod model;
mod registry;
mod rounding;
mod synthetic;
mod tflite;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
