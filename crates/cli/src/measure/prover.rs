//! Measurement of the prover in this process.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use verinfer_commitments::{commit_model, draw_salt};
use verinfer_prover::{Execution, Floor, Prover};
use verinfer_relation::parameters::Parameters;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::steps;
use verinfer_relation::transcript::Message;

use super::input::input;
use super::{ProverCosts, Task, median};
use crate::clock::{Elapsed, Moment};
use crate::files;
use crate::hide::Part;
use crate::memory;
use crate::output::Report;
use crate::phases::{PhaseTime, Stopwatch, total};
use verinfer_estimate::{Cells, Hashes, grinding_hashes};

/// Makes proofs and leaves the last in the file `proof`.
pub fn measure(task: &Task, proof: &Path) -> anyhow::Result<ProverCosts> {
    let model = task.model.build()?;
    let input = input(task, &model)?;
    let cannot_prove = || format!("cannot prove {}", task.model.title());
    let mut salts = Vec::new();
    let mut commit_seconds = None;
    if task.hide.hides(Part::Weights) {
        let salt = draw_salt()?;
        let start = Instant::now();
        commit_model(&model.graph, &salt).with_context(cannot_prove)?;
        commit_seconds = Some(start.elapsed().as_secs_f64());
        salts.push((ObjectKind::Model, salt));
    }
    let start = Instant::now();
    let setting = task.hide.setting(&model.graph, None).with_context(cannot_prove)?;
    let prover = Prover::with_setting(Arc::clone(&model.graph), task.batch as usize, &setting).with_context(cannot_prove)?;
    let setup_seconds = start.elapsed().as_secs_f64();
    let relation = prover.relation();
    let execution = Execution { input: &input, labels: &[], salts: &salts };
    let (mut runs, mut floors, mut peak_memory) = (Vec::new(), Vec::new(), None);
    let mut bytes = Vec::new();
    let mut messages = Vec::new();
    let mut grinding = Vec::new();
    for _ in 0..task.runs {
        memory::reset_peak();
        let stopwatch = Stopwatch::default();
        let proved = prover.prove_execution(&execution, b"", task.security, &|phase| stopwatch.start(phase.name()))?;
        runs.push(stopwatch.stop());
        peak_memory = peak_memory.max(memory::peak());
        bytes = proved.proof.encode();
        grinding.push(grinding_hashes(&proved) as f64);
        messages = proved.messages;
        // By turns, so that what else the machine does slows both alike.
        floors.push(floor(relation.num_cells())?);
    }
    files::write(proof, &bytes)?;
    let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(task.security))?;
    Ok(ProverCosts {
        setup_seconds,
        commit_seconds,
        elapsed: median_elapsed(runs.iter().map(|run| total(run)).collect()),
        phases: median_phases(&runs),
        floor: median_elapsed(floors),
        proof_bytes: bytes.len(),
        hashes: hashes(&messages, &parameters),
        grinding: median(grinding) as u64,
        peak_memory,
        cells: Cells::new(&model.graph, relation, &parameters),
    })
}

/// Committing to `num_cells` cells once.
fn floor(num_cells: usize) -> anyhow::Result<Elapsed> {
    let floor = Floor::new(num_cells)?;
    let start = Moment::now();
    std::hint::black_box(floor.commit());
    Ok(start.elapsed())
}

/// Hashes of the trees opened in a proof with these messages.
fn hashes(messages: &[Message], parameters: &Parameters) -> Hashes {
    let count = |label| messages.iter().filter(|message| message.label == label).count() as u64;
    Hashes::counted(count(steps::ROW), count(steps::SIBLING), parameters.oracles.len() as u64)
}

/// Medians of both times, each for itself.
fn median_elapsed(times: Vec<Elapsed>) -> Elapsed {
    let processor: Option<Vec<f64>> = times.iter().map(|time| time.processor_seconds).collect();
    Elapsed { seconds: median(times.iter().map(|time| time.seconds).collect()), processor_seconds: processor.map(median) }
}

fn median_phases(runs: &[Vec<PhaseTime>]) -> Vec<PhaseTime> {
    let first = runs.first().map(Vec::as_slice).unwrap_or_default();
    let phases = first.iter().enumerate().map(|(index, time)| PhaseTime {
        phase: time.phase.clone(),
        elapsed: median_elapsed(runs.iter().filter_map(|run| run.get(index)).map(|time| time.elapsed).collect()),
    });
    phases.collect()
}

impl Report for ProverCosts {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{self:?}")
    }
}
