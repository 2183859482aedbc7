//! The least that any prover does which commits to a witness: the unit in which the cost of proving is told.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::RelationError;
use verinfer_relation::field::F;
use verinfer_relation::merkle::Digest;
use verinfer_relation::parameters::{MAX_SECURITY_LEVEL, MIN_LOG_CELLS, Oracle, Parameters};

use crate::codeword::{Codeword, Dft};

/// A vector of cells that can be committed to without masks and without anything being proved about it.
pub struct Floor {
    dft: Dft,
    oracle: Oracle,
    cells: Vec<F>,
}

impl Floor {
    /// So many cells, filled up to whole rows of the matrix that [`crate::Prover`] encodes for a vector of this length.
    ///
    /// # Errors
    ///
    /// There are more than a committed vector holds.
    pub fn new(num_cells: usize) -> Result<Self, RelationError> {
        let num_cells = num_cells.max(1 << MIN_LOG_CELLS);
        let parameters = Parameters::for_cells(num_cells, MAX_SECURITY_LEVEL)?;
        let cells = (0..parameters.num_stored() as u64).map(F::from_u64).collect();
        Ok(Self { dft: Dft::default(), oracle: parameters.oracles[0], cells })
    }

    /// Encodes the cells and hashes the codeword, once. Returns the root of the tree.
    pub fn commit(&self) -> Digest {
        Codeword::unmasked(&self.dft, &self.oracle, &self.cells).root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_cells_can_be_committed_to() {
        let root = |num_cells| Floor::new(num_cells).unwrap().commit();
        assert_eq!(root(0), root(1 << MIN_LOG_CELLS));
        assert_ne!(root(5000), root(6000));
    }
}
