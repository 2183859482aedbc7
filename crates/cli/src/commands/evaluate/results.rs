//! Everything a report says, as data: what was measured, what was predicted, what others publish.

use serde::{Deserialize, Serialize};

use super::accuracy::Accuracy;
use super::published::Published;
use super::trend::Trend;
use crate::clock::Elapsed;
use crate::machine::Machine;
use crate::measure::Costs;
use verinfer_estimate::Estimate;

/// A report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Version of this program.
    pub version: String,
    /// Digest of its file.
    pub program: String,
    /// What it ran on.
    pub machine: Machine,
    /// Of all proofs, in bits.
    pub security_level: u16,
    /// Proofs of each measurement; times are medians.
    pub runs: u32,
    /// Dollars for an hour of one logical processor.
    pub price: f64,
    /// By cells.
    pub models: Vec<ModelResults>,
    /// Synthetic networks of growing size, everything public.
    pub scaling: Vec<ScalingPoint>,
    /// How proving time grows with cells.
    pub trend: Option<Trend>,
    /// What others report.
    pub published: Vec<Published>,
    /// What could not be measured.
    pub missing: Vec<Missing>,
}

/// A network's figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelResults {
    /// Name for people.
    pub name: String,
    /// Digest of the whole integer program, hexadecimal.
    pub network: String,
    /// Height, width, channels of the input.
    pub input: [usize; 3],
    /// Outputs.
    pub classes: usize,
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Rows of the published table that are about the same network.
    pub references: Vec<String>,
    /// How pixels of images become its input.
    #[serde(default)]
    pub pixels: Option<String>,
    /// Over labelled images.
    pub accuracy: Option<Accuracy>,
    /// Why there is no accuracy, or no comparison with the reference implementation.
    pub remark: Option<String>,
    /// First with everything public.
    pub measurements: Vec<Measurement>,
}

/// Proofs in one setting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// What is hidden, for people.
    pub setting: String,
    /// `weights`, `input`.
    pub hidden: Vec<String>,
    /// Images of each proof.
    pub batch: u32,
    /// Measured.
    pub costs: Costs,
    /// Predicted, the same on every machine.
    pub estimate: Estimate,
    /// Predicted time of the prover on this machine, given how long the proofs of work took, which is chance.
    pub predicted: Elapsed,
}

/// A synthetic network's proofs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScalingPoint {
    /// Name for people.
    pub name: String,
    /// With everything public.
    pub measurement: Measurement,
}

/// Something that was to be measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// Why it was not.
    pub reason: String,
    /// Whether that is a failure, and not a model or size that is out of reach.
    pub failed: bool,
}

impl Results {
    /// Rows of the published table about a model that stand beside its figures.
    pub fn compared(&self, model: &ModelResults) -> Vec<&Published> {
        self.published.iter().filter(|row| row.compared && model.references.contains(&row.id)).collect()
    }

    /// The first model that a row of the published table is about.
    pub fn model_of(&self, row: &Published) -> Option<&ModelResults> {
        self.models.iter().find(|model| model.references.contains(&row.id))
    }

    /// Every measurement with the name of its network.
    pub fn measurements(&self) -> impl Iterator<Item = (&str, &Measurement)> {
        let models = self.models.iter().flat_map(|model| model.measurements.iter().map(|measurement| (model.name.as_str(), measurement)));
        models.chain(self.scaling.iter().map(|point| (point.name.as_str(), &point.measurement)))
    }

    /// Dollars for so many core-seconds.
    pub fn dollars(&self, core_seconds: f64) -> f64 {
        core_seconds / 3600.0 * self.price
    }

    /// Models of which outputs were compared with a reference.
    pub fn num_compared(&self) -> usize {
        self.models.iter().filter(|model| model.accuracy.as_ref().is_some_and(|accuracy| accuracy.reference.is_some())).count()
    }

    /// Whether no measurement failed, the verifier accepted every proof, and every output compared was the reference's.
    pub fn all_hold(&self) -> bool {
        let accepted = self.measurements().all(|(_, measurement)| measurement.costs.verifier.accepted);
        let agreements = self.models.iter().filter_map(|model| model.accuracy.as_ref()?.reference);
        let failed = self.missing.iter().any(|missing| missing.failed);
        !failed && accepted && agreements.into_iter().all(|agreement| agreement.different == 0)
    }
}

impl ModelResults {
    /// The measurement of one image with weights and input hidden: the hardest setting, in which the paper measures.
    pub fn hidden(&self) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.batch == 1 && measurement.hidden.len() == 2)
    }

    /// The measurement of one image with everything public.
    pub fn public(&self) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.batch == 1 && measurement.hidden.is_empty())
    }
}

impl Measurement {
    /// Processor time of the prover, or else the most it can have been.
    pub fn core_seconds(&self, threads: usize) -> f64 {
        let elapsed = self.costs.prover.elapsed;
        elapsed.processor_seconds.unwrap_or(elapsed.seconds * threads as f64)
    }

    /// How far the predicted processor time (or time) is above the measured, as a fraction of it.
    pub fn time_off(&self) -> f64 {
        let measured = self.costs.prover.elapsed;
        let (predicted, measured) =
            self.predicted.processor_seconds.zip(measured.processor_seconds).unwrap_or((self.predicted.seconds, measured.seconds));
        predicted / measured.max(f64::MIN_POSITIVE) - 1.0
    }

    /// The same of memory, where it is known.
    pub fn memory_off(&self) -> Option<f64> {
        let peak = self.costs.prover.peak_memory?;
        Some(self.estimate.prover_memory as f64 / (peak as f64).max(1.0) - 1.0)
    }

    /// The same of the proof's size.
    pub fn size_off(&self) -> f64 {
        self.estimate.proof_bytes as f64 / (self.costs.prover.proof_bytes as f64).max(1.0) - 1.0
    }
}
