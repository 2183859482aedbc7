//! What a network gives for the images of a proof.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_import::Model;

use crate::classes::{Ranked, top, write_top};
use crate::escape::one_line;

/// The outputs of all images: of a single one as fields of the report itself, of several as a list.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Results {
    /// Of one image.
    One(ImageResult),
    /// Of several images.
    Batch {
        /// In the order of the proof.
        images: Vec<ImageResult>,
    },
}

/// The output of one image.
#[derive(Serialize)]
pub struct ImageResult {
    /// Where the image was read, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// The integers proved, in NHWC order.
    output: Vec<i16>,
    /// The largest outputs, largest first, of equal ones the lowest class first.
    top: Vec<Ranked>,
    /// Classes that have the highest score together, if there are several: the first of them counts as the first.
    ties: Vec<usize>,
}

impl Results {
    /// From all outputs, image after image. `files` names the images, or is empty.
    pub fn new(model: &Model, files: &[PathBuf], outputs: &[i16], labels: &[String]) -> Self {
        let shape = model.graph.spec(model.graph.output()).shape;
        let (len, has_classes) = (shape.num_elements(), shape.num_pixels() == 1);
        let result = |(index, output): (usize, &[i16])| ImageResult {
            image: files.get(index).map(|file| file.display().to_string()),
            output: output.to_vec(),
            top: top(model, output, labels),
            ties: if has_classes { ties(output) } else { Vec::new() },
        };
        let mut images: Vec<ImageResult> = outputs.chunks_exact(len).enumerate().map(result).collect();
        match (images.pop(), images.is_empty()) {
            (Some(image), true) => Self::One(image),
            (last, _) => {
                images.extend(last);
                Self::Batch { images }
            }
        }
    }

    /// Each image's classes; `score_is` as [`crate::classes::score_name`] gives it.
    pub fn write_classes(&self, out: &mut dyn Write, score_is: &str) -> io::Result<()> {
        let images = match self {
            Self::One(image) => return image.write(out, score_is),
            Self::Batch { images } => images,
        };
        for (index, image) in images.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            match &image.image {
                Some(name) => writeln!(out, "image {index}: {}", one_line(name))?,
                None => writeln!(out, "image {index}")?,
            }
            image.write(out, score_is)?;
        }
        Ok(())
    }
}

impl ImageResult {
    fn write(&self, out: &mut dyn Write, score_is: &str) -> io::Result<()> {
        write_top(out, score_is, &self.top)?;
        let classes: Vec<String> = self.ties.iter().map(ToString::to_string).collect();
        match classes.as_slice() {
            [first, ..] => writeln!(out, "tie: the classes {} have the same output; {first} counts as the first", classes.join(", ")),
            [] => Ok(()),
        }
    }
}

/// The classes with the highest score, if they are several.
fn ties(output: &[i16]) -> Vec<usize> {
    let highest = output.iter().max();
    let classes: Vec<usize> = (0..output.len()).filter(|&class| output.get(class) == highest).collect();
    if classes.len() > 1 { classes } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_with_the_same_highest_score_are_a_tie() {
        assert_eq!(ties(&[3, 9, -1, 9]), [1, 3]);
        assert_eq!(ties(&[3, 9, 3]), [] as [usize; 0]);
    }
}
