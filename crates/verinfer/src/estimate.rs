//! What proofs cost before they are made.
//!
//! [`Model::estimate`](crate::Model::estimate) counts cells, bytes and work: exactly, or by expected values where a proof is random. [`measure`] finds out once
//! how fast this machine is; [`Rates::predict`] then gives the time of any proof from its work. [`Rates`] can be kept with `serde`.
//!
//! ```no_run
//! use verinfer::{Part, estimate};
//!
//! let model = verinfer::Model::load("model.tflite")?;
//! let estimate = model.estimate(1, &[Part::Weights, Part::Input], 128)?;
//! let rates = estimate::measure(|_| ())?;
//! println!("{} bytes, {} bytes of memory, {:.1} s", estimate.proof_bytes, estimate.prover_memory, rates.predict(&estimate.work));
//! # Ok::<(), verinfer::Error>(())
//! ```

use std::cell::RefCell;
use std::time::Instant;

use verinfer_estimate::grinding_hashes;
pub use verinfer_estimate::{Cells, Estimate, Hashes, PhaseRates, Rates, TooMuchMemory, Work, megabytes};
use verinfer_import::{Architecture, synthetic};
use verinfer_prover::{Execution, Phase, Prover};

use crate::{Model, Part, Progress, Result};

/// Level of the proofs that are measured; the work of others is counted with their own parameters.
const LEVEL: u16 = 128;

/// Networks of 2^16 to 2^23 cells, with and without hidden weights: each count is what most of the time depends on in one of them. Small ones are measured
/// more often: they take no time.
const TASKS: [(Architecture, bool, usize); 5] = [
    (Architecture::LeNet, false, 15),
    (mobilenet(0.1, 32, 10), true, 9),
    (mobilenet(0.35, 64, 1000), false, 5),
    (mobilenet(0.35, 96, 1000), false, 3),
    (mobilenet(0.35, 128, 1000), true, 3),
];

const fn mobilenet(width: f64, resolution: usize, classes: usize) -> Architecture {
    Architecture::MobileNetV2 { width, resolution, classes }
}

/// Finds out how fast this program is on this machine: proves five synthetic networks several times, which takes tens of seconds. `watch` is told before each
/// network.
///
/// # Errors
///
/// The operating system gives no randomness.
pub fn measure(watch: impl Fn(Progress)) -> Result<Rates> {
    let mut samples = Vec::new();
    for (done, (architecture, hidden, runs)) in TASKS.into_iter().enumerate() {
        watch(Progress { done, steps: TASKS.len(), step: "measuring" });
        samples.push(sample(&Model::of(synthetic(architecture, 0)), hidden, runs)?);
    }
    Ok(Rates::fit(&samples))
}

/// The work of a proof, and the seconds of its phases: of each the median of several runs.
fn sample(model: &Model, hidden: bool, runs: usize) -> Result<(Work, Vec<f64>)> {
    let parts: &[Part] = if hidden { &[Part::Weights, Part::Input] } else { &[] };
    let work = model.estimate(1, parts, LEVEL)?.work;
    let setting = model.setting(hidden, hidden, Default::default())?;
    let prover = Prover::with_setting(model.graph().clone(), 1, &setting)?;
    let input = vec![0; prover.relation().input_len()];
    let (mut times, mut grinding) = (vec![Vec::new(); Phase::ALL.len()], Vec::new());
    for _ in 0..runs {
        let started = RefCell::new(Vec::new());
        let execution = Execution { input: &input, ..Execution::default() };
        let proved = prover.prove_execution(&execution, b"", LEVEL, &|_| started.borrow_mut().push(Instant::now()))?;
        let started = started.into_inner();
        let ends = started.iter().skip(1).copied().chain([Instant::now()]);
        for (phase, (start, end)) in times.iter_mut().zip(started.iter().zip(ends)) {
            phase.push(end.duration_since(*start).as_secs_f64());
        }
        grinding.push(grinding_hashes(&proved) as f64);
    }
    Ok((work.with_grinding(median(grinding) as u64), times.into_iter().map(median).collect()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
