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
mod replay;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use cases::{Cases, Kind};
use limits::Limits;
use mutate::Rng;

/// Where there is no other budget: enough to see that everything works.
const SECONDS: u64 = 4;

#[test]
fn any_bytes_are_refused_without_a_panic_in_bounded_time_and_memory() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let budget = Duration::from_secs(number("VERINFER_FUZZ_SECONDS").unwrap_or(SECONDS));
    let first = number("VERINFER_FUZZ_SEED").unwrap_or(0) << 32;
    let single = number("VERINFER_FUZZ_CASE");

    let cases = Cases::new();
    let limits = Limits::new();
    let start = Instant::now();
    let mut counts = [0u64; Kind::ALL.len()];
    let mut slowest = [Duration::ZERO; Kind::ALL.len()];
    for case in single.unwrap_or(first).. {
        let mut random = Rng::of_case(case);
        let kind = Kind::draw(&mut random);
        limits.begin(case, kind.memory());
        let before = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| cases.run(kind, &mut random)));
        let elapsed = before.elapsed();
        limits.end();
        match result {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => panic!("case {case}, {kind:?}: {reason}"),
            Err(_) => panic!("case {case}, {kind:?}: panics"),
        }
        counts[kind as usize] += 1;
        slowest[kind as usize] = slowest[kind as usize].max(elapsed);
        if single.is_some() || start.elapsed() > budget {
            break;
        }
    }
    for kind in Kind::ALL {
        let index = kind as usize;
        println!("{kind:?}: {} cases, the slowest took {:?}", counts[index], slowest[index]);
    }
    println!("most memory in use: {} KiB; outcomes: {:#?}", limits.most_used() >> 10, cases.outcomes());
}
