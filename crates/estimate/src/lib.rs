//! What a proof about a model will cost, without making it: cells, bytes of the file, memory of the prover, counts of its work, and, from rates that are
//! measured once on a machine ([`Rates`]), its time.

use serde::{Deserialize, Serialize};
use verinfer_graph::{Graph, cost};
use verinfer_relation::parameters::{Parameters, SecurityReport, mask_cells};
use verinfer_relation::relation::Role;
use verinfer_relation::setting::Setting;
use verinfer_relation::{Relation, RelationError};

pub mod fit;
mod rates;
mod size;
mod work;

pub use rates::{PhaseRates, Rates};
pub use size::Hashes;
pub use work::{Work, grinding_hashes};

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
    /// Pixels of the columns that maxima over windows are made of: each of their views has weights of its own, which all channels share.
    pub maxima_pixels: u64,
}

/// Costs of one proof that do not depend on the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Estimate {
    /// Exact.
    pub cells: Cells,
    /// What the proof reaches, in bits; exact.
    pub security_bits: f64,
    /// Size of the proof file with an empty context. Its only random parts are the numbers of distinct rows and of siblings in the Merkle
    /// trees, which are expected values here: within 1 % of the proofs of fifteen models of 2^13 to 2^25 cells.
    pub proof_bytes: u64,
    /// Hashes of trees that the verifier computes, expected values likewise.
    pub hashes: Hashes,
    /// Peak memory of the prover in bytes: within 25 % of what the same models took from 0.3 million cells on, within 40 MB below.
    pub prover_memory: u64,
    /// What the prover does, in counts.
    pub work: Work,
}

/// A proof that would take more memory than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof takes about {} of memory, more than the {} allowed", megabytes(*.needed), megabytes(*.allowed))]
pub struct TooMuchMemory {
    /// Expected peak in bytes.
    pub needed: u64,
    /// In bytes.
    pub allowed: u64,
}

impl Cells {
    /// Sizes for a relation of a graph.
    pub fn new(graph: &Graph, relation: &Relation, parameters: &Parameters) -> Self {
        let activations: u64 = graph.nodes().iter().map(|node| cost::activations(&node.op, graph.spec(node.output).shape)).sum();
        let activations = activations * relation.images as u64;
        let used = relation.num_cells() as u64;
        let masks = mask_cells(parameters.log_cells) as u64;
        let committed = parameters.num_stored() as u64;
        Self {
            activations,
            used,
            per_activation: used as f64 / (activations as f64).max(1.0),
            committed,
            masks,
            padding: committed.saturating_sub(used + masks),
            log_length: parameters.log_cells,
            encoded: encoded(parameters, 0),
            maxima_pixels: relation
                .columns
                .iter()
                .filter(|column| matches!(column.role, Role::Running(_)))
                .map(|column| column.pixels as u64)
                .sum(),
        }
    }
}

impl Estimate {
    /// Costs for a relation of a graph at a level in bits.
    ///
    /// # Errors
    ///
    /// There are no parameters for such a relation.
    pub fn new(graph: &Graph, relation: &Relation, security_level: u16) -> Result<Self, RelationError> {
        let parameters = Parameters::for_cells(relation.layout.num_stored(), usize::from(security_level))?;
        let cells = Cells::new(graph, relation, &parameters);
        Ok(Self {
            security_bits: SecurityReport::new(relation, &parameters).bits(),
            proof_bytes: size::proof_bytes(graph, relation, &parameters),
            hashes: Hashes::expected(&parameters),
            prover_memory: prover_memory(&cells),
            work: Work::new(graph, relation, &parameters),
            cells,
        })
    }

    /// Costs of a proof about `images` images in a setting.
    ///
    /// # Errors
    ///
    /// The network cannot be proved in it.
    pub fn of(graph: &Graph, images: usize, setting: &Setting, security_level: u16) -> Result<Self, RelationError> {
        Self::new(graph, &Relation::with_setting(graph, images, setting)?, security_level)
    }

    /// Demands that the proof takes no more memory than `allowed` bytes.
    ///
    /// # Errors
    ///
    /// It is expected to take more.
    pub const fn check_memory(&self, allowed: u64) -> Result<(), TooMuchMemory> {
        let needed = self.prover_memory;
        if needed > allowed { Err(TooMuchMemory { needed, allowed }) } else { Ok(()) }
    }
}

/// Base elements of a codeword.
fn encoded(parameters: &Parameters, oracle: usize) -> u64 {
    parameters.oracles.get(oracle).map_or(0, |shape| (parameters.row_len(oracle) * shape.domain.size()) as u64)
}

/// Bytes of the prover's memory: of the program, for each cell in use (values, leaves of the lookups), for each element of the first codeword (weights
/// of the claim, trees, later codewords), and for each pixel of the columns of maxima (weights of their views, as one table for each is built and
/// packed). `verinfer estimate --check` of several models gives the ones that fit best what it measures.
const MEMORY_RATES: [u64; 4] = [82_000_000, 26, 27, 118];

fn prover_memory(cells: &Cells) -> u64 {
    MEMORY_RATES.iter().zip(memory_counts(cells)).map(|(rate, count)| rate * count).sum()
}

/// What the prover's memory is linear in.
fn memory_counts(cells: &Cells) -> [u64; 4] {
    [1, cells.used, cells.encoded, cells.maxima_pixels]
}

/// The rates that fit peaks of memory best, in the order of `MEMORY_RATES`.
pub fn fitted_memory_rates<'a>(peaks: impl Iterator<Item = (&'a Cells, u64)>) -> Vec<f64> {
    let samples: Vec<fit::Sample> =
        peaks.map(|(cells, peak)| (memory_counts(cells).iter().map(|&count| count as f64).collect(), peak as f64)).collect();
    fit::rates(&samples)
}

/// `1.5 MB`, in powers of ten.
pub fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 10.0 { format!("{megabytes:.1} MB") } else { format!("{megabytes:.0} MB") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_are_powers_of_ten() {
        assert_eq!([0, 1_500_000, 12_345_678].map(megabytes), ["0.0 MB", "1.5 MB", "12 MB"]);
    }
}
