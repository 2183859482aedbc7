//! What a Verinfer proof states, as data that the plain checker, the prover and the verifier share.
//!
//! `Graph -> Relation` (what must hold between cells) and, for the argument's challenges, `Relation -> Functional` (the one linear claim on the
//! committed vector to which everything is reduced). The page that says why this is sound is docs/protocol.md.

pub mod affine;
pub mod check;
pub mod claims;
pub mod commitment;
pub mod domain;
pub mod dot;
pub mod envelope;
pub mod eq;
mod error;
pub mod field;
pub mod functional;
pub mod grid;
pub mod johnson;
pub mod lanes;
pub mod layout;
pub mod learned;
mod lower;
pub mod masks;
pub mod merkle;
mod objects;
pub mod parameters;
pub mod relation;
pub mod scaling;
pub mod setting;
pub mod statement;
pub mod steps;
pub mod table;
pub mod total;
pub mod transcript;
pub mod weights;
pub mod wiring;

pub use error::RelationError;
pub use relation::Relation;
