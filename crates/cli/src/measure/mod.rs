//! Measurements of proofs, each side in a process of its own, so that neither's memory and caches are the other's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Elapsed;
use crate::hide::HideArguments;
use crate::input::InputArguments;
use crate::model::Selected;
use crate::phases::PhaseTime;
use verinfer_estimate::{Cells, Hashes};

mod input;
mod prover;
mod verifier;

/// What is measured: proofs of a model in a setting.
#[derive(Clone, Debug)]
pub struct Task {
    /// The network.
    pub model: Selected,
    /// What of it is hidden.
    pub hide: HideArguments,
    /// Proofs made; times are medians.
    pub runs: u32,
    /// Images of each proof.
    pub batch: u32,
    /// A file to prove on, or else random integers.
    pub image: Option<PathBuf>,
    /// How it is brought to the model's size.
    pub fit: InputArguments,
    /// Seed of the random integers.
    pub input_seed: u64,
    /// Security level in bits.
    pub security: u16,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Makes proofs.
    Prover,
    /// Verifies the last of them.
    Verifier,
}

/// What proving a model costs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProverCosts {
    /// Once for any number of proofs.
    pub setup_seconds: f64,
    /// Of the commitment to the model, which is made once for any number of proofs, where its weights are hidden.
    pub commit_seconds: Option<f64>,
    /// Median over the runs of a whole proof.
    #[serde(flatten)]
    pub elapsed: Elapsed,
    /// Median of each phase.
    pub phases: Vec<PhaseTime>,
    /// Median of encoding and hashing as many cells once without masks.
    pub floor: Elapsed,
    /// Size of the proof file.
    pub proof_bytes: usize,
    /// Hashes of trees that its verifier computes.
    pub hashes: Hashes,
    /// Median of the hashes that the proofs of work took.
    pub grinding: u64,
    /// Largest of all runs, set-up and model included.
    pub peak_memory: Option<u64>,
    /// Sizes of the committed vector.
    pub cells: Cells,
}

/// What verifying a proof costs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifierCosts {
    /// Once for any number of proofs.
    pub setup_seconds: f64,
    /// Median of at least as many verifications as runs, and of as many as a second takes.
    pub seconds: f64,
    /// Set-up and model included.
    pub peak_memory: Option<u64>,
    /// Whether the proof was accepted, as it should be.
    pub accepted: bool,
    /// Why not.
    pub error: Option<String>,
}

/// What both sides of a proof cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Costs {
    /// Of who makes it.
    pub prover: ProverCosts,
    /// Of who verifies it.
    pub verifier: VerifierCosts,
}

impl ProverCosts {
    /// How many times as long as the floor a proof takes.
    pub fn times_floor(&self) -> f64 {
        self.elapsed.seconds / self.floor.seconds.max(f64::MIN_POSITIVE)
    }
}

impl Task {
    /// Measures one side in this process: the prover leaves a proof in the file `proof`, the verifier reads it.
    pub fn prover_here(&self, proof: &Path) -> anyhow::Result<ProverCosts> {
        prover::measure(self, proof)
    }

    /// As [`Task::prover_here`] for the verifier.
    pub fn verifier_here(&self, proof: &Path) -> anyhow::Result<VerifierCosts> {
        verifier::measure(self, proof)
    }

    /// Both sides' costs.
    pub fn costs(&self) -> anyhow::Result<Costs> {
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let proof = folder.path().join("proof.vinf");
        Ok(Costs { prover: self.prover(&proof)?, verifier: self.verifier(&proof)? })
    }

    /// The prover's costs, measured in a process of its own.
    pub fn prover(&self, proof: &Path) -> anyhow::Result<ProverCosts> {
        self.apart(Side::Prover, proof)
    }

    /// The verifier's costs, measured in a process of its own.
    pub fn verifier(&self, proof: &Path) -> anyhow::Result<VerifierCosts> {
        self.apart(Side::Verifier, proof)
    }

    /// Measures one side with `verinfer bench` in a child process, whose report is returned.
    fn apart<T: DeserializeOwned>(&self, side: Side, proof: &Path) -> anyhow::Result<T> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let side = if side == Side::Prover { "prover" } else { "verifier" };
        let mut command = Command::new(program);
        command.args(["bench", "--json", "--side", side, "--proof"]).arg(proof).args(self.model.arguments());
        command.args([
            self.hide.argument(),
            format!("--runs={}", self.runs),
            format!("--batch={}", self.batch),
            format!("--input-seed={}", self.input_seed),
            format!("--security={}", self.security),
        ]);
        command.args(self.fit.arguments());
        if let Some(image) = &self.image {
            command.args([OsString::from("--image"), image.into()]);
        }
        let finished = command.output().with_context(|| format!("cannot start the {side}"))?;
        if !finished.status.success() {
            let message = String::from_utf8_lossy(&finished.stderr);
            let message = message.trim().trim_start_matches("error: ");
            bail!("the {side} of {} ended with {}: {message}", self.model.title(), finished.status);
        }
        serde_json::from_slice(&finished.stdout).with_context(|| format!("the {side} gave no report"))
    }
}

/// The middle one of `times`, of an even number the lower of both; 0 of none.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_one() {
        assert_eq!([vec![3.0, 1.0, 2.0], vec![4.0, 1.0], vec![]].map(median), [2.0, 1.0, 0.0]);
    }
}
