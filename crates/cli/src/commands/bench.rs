//! `verinfer bench`: what proofs cost on this machine.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use crate::hide::{HideArguments, Part};
use crate::input::InputArguments;
use crate::measure::{ProverCosts, Side, Task, VerifierCosts};
use crate::memory::megabytes;
use crate::model::{Selected, SyntheticArguments};
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::{PhaseTime, duration, total};
use verinfer_estimate::Cells;

/// Measure proofs of models: times, proof sizes, memory.
///
/// Each side of each model is measured in a process of its own. Rejected if a proof made here is not accepted.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// .tflite files, or `digits` for the built-in model, which is also what is measured if nothing is named.
    #[arg(value_name = "MODEL")]
    models: Vec<PathBuf>,

    #[command(flatten)]
    synthetic: SyntheticArguments,

    /// Proofs made; times are medians.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,

    /// Images of each proof; costs are also printed for each image.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,

    #[command(flatten)]
    hide: HideArguments,

    /// Measure each model with everything public, with its weights, its input and both hidden, and compare.
    #[arg(long, conflicts_with = "hide")]
    compare_hidden: bool,

    /// A .png, .jpg or .npy file to prove on; without it, random integers.
    #[arg(long, value_name = "IMAGE")]
    image: Option<PathBuf>,

    /// Seed of the random integers.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    input_seed: u64,

    #[command(flatten)]
    fit: InputArguments,

    /// Security level in bits.
    #[arg(long, value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,

    /// Measure one side in this process, with the proof in --proof.
    #[arg(long, value_name = "SIDE", hide = true, requires = "proof")]
    side: Option<Side>,

    #[arg(long, value_name = "PROOF", hide = true)]
    proof: Option<PathBuf>,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let models = arguments.synthetic.select_beside(&arguments.models);
    if let (Some(side), Some(proof), [model]) = (arguments.side, &arguments.proof, models.as_slice()) {
        let task = arguments.task(model, &arguments.hide);
        match side {
            Side::Prover => output.report(&task.prover_here(proof)?)?,
            Side::Verifier => output.report(&task.verifier_here(proof)?)?,
        }
        return Ok(Verdict::Accepted);
    }
    let settings = HideArguments::settings(arguments.compare_hidden, &arguments.hide);
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let progress = output.progress(2 * models.len() * settings.len(), "measuring");
    progress.tick();
    let mut costs = Vec::new();
    for (model, hide) in models.iter().flat_map(|model| settings.iter().map(move |hide| (model, hide))) {
        let proof = folder.path().join("proof.vinf");
        let task = arguments.task(model, hide);
        progress.set_message(format!("{} (prover)", model.title()));
        let prover = task.prover(&proof)?;
        progress.inc(1);
        progress.set_message(format!("{} (verifier)", model.title()));
        let verifier = task.verifier(&proof)?;
        progress.inc(1);
        let hidden = hide.parts().map(Part::name).collect();
        costs.push(ModelCosts { model: model.title(), hidden, setting: hide.title(), prover, verifier });
    }
    progress.finish_and_clear();
    let report = BenchReport {
        runs: arguments.runs,
        batch: arguments.batch,
        threads: rayon::current_num_threads(),
        security_level: arguments.security,
        compared: arguments.compare_hidden,
        accepted: costs.iter().all(|costs| costs.verifier.accepted),
        models: costs,
    };
    output.report(&report)?;
    Ok(Verdict::from_bool(report.accepted))
}

impl Arguments {
    fn task(&self, model: &Selected, hide: &HideArguments) -> Task {
        Task {
            model: model.clone(),
            hide: hide.clone(),
            runs: self.runs,
            batch: self.batch,
            image: self.image.clone(),
            fit: self.fit,
            input_seed: self.input_seed,
            security: self.security,
        }
    }
}

#[derive(Serialize)]
struct BenchReport {
    /// Proofs of each model.
    runs: u32,
    /// Images of each proof.
    batch: u32,
    /// Threads of the prover; the verifier has one.
    threads: usize,
    /// In bits.
    security_level: u16,
    /// Whether each model was measured in several settings, first with everything public.
    compared: bool,
    /// Whether all proofs were accepted.
    accepted: bool,
    models: Vec<ModelCosts>,
}

#[derive(Serialize)]
struct ModelCosts {
    model: String,
    /// `weights`, `input`, `output`.
    hidden: Vec<&'static str>,
    /// The same for people.
    #[serde(skip)]
    setting: String,
    prover: ProverCosts,
    verifier: VerifierCosts,
}

