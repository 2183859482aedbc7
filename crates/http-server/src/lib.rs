//! Serves HTTP to strangers: how many connections there are, how much of their bodies and of long answers is in memory, how long they take and how often they
//! ask is bounded, in all and for each address, so that nobody can keep it from answering others.
//!
//! * [`serve`]: accepts connections, and closes them in the end.
//! * [`Front`]: TLS, and proxies before the server.
//! * [`body`]: reads bodies that are neither too long nor too slow.
//! * [`Room`]: for long answers, which count as bodies do until they have been read.
//! * [`admit`] and [`charge`]: how often an address asks, where some questions count as several.
//! * [`vouch`]: whom the server knows, and for whom a part of connections and bodies is kept; [`Meter`]: work that is known only when a body has been read.
//! * [`Limits`]: what is allowed. [`Fault`]: what was not, each with its status.

pub mod body;
mod fault;
mod front;
mod limits;
mod places;
mod proxies;
mod room;
mod serve;
mod shares;
mod tls;

pub use body::Body;
pub use fault::Fault;
pub use front::Front;
pub use limits::Limits;
pub use proxies::{Network, NetworkError, Proxies};
pub use room::{Counted, Room};
pub use serve::{Meter, admit, charge, serve, vouch};
pub use tls::{Tell, Tls, TlsError};
