//! Which measurements an evaluation makes, in which order.

use std::path::{Path, PathBuf};

use verinfer_import::{Architecture, Model, Pixels};

use super::accuracy::{self, Accuracy, Reference};
use super::labelled::LabelledImages;
use super::published::Published;
use super::results::{Measurement, Missing, ModelResults, Results, ScalingPoint};
use super::store::{Quantity, Store, Subject};
use super::trend::Trend;
use super::{LEVEL, short_name};
use crate::calibration::Calibration;
use crate::files;
use crate::hide::{HideArguments, Part};
use crate::input::InputArguments;
use crate::machine::Machine;
use crate::measure::Task;
use crate::model::{Selected, Source, Synthetic};
use crate::output::{Output, with_causes};
use verinfer_graph::cost;
use verinfer_graph::describe::hex;

/// Synthetic MobileNets of about 2^16, 2^17, ... cells with everything public: width, resolution, classes.
const SCALING: [(f64, usize, usize); 9] = [
    (0.1, 8, 10),
    (0.1, 16, 10),
    (0.1, 32, 10),
    (0.35, 40, 10),
    (0.35, 64, 1000),
    (0.35, 88, 1000),
    (0.35, 128, 1000),
    (0.5, 176, 1000),
    (0.75, 200, 1000),
];

/// Logarithm of the cells of the first.
const FIRST_SCALING: u32 = 16;

/// Batches are measured where they have at most so many cells.
const MAX_BATCH_CELLS: u64 = 1 << 25;

/// Share of the machine's memory that a proof may take.
const MEMORY_SHARE: f64 = 0.9;

/// An evaluation.
pub struct Experiments<'a> {
    /// Files, or names of built-in models.
    pub models: &'a [PathBuf],
    /// Folders of labelled images.
    pub images: Vec<LabelledImages>,
    /// Folder of reference outputs.
    pub golden: Option<&'a Path>,
    /// How pixels become inputs, if it is chosen.
    pub pixels: Option<Pixels>,
    /// Where measurements are kept.
    pub store: Store,
    /// Proofs of each measurement.
    pub runs: u32,
    /// Images of the proofs of several.
    pub batch: u32,
    /// Logarithm of the largest network of the scaling measurement.
    pub scaling: u32,
    /// Dollars for an hour of a logical processor.
    pub price: f64,
    /// For progress and warnings.
    pub output: Output,
}

/// A network to be measured.
struct Candidate {
    name: String,
    selected: Selected,
    model: Model,
    digest: String,
}