impl Report for BenchReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { runs, batch, threads, security_level, .. } = self;
        let images = if *batch > 1 { format!(", {batch} images in each proof") } else { String::new() };
        writeln!(out, "{runs} runs (medians), {threads} threads, {security_level} bits{images}")?;
        writeln!(out)?;
        let titles =
            ["model", "activations", "prove", "of the floor", "verify", "proof", "prover's memory", "verifier's memory", "set-up", ""];
        let rows: Vec<_> = self.models.iter().map(ModelCosts::row).collect();
        write_table(out, &titles, &[1, 2, 3, 4, 5, 6, 7, 8], &rows)?;
        writeln!(out)?;
        writeln!(out, "the floor: encoding and hashing as many cells once, without masks")?;
        writeln!(out)?;
        if self.compared {
            self.write_comparison(out)?;
            writeln!(out)?;
        }
        if *batch > 1 {
            let titles = ["for each image", "prove", "verify", "proof", "prover's memory", "verifier's memory"];
            let rows: Vec<_> = self.models.iter().map(|costs| costs.row_for_each_image(*batch)).collect();
            write_table(out, &titles, &[1, 2, 3, 4, 5], &rows)?;
            writeln!(out)?;
        }
        let titles = ["model", "cells", "per activation", "committed", "padding", "of addresses"];
        let rows: Vec<_> = self.models.iter().map(|costs| cells_row(costs.name(), &costs.prover.cells)).collect();
        write_table(out, &titles, &[1, 2, 3, 4, 5], &rows)?;
        writeln!(out)?;
        let phases = self.models.first().map(|costs| costs.prover.phases.as_slice()).unwrap_or_default();
        let titles: Vec<&str> = ["model"].into_iter().chain(phases.iter().map(|time| time.phase.as_str())).collect();
        let rows: Vec<_> = self.models.iter().map(|costs| shares_row(costs.name(), &costs.prover.phases)).collect();
        write_table(out, &titles, &(1..titles.len()).collect::<Vec<_>>(), &rows)
    }
}

impl BenchReport {
    /// Costs beside those of the same model with everything public.
    fn write_comparison(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles = ["model", "setting", "prove", "", "verify", "", "proof", "", "prover's memory", "", "commit once"];
        let mut rows = Vec::new();
        let mut public = None;
        for costs in &self.models {
            if costs.hidden.is_empty() {
                public = Some(costs);
            }
            rows.extend(public.map(|public| costs.comparison(public)));
        }
        write_table(out, &titles, &(2..titles.len()).collect::<Vec<_>>(), &rows)
    }
}

impl ModelCosts {
    /// The model's name, and what is hidden.
    fn name(&self) -> String {
        let name = short(&self.model);
        if self.hidden.is_empty() { name } else { format!("{name}, {}", self.setting) }
    }

    fn comparison(&self, public: &Self) -> Vec<String> {
        let ratio = |own: f64, public: f64| format!("x {:.2}", own / public.max(f64::MIN_POSITIVE));
        let (prover, verifier) = (&self.prover, &self.verifier);
        let memories = prover.peak_memory.zip(public.prover.peak_memory);
        vec![
            short(&self.model),
            self.setting.clone(),
            duration(prover.elapsed.seconds),
            ratio(prover.elapsed.seconds, public.prover.elapsed.seconds),
            duration(verifier.seconds),
            ratio(verifier.seconds, public.verifier.seconds),
            format!("{:.1} kB", prover.proof_bytes as f64 / 1000.0),
            ratio(prover.proof_bytes as f64, public.prover.proof_bytes as f64),
            memory(prover.peak_memory),
            memories.map(|(own, public)| ratio(own as f64, public as f64)).unwrap_or_default(),
            prover.commit_seconds.map(duration).unwrap_or_default(),
        ]
    }

    fn row(&self) -> Vec<String> {
        let Self { prover, verifier, .. } = self;
        let verdict = match &verifier.error {
            Some(error) => format!("REJECTED: {error}"),
            None => "accepted".to_string(),
        };
        vec![
            self.name(),
            thousands(prover.cells.activations),
            duration(prover.elapsed.seconds),
            format!("x {:.1}", prover.times_floor()),
            duration(verifier.seconds),
            format!("{:.1} kB", prover.proof_bytes as f64 / 1000.0),
            memory(prover.peak_memory),
            memory(verifier.peak_memory),
            duration(verifier.setup_seconds),
            verdict,
        ]
    }

    /// The costs that grow with the batch, divided by its size.
    fn row_for_each_image(&self, batch: u32) -> Vec<String> {
        let Self { prover, verifier, .. } = self;
        let images = f64::from(batch);
        let share = |bytes: Option<u64>| memory(bytes.map(|bytes| bytes / u64::from(batch)));
        vec![
            self.name(),
            duration(prover.elapsed.seconds / images),
            duration(verifier.seconds / images),
            format!("{:.1} kB", prover.proof_bytes as f64 / images / 1000.0),
            share(prover.peak_memory),
            share(verifier.peak_memory),
        ]
    }
}

fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_string(), megabytes)
}

/// A model's name without folder and ending.
fn short(model: &str) -> String {
    model.rsplit('/').next().unwrap_or(model).trim_end_matches(".tflite").to_string()
}

fn cells_row(model: String, cells: &Cells) -> Vec<String> {
    vec![
        model,
        thousands(cells.used),
        format!("{:.2}", cells.per_activation),
        thousands(cells.committed),
        format!("{:.1} %", 100.0 * cells.padding as f64 / (cells.committed as f64).max(1.0)),
        format!("2^{}", cells.log_length),
    ]
}

fn shares_row(model: String, phases: &[PhaseTime]) -> Vec<String> {
    let total = total(phases).seconds.max(f64::MIN_POSITIVE);
    let shares = phases.iter().map(|time| format!("{:.0} %", 100.0 * time.elapsed.seconds / total));
    [model].into_iter().chain(shares).collect()
}
