//! Forgeries: whatever a malicious prover sends for a false statement is rejected, and by the check that is meant to reject it.
//!
//! Three kinds of prover: one that runs the argument honestly on a false witness ([`cells`], [`maxima`], [`batch`], [`other_networks`]), one that sends something else
//! than it computed and goes on from there ([`altered`], [`pads`]), and one that changes the bytes of a genuine proof ([`bytes`], [`header`],
//! [`statement`], [`robustness`]). [`variants`] keeps the list of all reasons of rejection.
//!
//! [`hidden`] has forgers of hidden weights, inputs, outputs and labels: [`hidden_cells`], [`hidden_bytes`], [`hidden_model`], [`hidden_objects`],
//! [`second_contraction`] and [`predicates`] lie about these, [`settings`] and [`hidden_header`] about what is hidden, [`demands`] refuses true
//! proofs of something else, [`degenerate`] those that say nothing, and [`replayed`] keeps the challenges of another statement.
//!
//! [`exported`] writes proofs and forgeries of all kinds, with verdicts, for the verifier in `spec/`.
//!
//! A lie in steps 3 to 6 is noticed by the last equation of the opening; [`unmasked`] says which equation of these steps it broke.

mod altered;
mod batch;
mod bytes;
mod cells;
mod degenerate;
mod demands;
mod exported;
mod forger;
mod header;
mod hidden;
mod hidden_bytes;
mod hidden_cells;
mod hidden_header;
mod hidden_model;
mod hidden_objects;
mod manifest;
mod maxima;
mod network;
mod other_networks;
mod pads;
mod predicates;
#[path = "../../../prover/tests/suite/random/mod.rs"]
#[allow(dead_code)]
mod random;
mod replayed;
mod robustness;
mod second_contraction;
mod settings;
mod statement;
mod total;
mod unmasked;
mod variants;
