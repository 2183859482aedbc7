//! Committed codewords: a matrix whose columns are Reed-Solomon codewords, and a Merkle tree over its rows.

use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;
use verinfer_relation::field::{F, K};
use verinfer_relation::merkle::{self, Digest};
use verinfer_relation::parameters::{BLINDING_COLUMNS, Oracle};
use verinfer_relation::steps;
use verinfer_relation::transcript::ProverTranscript;

use crate::opening::Masks;

/// The transform, with its cache of roots of unity.
pub type Dft = Radix2DitParallel<F>;

/// A codeword and its tree.
pub struct Codeword {
    rows: RowMajorMatrix<F>,
    levels: Vec<Vec<Digest>>,
}

impl Codeword {
    /// Encodes the cells, a matrix of `2^fold` columns in row-major order, and beside them the blinding vector.
    pub fn of_base(dft: &Dft, oracle: &Oracle, cells: &[F], masks: &Masks) -> Self {
        let num_columns = 1 << oracle.fold;
        Self::new(dft, oracle, num_columns + BLINDING_COLUMNS, cells.len() >> oracle.fold, |row, out| {
            let (values, blinding) = out.split_at_mut(num_columns);
            values.copy_from_slice(&cells[row << oracle.fold..][..num_columns]);
            blinding.copy_from_slice(masks.blinding[row].as_basis_coefficients_slice());
        })
    }

    /// As [`Codeword::of_base`], without a blinding vector.
    #[cfg(feature = "measure-masks")]
    pub fn without_blinding(dft: &Dft, oracle: &Oracle, cells: &[F]) -> Self {
        let num_columns = 1 << oracle.fold;
        Self::new(dft, oracle, num_columns, cells.len() >> oracle.fold, |row, out| {
            out.copy_from_slice(&cells[row << oracle.fold..][..num_columns]);
        })
    }

    /// Encodes a vector of extension elements, a matrix of `2^fold` columns in row-major order, three base columns for each column.
    pub fn of_extension(dft: &Dft, oracle: &Oracle, vector: &[K]) -> Self {
        let num_columns = 1 << oracle.fold;
        Self::new(dft, oracle, 3 * num_columns, vector.len() >> oracle.fold, |row, out| {
            for (to, value) in out.chunks_exact_mut(3).zip(&vector[row << oracle.fold..][..num_columns]) {
                let coordinates: &[F] = value.as_basis_coefficients_slice();
                to.copy_from_slice(coordinates);
            }
        })
    }

    /// Encodes a matrix of `num_rows` rows; the polynomials' other coefficients are zero.
    fn new(dft: &Dft, oracle: &Oracle, width: usize, num_rows: usize, fill_row: impl Fn(usize, &mut [F]) + Sync) -> Self {
        let mut values = vec![F::ZERO; width << oracle.log_height];
        values[..width * num_rows].par_chunks_mut(width * ROWS_AT_ONCE).enumerate().for_each(|(block, rows)| {
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                fill_row(block * ROWS_AT_ONCE + i, row);
            }
        });
        let rows = dft.dft_batch(RowMajorMatrix::new(values, width)).bit_reverse_rows().to_row_major_matrix();
        let levels = tree(&rows);
        Self { rows, levels }
    }

    /// Root of the tree.
    pub fn root(&self) -> Digest {
        self.levels[self.levels.len() - 1][0]
    }

    /// Sends rows at increasing `indices`, then the siblings of their paths.
    pub fn open(&self, transcript: &mut ProverTranscript, indices: &[usize]) {
        for &index in indices {
            let row: Vec<F> = self.row(index).to_vec();
            transcript.hint(steps::ROW, &row);
        }
        let mut known = indices.to_vec();
        for level in &self.levels[..self.levels.len() - 1] {
            let mut parents = Vec::with_capacity(known.len());
            let mut nodes = known.into_iter().peekable();
            while let Some(index) = nodes.next() {
                if index & 1 == 1 || nodes.next_if_eq(&(index | 1)).is_none() {
                    transcript.hint_bytes(steps::SIBLING, &level[index ^ 1]);
                }
                parents.push(index >> 1);
            }
            known = parents;
        }
    }

    /// A row.
    pub fn row(&self, index: usize) -> &[F] {
        &self.rows.values[index * self.rows.width..][..self.rows.width]
    }
}

const ROWS_AT_ONCE: usize = 256;

/// Levels of the tree, leaves first.
fn tree(rows: &RowMajorMatrix<F>) -> Vec<Vec<Digest>> {
    let mut leaves = vec![Digest::default(); rows.height()];
    leaves.par_chunks_mut(ROWS_AT_ONCE).zip(rows.values.par_chunks(rows.width * ROWS_AT_ONCE)).for_each(|(leaves, block)| {
        let mut buffer = Vec::new();
        for (leaf, row) in leaves.iter_mut().zip(block.chunks_exact(rows.width)) {
            *leaf = merkle::leaf(row, &mut buffer);
        }
    });
    let mut levels = vec![leaves];
    while levels[levels.len() - 1].len() > 1 {
        let children = &levels[levels.len() - 1];
        let parents = children.par_chunks_exact(2).with_min_len(ROWS_AT_ONCE).map(|pair| merkle::node(&pair[0], &pair[1])).collect();
        levels.push(parents);
    }
    levels
}
