//! What zero-knowledge costs: proofs of models with hidden weights and input,
//!
//! * *masked*: as always;
//! * *zero*: the same protocol with every pad, triple, mask row and blinding element zero; the verifier accepts these proofs, too;
//! * *bare*: *zero*, but commitment and opening are those of a vector that has neither masks nor secrets.
//!
//! ```text
//! cargo run --release -p verinfer-prover --features measure-masks --example masks -- MODEL.tflite...
//! ```
//!
//! Times are processor times of all threads, medians of `RUNS` (5) runs in turn. Proofs stay in memory: nothing is written.

mod cells;
mod run;

use std::process::ExitCode;

use verinfer_graph::{DataType, Graph};
use verinfer_import::import_tflite;
use verinfer_prover::{Phase, Prover};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};

use cells::Cells;
use run::{Masking, Runner};

/// Level of the proofs in bits.
const LEVEL: u16 = 128;

fn main() -> ExitCode {
    let models: Vec<String> = std::env::args().skip(1).collect();
    if models.is_empty() {
        eprintln!("usage: masks MODEL.tflite...");
        return ExitCode::from(2);
    }
    for model in models {
        println!("{model}");
        if let Err(error) = measure(&model) {
            eprintln!("{model}: {error}");
            return ExitCode::FAILURE;
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn measure(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let graph = import_tflite(&std::fs::read(path)?)?.graph;
    let setting = Setting { weights: Some(Envelope::of(&graph)?), hidden_input: true, output: OutputForm::Shown };
    let prover = Prover::with_setting(graph.clone(), 1, &setting)?;
    let cells = Cells::new(prover.relation(), usize::from(LEVEL))?;
    cells.print();

    let num_runs = std::env::var("RUNS").map_or(Ok(5), |runs| runs.parse::<usize>())?.max(1);
    let runner = Runner::new(&graph, &prover, input(&graph), cells.computed)?;
    let mut seconds: [Vec<[f64; Phase::ALL.len()]>; Masking::ALL.len()] = Default::default();
    for _ in 0..num_runs {
        for (masking, seconds) in Masking::ALL.into_iter().zip(&mut seconds) {
            seconds.push(runner.run(masking)?);
        }
    }
    print_times(&seconds.map(|runs| {
        let phases = std::array::from_fn(|phase| median(runs.iter().map(|run| run[phase]).collect()));
        (phases, median(runs.iter().map(|run| run.iter().sum()).collect()))
    }));
    Ok(())
}

/// Any input: what proofs cost does not depend on it.
fn input(graph: &Graph) -> Vec<i16> {
    let spec = graph.spec(graph.input());
    let zero = if spec.dtype == DataType::I8 { -128 } else { 0 };
    (0..spec.shape.num_elements()).map(|i| zero + (i * i % 251) as i16).collect()
}

/// Medians of each phase and of the sums, in seconds, by masking.
fn print_times(times: &[([f64; Phase::ALL.len()], f64); Masking::ALL.len()]) {
    let [masked, zero, bare] = times;
    println!("{:<14}{:>10}{:>10}{:>10}{:>14}{:>14}", "processor time", "masked", "zero", "bare", "masked/zero", "masked/bare");
    let row = |name: &str, [masked, zero, bare]: [f64; 3]| {
        println!("{name:<14}{masked:>8.3} s{zero:>8.3} s{bare:>8.3} s{:>14.3}{:>14.3}", masked / zero, masked / bare);
    };
    for (index, phase) in Phase::ALL.into_iter().enumerate() {
        row(phase.name(), [masked, zero, bare].map(|times| times.0[index]));
    }
    row("all", [masked, zero, bare].map(|times| times.1));
}

/// The middle one; of an even number the lower of both.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}
