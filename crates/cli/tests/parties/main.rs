//! The programs of escrow and parties as separate processes.

mod kill;
mod paths;
mod world;
