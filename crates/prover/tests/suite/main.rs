//! Tests of the relation through the prover: random networks, requantization, and what the plain checker finds.

mod checker;
mod networks;
mod padding;
mod random;
mod requantization;
