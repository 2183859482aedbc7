//! The report's figures as CSV: one row for each measurement.

use anyhow::Context;
use serde::Serialize;

use super::results::{Measurement, ModelResults, Results};
use crate::measure::Costs;

/// A row; times in seconds, sizes in bytes.
#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    hidden: String,
    batch: u32,
    cells: u64,
    images: Option<usize>,
    top1: Option<usize>,
    top5: Option<usize>,
    commit_seconds: Option<f64>,
    prove_seconds: f64,
    prove_core_seconds: Option<f64>,
    verify_seconds: f64,
    proof_bytes: usize,
    prover_memory: Option<u64>,
    verifier_memory: Option<u64>,
    floor_seconds: f64,
    floor_core_seconds: Option<f64>,
    predicted_prove_seconds: f64,
    predicted_prove_core_seconds: Option<f64>,
    predicted_proof_bytes: u64,
    predicted_prover_memory: u64,
    accepted: bool,
}

/// All measurements.
///
/// # Errors
///
/// They cannot be written as CSV.
pub fn csv(results: &Results) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for model in &results.models {
        for measurement in &model.measurements {
            writer.serialize(Row::new(&model.name, measurement, Some(model)))?;
        }
    }
    for point in &results.scaling {
        writer.serialize(Row::new(&point.name, &point.measurement, None))?;
    }
    writer.into_inner().context("the table of figures cannot be written")
}

impl<'a> Row<'a> {
    fn new(name: &'a str, measurement: &Measurement, model: Option<&ModelResults>) -> Self {
        let accuracy = model.and_then(|model| model.accuracy.as_ref());
        let Costs { prover, verifier } = &measurement.costs;
        Self {
            model: name,
            hidden: measurement.hidden.join("+"),
            batch: measurement.batch,
            cells: prover.cells.used,
            images: accuracy.map(|accuracy| accuracy.images),
            top1: accuracy.map(|accuracy| accuracy.top1),
            top5: accuracy.map(|accuracy| accuracy.top5),
            commit_seconds: prover.commit_seconds,
            prove_seconds: prover.elapsed.seconds,
            prove_core_seconds: prover.elapsed.processor_seconds,
            verify_seconds: verifier.seconds,
            proof_bytes: prover.proof_bytes,
            prover_memory: prover.peak_memory,
            verifier_memory: verifier.peak_memory,
            floor_seconds: prover.floor.seconds,
            floor_core_seconds: prover.floor.processor_seconds,
            predicted_prove_seconds: measurement.predicted.seconds,
            predicted_prove_core_seconds: measurement.predicted.processor_seconds,
            predicted_proof_bytes: measurement.estimate.proof_bytes,
            predicted_prover_memory: measurement.estimate.prover_memory,
            accepted: verifier.accepted,
        }
    }
}
