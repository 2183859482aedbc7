//! Makes proofs that a quantized network gives an output on an input.
//!
//! [`Prover::prove`] runs the network, writes the witness down and walks the numbered steps of docs/protocol.md; the verifier's crate walks the
//! same steps. Nothing here is trusted by anybody but the prover.

mod codeword;
mod contraction;
mod error;
mod floor;
mod functional;
mod lookups;
mod messages;
mod opening;
mod outputs;
mod packed;
mod prove;
mod random;
mod vectors;
mod witness;

pub use error::ProveError;
pub use floor::Floor;
#[cfg(feature = "measure-masks")]
pub use opening::measure;
pub use prove::{Phase, Proved, Prover};
pub use random::from_operating_system;
pub use witness::{Execution, NO_ROW, Salt, Witness};
