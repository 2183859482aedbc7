//! Comparison with a reference, tensor by tensor.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use verinfer_graph::{DataType, Graph, TensorId, run};

use super::Arguments;
use crate::escape::one_line;
use crate::input::decode_input;
use crate::model::Source;
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::trace::{Elements, ReferenceTensor, ReferenceTrace};

/// Runs the command for the reference in the folder `golden`.
pub fn execute(arguments: &Arguments, golden: &Path, output: Output) -> anyhow::Result<Verdict> {
    let source = Source::from(arguments.model.as_path());
    let model = source.import()?;
    arguments.work.check(&model.graph, 1)?;
    arguments.tensors.check(&model.graph)?;
    let reference = ReferenceTrace::read(golden)?;
    let input = match &arguments.image {
        Some(image) => source.load_inputs(std::slice::from_ref(image), arguments.fit, &model, output)?.values,
        None => decode_input("the trace's input", &reference.input_npy()?, arguments.fit, &model)?.values,
    };
    let trace = run(&model.graph, &input)?;

    let tensors_of: HashMap<usize, TensorId> = model.tensor_of.iter().copied().collect();
    let tensors = reference
        .tensors
        .iter()
        .map(|expected| {
            let found = tensors_of.get(&expected.tensor).map(|&id| (id, trace.tensors[id.0].as_slice()));
            Comparison::new(&model.graph, expected, found)
        })
        .collect::<anyhow::Result<Vec<_>>>()
        .with_context(|| format!("{} is not a trace of {}", golden.display(), source.title()))?;
    let report = CheckReport::new(source.title(), &reference, tensors);
    if report.compared_tensors == 0 {
        bail!("{} and {} have no tensor in common", golden.display(), source.title());
    }
    output.report(&report)?;
    Ok(Verdict::from_bool(report.equal))
}

#[derive(Serialize)]
struct CheckReport {
    model: String,
    reference_model: String,
    reference_input: String,
    equal: bool,
    compared_tensors: usize,
    compared_elements: usize,
    different_elements: usize,
    tensors: Vec<Comparison>,
}

/// One tensor of the reference beside ours.
#[derive(Serialize)]
struct Comparison {
    operator: Option<usize>,
    name: String,
    tensor: usize,
    /// `None` for a tensor the graph does not have (what follows the logits, edges in floating point).
    difference: Option<Difference>,
}

#[derive(Serialize)]
struct Difference {
    elements: usize,
    different: usize,
    largest: u16,
    /// Index in NHWC order, reference and ours.
    first: Option<(usize, i16, i16)>,
}

impl CheckReport {
    fn new(model: String, reference: &ReferenceTrace, tensors: Vec<Comparison>) -> Self {
        let differences = || tensors.iter().filter_map(|tensor| tensor.difference.as_ref());
        let different_elements = differences().map(|difference| difference.different).sum();
        Self {
            model,
            reference_model: reference.model.clone(),
            reference_input: reference.input.clone(),
            equal: different_elements == 0,
            compared_tensors: differences().count(),
            compared_elements: differences().map(|difference| difference.elements).sum(),
            different_elements,
            tensors,
        }
    }
}

impl Comparison {
    fn new(graph: &Graph, expected: &ReferenceTensor, found: Option<(TensorId, &[i16])>) -> anyhow::Result<Self> {
        let difference = match (&expected.elements, found) {
            (Elements::Quantized { dtype, values }, Some((id, found))) => Some(
                Difference::new(*dtype, values, graph.spec(id).dtype, found)
                    .with_context(|| format!("tensor {} ({})", expected.tensor, expected.name))?,
            ),
            (Elements::Quantized { .. }, None) | (Elements::Other(_), Some(_) | None) => None,
        };
        Ok(Self { operator: expected.operator, name: expected.name.clone(), tensor: expected.tensor, difference })
    }
}

impl Difference {
    fn new(expected_type: DataType, expected: &[i16], found_type: DataType, found: &[i16]) -> anyhow::Result<Self> {
        if expected_type != found_type {
            bail!("the reference has {expected_type:?}, the graph {found_type:?}");
        }
        if expected.len() != found.len() {
            bail!("the reference has {} elements, the graph {}", expected.len(), found.len());
        }
        let pairs = || expected.iter().zip(found).enumerate().filter(|(_, (expected, found))| expected != found);
        Ok(Self {
            elements: expected.len(),
            different: pairs().count(),
            largest: pairs().map(|(_, (expected, found))| expected.abs_diff(*found)).max().unwrap_or(0),
            first: pairs().next().map(|(index, (&expected, &found))| (index, expected, found)),
        })
    }
}

impl Report for CheckReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model      {}", one_line(&self.model))?;
        writeln!(out, "reference  {} on {}", one_line(&self.reference_model), one_line(&self.reference_input))?;
        writeln!(out)?;
        let rows: Vec<_> = self.tensors.iter().map(Comparison::row).collect();
        write_table(out, &["op", "name", "elements", "different", "largest", "first difference"], &[0, 2, 3, 4], &rows)?;
        writeln!(out)?;
        let verdict = if self.equal { "equal" } else { "DIFFERENT" };
        writeln!(
            out,
            "{verdict}: {} of {} elements in {} tensors differ",
            thousands(self.different_elements as u64),
            thousands(self.compared_elements as u64),
            self.compared_tensors,
        )
    }
}

impl Comparison {
    fn row(&self) -> Vec<String> {
        let operator = self.operator.map_or_else(|| "-".to_string(), |operator| operator.to_string());
        let mut row = vec![operator, self.name.clone()];
        match &self.difference {
            Some(difference) => row.extend([
                thousands(difference.elements as u64),
                thousands(difference.different as u64),
                difference.largest.to_string(),
                difference.first.map_or_else(String::new, |(index, expected, found)| format!("[{index}] {expected}, not {found}")),
            ]),
            None => row.extend(["-", "-", "-", "not in the graph"].map(ToString::to_string)),
        }
        row
    }
}
