//! Tests of the relation through the prover: random networks, requantization, what the plain checker finds, and that
//! messages show nothing of the witness: they can be simulated, coupled and counted.

mod checker;
mod coverage;
mod functional;
mod literal;
mod networks;
mod padding;
mod random;
mod requantization;
mod simulator;
mod sizes;
mod small;
mod statistics;
mod zero_knowledge;
