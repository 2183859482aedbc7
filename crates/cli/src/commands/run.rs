//! `verinfer run`: exact inference.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_graph::run;
use verinfer_import::{Closing, Model};

use crate::describe::{TensorReport, tensor};
use crate::dump::dump;
use crate::files;
use crate::model::{FitArguments, Source};
use crate::output::{Output, Report, Verdict, write_table};

/// Classes shown.
const TOP: usize = 5;

/// Run a model on an image, exactly as TFLite's reference kernels do.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A .png, .jpg or .npy file, or `sample` or `sample:N` of the built-in model.
    #[arg(value_name = "IMAGE")]
    image: PathBuf,

    #[command(flatten)]
    fit: FitArguments,

    /// Class names, one on each line; class 0 is the first.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,

    /// Write every tensor to this folder, as .npy files and an index.json.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let source = Source::from(arguments.model.as_path());
    let labels = read_labels(arguments, &source)?;
    let model = source.import()?;
    let input = source.load_input(&arguments.image, arguments.fit, &model)?;
    let mut trace = run(&model.graph, &input)?;
    if let Some(folder) = &arguments.dump {
        dump(&model.graph, &trace, folder, output)?;
    }
    let values = trace.tensors.swap_remove(model.graph.output().0);
    output.report(&RunReport {
        model: source.title(),
        image: arguments.image.display().to_string(),
        output_tensor: tensor(&model.graph, model.graph.output()),
        score_is: score_name(&model),
        top: top(&model, &values, &labels),
        dump: arguments.dump.as_ref().map(|folder| folder.display().to_string()),
        output: values,
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct RunReport {
    model: String,
    image: String,
    /// Shape and type of `output`.
    output_tensor: TensorReport,
    /// The integers the network ends in (before a closing softmax), in NHWC order.
    output: Vec<i16>,
    /// What `score` is.
    score_is: &'static str,
    /// The largest outputs, largest first, of equal ones the lowest class first.
    top: Vec<Ranked>,
    dump: Option<String>,
}

#[derive(Serialize)]
struct Ranked {
    class: usize,
    label: Option<String>,
    value: i16,
    /// The real number it stands for, after the model's closing operator.
    score: f32,
}

fn read_labels(arguments: &Arguments, source: &Source) -> anyhow::Result<Vec<String>> {
    let text = match &arguments.labels {
        Some(path) => files::read_text(path)?,
        None => source.labels().unwrap_or_default().to_string(),
    };
    Ok(text.lines().map(|line| line.trim().to_string()).collect())
}

fn top(model: &Model, values: &[i16], labels: &[String]) -> Vec<Ranked> {
    let scores = model.output.display_values(values);
    classes_by_value(values)
        .into_iter()
        .take(TOP)
        .map(|class| Ranked {
            class,
            label: labels.get(class).filter(|label| !label.is_empty()).cloned(),
            value: values[class],
            score: scores[class],
        })
        .collect()
}

/// Indices of `values`, those of the largest first, of equal ones the lowest first.
fn classes_by_value(values: &[i16]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..values.len()).collect();
    classes.sort_by_key(|&class| (Reverse(values[class]), class));
    classes
}

/// What the model's closing operator, which is not part of the graph, makes of its outputs.
fn score_name(model: &Model) -> &'static str {
    let names = model.output.closing.iter().rev().find_map(|closing| match closing {
        Closing::Dequantize => None,
        Closing::Softmax { .. } => Some("probability"),
        Closing::LogSoftmax => Some("log probability"),
    });
    names.unwrap_or("real value")
}

impl Report for RunReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model   {}", self.model)?;
        writeln!(out, "image   {}", self.image)?;
        writeln!(out, "output  {} {}", self.output_tensor.shape_text(), self.output_tensor.dtype)?;
        writeln!(out)?;
        let rows: Vec<_> = self.top.iter().map(Ranked::row).collect();
        write_table(out, &["class", "output", self.score_is, "label"], &[0, 1, 2], &rows)?;
        match &self.dump {
            Some(folder) => writeln!(out, "\nevery tensor is in {folder}"),
            None => Ok(()),
        }
    }
}

impl Ranked {
    fn row(&self) -> Vec<String> {
        vec![self.class.to_string(), self.value.to_string(), format!("{:.4}", self.score), self.label.clone().unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_outputs_are_ranked_by_class() {
        assert_eq!(classes_by_value(&[-5, 7, 7, -5, 9]), [4, 1, 2, 0, 3]);
    }
}
