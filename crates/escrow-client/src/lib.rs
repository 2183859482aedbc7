//! The escrow's HTTP interface: its messages, and a client that signs, sends and repeats requests.
//!
//! The interface is under `/v1`; an escrow describes it at `/openapi.json`. [`messages`] are what it answers with, [`Client`] asks. What is asked for is
//! in [`verinfer_protocols::signed`].

mod client;
mod error;
pub mod messages;

pub use client::{Client, Patience};

/// Largest file that an escrow takes.
pub const MAX_FILE_BYTES: usize = 1 << 24;
pub use error::ClientError;

/// Cells of the largest relation that the escrow verifies proofs of: architectures are of strangers, and deriving a relation takes some 16 bytes for each cell.
/// 30 images of MobileNet v2 0.35/96 have fewer, five of 1.0/224.
pub const MAX_CELLS: usize = 1 << 27;
