//! Whether the protocols between parties are viable: whether the honest gain by taking part, and everybody else loses.
//!
//! Strategies are played through the state machines of `verinfer-protocols`, with its ledger, so that a payment that the machines do not make is not
//! counted here either. What a party gains is what it has more on its account, less what its work costs, and more by what a sale after the agreement is worth
//! to it ([`Economy`]).
//!
//! * [`deviations`]: an honest path with one fault at one place, everywhere;
//! * [`accuracy`], [`serving`], [`retrieval`]: strategies whose outcome is a matter of chance, each *exactly* (sums over outcomes' probabilities, each outcome's
//!   gains from the machine) and *simulated* (random examples dealt, every game played through the machine);
//! * [`griefing`]: what it costs to harm another;
//! * [`claims`]: the paper's own figures, each beside what comes out;
//! * [`study`]: all of it for one economy.

pub use economy::{Economy, EconomyError};
pub use error::PlayError;
pub use fault::{Fault, FaultAt};
pub use gains::{Estimate, Gains};
pub use transfer::Cheat;

pub mod accuracy;
pub mod claims;
pub mod deviations;
mod economy;
mod error;
mod fault;
mod gains;
pub mod griefing;
pub mod retrieval;
pub mod serving;
pub mod study;
mod transfer;
mod world;
