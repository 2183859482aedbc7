//! The escrow as a service, over real sockets, on real databases.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test panics on what it does not expect")]

mod agreements;
mod audit;
mod browser;
mod certificates;
mod common;
mod company;
mod demands;
mod files;
mod full_disk;
#[cfg(unix)]
mod half_open;
mod hostile;
mod leaks;
mod lies;
mod load;
mod market;
mod marks;
mod network;
mod outages;
mod pages;
mod payments;
mod proofs;
mod receipts;
mod scale;
mod schema;
mod time;
mod turns;
mod two;
