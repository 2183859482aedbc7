//! Quantized networks as exact integer programs.
//!
//! A [`Graph`] is what remains of a TFLite model once every float has become an integer: it is the specification of what Verinfer proves.
//! [`Graph::new`] is the only way to build one; it checks every shape, index, range and overflow once, so that the interpreter, the prover and
//! the verifier need not. `run` (feature `interpreter`, on by default) is the interpreter; it equals the TFLite reference kernels bit for bit.
//!
//! Nothing here uses floating point, reads files or trusts its input.

pub use architecture::{ArchitectureError, LearnedLen};
pub use error::{GraphError, Place};
pub use graph::{Graph, Node, NodeId, TensorId, TensorSpec};
#[cfg(feature = "interpreter")]
pub use interpret::{Observer, Trace, run, run_observed};
pub use op::{Add, Concat, Conv, Lookup, MaxPool, Mul, Op, Operand, Pad, Requantization, Rounding, SumPool, Window, is_public_unit};
pub use rank::rank;
pub use reach::{Element, Influence, Reach, ValueSet};
pub use requantize::requantize;
pub use shape::{DataType, Shape};

mod architecture;
pub mod cost;
pub mod describe;
mod digest;
mod error;
mod graph;
#[cfg(feature = "interpreter")]
mod interpret;
mod op;
mod ranges;
mod rank;
mod reach;
mod requantize;
mod shape;
mod taps;
mod validate;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
