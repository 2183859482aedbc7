//! `verinfer inspect`: what a model consists of, and what of it is not supported.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;
use verinfer_import::{ImportError, Model, Support, Survey, import_tflite, survey};

use crate::describe::{NodeReport, TensorReport, hex, nodes, tensor};
use crate::escape::one_line;
use crate::estimate::Estimate;
use crate::hide::HideArguments;
use crate::memory::megabytes;
use crate::model::{ModelArguments, Selected, Source};
use crate::output::{Output, Report, Verdict, thousands, write_table};

/// Level of proofs if no other is asked for, in bits.
const DEFAULT_LEVEL: u16 = 128;

/// Show a model's operators, sizes and quantization, and what is not supported.
///
/// Rejected if the model cannot be imported.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,

    #[command(flatten)]
    hide: HideArguments,

    /// Images of each proof whose cost is predicted.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let report = match arguments.model.select() {
        Selected::Synthetic(network) => InspectReport::supported(network.title(), None, &network.build(), arguments),
        Selected::Source(source) => inspect_file(&source, arguments)?,
    };
    output.report(&report)?;
    Ok(Verdict::from_bool(report.supported))
}

fn inspect_file(source: &Source, arguments: &Arguments) -> anyhow::Result<InspectReport> {
    let bytes = source.bytes()?;
    // What is no TFLite file at all has no operators to list: an error, not a rejection.
    let survey = survey(&bytes).with_context(|| format!("cannot read {}", source.title()))?;
    Ok(match import_tflite(&bytes) {
        Ok(model) => InspectReport::supported(source.title(), Some(bytes.len()), &model, arguments),
        Err(error) => InspectReport::refused(source.title(), bytes.len(), &survey, &error),
    })
}

#[derive(Serialize)]
struct InspectReport {
    model: String,
    /// Size of the file.
    bytes: Option<usize>,
    supported: bool,
    /// Why not: everything that stands in the way.
    problems: Vec<String>,
    /// Operators of the file as they are.
    operators: Vec<OperatorReport>,
    /// What the file becomes, if it is supported.
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

/// The network's input or output, `real = scale * (integer - zero_point)`.
#[derive(Serialize)]
struct EdgeReport {
    #[serde(flatten)]
    tensor: TensorReport,
    scale: f32,
    zero_point: i32,
}

#[derive(Serialize)]
struct GraphReport {
    /// Digest of the whole integer program, hexadecimal.
    digest: String,
    /// Digest without what was learned.
    architecture_digest: String,
    input: EdgeReport,
    output: EdgeReport,
    nodes: Vec<NodeReport>,
    parameters: u64,
    macs: u64,
    activations: u64,
    /// What a proof at the default level will cost; `None` if the network cannot be proved.
    proof: Option<Estimate>,
    /// Why it cannot.
    unprovable: Option<String>,
}

impl InspectReport {
    fn supported(model: String, bytes: Option<usize>, imported: &Model, arguments: &Arguments) -> Self {
        Self {
            model,
            bytes,
            supported: true,
            problems: Vec::new(),
            operators: imported.operators.iter().map(OperatorReport::new).collect(),
            graph: Some(GraphReport::new(imported, arguments)),
        }
    }

    fn refused(model: String, bytes: usize, survey: &Survey, error: &ImportError) -> Self {
        let operators = survey.operators.iter().map(OperatorReport::new).collect();
        Self { model, bytes: Some(bytes), supported: false, problems: problems(survey, error), operators, graph: None }
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

impl GraphReport {
    fn new(model: &Model, arguments: &Arguments) -> Self {
        let graph = &model.graph;
        let nodes = nodes(graph);
        let (proof, unprovable) = match Estimate::of(graph, &arguments.hide, arguments.batch as usize, DEFAULT_LEVEL) {
            Ok(estimate) => (Some(estimate), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            digest: hex(&graph.digest()),
            architecture_digest: hex(&graph.architecture_digest()),
            input: EdgeReport { tensor: tensor(graph, graph.input()), scale: model.input.scale, zero_point: model.input.zero_point },
            output: EdgeReport { tensor: tensor(graph, graph.output()), scale: model.output.scale, zero_point: model.output.zero_point },
            parameters: nodes.iter().map(|node| node.parameters).sum(),
            macs: nodes.iter().map(|node| node.macs).sum(),
            activations: nodes.iter().map(|node| node.activations).sum(),
            nodes,
            proof,
            unprovable,
        }
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
                graph.write_text(out)
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
        writeln!(out)?;
        writeln!(out, "NOT SUPPORTED")?;
        self.problems.iter().try_for_each(|problem| writeln!(out, "  {}", one_line(problem)))
    }
}

impl GraphReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (title, EdgeReport { tensor, scale, zero_point }) in [("input", &self.input), ("output", &self.output)] {
            let (shape, dtype) = (tensor.shape_text(), tensor.dtype);
            writeln!(out, "{title:<12}  {shape} {dtype}, scale {scale}, zero point {zero_point} ({})", one_line(&tensor.name))?;
        }
        writeln!(out, "parameters    {}", thousands(self.parameters))?;
        writeln!(out, "MACs          {}", thousands(self.macs))?;
        writeln!(out, "activations   {}", thousands(self.activations))?;
        match (&self.proof, &self.unprovable) {
            (Some(estimate), _) => write_estimate(out, estimate)?,
            (None, reason) => writeln!(out, "proof         NOT POSSIBLE: {}", one_line(reason.as_deref().unwrap_or_default()))?,
        }
        writeln!(out, "digest        {}", self.digest)?;
        writeln!(out, "architecture  {}", self.architecture_digest)?;
        writeln!(out)?;
        let titles = ["node", "operator", "meaning", "window", "output", "parameters", "MACs", "quantization"];
        let rows: Vec<_> = self.nodes.iter().map(row).collect();
        write_table(out, &titles, &[0, 5, 6], &rows)
    }
}

fn write_estimate(out: &mut dyn Write, Estimate { cells, proof_bytes, prover_memory, .. }: &Estimate) -> io::Result<()> {
    let (used, length) = (thousands(cells.used), cells.log_length);
    writeln!(out, "cells         {used} ({:.2} per activation, of a vector of 2^{length})", cells.per_activation)?;
    writeln!(out, "proof         about {:.0} kB, about {} of memory to make it", *proof_bytes as f64 / 1000.0, megabytes(*prover_memory))
}

fn row(node: &NodeReport) -> Vec<String> {
    let count = |count: u64| {
        if count == 0 { String::new() } else { thousands(count) }
    };
    vec![
        node.index.to_string(),
        node.operator.clone(),
        node.kind.to_string(),
        node.window.as_ref().map_or_else(String::new, |window| window.text()),
        node.output.shape_text(),
        count(node.parameters),
        count(node.macs),
        node.quantization.as_ref().map_or_else(String::new, |quantization| quantization.text()),
    ]
}
