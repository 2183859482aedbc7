//! The classes a network ranks highest.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use verinfer_import::{Closing, Model};

use crate::files;
use crate::model::Source;
use crate::output::write_table;

/// Classes shown.
const TOP: usize = 5;

/// Where the names of classes come from.
#[derive(Clone, Debug, Args)]
pub struct LabelArguments {
    /// Class names, one on each line; class 0 is the first.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

impl LabelArguments {
    /// The names by class: of the file, or those that come with the model.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not UTF-8.
    pub fn read(&self, source: &Source) -> anyhow::Result<Vec<String>> {
        let text = match &self.labels {
            Some(path) => files::read_text(path)?,
            None => source.labels().unwrap_or_default().to_string(),
        };
        Ok(text.lines().map(|line| line.trim().to_string()).collect())
    }
}

/// A class with its output.
#[derive(Clone, Debug, Serialize)]
pub struct Ranked {
    class: usize,
    label: Option<String>,
    value: i16,
    /// The real number it stands for, after the model's closing operator; `None` where that is not known.
    score: Option<f32>,
}

/// The largest of a model's outputs, largest first, of equal ones the lowest class first.
pub fn top(model: &Model, values: &[i16], labels: &[String]) -> Vec<Ranked> {
    let scores = if model.output.is_quantization_known() { model.output.display_values(values) } else { Vec::new() };
    classes_by_value(values)
        .into_iter()
        .take(TOP)
        .map(|class| Ranked {
            class,
            label: labels.get(class).filter(|label| !label.is_empty()).cloned(),
            value: values[class],
            score: scores.get(class).copied(),
        })
        .collect()
}

/// What the model's closing operator, which is not part of the graph, makes of its outputs.
pub fn score_name(model: &Model) -> &'static str {
    let names = model.output.closing.iter().rev().find_map(|closing| match closing {
        Closing::Dequantize => None,
        Closing::Softmax { .. } => Some("probability"),
        Closing::LogSoftmax => Some("log probability"),
    });
    names.unwrap_or("real value")
}

/// Writes ranked classes as a table.
pub fn write_top(out: &mut dyn Write, score_is: &str, top: &[Ranked]) -> io::Result<()> {
    if top.iter().all(|ranked| ranked.score.is_none()) {
        let rows: Vec<_> = top.iter().map(Ranked::row_without_score).collect();
        return write_table(out, &["class", "output", "label"], &[0, 1], &rows);
    }
    let rows: Vec<_> = top.iter().map(Ranked::row).collect();
    write_table(out, &["class", "output", score_is, "label"], &[0, 1, 2], &rows)
}

impl Ranked {
    fn row(&self) -> Vec<String> {
        let score = self.score.map(|score| format!("{score:.4}")).unwrap_or_default();
        vec![self.class.to_string(), self.value.to_string(), score, self.label.clone().unwrap_or_default()]
    }

    fn row_without_score(&self) -> Vec<String> {
        vec![self.class.to_string(), self.value.to_string(), self.label.clone().unwrap_or_default()]
    }
}

/// Indices of `values`, those of the largest first, of equal ones the lowest first.
fn classes_by_value(values: &[i16]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..values.len()).collect();
    classes.sort_by_key(|&class| (Reverse(values[class]), class));
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_outputs_are_ranked_by_class() {
        assert_eq!(classes_by_value(&[-5, 7, 7, -5, 9]), [4, 1, 2, 0, 3]);
    }
}
