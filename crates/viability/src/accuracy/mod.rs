//! Agreements about accuracy, with customers whose labels may be wrong and providers whose model may be worse than promised.

mod chance;
mod game;
mod simulation;
mod strategies;

pub use chance::{Chances, Payoffs, best_attack, chances, expected, sale};
pub use game::{Game, Played};
pub use simulation::simulate;
pub use strategies::{Customer, Decision, ModelQuality, Pairing, Provider, pairings};
