//! The classes a network ranks highest.

use std::cmp::Reverse;
use std::io::{self, Write};

use serde::Serialize;
use verinfer_graph::Shape;
use verinfer_import::{Closing, Model};

use crate::output::write_table;

/// Classes shown.
const TOP: usize = 5;

/// A class with its output.
#[derive(Clone, Debug, Serialize)]
pub struct Ranked {
    /// Index among all outputs, by which predicates name it.
    class: usize,
    /// Row, column and class at that pixel, where the output is a map of pixels.
    at: Option<[usize; 3]>,
    label: Option<String>,
    value: i16,
    /// The real number it stands for, after the model's closing operator; `None` where that is not known.
    score: Option<f32>,
}

/// The largest of a model's outputs, largest first, of equal ones the first.
pub fn top(model: &Model, values: &[i16], labels: &[String]) -> Vec<Ranked> {
    let scores = if model.output.is_quantization_known() { model.output.display_values(values) } else { Vec::new() };
    classes_by_value(values)
        .into_iter()
        .take(TOP)
        .map(|class| {
            let at = place(model.output.shape, class);
            let label = labels.get(at.map_or(class, |[_, _, class]| class));
            let label = label.filter(|label| !label.is_empty()).cloned();
            Ranked { class, at, label, value: values[class], score: scores.get(class).copied() }
        })
        .collect()
}

/// Row, column and class of an output, where there are several pixels.
fn place(shape: Shape, index: usize) -> Option<[usize; 3]> {
    let (pixel, class) = (index / shape.channels, index % shape.channels);
    (shape.num_pixels() > 1).then(|| [pixel / shape.width, pixel % shape.width, class])
}

/// What the model's closing operator, which is not part of the graph, makes of its outputs.
pub fn score_name(model: &Model) -> &'static str {
    let names = model.output.closing.iter().rev().find_map(|closing| match closing {
        Closing::Dequantize | Closing::Quantize | Closing::Reshape => None,
        Closing::Softmax { .. } => Some("probability"),
        Closing::LogSoftmax { .. } => Some("log probability"),
    });
    names.unwrap_or("real value")
}

/// Writes ranked classes as a table.
pub fn write_top(out: &mut dyn Write, score_is: &str, top: &[Ranked]) -> io::Result<()> {
    let is_map = top.iter().any(|ranked| ranked.at.is_some());
    let has_scores = top.iter().any(|ranked| ranked.score.is_some());
    let mut titles = if is_map { vec!["index", "row", "column", "class", "output"] } else { vec!["class", "output"] };
    titles.extend(has_scores.then_some(score_is));
    let numbers: Vec<usize> = (0..titles.len()).collect();
    titles.push("label");
    let rows: Vec<_> = top.iter().map(|ranked| ranked.row(has_scores)).collect();
    write_table(out, &titles, &numbers, &rows)
}

impl Ranked {
    fn row(&self, has_scores: bool) -> Vec<String> {
        let mut row = vec![self.class.to_string()];
        row.extend(self.at.into_iter().flatten().map(|number| number.to_string()));
        row.push(self.value.to_string());
        row.extend(has_scores.then(|| self.score.map(|score| format!("{score:.4}")).unwrap_or_default()));
        row.push(self.label.clone().unwrap_or_default());
        row
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

    #[test]
    fn outputs_of_a_map_have_a_row_a_column_and_a_class() {
        let map = Shape::new(2, 3, 4);
        assert_eq!(
            [0, 3, 4, 11, 12, 23].map(|index| place(map, index)),
            [[0, 0, 0], [0, 0, 3], [0, 1, 0], [0, 2, 3], [1, 0, 0], [1, 2, 3]].map(Some)
        );
        assert_eq!(place(Shape::new(1, 1, 10), 7), None);
    }
}
