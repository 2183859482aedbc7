//! How large proofs about a model are.

use serde::{Deserialize, Serialize};
use verinfer_escrow_client::{FILE_OVERHEAD, MAX_CELLS, MAX_FILE_BYTES};
use verinfer_graph::Graph;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::{Relation, RelationError};

/// How large proofs about a model are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Cells of a proof about one input.
    pub cells: usize,
    /// Values of one input.
    pub values: usize,
    /// Scores of one input.
    pub scores: usize,
}

impl Size {
    /// More than a proof has bytes that shows no scores, of any relation that escrows verify.
    const ARGUMENT: usize = 3 << 18;

    /// More than a proof has bytes that shows the scores of so many inputs.
    pub fn proof_bytes(&self, images: usize) -> u64 {
        (Self::ARGUMENT as u64).saturating_add(self.scores_bytes().saturating_mul(images as u64))
    }

    /// Bytes of all proofs about so many inputs, in proofs of `batch` inputs, as an escrow counts them.
    pub fn proofs_bytes(&self, inputs: u32, batch: usize) -> u64 {
        let proofs = (inputs as usize).div_ceil(batch.max(1)) as u64;
        proofs.saturating_mul(self.proof_bytes(batch).saturating_add(FILE_OVERHEAD))
    }

    /// More than an input has bytes with what opens its commitment, and its label.
    pub fn input_bytes(&self) -> u64 {
        (self.values as u64).saturating_mul(2).saturating_add(1 << 12)
    }

    /// More than the scores of an input have bytes: a score takes three at most.
    pub fn scores_bytes(&self) -> u64 {
        (self.scores as u64).saturating_mul(3).saturating_add(10)
    }

    /// Whether an escrow takes a proof that shows the scores of so many inputs.
    pub(crate) fn is_taken(&self, images: usize) -> bool {
        self.proof_bytes(images) <= MAX_FILE_BYTES as u64
    }
}

/// The most that a proof can say of the outputs.
pub(crate) const COUNT: OutputForm = OutputForm::Correct { k: 1, count: 0 };

/// The cells of each of so many images, at least one, in the largest proof about them that escrows verify. What counts for the limit grows no faster than
/// their number, so one image within its share is enough; deriving its relation is cheap.
pub(crate) fn proof_cells(graph: &Graph, envelope: Envelope, images: usize) -> Result<usize, RelationError> {
    match derive(graph, envelope, images, COUNT) {
        // Then only scores can be shown, which takes less.
        Err(RelationError::NoClasses { .. }) => derive(graph, envelope, images, OutputForm::Shown),
        result => result,
    }
}

/// The cells of an image in a proof that says this of its output, if escrows verify it about so many images.
pub(crate) fn derive(graph: &Graph, envelope: Envelope, images: usize, output: OutputForm) -> Result<usize, RelationError> {
    let setting = Setting { weights: Some(envelope), hidden_input: true, output };
    Relation::within(MAX_CELLS / images, graph, 1, &setting).map(|relation| relation.layout.num_cells())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_that_show_many_scores_are_no_larger_than_files_and_are_counted_whole() {
        let size = Size { cells: 1 << 20, values: 1, scores: 1_000_000 };
        assert_eq!([1, 5, 6].map(|images| size.is_taken(images)), [true, true, false]);
        assert_eq!(size.proofs_bytes(11, 5), 3 * (size.proof_bytes(5) + FILE_OVERHEAD));
        assert!(!Size { scores: 6_000_000, ..size }.is_taken(1));
    }
}
