//! Serves HTTP to strangers: how many connections there are, how much of their bodies is in memory, how long they take and how often they ask is bounded,
//! in all and for each address, so that nobody can keep it from answering others.
//!
//! * [`serve`]: accepts connections, and closes them in the end.
//! * [`body`]: reads bodies that are neither too long nor too slow.
//! * [`Limits`]: what is allowed. [`Fault`]: what was not, each with its status.

pub mod body;
mod fault;
mod limits;
mod serve;
mod shares;

pub use body::Body;
pub use fault::Fault;
pub use limits::Limits;
pub use serve::{admit, serve};
