//! How Verinfer writes files.
//!
//! [`write`](fn@write) and [`write_private`] put a whole file under its name: its bytes are on disk before the name is, and the name before they return, so that
//! whoever looks, at any time and after any crash, finds the old file or the new one. A name that is a link stays one, and what it leads to is written; a device,
//! a pipe or an open descriptor is written to and stays what it is; `-` is standard output.
//!
//! [`create_private`] makes the file of a database, which writes for itself. What is private has mode 0600 from the first byte on.
//!
//! Nothing is appended to: what grows is kept in SQLite databases.

mod error;
mod place;
mod private;
mod write;

pub use error::WriteError;
pub use place::{STANDARD_STREAM, is_standard_stream};
pub use private::{close_to_others, create_private, create_private_whole, is_readable_by_others};
pub use write::{check_private_writable, check_writable, write, write_private};

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
