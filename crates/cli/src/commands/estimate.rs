//! `verinfer estimate`: what proofs will cost on this machine, before any is made.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use crate::clock::Elapsed;
use verinfer_estimate::{Estimate, fitted_memory_rates};

use crate::calibration::Calibration;
use crate::hide::{HideArguments, Part};
use crate::input::InputArguments;
use crate::measure::{ProverCosts, Task};
use crate::memory::megabytes;
use crate::model::{Selected, SyntheticArguments};
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::duration;

/// Deviation of a prediction that is accepted.
const TOLERANCE: f64 = 0.25;

/// Deviation of predicted memory that is accepted for small models, in bytes.
const MEMORY_TOLERANCE: f64 = 4e7;

/// Deviation of predicted time that is accepted for small models, in seconds.
const TIME_TOLERANCE: f64 = 0.02;

/// Predict time, memory and size of proofs, from the relation and a calibration of this machine.
///
/// The calibration takes seconds and is kept in the user's cache folder. With --check, rejected if a prediction is more than 25 % off; what is off is measured
/// twice, and the faster counts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// .tflite files, or `digits` for the built-in model, which is also what is predicted if nothing is named.
    #[arg(value_name = "MODEL")]
    models: Vec<PathBuf>,

    #[command(flatten)]
    synthetic: SyntheticArguments,

    #[command(flatten)]
    hide: HideArguments,

    /// Predict for everything public, for hidden weights, hidden input, and both.
    #[arg(long, conflicts_with = "hide")]
    compare_hidden: bool,

    /// Images of each proof.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,

    /// Security level in bits.
    #[arg(long, value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,

    /// Measure this machine anew.
    #[arg(long)]
    recalibrate: bool,

    /// Also make the proofs, and compare. Processor time is what is judged, where the system tells it: what else the machine does counts less.
    #[arg(long)]
    check: bool,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let settings = HideArguments::settings(arguments.compare_hidden, &arguments.hide);
    let mut predictions = Vec::new();
    for model in arguments.synthetic.select_beside(&arguments.models) {
        let graph = model.build()?.graph;
        for hide in &settings {
            let estimate = hide.estimate(&graph, arguments.batch as usize, arguments.security);
            let estimate = estimate.with_context(|| format!("cannot prove {}", model.title()))?;
            predictions.push((model.clone(), hide.clone(), estimate));
        }
    }
    let calibration = Calibration::get(arguments.recalibrate, output)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let progress = output.progress(predictions.len(), "comparing");
    let mut models = Vec::new();
    for (model, hide, estimate) in predictions {
        let predicted = calibration.predict(&estimate.work);
        let check = if arguments.check {
            progress.set_message(model.title());
            let task = arguments.task(&model, &hide, predicted);
            let check = || -> anyhow::Result<Check> {
                let costs = task.prover(&folder.path().join("proof.vinf"))?;
                Ok(Check::new(&estimate, calibration.predict(&estimate.work.with_grinding(costs.grinding)), &costs))
            };
            let first = check()?;
            // A machine that is shared has slow spells.
            Some(if first.within_tolerance { first } else { check()?.or_faster(first) })
        } else {
            None
        };
        progress.inc(1);
        let hidden = hide.parts().map(Part::name).collect();
        models.push(Prediction { model: model.title(), hidden, setting: hide.title(), predicted, estimate, check });
    }
    progress.finish_and_clear();
    let accepted = models.iter().all(|model| model.check.as_ref().is_none_or(|check| check.within_tolerance));
    let peaks = models.iter().filter_map(|model| Some((&model.estimate.cells, model.check.as_ref()?.measured.peak_memory?)));
    let memory_rates = fitted_memory_rates(peaks);
    output.report(&EstimateReport { batch: arguments.batch, security_level: arguments.security, models, memory_rates })?;
    Ok(Verdict::from_bool(accepted))
}

impl Arguments {
    fn task(&self, model: &Selected, hide: &HideArguments, predicted: Elapsed) -> Task {
        let runs = (3.0 / predicted.seconds.max(0.01)).ceil().clamp(3.0, 25.0) as u32;
        let (model, hide) = (model.clone(), hide.clone());
        Task { model, hide, runs, batch: self.batch, image: None, fit: InputArguments::default(), input_seed: 0, security: self.security }
    }
}

#[derive(Serialize)]
struct EstimateReport {
    /// Images of each proof.
    batch: u32,
    /// In bits.
    security_level: u16,
    models: Vec<Prediction>,
    /// What would have predicted the memory measured best: bytes, bytes for each cell and for each element of the first codeword.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory_rates: Vec<f64>,
}

#[derive(Serialize)]
struct Prediction {
    model: String,
    /// `weights`, `input`, `output`.
    hidden: Vec<&'static str>,
    /// The same for people.
    #[serde(skip)]
    setting: String,
    /// Time of the prover.
    #[serde(flatten)]
    predicted: Elapsed,
    #[serde(flatten)]
    estimate: Estimate,
    /// What a proof did cost, if it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<Check>,
}

