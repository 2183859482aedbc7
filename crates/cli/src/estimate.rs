//! What a proof about a model will cost, without making it.

use serde::{Deserialize, Serialize};
use verinfer_graph::Graph;
use verinfer_relation::Relation;
use verinfer_relation::domain::Domain;
use verinfer_relation::parameters::{BLINDING_COLUMNS, Parameters, mask_cells};

use crate::cost;

/// Bytes of an element of the base field, of an element of the extension, of a digest.
const BASE: f64 = 8.0;
const EXTENSION: f64 = 24.0;
const DIGEST: f64 = 32.0;

/// Sizes of the committed vector; exact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cells {
    /// Elements the network computes, for all images.
    pub activations: u64,
    /// Cells in use.
    pub used: u64,
    /// `used / activations`.
    pub per_activation: f64,
    /// Length of the committed vector: cells in use, padding and masks, a multiple of `masks`.
    pub committed: u64,
    /// Random cells that hide the opening.
    pub masks: u64,
    /// Zeros between the cells in use and the masks: encoded, but looked up nowhere.
    pub padding: u64,
    /// Logarithm of the power of two that is not below `committed`: what the cells' addresses are counted in.
    pub log_length: usize,
    /// Base elements of the first codeword.
    pub encoded: u64,
}

/// Expected costs of one proof.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Exact.
    pub cells: Cells,
    /// Size of the proof file with an empty context. Its only random parts are the numbers of distinct rows and of siblings in the Merkle
    /// trees, which are expected values here: within 1 % of the proofs of fifteen models of 2^13 to 2^25 cells.
    pub proof_bytes: u64,
    /// Peak memory of the prover in bytes: within 10 % of what the same models took from 0.3 million cells on, within 8 MB below.
    pub prover_memory: u64,
}

impl Cells {
    /// Sizes for a relation of a graph.
    pub fn new(graph: &Graph, relation: &Relation, parameters: &Parameters) -> Self {
        let activations: u64 = graph.nodes().iter().map(|node| cost::activations(&node.op, graph.spec(node.output).shape)).sum();
        let activations = activations * relation.images as u64;
        let used = relation.num_cells() as u64;
        let masks = mask_cells(parameters.log_cells) as u64;
        let committed = parameters.num_stored() as u64;
        let encoded = parameters.oracles.first().map_or(0, |oracle| (parameters.row_len(0) * oracle.domain.size()) as u64);
        Self {
            activations,
            used,
            per_activation: used as f64 / (activations as f64).max(1.0),
            committed,
            masks,
            padding: committed.saturating_sub(used + masks),
            log_length: parameters.log_cells,
            encoded,
        }
    }
}

impl Estimate {
    /// Costs for a relation of a graph.
    pub fn new(graph: &Graph, relation: &Relation, parameters: &Parameters) -> Self {
        let cells = Cells::new(graph, relation, parameters);
        let proof_bytes =
            (statement_bytes(graph, relation.images) + argument_bytes(relation, parameters) + opening_bytes(parameters)).round() as u64;
        let prover_memory = prover_memory(&cells);
        Self { cells, proof_bytes, prover_memory }
    }
}

/// Everything before the body of a proof file.
fn statement_bytes(graph: &Graph, images: usize) -> f64 {
    let tensors = [graph.input(), graph.output()].map(|id| 13 + images * graph.spec(id).shape.num_elements());
    (8 + 2 + 2 + 4 + 4 + 1 + 32 + 2 + tensors.iter().sum::<usize>() + 4) as f64
}

/// Messages of steps 1 to 6.
fn argument_bytes(relation: &Relation, parameters: &Parameters) -> f64 {
    let lookups: usize = 1 + (0..parameters.log_cells).map(|rounds| 2 * rounds + 4).sum::<usize>();
    let contraction = 1 + 2 * relation.log_contraction_len() + 1;
    let sacrifice = 2 * relation.masks.pairs().len();
    DIGEST + (lookups + contraction + sacrifice) as f64 * EXTENSION
}

/// Messages of step 7.
fn opening_bytes(parameters: &Parameters) -> f64 {
    // The last polynomial and the rounds over it, the sum of the masks and the blinding vector's part.
    let mut bytes = (parameters.final_len + 2 * parameters.final_variables + 2) as f64 * EXTENSION;
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        bytes += 2.0 * oracle.fold as f64 * EXTENSION + 8.0;
        if index > 0 {
            // The codeword's root and its out-of-domain value.
            bytes += DIGEST + EXTENSION;
        }
        let columns = (1u64 << oracle.fold) as f64;
        let row = if index == 0 { (columns + BLINDING_COLUMNS as f64) * BASE } else { columns * EXTENSION };
        let (queries, domain) = (oracle.num_queries as f64, oracle.domain);
        bytes += distinct_rows(queries, domain) * row + siblings(queries, domain) * DIGEST;
    }
    bytes
}

/// Expected number of distinct rows among `queries` uniform ones.
fn distinct_rows(queries: f64, domain: Domain) -> f64 {
    let rows = domain.size() as f64;
    rows * (1.0 - (1.0 - 1.0 / rows).powf(queries))
}

/// Expected number of nodes of a tree that are not above a queried row, while their sibling is. With three cosets, all three nodes at the top are above one.
fn siblings(queries: f64, domain: Domain) -> f64 {
    let missed = |nodes: f64| (1.0 - 1.0 / nodes).powf(queries);
    (1..=domain.log_coset).map(|depth| (domain.cosets << depth) as f64).map(|nodes| nodes * (missed(nodes) - missed(nodes / 2.0))).sum()
}

/// Linear in the cells in use (values, leaves of the lookups, weights of the claim) and in the first codeword; coefficients fitted to
/// measurements.
fn prover_memory(cells: &Cells) -> u64 {
    10_000_000 + 92 * cells.used + 10 * cells.encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_queries_of_a_large_tree_are_distinct_and_few_of_their_siblings_are_known() {
        let (rows, siblings) = (distinct_rows(10.0, Domain::power_of_two(30)), siblings(10.0, Domain::power_of_two(30)));
        assert!((9.9999..=10.0).contains(&rows), "{rows}");
        // Ten paths of 30 siblings share about the first log2(10) levels.
        assert!((255.0..=280.0).contains(&siblings), "{siblings}");
    }

    #[test]
    fn many_queries_of_a_small_tree_open_all_of_it() {
        assert!((distinct_rows(1000.0, Domain::power_of_two(3)) - 8.0).abs() < 1e-9);
        assert!(siblings(1000.0, Domain::power_of_two(3)) < 1e-9);
    }
}
