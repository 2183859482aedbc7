//! The escrow's HTTP interface: its messages, and a client that signs, sends and repeats requests.
//!
//! The interface is under `/v1`; an escrow describes it at `/openapi.json`. [`messages`] are what it answers with, [`Client`] asks. What is asked for is
//! in [`verinfer_protocols::signed`], what is answered is signed ([`verinfer_protocols::answer`]) and checked against what was answered before.

mod address;
mod client;
mod contradiction;
mod error;
mod evidence;
mod known;
pub mod memory;
pub mod messages;
mod payments;
mod reader;
pub mod tls;
mod transport;
pub mod waiting;

pub use address::EscrowAddress;
pub use client::{Client, Patience};
pub use contradiction::Contradiction;
pub use error::{ClientError, ReplyFault};
pub use evidence::{Evidence, EvidenceFault};
pub use reader::Reader;

/// The kind of a refusal of what was recorded already: a repeated command has had its effect.
pub const RECORDED: &str = "recorded";

/// Largest file that an escrow takes.
pub const MAX_FILE_BYTES: usize = 1 << 24;

/// Bytes of all files that an escrow takes from a party to an agreement that was accepted.
pub const MAX_AGREEMENT_BYTES: u64 = 1 << 31;

/// Bytes of all files that an escrow takes from an account for agreements that have not ended, and [`FILE_OVERHEAD`] for each.
pub const MAX_ACCOUNT_BYTES: u64 = 1 << 33;

/// As what a file counts besides its bytes: what a database keeps about it takes room, too.
pub const FILE_OVERHEAD: u64 = 1024;

/// Cells of the largest relation that the escrow verifies proofs of: architectures are of strangers, and deriving a relation takes some 16 bytes for each cell.
/// 30 images of MobileNet v2 0.35/96 have fewer, five of 1.0/224.
pub const MAX_CELLS: usize = 1 << 27;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
