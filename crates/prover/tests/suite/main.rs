//! Tests of the relation through the prover: random networks, requantization, what the plain checker finds, and that
//! messages show nothing of the witness.

mod checker;
mod networks;
mod padding;
mod random;
mod requantization;
mod sizes;
mod zero_knowledge;
