//! How many images a network ranks rightly, and whether its outputs are those of the reference implementation.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use verinfer_graph::{DataType, run};
use verinfer_import::{Model, Pixels};

use super::labelled::{LabelledImages, load};
use crate::files;

/// Classes of ImageNet; models of one class more have the background as class 0.
const IMAGENET_CLASSES: usize = 1000;

/// Standard deviations of a two-sided confidence of 95 %.
const CONFIDENCE: f64 = 1.96;

/// Images ranked rightly by exact integer inference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accuracy {
    /// Folder of the images.
    pub folder: String,
    /// How many there are.
    pub images: usize,
    /// Of which the true class is the first; of equal outputs the lowest class is ahead.
    pub top1: usize,
    /// Of which it is among the first five.
    pub top5: usize,
    /// Comparison with the reference implementation, where its outputs are known.
    pub reference: Option<Agreement>,
}

/// Outputs compared with those of the reference implementation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Agreement {
    /// Images compared.
    pub images: usize,
    /// Of these, images with any output that differs.
    pub different: usize,
}

/// Outputs of the reference implementation for a folder of images.
pub struct Reference {
    /// One byte for each output, image after image.
    logits: Vec<u8>,
    /// The images' names, in order.
    names: Vec<String>,
}

impl Reference {
    /// `logits.bin` and `logits.csv` of a folder, if they exist.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let (logits, names): (PathBuf, PathBuf) = (folder.join("logits.bin"), folder.join("logits.csv"));
        if !logits.exists() || !names.exists() {
            return Ok(None);
        }
        let mut reader = csv::Reader::from_path(&names).with_context(|| format!("cannot read {}", names.display()))?;
        let rows = reader.records().map(|row| row.map(|row| row.get(0).unwrap_or_default().to_string()));
        let names = rows.collect::<Result<_, _>>().with_context(|| format!("cannot read {}", names.display()))?;
        Ok(Some(Self { logits: files::read(&logits, files::MODEL_LIMIT)?, names }))
    }

    /// Whether it is about the images of a folder.
    pub fn is_of(&self, images: &LabelledImages) -> bool {
        let names = images.images.iter().filter_map(|(path, _)| path.file_name()?.to_str());
        names.eq(self.names.iter().map(String::as_str))
    }

    /// Digest of all outputs.
    pub fn digest(&self) -> String {
        blake3::hash(&self.logits).to_hex().to_string()
    }
}

/// What `class` of a label is in a model's outputs.
pub fn class_of(model: &Model, class: usize) -> usize {
    let background = model.output.shape.num_elements() == IMAGENET_CLASSES + 1;
    class + usize::from(background)
}

/// Runs a model on all images.
///
/// # Errors
///
/// An image cannot be read or does not fit, a class is not one of the model's, or the reference has another number of outputs.
pub fn measure(model: &Model, images: &LabelledImages, pixels: Pixels, reference: Option<&Reference>) -> anyhow::Result<Accuracy> {
    let classes = model.output.shape.num_elements();
    if let Some(reference) = reference {
        let expected = classes * images.images.len();
        ensure!(reference.logits.len() == expected, "the reference has {} outputs, not {expected}", reference.logits.len());
    }
    let ranks = images.images.par_iter().enumerate().map(|(index, (path, class))| {
        let class = class_of(model, *class);
        ensure!(class < classes, "{} is of class {class}, the model has {classes}", path.display());
        let trace = run(&model.graph, &load(path, model, pixels)?.values)?;
        let outputs = &trace.tensors[model.graph.output().0];
        let same = reference.map(|reference| is_equal(model, outputs, &reference.logits[index * classes..][..classes]));
        Ok((rank(outputs, class), same))
    });
    let ranks: Vec<(usize, Option<bool>)> = ranks.collect::<anyhow::Result<_>>()?;
    let within = |k: usize| ranks.iter().filter(|(rank, _)| *rank < k).count();
    Ok(Accuracy {
        folder: images.folder.display().to_string(),
        images: ranks.len(),
        top1: within(1),
        top5: within(5),
        reference: reference
            .map(|_| Agreement { images: ranks.len(), different: ranks.iter().filter(|(_, same)| *same == Some(false)).count() }),
    })
}

/// Classes ahead of one: those with a larger output, and of those with the same output the lower ones.
fn rank(outputs: &[i16], class: usize) -> usize {
    let own = outputs[class];
    outputs.iter().enumerate().filter(|&(other, &value)| value > own || (value == own && other < class)).count()
}

fn is_equal(model: &Model, outputs: &[i16], expected: &[u8]) -> bool {
    let value = |byte: u8| match model.output.dtype {
        DataType::U8 => i16::from(byte),
        DataType::I8 => i16::from(byte.cast_signed()),
    };
    outputs.iter().zip(expected).all(|(&output, &byte)| output == value(byte))
}

/// The interval in which a share lies with 95 % confidence (Wilson 1927), from `hits` of `trials` independent ones.
pub fn confidence_interval(hits: usize, trials: usize) -> (f64, f64) {
    let (n, z) = (trials.max(1) as f64, CONFIDENCE);
    let share = hits as f64 / n;
    let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (centre - half, centre + half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_outputs_the_lower_class_is_ahead() {
        assert_eq!([0, 1, 2, 3].map(|class| rank(&[5, 7, 7, -1], class)), [2, 0, 1, 3]);
    }

    #[test]
    fn interval_holds_the_share_and_narrows_with_more_trials() {
        let (low, high) = confidence_interval(73, 100);
        assert!((low - 0.636).abs() < 0.001 && (high - 0.807).abs() < 0.001, "{low} {high}");
        let (narrow_low, narrow_high) = confidence_interval(7300, 10_000);
        assert!(narrow_high - narrow_low < high - low && narrow_low < 0.73 && 0.73 < narrow_high);
    }
}
