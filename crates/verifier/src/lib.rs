//! Decides whether a proof is to be believed.
//!
//! The steps have the titles and numbers of docs/protocol.md. Proof bytes are untrusted: nothing here can panic, allocate beyond the proof's own
//! length, or loop beyond what the network's size and the number of images (whose inputs the proof holds) imply. The network ([`Graph`]) is trusted
//! to be the one the caller wants proved.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::as_conversions,
    clippy::arithmetic_side_effects
)]

mod content;
mod contraction;
mod error;
mod expectations;
mod kind;
mod lookups;
mod messages;
pub mod opening;
mod powers;
mod reduce;
mod verify;

pub use content::{always_holds, any_outputs, class_bounds};
pub use error::VerifyError;
pub use expectations::{Expectations, ExpectedInput, ExpectedOutput, OutputKind, equal_inputs};
pub use reduce::{Reduction, reduce};
pub use verify::{Accepted, DEFAULT_MAX_CELLS, Verifier};
pub use verinfer_relation::statement::{Proof, PublicTensor, Statement};
