//! Fuzzing with the stable toolchain: changed proofs, architectures and commitments go through the verifier for a given time. No panic, no acceptance
//! of what is no seed, and bounds on the time and memory of each case.
//!
//! ```text
//! VERINFER_FUZZ_SECONDS=75 cargo test --release -p verinfer-verifier --test fuzz -- --nocapture
//! ```
//!
//! A case is a number, from which everything random about it follows: `VERINFER_FUZZ_CASE` runs a single one, `VERINFER_FUZZ_SEED` starts at others.
//! The number of the case that runs is in `verinfer-fuzz-case` in cargo's folder for temporary files, where it stays when the process is aborted. Seeds
//! are the files of `fuzz/seeds/decode_proof`; `cd fuzz && cargo run --release --bin seeds` makes them anew when the format changes.
//!
//! For the verifier's last checks to be reached, some cases replay the challenges of the seed whatever is sent ([`replay`]).

mod cases;
mod limits;
mod mutate;
#[allow(dead_code)]
#[path = "../../../../fuzz/fuzz_targets/network.rs"]
mod network;
mod random;
mod replay;
mod runner;

use cases::{Cases, Kind};

#[test]
fn any_bytes_are_refused_without_a_panic_in_bounded_time_and_memory() {
    let cases = Cases::new();
    runner::run(&Kind::ALL, Kind::memory, |kind, random| cases.run(kind, random));
    println!("outcomes: {:#?}", cases.outcomes());
}