impl Experiments<'_> {
    /// Makes all measurements that are not in the store yet.
    ///
    /// # Errors
    ///
    /// Images cannot be read, or this machine cannot be calibrated. Measurements that fail and models that cannot be imported are no errors, but missing.
    pub fn run(&self) -> anyhow::Result<Results> {
        let mut missing = Vec::new();
        let mut candidates = self.candidates(&mut missing);
        let published = Published::table()?;
        let calibration = Calibration::get(false, self.output)?;
        // Small ones first: a mistake shows early.
        candidates.sort_by_key(|candidate| cost_of(&candidate.model));
        let progress = self.output.progress(candidates.len() + SCALING.len(), "evaluating");
        let mut models = Vec::new();
        for candidate in &candidates {
            progress.set_message(candidate.name.clone());
            models.push(self.model(candidate, &published, &calibration, &mut missing)?);
            progress.inc(1);
        }
        let mut scaling = Vec::new();
        for (&(width, resolution, classes), log) in SCALING.iter().zip(FIRST_SCALING..=self.scaling) {
            let candidate = synthetic(Architecture::MobileNetV2 { width, resolution, classes });
            progress.set_message(format!("2^{log} cells"));
            if let Some(measurement) = self.measurement(&candidate, None, &HideArguments::default(), 1, &calibration, &mut missing)? {
                scaling.push(ScalingPoint { name: candidate.name, measurement });
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        let machine = Machine::here();
        let points = scaling.iter().map(|point| {
            let cells = point.measurement.costs.prover.cells.used as f64;
            (cells, point.measurement.core_seconds(machine.threads))
        });
        Ok(Results {
            version: env!("CARGO_PKG_VERSION").to_string(),
            program: self.store.program().to_string(),
            trend: Trend::fit(&points.collect::<Vec<_>>()),
            machine,
            security_level: LEVEL,
            runs: self.runs,
            price: self.price,
            models,
            scaling,
            published,
            missing,
        })
    }

    /// The models given, and the synthetic network that has a published counterpart.
    fn candidates(&self, missing: &mut Vec<Missing>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for path in self.models {
            let source = Source::from(path.as_path());
            match source.import() {
                Ok(model) => {
                    let digest = hex(&model.graph.digest());
                    candidates.push(Candidate { name: short_name(path), selected: Selected::Source(source), model, digest });
                }
                Err(error) => missing.push(Missing { what: short_name(path), reason: with_causes(&error), failed: false }),
            }
        }
        candidates.push(synthetic(Architecture::LeNet));
        candidates
    }

    fn model(
        &self,
        candidate: &Candidate,
        published: &[Published],
        calibration: &Calibration,
        missing: &mut Vec<Missing>,
    ) -> anyhow::Result<ModelResults> {
        let graph = &candidate.model.graph;
        let images = match &candidate.selected {
            Selected::Source(_) => self.images.iter().find(|images| images.fits(&candidate.model, self.pixels(&candidate.model))),
            Selected::Synthetic(_) => None,
        };
        let (accuracy, remark) = self.accuracy(candidate, images)?;
        let image = images.and_then(|images| images.images.first()).map(|(path, _)| path.as_path());
        let mut measurements = Vec::new();
        for hide in HideArguments::settings(true, &HideArguments::default()) {
            measurements.extend(self.measurement(candidate, image, &hide, 1, calibration, missing)?);
        }
        let both = HideArguments::new(vec![Part::Weights, Part::Input]);
        let cells = measurements.iter().map(|measurement| measurement.costs.prover.cells.used).max().unwrap_or(0);
        if cells * u64::from(self.batch) <= MAX_BATCH_CELLS {
            measurements.extend(self.measurement(candidate, image, &both, self.batch, calibration, missing)?);
        }
        let shape = graph.spec(graph.input()).shape;
        let references = published.iter().filter(|row| row.network.is_some_and(|network| network.is(graph)));
        Ok(ModelResults {
            name: candidate.name.clone(),
            network: candidate.digest.clone(),
            input: [shape.height, shape.width, shape.channels],
            classes: graph.spec(graph.output()).shape.num_elements(),
            parameters: graph.nodes().iter().map(|node| cost::parameters(&node.op)).sum(),
            macs: graph.nodes().iter().map(|node| cost::macs(graph, node)).sum(),
            references: references.map(|row| row.id.clone()).collect(),
            pixels: images.map(|_| self.pixels(&candidate.model).to_string()),
            accuracy,
            remark,
            measurements,
        })
    }

    /// How pixels become a model's input: as chosen, else as its quantization says, else as bytes, which is how reference outputs are recorded.
    fn pixels(&self, model: &Model) -> Pixels {
        self.pixels.unwrap_or_else(|| Pixels::of_input(&model.input).unwrap_or(Pixels::Raw))
    }

    /// Accuracy over a folder of images, and a remark on what is not known.
    fn accuracy(&self, candidate: &Candidate, images: Option<&LabelledImages>) -> anyhow::Result<(Option<Accuracy>, Option<String>)> {
        let Candidate { name, model, selected, digest } = candidate;
        if let Selected::Synthetic(_) = selected {
            return Ok((None, Some("random weights: there is nothing to be right about".to_string())));
        }
        let Some(images) = images else {
            return Ok((None, Some("no folder of labelled images fits its input".to_string())));
        };
        let largest = images.images.iter().map(|(_, class)| accuracy::class_of(model, *class)).max().unwrap_or(0);
        if largest >= model.output.shape.num_elements() {
            return Ok((None, Some("the labels of the images that fit are not its classes".to_string())));
        }
        let pixels = self.pixels(model);
        let reference = self.golden.map(|golden| Reference::read(&golden.join(name))).transpose()?.flatten();
        let reference = reference.filter(|reference| reference.is_of(images));
        let quantity = Quantity::Accuracy {
            images: images.digest()?,
            pixels: pixels.to_string(),
            reference: reference.as_ref().map(Reference::digest),
        };
        let subject = Subject { network: digest.clone(), quantity };
        let accuracy = self.store.get_or(subject, self.output, || accuracy::measure(model, images, pixels, reference.as_ref()))?;
        let remark = reference.is_none().then(|| "no reference outputs of these images are at hand".to_string());
        Ok((Some(accuracy), remark))
    }

    /// Costs in a setting, unless the proof does not fit into memory or the network cannot be proved.
    fn measurement(
        &self,
        candidate: &Candidate,
        image: Option<&Path>,
        hide: &HideArguments,
        batch: u32,
        calibration: &Calibration,
        missing: &mut Vec<Missing>,
    ) -> anyhow::Result<Option<Measurement>> {
        let what = || format!("{}, {}, batch of {batch}", candidate.name, hide.title());
        let estimate = match hide.estimate(&candidate.model.graph, batch as usize, LEVEL) {
            Ok(estimate) => estimate,
            Err(error) => {
                missing.push(Missing { what: what(), reason: error.to_string(), failed: false });
                return Ok(None);
            }
        };
        let allowed = Machine::here().memory.map(|memory| (memory as f64 * MEMORY_SHARE) as u64);
        if let Some(Err(error)) = allowed.map(|allowed| estimate.check_memory(allowed)) {
            missing.push(Missing { what: what(), reason: error.to_string(), failed: false });
            return Ok(None);
        }
        let image_digest = image.map(|path| files::read(path, files::IMAGE_LIMIT)).transpose()?;
        let pixels = self.pixels(&candidate.model);
        let quantity = Quantity::Costs {
            hide: hide.argument(),
            batch,
            runs: self.runs,
            security: LEVEL,
            image: image_digest.map(|bytes| blake3::hash(&bytes).to_hex().to_string()),
            pixels: pixels.to_string(),
        };
        let task = Task {
            model: candidate.selected.clone(),
            hide: hide.clone(),
            runs: self.runs,
            batch,
            image: image.map(Path::to_path_buf),
            fit: InputArguments::with_pixels(pixels),
            input_seed: 0,
            security: LEVEL,
        };
        let subject = Subject { network: candidate.digest.clone(), quantity };
        let costs = match self.store.get_or(subject, self.output, || task.costs()) {
            Ok(costs) => costs,
            Err(error) => {
                self.output.warning(&format!("{}: {}", what(), with_causes(&error)));
                missing.push(Missing { what: what(), reason: with_causes(&error), failed: true });
                return Ok(None);
            }
        };
        Ok(Some(Measurement {
            setting: hide.title(),
            hidden: hide.parts().map(|part| part.name().to_string()).collect(),
            batch,
            predicted: calibration.predict(&estimate.work.with_grinding(costs.prover.grinding)),
            costs,
            estimate,
        }))
    }
}

fn synthetic(architecture: Architecture) -> Candidate {
    let network = Synthetic::new(architecture, 0);
    let model = network.build();
    let digest = hex(&model.graph.digest());
    Candidate { name: network.title(), selected: Selected::Synthetic(network), model, digest }
}

/// Elements a network computes.
fn cost_of(model: &Model) -> u64 {
    model.graph.nodes().iter().map(|node| cost::activations(&node.op, model.graph.spec(node.output).shape)).sum()
}
