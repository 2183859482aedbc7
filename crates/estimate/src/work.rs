//! What the prover does, in counts to which the time of each of its phases is proportional.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use verinfer_graph::{Graph, Op, cost};
use verinfer_prover::{Phase, Proved};
use verinfer_relation::parameters::Parameters;
use verinfer_relation::{Relation, steps};

use crate::encoded;

/// Counts of one proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Multiply-accumulates of the network, for all images.
    pub macs: u64,
    /// Weights and biases of the network.
    pub parameters: u64,
    /// Those that are no cells, of nodes that take cells.
    pub public_parameters: u64,
    /// Cells in use.
    pub cells: u64,
    /// Bytes that are committed to outside of the proof.
    pub committed_bytes: u64,
    /// Base elements of the first codeword.
    pub encoded: u64,
    /// Base elements of all later codewords.
    pub encoded_later: u64,
    /// Hashes of all proofs of work; before they are made, the expected number.
    pub grinding: u64,
}

impl Work {
    /// Counts for a relation of a graph.
    pub fn new(graph: &Graph, relation: &Relation, parameters: &Parameters) -> Self {
        let macs: u64 = graph.nodes().iter().map(|node| cost::macs(graph, node)).sum();
        let num_oracles = parameters.oracles.len();
        Self {
            macs: macs * relation.images as u64,
            parameters: graph.nodes().iter().map(|node| cost::parameters(&node.op)).sum(),
            public_parameters: if relation.setting.weights.is_some() {
                0
            } else {
                parameters_of_cells(graph, relation.setting.hidden_input)
            },
            cells: relation.num_cells() as u64,
            committed_bytes: relation.objects.iter().map(|object| object.plan.len() as u64).sum(),
            encoded: encoded(parameters, 0),
            encoded_later: (1..num_oracles).map(|oracle| encoded(parameters, oracle)).sum(),
            grinding: (num_oracles as u64) << parameters.grinding_bits,
        }
    }

    /// The same with the proofs of work that were made: how long they take is chance.
    pub const fn with_grinding(self, grinding: u64) -> Self {
        Self { grinding, ..self }
    }

    /// The counts of which a phase's time is a sum, each times its own rate.
    pub fn of_phase(&self, phase: Phase) -> Vec<f64> {
        let counts: &[u64] = match phase {
            Phase::Witness => &[self.macs, self.cells, self.committed_bytes],
            Phase::Commit => &[self.encoded],
            Phase::Lookups => &[self.cells],
            Phase::LinearLayers => &[self.cells, self.parameters],
            Phase::Combine => &[self.cells, self.committed_bytes, self.public_parameters],
            Phase::Open => &[self.cells, self.encoded_later, self.grinding],
        };
        counts.iter().map(|&count| count as f64).collect()
    }
}

/// Hashes that the proofs of work of a proof took: each nonce is the smallest that is one.
pub fn grinding_hashes(proved: &Proved) -> u64 {
    let nonces = proved.messages.iter().filter(|message| message.label == steps::GRINDING);
    nonces
        .filter_map(|nonce| proved.proof.body.get(nonce.offset..)?.first_chunk().copied().map(u64::from_le_bytes))
        .fold(0, |sum, nonce| sum.saturating_add(nonce).saturating_add(1))
}

/// Parameters of the nodes whose input is not the network's, or that as well if it is hidden.
fn parameters_of_cells(graph: &Graph, hidden_input: bool) -> u64 {
    let mut shown = BTreeSet::new();
    if !hidden_input {
        shown.insert(graph.input());
    }
    let mut parameters = 0;
    for node in graph.nodes() {
        if !node.op.inputs().iter().all(|input| shown.contains(input)) {
            parameters += cost::parameters(&node.op);
        } else if matches!(node.op, Op::Reshape { .. }) {
            // It only renames what it takes.
            shown.insert(node.output);
        }
    }
    parameters
}
