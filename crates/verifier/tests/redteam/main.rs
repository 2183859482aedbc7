//! Attacks on the real verifier that found something, or came close.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod coverage;
mod exchange;
mod meaning;
#[path = "../forgery/network.rs"]
#[allow(dead_code)]
mod network;
mod wrap;
