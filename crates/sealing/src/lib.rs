//! Inputs handed over sealed and opened with a key that is published later, so that nobody can afterwards say that something else was sent.
//!
//! The sender draws a [`Key`], seals each item under it ([`seal`]), commits to the sealed bytes, hands them over, and publishes the key when the receiver has acknowledged
//! them. If an item does not open to what was promised, the receiver names it, and whoever holds its sealed bytes, the published key and the promise comes to the same
//! [`Verdict`] ([`adjudicate`]).
//!
//! *What sealing must do beyond hiding.* The published key must be the only one: with a plain authenticated cipher a sender can make one ciphertext that opens to
//! different items under different keys, both without an error (`tests/two_keys.rs` does), and choose between them after it has seen what the receiver does. Here
//! each sealed item begins with a commitment to its key, place and context, a collision-resistant hash. See docs/sealing.md.
//!
//! [`Envelope`]s are for the way: they keep sealed items from whoever is neither sender nor receiver, since the key will be public.

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

pub use contest::{Fault, Verdict, adjudicate};
pub use envelope::{Envelope, ReceiverPublic, ReceiverSecret};
pub use error::{EnvelopeError, OpenError, RandomnessError};
pub use item::{Context, MAX_ITEM_BYTES, OVERHEAD, SealError, open, seal};
pub use key::Key;

mod contest;
mod envelope;
mod error;
mod item;
mod key;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
