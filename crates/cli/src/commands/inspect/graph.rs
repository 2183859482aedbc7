//! A network in a report: of a model, or of the architecture of one that is hidden.

use std::io::{self, Write};

use serde::Serialize;
use verinfer_graph::{Graph, Reach};
use verinfer_import::Model;
use verinfer_relation::Relation;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::Setting;
use verinfer_verifier::DEFAULT_MAX_CELLS;

use super::{Arguments, DEFAULT_LEVEL};
use crate::escape::one_line;
use crate::hide::Part;
use crate::memory::megabytes;
use crate::output::{thousands, write_table};
use verinfer::statement::PossibleOutputs;
use verinfer_estimate::Estimate;
use verinfer_graph::describe::{NodeReport, TensorReport, hex, nodes, tensor};

/// The network's input or output, `real = scale * (integer - zero_point)`.
#[derive(Serialize)]
struct EdgeReport {
    #[serde(flatten)]
    tensor: TensorReport,
    /// Not known of an architecture.
    scale: Option<f32>,
    zero_point: Option<i32>,
}

#[derive(Serialize)]
pub struct GraphReport {
    /// Digest of the whole integer program, hexadecimal; `None` of an architecture.
    digest: Option<String>,
    /// Digest without what was learned.
    architecture_digest: String,
    input: EdgeReport,
    output: EdgeReport,
    nodes: Vec<NodeReport>,
    parameters: u64,
    macs: u64,
    activations: u64,
    /// What the outputs can be at all.
    possible_outputs: PossibleOutputs,
    /// What a proof at the default level will cost; `None` if the network cannot be proved.
    proof: Option<Estimate>,
    /// Why it cannot.
    unprovable: Option<String>,
}

impl GraphReport {
    /// Of a model.
    pub fn new(model: &Model, arguments: &Arguments) -> Self {
        let graph = &model.graph;
        let estimate = arguments.hide.estimate(graph, arguments.batch as usize, DEFAULT_LEVEL).map_err(|error| error.to_string());
        let input = EdgeReport {
            tensor: tensor(graph, graph.input()),
            scale: Some(model.input.scale).filter(|scale| scale.is_finite()),
            zero_point: Some(model.input.zero_point),
        };
        let output = EdgeReport {
            tensor: tensor(graph, graph.output()),
            scale: Some(model.output.scale).filter(|scale| scale.is_finite()),
            zero_point: Some(model.output.zero_point),
        };
        let possible = PossibleOutputs::new(&Reach::of(graph), false);
        Self { digest: Some(hex(&graph.digest())), ..Self::with(graph, [input, output], nodes(graph), possible, estimate) }
    }

    /// Of the architecture of a hidden model with this envelope, of which accumulators are not known.
    pub fn of_architecture(graph: &Graph, envelope: Envelope, arguments: &Arguments) -> Self {
        let hidden_input = arguments.hide.hides(Part::Input);
        let setting = Setting { weights: Some(envelope), hidden_input, ..Setting::default() };
        // It may be a stranger's.
        let relation = Relation::within(DEFAULT_MAX_CELLS, graph, arguments.batch as usize, &setting);
        let reach = match &relation {
            Ok(relation) => relation.reach(graph),
            Err(_) => Reach::of_architecture(graph, &|_| None),
        };
        let estimate = relation.and_then(|relation| Estimate::new(graph, &relation, DEFAULT_LEVEL)).map_err(|error| error.to_string());
        let edge = |id| EdgeReport { tensor: tensor(graph, id), scale: None, zero_point: None };
        let nodes = nodes(graph).into_iter().map(|node| NodeReport { accumulator: None, ..node }).collect();
        Self::with(graph, [edge(graph.input()), edge(graph.output())], nodes, PossibleOutputs::new(&reach, true), estimate)
    }

    fn with(
        graph: &Graph,
        [input, output]: [EdgeReport; 2],
        nodes: Vec<NodeReport>,
        possible_outputs: PossibleOutputs,
        estimate: Result<Estimate, String>,
    ) -> Self {
        let (proof, unprovable) = match estimate {
            Ok(estimate) => (Some(estimate), None),
            Err(reason) => (None, Some(reason)),
        };
        Self {
            digest: None,
            architecture_digest: hex(&graph.architecture_digest()),
            input,
            output,
            parameters: nodes.iter().map(|node| node.parameters).sum(),
            macs: nodes.iter().map(|node| node.macs).sum(),
            activations: nodes.iter().map(|node| node.activations).sum(),
            nodes,
            possible_outputs,
            proof,
            unprovable,
        }
    }

    /// Writes the network, and why its outputs say less than they seem to.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (title, edge) in [("input", &self.input), ("output", &self.output)] {
            writeln!(out, "{title:<12}  {}", edge.text())?;
        }
        writeln!(out, "can give      {}", self.possible_outputs.text())?;
        for warning in self.possible_outputs.warnings() {
            writeln!(out, "warning       {warning}")?;
        }
        writeln!(out, "parameters    {}", thousands(self.parameters))?;
        writeln!(out, "MACs          {}", thousands(self.macs))?;
        writeln!(out, "activations   {}", thousands(self.activations))?;
        match (&self.proof, &self.unprovable) {
            (Some(estimate), _) => write_estimate(out, estimate)?,
            (None, reason) => writeln!(out, "proof         NOT POSSIBLE: {}", one_line(reason.as_deref().unwrap_or_default()))?,
        }
        if let Some(digest) = &self.digest {
            writeln!(out, "digest        {digest}")?;
        }
        writeln!(out, "architecture  {}", self.architecture_digest)?;
        writeln!(out)?;
        let titles = ["node", "operator", "meaning", "window", "output", "parameters", "MACs", "quantization"];
        let rows: Vec<_> = self.nodes.iter().map(row).collect();
        write_table(out, &titles, &[0, 5, 6], &rows)
    }
}

impl EdgeReport {
    /// `8x8x1 int8, scale 0.5, zero point 3 (name)`, as far as it is known.
    fn text(&self) -> String {
        let mut text = format!("{} {}", self.tensor.shape_text(), self.tensor.dtype);
        if let (Some(scale), Some(zero_point)) = (self.scale, self.zero_point) {
            text.push_str(&format!(", scale {scale}, zero point {zero_point}"));
        }
        if !self.tensor.name.is_empty() {
            text.push_str(&format!(" ({})", one_line(&self.tensor.name)));
        }
        text
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
