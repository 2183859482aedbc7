//! The programs of escrow and parties as separate processes.

#[path = "../common/address.rs"]
mod address;
#[path = "../../../escrow/tests/service/common/between.rs"]
#[allow(dead_code, reason = "tests of the escrow itself need more")]
mod between;
mod contradiction;
mod demand;
mod ended;
mod erased;
mod hostile;
mod kill;
mod models;
mod paths;
mod pins;
mod privacy;
mod several;
mod slow;
mod standby;
mod tls;
mod world;
