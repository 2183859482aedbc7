//! What hides the cells from whoever sees an opening.

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
    /// Draws the masks of a vector of `2^log_cells` cells.
    pub fn random(log_cells: usize, random: &mut impl Rng) -> Self {
        Self::with(log_cells, || random_element(random))
    }

    /// Masks that hide nothing: the same messages without their randomness.
    #[cfg(test)]
    pub fn zero(log_cells: usize) -> Self {
        Self::with(log_cells, F::default)
    }

    fn with(log_cells: usize, mut element: impl FnMut() -> F) -> Self {
        let oracle = Parameters::new(log_cells, MAX_SECURITY_LEVEL).oracles[0];
        let cells = (0..mask_cells(log_cells)).map(|_| element()).collect();
        let blinding = (0..1usize << (log_cells - oracle.fold)).map(|_| from_coordinates([element(), element(), element()])).collect();
        Self { cells, blinding }
    }

    /// Writes the mask cells at the end of a committed vector.
    pub fn write(&self, vector: &mut [F]) {
        let start = vector.len() - self.cells.len();
        vector[start..].copy_from_slice(&self.cells);
    }
}
