//! Commitments to models, inputs, outputs and labels outside of proofs: made once, they appear in any number of proofs.
//!
//! [`commit_model`] and its siblings give the commitment of the bytes that a proof binds to it, in the order in which the proof does. A commitment has
//! two files. The *public* one ([`Public`]) is what a verifier needs: the commitment and what it is to, for a model also the architecture. The *secret*
//! one ([`Secret`]) is the salt, with which the owner of the committed values proves about them. It does not hold the values.
//!
//! Files are untrusted: nothing here panics on any bytes, and there is one encoding of each content.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub use commit::{commit_input, commit_label, commit_model, commit_output};
pub use error::{CommitError, FileError};
pub use kind::Kind;
pub use public::{Committed, Public, is_public_file};
pub use salt::{Salt, draw_salt};
pub use secret::{Secret, is_secret_file};

mod commit;
mod error;
mod kind;
mod public;
mod reader;
mod salt;
mod secret;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
