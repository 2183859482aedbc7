//! What parties hand over to each other: examples of a test set, documents of a corpus, each with what opens its commitments.
//!
//! An item holds the values, the salts, and the path to the root that was committed to. So whoever has it can prove about it, and anybody can check
//! ([`Example::is_promised`], [`Document::is_entry`]) that it is what was promised. Its bytes are what a transfer seals.

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

mod document;
mod error;
mod example;
mod input;

pub use document::Document;
pub use error::ItemError;
pub use example::{Example, Label};
pub use input::{OpenedInput, input_kind};
