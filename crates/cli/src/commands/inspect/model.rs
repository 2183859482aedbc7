//! What a model consists of, and what of it is not supported.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;
use verinfer_import::{ImportError, Model, Support, Survey, import_tflite, survey};

use super::Arguments;
use super::graph::GraphReport;
use crate::escape::one_line;
use crate::model::{Source, Synthetic};
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::provable::{SettingReport, settings};

/// A network made up on the spot.
pub fn inspect_synthetic(network: Synthetic, arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let report = InspectReport::imported(network.title(), None, &network.build(), arguments);
    output.report(&report)?;
    Ok(Verdict::from_bool(report.supported))
}

/// A model file.
pub fn inspect_file(source: &Source, bytes: &[u8], arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    // What is no TFLite file at all has no operators to list: an error, not a rejection.
    let survey = survey(bytes).with_context(|| format!("cannot read {}", source.title()))?;
    let report = match import_tflite(bytes) {
        Ok(model) => InspectReport::imported(source.title(), Some(bytes.len()), &model, arguments),
        Err(error) => InspectReport::refused(source.title(), bytes.len(), &survey, &error),
    };
    output.report(&report)?;
    Ok(Verdict::from_bool(report.supported))
}

#[derive(Serialize)]
struct InspectReport {
    model: String,
    /// Size of the file.
    bytes: Option<usize>,
    supported: bool,
    /// Why not: everything that stands in the way of importing it, or of a proof in some setting.
    problems: Vec<String>,
    /// Operators of the file as they are.
    operators: Vec<OperatorReport>,
    /// In which settings it can be proved, if it can be imported.
    settings: Vec<SettingReport>,
    /// What the file becomes, if it can be imported.
    graph: Option<GraphReport>,
}

#[derive(Serialize)]
struct OperatorReport {
    index: usize,
    name: String,
    /// `lowered` to the graph, an `edge` outside it (a closing SOFTMAX, conversions from and to floats), `constant`, `unused`, or `unsupported`.
    status: &'static str,
    reason: Option<String>,
}

impl InspectReport {
    /// The report of what can be imported: supported if it can be proved in every setting.
    fn imported(model: String, bytes: Option<usize>, imported: &Model, arguments: &Arguments) -> Self {
        let settings = settings(&imported.graph, arguments.batch as usize);
        let problem = |report: &SettingReport| report.unprovable.as_ref().map(|reason| format!("{}: {reason}", report.setting));
        let problems: Vec<_> = settings.iter().filter_map(problem).collect();
        let operators = imported.operators.iter().map(OperatorReport::new).collect();
        let graph = Some(GraphReport::new(imported, arguments));
        Self { model, bytes, supported: problems.is_empty(), problems, operators, settings, graph }
    }

    fn refused(model: String, bytes: usize, survey: &Survey, error: &ImportError) -> Self {
        let operators = survey.operators.iter().map(OperatorReport::new).collect();
        Self {
            model,
            bytes: Some(bytes),
            supported: false,
            problems: problems(survey, error),
            operators,
            settings: Vec::new(),
            graph: None,
        }
    }
}

impl OperatorReport {
    fn new(operator: &verinfer_import::OperatorReport) -> Self {
        let (status, reason) = match &operator.support {
            Support::Lowered => ("lowered", None),
            Support::Edge => ("edge", None),
            Support::Constant => ("constant", None),
            Support::Unused => ("unused", None),
            Support::Unsupported(reason) => ("unsupported", Some(reason.to_string())),
        };
        Self { index: operator.index, name: operator.name.clone(), status, reason }
    }
}

fn problems(survey: &Survey, error: &ImportError) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(survey.input.as_ref().map(|reason| format!("the model's input: {reason}")));
    for OperatorReport { index, name, reason, .. } in survey.operators.iter().map(OperatorReport::new) {
        problems.extend(reason.map(|reason| format!("{name} #{index}: {reason}")));
    }
    problems.extend(survey.output.as_ref().map(|reason| format!("the model's output: {reason}")));
    problems.extend(survey.graph.as_ref().map(ToString::to_string));
    if problems.is_empty() {
        problems.push(error.to_string());
    }
    problems
}

impl Report for InspectReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model         {}", one_line(&self.model))?;
        if let Some(bytes) = self.bytes {
            writeln!(out, "file          {} bytes", thousands(bytes as u64))?;
        }
        match &self.graph {
            Some(graph) => {
                self.write_outside(out)?;
                graph.write_text(out)?;
                if self.supported { Ok(()) } else { self.write_problems(out) }
            }
            None => self.write_refusal(out),
        }
    }
}

impl InspectReport {
    /// Names the operators that are not part of the graph.
    fn write_outside(&self, out: &mut dyn Write) -> io::Result<()> {
        let outside: Vec<_> = self
            .operators
            .iter()
            .filter(|operator| operator.status != "lowered")
            .map(|operator| format!("{} #{} ({})", operator.name, operator.index, operator.status))
            .collect();
        if outside.is_empty() { Ok(()) } else { writeln!(out, "left out      {}", outside.join(", ")) }
    }

    fn write_refusal(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "operators     {}", self.operators.len())?;
        writeln!(out)?;
        let rows: Vec<_> = self
            .operators
            .iter()
            .map(|operator| vec![operator.index.to_string(), operator.name.clone(), operator.status.to_string()])
            .collect();
        write_table(out, &["op", "name", "status"], &[0], &rows)?;
        self.write_problems(out)
    }

    fn write_problems(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        writeln!(out, "NOT SUPPORTED")?;
        self.problems.iter().try_for_each(|problem| writeln!(out, "  {}", one_line(problem)))
    }
}
