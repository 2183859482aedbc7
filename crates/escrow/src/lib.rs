//! The escrow: holds the parties' money, runs [`verinfer_protocols`] on their requests and on the clock, verifies their proofs itself, and keeps a
//! hash-chained log from which every balance and every state follows.
//!
//! * [`books`]: what an entry of the log does, as a pure function; the service and the audit both use it.
//! * [`store`]: the log and what follows from it, in SQLite or PostgreSQL. An entry and all its effects are one database transaction.
//! * [`service`]: receives requests, establishes what machines depend on ([`facts`], [`proofs`], in [`turns`]), writes entries, and calls deadlines that no
//!   request is [`deciding`] about.
//! * [`files`]: what parties leave with agreements. [`clock`]: time, which stands still while nothing can be written.
//! * [`mark`]: how far the log has come, outside of the database, so that an older copy is not served in its place.
//! * [`operations`], [`metrics`]: what an operator watches.
//! * [`audit`]: computes everything again from the log.
//! * [`lead`]: which of several processes on one database is the escrow.
//! * [`http`], [`server`]: the interface, the page for people, and the sockets.

pub mod audit;
pub mod books;
pub mod clock;
pub mod deciding;
pub mod error;
pub mod facts;
pub mod files;
pub mod http;
pub mod lead;
pub mod mark;
pub mod metrics;
pub mod operations;
pub mod proofs;
pub mod server;
pub mod service;
pub mod signer;
pub mod store;
pub mod turns;
