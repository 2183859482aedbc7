//! What hides the cells from whoever sees an opening.

use verinfer_relation::RelationError;
use verinfer_relation::field::{F, K, from_coordinates};
use verinfer_relation::parameters::{MAX_SECURITY_LEVEL, Parameters, mask_cells};

use crate::random::{Rng, random_element};

/// Uniform elements, of use for one proof only.
#[derive(Clone, Debug)]
pub struct Masks {
    /// The last cells of the committed vector.
    pub cells: Vec<F>,
    /// The blinding vector: one element for each row of the committed matrix.
    pub blinding: Vec<K>,
}

impl Masks {
    /// Draws the masks of a vector of `num_stored` cells.
    ///
    /// # Errors
    ///
    /// No vector has so many cells.
    pub fn random(num_stored: usize, random: &mut impl Rng) -> Result<Self, RelationError> {
        Self::with(num_stored, || random_element(random))
    }

    /// Masks that hide nothing: the same messages without their randomness.
    #[cfg(test)]
    pub fn zero(num_stored: usize) -> Result<Self, RelationError> {
        Self::with(num_stored, F::default)
    }

    fn with(num_stored: usize, mut element: impl FnMut() -> F) -> Result<Self, RelationError> {
        let parameters = Parameters::for_cells(num_stored, MAX_SECURITY_LEVEL)?;
        let cells = (0..mask_cells(parameters.log_cells)).map(|_| element()).collect();
        let blinding = (0..parameters.num_rows).map(|_| from_coordinates([element(), element(), element()])).collect();
        Ok(Self { cells, blinding })
    }

    /// Writes the mask cells at the end of a committed vector.
    pub fn write(&self, vector: &mut [F]) {
        let start = vector.len() - self.cells.len();
        vector[start..].copy_from_slice(&self.cells);
    }
}
