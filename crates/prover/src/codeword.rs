//! Committed codewords: a matrix whose columns are Reed-Solomon codewords, and a Merkle tree over its rows.

use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use rayon::prelude::*;
use verinfer_relation::domain::Domain;
use verinfer_relation::field::{F, K};
use verinfer_relation::merkle::{self, Digest};
use verinfer_relation::parameters::{BLINDING_COLUMNS, Oracle};
use verinfer_relation::steps;
use verinfer_relation::transcript::ProverTranscript;

use crate::opening::Masks;
use crate::packed::WIDTH;
use crate::vectors::filled;

/// The transform, with its cache of roots of unity.
pub type Dft = Radix2DitParallel<F>;

/// A codeword and its tree.
pub struct Codeword {
    domain: Domain,
    /// Columns of the matrix.
    width: usize,
    /// The rows of each coset of the domain, with columns of zeros that make whole registers of them.
    cosets: Vec<RowMajorMatrix<F>>,
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

    /// Encodes cells alone, a matrix of `2^fold` columns in row-major order.
    pub fn unmasked(dft: &Dft, oracle: &Oracle, cells: &[F]) -> Self {
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
        let domain = oracle.domain;
        let padded = width.next_multiple_of(WIDTH);
        let coset = |index: usize| {
            let shift = domain.shift(index);
            // The polynomial in terms of a point's quotient by the shift, a third root of unity, and modulo the coset's polynomial.
            let scales: [F; 3] = std::array::from_fn(|exponent| shift.exp_u64(exponent as u64));
            let len = 1 << domain.log_coset;
            let mut values = filled(padded * len, F::ZERO);
            values[..padded * num_rows.min(len)].par_chunks_mut(padded * ROWS_AT_ONCE).enumerate().for_each(|(block, rows)| {
                let mut wrapped = vec![F::ZERO; width];
                for (i, row) in rows.chunks_exact_mut(padded).enumerate() {
                    let exponent = block * ROWS_AT_ONCE + i;
                    let row = &mut row[..width];
                    fill_row(exponent, row);
                    scale(row, scales[exponent % 3]);
                    for exponent in (exponent + len..num_rows).step_by(len) {
                        fill_row(exponent, &mut wrapped);
                        scale(&mut wrapped, scales[exponent % 3]);
                        row.iter_mut().zip(&wrapped).for_each(|(value, &wrapped)| *value += wrapped);
                    }
                }
            });
            dft.dft_batch(RowMajorMatrix::new(values, padded)).bit_reverse_rows().to_row_major_matrix()
        };
        let cosets: Vec<_> = (0..domain.cosets).map(coset).collect();
        let levels = tree(&cosets, width);
        Self { domain, width, cosets, levels }
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
                let is_alone = index ^ 1 == level.len();
                if !is_alone && (index & 1 == 1 || nodes.next_if_eq(&(index | 1)).is_none()) {
                    transcript.hint_bytes(steps::SIBLING, &level[index ^ 1]);
                }
                parents.push(index >> 1);
            }
            known = parents;
        }
    }

    /// A row.
    pub fn row(&self, index: usize) -> &[F] {
        let rows = &self.cosets[index >> self.domain.log_coset];
        let within = index & ((1 << self.domain.log_coset) - 1);
        &rows.values[within * rows.width..][..self.width]
    }
}

const ROWS_AT_ONCE: usize = 256;

/// Multiplies a row, mostly by one.
fn scale(row: &mut [F], factor: F) {
    if factor != F::ONE {
        row.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Levels of the tree over the first `width` columns, leaves first.
fn tree(cosets: &[RowMajorMatrix<F>], width: usize) -> Vec<Vec<Digest>> {
    let mut leaves = Vec::with_capacity(cosets.iter().map(Matrix::height).sum());
    for matrix in cosets {
        let rows = matrix.values.par_chunks_exact(matrix.width).with_min_len(ROWS_AT_ONCE);
        leaves.par_extend(rows.map_init(Vec::new, |buffer, row| merkle::leaf(&row[..width], buffer)));
    }
    let mut levels = vec![leaves];
    while levels[levels.len() - 1].len() > 1 {
        let children = &levels[levels.len() - 1];
        let parent = |pair: &[Digest]| if let [left, right] = pair { merkle::node(left, right) } else { pair[0] };
        let parents = children.par_chunks(2).with_min_len(ROWS_AT_ONCE).map(parent).collect();
        levels.push(parents);
    }
    levels
}