/// A prediction beside the measurement: how far it is above, as a fraction of the measured. How long proofs of work take is chance: the time is
/// predicted for those that were made.
#[derive(Serialize)]
struct Check {
    measured: ProverCosts,
    seconds_off: f64,
    processor_seconds_off: Option<f64>,
    memory_off: Option<f64>,
    proof_bytes_off: f64,
    /// Processor time, where it is known, memory and size.
    within_tolerance: bool,
}

impl Check {
    fn new(estimate: &Estimate, predicted: Elapsed, costs: &ProverCosts) -> Self {
        let off = |predicted: f64, measured: f64| predicted / measured.max(f64::MIN_POSITIVE) - 1.0;
        let measured = costs.elapsed;
        let seconds_off = off(predicted.seconds, measured.seconds);
        let processor_seconds_off = predicted.processor_seconds.zip(measured.processor_seconds).map(|(a, b)| off(a, b));
        let proof_bytes_off = off(estimate.proof_bytes as f64, costs.proof_bytes as f64);
        let memory = estimate.prover_memory as f64;
        let is_near = |predicted: f64, measured: f64, least: f64| (predicted - measured).abs() <= least.max(TOLERANCE * measured);
        let memory_holds = costs.peak_memory.is_none_or(|peak| is_near(memory, peak as f64, MEMORY_TOLERANCE));
        let times = predicted.processor_seconds.zip(measured.processor_seconds).unwrap_or((predicted.seconds, measured.seconds));
        let time_holds = is_near(times.0, times.1, TIME_TOLERANCE);
        Self {
            seconds_off,
            processor_seconds_off,
            memory_off: costs.peak_memory.map(|peak| off(memory, peak as f64)),
            proof_bytes_off,
            within_tolerance: memory_holds && time_holds && proof_bytes_off.abs() <= TOLERANCE,
            measured: costs.clone(),
        }
    }

    /// The one of two that took less time.
    fn or_faster(self, other: Self) -> Self {
        if other.measured.elapsed.seconds < self.measured.elapsed.seconds { other } else { self }
    }
}

impl Report for EstimateReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { batch, security_level, models, memory_rates } = self;
        let images = if *batch > 1 { format!(", {batch} images in each proof") } else { String::new() };
        writeln!(out, "{security_level} bits{images}")?;
        writeln!(out)?;
        if models.iter().all(|model| model.check.is_none()) {
            let rows: Vec<_> = models.iter().map(Prediction::row).collect();
            return write_table(out, &["model", "setting", "cells", "prove", "core-seconds", "memory", "proof"], &[2, 3, 4, 5, 6], &rows);
        }
        writeln!(out, "predicted, and how far above what was measured (time: given how long the proofs of work took, which is chance)")?;
        writeln!(out)?;
        let titles = ["model", "setting", "cells", "prove", "", "core-seconds", "", "memory", "", "proof", "", ""];
        let rows: Vec<_> = models.iter().map(Prediction::checked_row).collect();
        write_table(out, &titles, &[2, 3, 4, 5, 6, 7, 8, 9, 10], &rows)?;
        match memory_rates.as_slice() {
            [fixed, cell, encoded, pixel] => {
                writeln!(out)?;
                writeln!(
                    out,
                    "memory, best fit: {fixed:.0} + {cell:.1} * cells + {encoded:.1} * encoded elements + {pixel:.0} * pixels of maxima bytes"
                )
            }
            _ => Ok(()),
        }
    }
}

impl Prediction {
    fn row(&self) -> Vec<String> {
        let Self { predicted, estimate, .. } = self;
        vec![
            self.model.clone(),
            self.setting.clone(),
            thousands(estimate.cells.used),
            duration(predicted.seconds),
            predicted.processor_seconds.map(duration).unwrap_or_default(),
            megabytes(estimate.prover_memory),
            format!("{:.1} kB", estimate.proof_bytes as f64 / 1000.0),
        ]
    }

    fn checked_row(&self) -> Vec<String> {
        let percent = |off: f64| format!("{:+.0} %", 100.0 * off);
        let check = self.check.as_ref();
        let offs = [
            check.map(|check| percent(check.seconds_off)),
            check.and_then(|check| check.processor_seconds_off).map(percent),
            check.and_then(|check| check.memory_off).map(percent),
            check.map(|check| format!("{:+.1} %", 100.0 * check.proof_bytes_off)),
        ];
        let mut row = self.row();
        let columns = row.split_off(3);
        row.extend(columns.into_iter().zip(offs).flat_map(|(column, off)| [column, off.unwrap_or_default()]));
        row.push(if check.is_none_or(|check| check.within_tolerance) { String::new() } else { "OFF".to_string() });
        row
    }
}
