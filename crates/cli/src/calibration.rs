//! How fast this machine is: the time of each phase of the prover for what it does, measured on synthetic networks and kept.

use std::path::PathBuf;

use anyhow::Context;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use verinfer_estimate::{Rates, Work};
use verinfer_import::Architecture;

use crate::clock::Elapsed;
use crate::files;
use crate::hide::{HideArguments, Part};
use crate::machine::{Machine, program_digest};
use crate::measure::{ProverCosts, Task};
use crate::model::{Selected, Synthetic};
use crate::output::{Output, with_causes};

/// Level of the proofs that are measured; the work of others is counted with their own parameters.
const LEVEL: u16 = 128;

/// Rates of one program on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibration {
    fingerprint: String,
    seconds: Rates,
    /// Of processor time, where the system tells it.
    processor_seconds: Option<Rates>,
}

impl Calibration {
    /// The one in the user's cache folder, or else measured now, which takes seconds, and kept there.
    ///
    /// # Errors
    ///
    /// There is no home folder, the measurement fails, or it cannot be kept.
    pub fn get(again: bool, output: Output) -> anyhow::Result<Self> {
        let machine = serde_json::to_vec(&Machine::here())?;
        let fingerprint = blake3::hash(&[machine.as_slice(), program_digest()?.as_bytes()].concat()).to_hex().to_string();
        let path = path(&fingerprint)?;
        if !again && path.exists() {
            match Self::read(&path, &fingerprint) {
                Ok(calibration) => return Ok(calibration),
                Err(error) => output.warning(&format!("{}; this machine is measured anew", with_causes(&error))),
            }
        }
        let calibration = Self::measure(fingerprint, output)?;
        files::create_folder(path.parent().unwrap_or(&path))?;
        files::write(&path, &serde_json::to_vec_pretty(&calibration)?)?;
        Ok(calibration)
    }

    /// Expected time of a proof.
    pub fn predict(&self, work: &Work) -> Elapsed {
        Elapsed { seconds: self.seconds.predict(work), processor_seconds: self.processor_seconds.as_ref().map(|rates| rates.predict(work)) }
    }

    fn read(path: &std::path::Path, fingerprint: &str) -> anyhow::Result<Self> {
        let bytes = files::read(path, files::TEXT_LIMIT)?;
        let calibration: Self = serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        let is_whole = calibration.fingerprint == fingerprint
            && calibration.seconds.is_whole()
            && calibration.processor_seconds.as_ref().is_none_or(Rates::is_whole);
        anyhow::ensure!(is_whole, "{} is of another program", path.display());
        Ok(calibration)
    }

    fn measure(fingerprint: String, output: Output) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let tasks = tasks();
        let progress = output.progress(tasks.len(), "measuring this machine");
        progress.tick();
        let mut samples = Vec::new();
        for task in &tasks {
            let graph = task.model.build()?.graph;
            let work = task.hide.estimate(&graph, task.batch as usize, task.security)?.work;
            let costs = task.prover(&folder.path().join("proof.vinf"))?;
            samples.push((work.with_grinding(costs.grinding), costs));
            progress.inc(1);
        }
        progress.finish_and_clear();
        let rates = |time: &dyn Fn(&Elapsed) -> Option<f64>| -> Option<Rates> {
            let sample = |(work, costs): &(Work, ProverCosts)| {
                let times = costs.phases.iter().map(|phase| time(&phase.elapsed)).collect::<Option<Vec<_>>>()?;
                Some((*work, times))
            };
            samples.iter().map(sample).collect::<Option<Vec<_>>>().map(|samples| Rates::fit(&samples)).filter(Rates::is_whole)
        };
        let seconds = rates(&|time| Some(time.seconds)).context("a phase of the prover was not measured")?;
        Ok(Self { fingerprint, seconds, processor_seconds: rates(&|time| time.processor_seconds) })
    }
}

/// Networks from 2^16 to 2^23 cells, with and without hidden weights: each count is what most of the time depends on in one of them. Small ones are
/// measured more often: they take no time.
fn tasks() -> Vec<Task> {
    let mobilenet = |width, resolution, classes| Architecture::MobileNetV2 { width, resolution, classes };
    let both = [Part::Weights, Part::Input];
    let task = |architecture, hide: &[Part], runs| Task {
        model: Selected::Synthetic(Synthetic::new(architecture, 0)),
        hide: HideArguments::new(hide.to_vec()),
        runs,
        batch: 1,
        image: None,
        fit: Default::default(),
        input_seed: 0,
        security: LEVEL,
    };
    vec![
        task(Architecture::LeNet, &[], 15),
        task(mobilenet(0.1, 32, 10), &both, 9),
        task(mobilenet(0.35, 64, 1000), &[], 5),
        task(mobilenet(0.35, 96, 1000), &[], 3),
        task(mobilenet(0.35, 128, 1000), &both, 3),
    ]
}

/// Where the calibration with a fingerprint is kept.
fn path(fingerprint: &str) -> anyhow::Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().context("there is no folder for caches")?;
    let short = fingerprint.get(..16).unwrap_or(fingerprint);
    Ok(folders.cache_dir().join("verinfer").join(format!("calibration-{short}.json")))
}
