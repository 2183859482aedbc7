//! The programs of the parties: a provider that serves predictions and proves them on demand, its customers, and both sides of a retrieval.
//!
//! An agreement's state is with the escrow. A party looks at it, makes the move that is due, and looks again ([`drive`]); what nobody but the party has is
//! in its [`store`], on disk before anything follows from it. So a party that is killed at any point goes on where it was when it is started again: it
//! never chooses twice, and the escrow carries out no move twice.
//!
//! * [`provider`]: many agreements at once, an HTTP server for customers, proofs from a queue.
//! * [`customer`]: one agreement, about accuracy or about predictions.
//! * [`retrieval`]: responder and requester.
//! * [`transfer`]: both halves of the transfer of items, which accuracy and retrieval share.
//! * [`host`], [`schedule`], [`places`], [`load`], [`queue`], [`http`]: what every party that serves others has in common.
//! * [`wire`], [`peer`]: what parties say to each other directly.
//! * [`pins`], [`request`]: who and what a party was told to turn to, and that its state belongs to that.

pub mod customer;
pub mod drive;
pub mod error;
pub mod failures;
pub mod glance;
pub mod host;
pub mod http;
pub mod load;
pub mod model;
pub mod peer;
pub mod pending;
pub mod pins;
pub mod places;
pub mod provider;
pub mod queue;
pub mod random;
pub mod receipts;
pub mod request;
pub mod retrieval;
pub mod schedule;
pub mod size;
pub mod store;
pub mod time;
pub mod transfer;
pub mod wire;

pub use drive::{Pace, Tell};
pub use error::PartyError;
pub use model::Model;
pub use store::Store;
