//! Where the batched contractions have their terms: rows of indices, padded to powers of two so that the equality weight of an index factors.

use crate::eq::eq_range;
use crate::field::K;
use crate::layout::EqWeights;

/// Rows of equal width: entry `i` of row `j` has the index `((first_row + j) << log_width) + i`. Indices between rows are of no entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Number of rows.
    pub rows: usize,
    /// Entries of a row.
    pub width: usize,
    /// Where the first row is, in rows.
    pub first_row: usize,
}

/// Grids that are longer than the field and the argument have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a batched contraction has more than 2^{} indices", Grid::MAX_LOG_LEN)]
pub struct GridError;

impl Grid {
    /// Largest length of the space of all grids, as a logarithm: many times what a verifier's limits allow.
    pub const MAX_LOG_LEN: usize = 40;

    /// Grids of `(rows, width)` one behind the other, the widest first, so that none needs space before it.
    ///
    /// # Errors
    ///
    /// They take more than `2^MAX_LOG_LEN` indices.
    pub fn place(shapes: &[(usize, usize)]) -> Result<Vec<Self>, GridError> {
        if shapes.iter().any(|&(_, width)| width > 1 << Self::MAX_LOG_LEN) {
            return Err(GridError);
        }
        let mut grids: Vec<Self> = shapes.iter().map(|&(rows, width)| Self { rows, width, first_row: 0 }).collect();
        let mut order: Vec<usize> = (0..grids.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(grids[index].log_width()));
        let mut next = 0usize;
        for index in order {
            let grid = &mut grids[index];
            grid.first_row = next >> grid.log_width();
            let rows = grid.rows.checked_mul(1 << grid.log_width()).and_then(|rows| rows.checked_add(next));
            next = rows.filter(|&end| end <= 1 << Self::MAX_LOG_LEN).ok_or(GridError)?;
        }
        Ok(grids)
    }

    /// Logarithm of the distance of rows.
    pub fn log_width(&self) -> usize {
        self.width.next_power_of_two().trailing_zeros() as usize
    }

    /// Index of a row's first entry.
    pub fn index(&self, row: usize) -> usize {
        (self.first_row + row) << self.log_width()
    }

    /// First index behind the rows.
    pub fn end(&self) -> usize {
        self.index(self.rows)
    }

    /// `eq(point, index(j) + i)` is the product of these weights of rows, `j`, ...
    pub fn row_weights(&self, at: &EqWeights) -> Vec<K> {
        eq_range(&at.point()[self.log_width()..], self.first_row, self.rows)
    }

    /// ... and these of a row's entries, `i`.
    pub fn entry_weights<'a>(&self, at: &'a EqWeights) -> &'a [K] {
        &at.low(self.log_width())[..self.width]
    }

    /// Writes entries, row after row, to their indices.
    pub fn scatter(&self, entries: &[K], out: &mut [K]) {
        for (row, entries) in entries.chunks_exact(self.width).enumerate() {
            out[self.index(row)..][..self.width].copy_from_slice(entries);
        }
    }
}

/// Length of the space that grids take.
pub fn len<'a>(grids: impl IntoIterator<Item = &'a Grid>) -> usize {
    grids.into_iter().map(Grid::end).max().unwrap_or(0)
}

/// Logarithm of a length, rounded up.
pub fn log_len(len: usize) -> usize {
    len.next_power_of_two().trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eq::eq_index;
    use crate::transcript::Transcript;

    const SHAPES: [(usize, usize); 6] = [(9, 24), (1, 1), (3, 1280), (27, 144), (2, 32), (5, 1)];

    #[test]
    fn each_entry_has_an_index_of_its_own() {
        let grids = Grid::place(&SHAPES).unwrap();
        let indices = |grid: &Grid| -> Vec<usize> {
            (0..grid.rows).flat_map(|row| (0..grid.width).map(move |i| (row, i))).map(|(row, i)| grid.index(row) + i).collect()
        };
        let mut all: Vec<usize> = grids.iter().flat_map(indices).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(all.last().is_some_and(|&last| last < len(&grids)));
    }

    #[test]
    fn grids_have_room_for_the_largest_length_and_no_more() {
        let most = 1 << Grid::MAX_LOG_LEN;
        for shapes in
            [&[(1, most)][..], &[(most, 1)], &[(1 << 20, 1 << 20)], &[(1, most / 2), (1, most / 2)], &[(1, most / 2), (most / 2, 1)]]
        {
            assert_eq!(Grid::place(shapes).map(|grids| len(&grids)), Ok(most), "{shapes:?}");
        }
        let beyond: [&[(usize, usize)]; 6] = [
            &[(1, most + 1)],
            &[(most + 1, 1)],
            &[(1 << 20, (1 << 20) + 1)],
            &[(1, most), (1, 1)],
            &[(1, usize::MAX)],
            &[(usize::MAX, usize::MAX)],
        ];
        for shapes in beyond {
            assert_eq!(Grid::place(shapes), Err(GridError), "{shapes:?}");
        }
    }

    #[test]
    fn weights_factor_over_rows_and_entries() {
        let grids = Grid::place(&SHAPES).unwrap();
        let at = EqWeights::new(&Transcript::new().challenges("point", log_len(len(&grids))));
        for grid in &grids {
            for (row, &outer) in grid.row_weights(&at).iter().enumerate() {
                for (i, &inner) in grid.entry_weights(&at).iter().enumerate() {
                    assert_eq!(outer * inner, eq_index(at.point(), grid.index(row) + i));
                }
            }
        }
    }
}
