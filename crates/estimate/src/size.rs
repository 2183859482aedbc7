//! The bytes of a proof file, and the hashes of its Merkle trees that the verifier computes.

use serde::{Deserialize, Serialize};
use verinfer_graph::Graph;
use verinfer_relation::Relation;
use verinfer_relation::commitment::COMMITMENT_BYTES;
use verinfer_relation::domain::Domain;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::parameters::{BLINDING_COLUMNS, Oracle, Parameters};
use verinfer_relation::setting::{OutputForm, Predicate};

/// Bytes of an element of the base field, of an element of the extension, of a digest.
const BASE: f64 = 8.0;
const EXTENSION: f64 = 24.0;
const DIGEST: f64 = 32.0;

/// Hashes that the verifier computes of the rows opened, and on their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// Of rows of codewords.
    pub rows: u64,
    /// Of two nodes of a tree.
    pub nodes: u64,
}

impl Hashes {
    /// From the rows and siblings in a proof with openings of `trees` trees: each hash of two nodes leaves one node less, down to the roots.
    pub const fn counted(rows: u64, siblings: u64, trees: u64) -> Self {
        Self { rows, nodes: (rows + siblings).saturating_sub(trees) }
    }

    /// Expected number.
    pub fn expected(parameters: &Parameters) -> Self {
        let sum = |part: fn(f64, Domain) -> f64| -> f64 {
            parameters.oracles.iter().map(|oracle| part(oracle.num_queries as f64, oracle.domain)).sum()
        };
        Self::counted(sum(distinct_rows).round() as u64, sum(siblings).round() as u64, parameters.oracles.len() as u64)
    }
}

/// Expected size of a proof file with an empty context.
pub fn proof_bytes(graph: &Graph, relation: &Relation, parameters: &Parameters) -> u64 {
    (statement_bytes(graph, relation) as f64 + argument_bytes(relation) + opening_bytes(parameters)).round() as u64
}

/// Everything before the body of a proof file, as [`verinfer_relation::statement`] lays it out.
fn statement_bytes(graph: &Graph, relation: &Relation) -> usize {
    let (setting, images) = (&relation.setting, relation.images);
    let tensor = |id| 13 + images * graph.spec(id).shape.num_elements();
    let model = 32 + if setting.weights.is_some() { Envelope::BYTES + COMMITMENT_BYTES } else { 0 };
    let input = if setting.hidden_input { images * COMMITMENT_BYTES } else { tensor(graph.input()) };
    let output = match &setting.output {
        OutputForm::Shown => tensor(graph.output()),
        OutputForm::Committed => images * COMMITMENT_BYTES,
        OutputForm::Rank { labels, .. } => 4 + 4 * labels.len(),
        OutputForm::AtLeast { .. } => 4 + 2,
        OutputForm::Correct { .. } => 4 + 4 + images * COMMITMENT_BYTES,
        OutputForm::Decided { predicate: Predicate::Top { .. }, holds } => 1 + 4 + 4 + holds.len(),
        OutputForm::Decided { predicate: Predicate::AtLeast { .. }, holds } => 1 + 4 + 2 + holds.len(),
    };
    // Magic, version, level, length of the context, images; a form before each claim; length of the body.
    8 + 2 + 2 + 4 + 4 + (1 + model) + (1 + input) + (1 + output) + 4
}

/// Messages of steps 1 to 6: a root, the product of all denominators, the masked messages, two elements for each sacrificed triple.
fn argument_bytes(relation: &Relation) -> f64 {
    let masks = &relation.masks;
    DIGEST + (1 + masks.num_messages() + 2 * masks.pairs().len()) as f64 * EXTENSION
}

/// Messages of step 7.
fn opening_bytes(parameters: &Parameters) -> f64 {
    // The last polynomial and the rounds over it, the sum of the masks and the blinding vector's part.
    let mut bytes = (parameters.final_len + 2 * parameters.final_variables + 2) as f64 * EXTENSION;
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        // Rounds and the proof of work.
        bytes += 2.0 * oracle.fold as f64 * EXTENSION + 8.0;
        if index > 0 {
            // The codeword's root and its out-of-domain value.
            bytes += DIGEST + EXTENSION;
        }
        let (queries, domain) = (oracle.num_queries as f64, oracle.domain);
        bytes += distinct_rows(queries, domain) * row_bytes(index, oracle) + siblings(queries, domain) * DIGEST;
    }
    bytes
}

fn row_bytes(index: usize, oracle: &Oracle) -> f64 {
    let columns = (1u64 << oracle.fold) as f64;
    if index == 0 { (columns + BLINDING_COLUMNS as f64) * BASE } else { columns * EXTENSION }
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

    #[test]
    fn all_rows_of_a_tree_need_one_node_less_than_rows() {
        assert_eq!(Hashes::counted(8, 0, 1), Hashes { rows: 8, nodes: 7 });
        assert_eq!(Hashes::counted(1, 3, 1), Hashes { rows: 1, nodes: 3 });
    }
}
