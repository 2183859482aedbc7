//! Runs cases until the time is over.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::random::Rng;

/// Where there is no other budget: enough to see that everything works.
const SECONDS: u64 = 4;

/// Runs cases of all `kinds`; each may take `memory` bytes more than are in use, and says what is wrong with its outcome.
pub fn run<K: Copy + Debug>(kinds: &[K], memory: impl Fn(K) -> usize, run_case: impl Fn(K, &mut Rng) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let budget = Duration::from_secs(number("VERINFER_FUZZ_SECONDS").unwrap_or(SECONDS));
    let first = number("VERINFER_FUZZ_SEED").unwrap_or(0) << 32;
    let single = number("VERINFER_FUZZ_CASE");

    let limits = Limits::new();
    let start = Instant::now();
    let mut counts = vec![0u64; kinds.len()];
    let mut slowest = vec![Duration::ZERO; kinds.len()];
    for case in single.unwrap_or(first).. {
        let mut random = Rng::of_case(case);
        let index = random.below(kinds.len());
        let kind = kinds[index];
        limits.begin(case, memory(kind));
        let before = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| run_case(kind, &mut random)));
        let elapsed = before.elapsed();
        limits.end();
        match result {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => panic!("case {case}, {kind:?}: {reason}"),
            Err(_) => panic!("case {case}, {kind:?}: panics"),
        }
        counts[index] += 1;
        slowest[index] = slowest[index].max(elapsed);
        if single.is_some() || start.elapsed() > budget {
            break;
        }
    }
    for ((kind, count), slowest) in kinds.iter().zip(counts).zip(slowest) {
        println!("{kind:?}: {count} cases, the slowest took {slowest:?}");
    }
    println!("most memory in use: {} KiB", limits.most_used() >> 10);
}
