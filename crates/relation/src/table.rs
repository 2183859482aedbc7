//! Lookup tables: each row is an integer, its functions, and the table's tag.

use p3_field::PrimeCharacteristicRing;

use crate::field::{F, K, from_signed};

/// Index of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub usize);

/// Rows `(first + i, outputs[0][i], outputs[1][i], ...)` for `i < len`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it is, for messages.
    pub name: String,
    /// First value of the key column.
    pub first: i64,
    /// Number of rows.
    pub len: usize,
    /// The other columns, at most [`Table::MAX_OUTPUTS`].
    pub outputs: Vec<Vec<i64>>,
}

/// Rows `start..end` in which every column is affine in the row number `i`: `base + step * i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// First row.
    pub start: usize,
    /// One past the last row.
    pub end: usize,
    /// `(base, step)` of the key and of each output.
    pub columns: Vec<(i64, i64)>,
}

impl Table {
    /// Most columns besides the key.
    pub const MAX_OUTPUTS: usize = 2;

    /// Row of a key, `None` if the table has none.
    pub fn row(&self, key: i64) -> Option<usize> {
        let row = usize::try_from(key.checked_sub(self.first)?).ok()?;
        (row < self.len).then_some(row)
    }

    /// Of a table whose last column does not decrease from row to row: its first and its last value.
    pub fn clamp_bounds(&self) -> Option<(i16, i16)> {
        let values = self.outputs.last()?;
        Some((i16::try_from(*values.first()?).ok()?, i16::try_from(*values.last()?).ok()?))
    }

    /// Maximal runs of affine rows, in order.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut start = 0;
        while start < self.len {
            let steps: Vec<i64> = if start + 1 < self.len {
                self.outputs.iter().map(|output| output[start + 1] - output[start]).collect()
            } else {
                vec![0; self.outputs.len()]
            };
            let mut end = if self.outputs.is_empty() { self.len } else { start + 1 };
            while end < self.len && self.outputs.iter().zip(&steps).all(|(output, step)| output[end] - output[end - 1] == *step) {
                end += 1;
            }
            let affine = |value: i64, step: i64| (value - step * start as i64, step);
            let mut columns = vec![(self.first, 1)];
            columns.extend(self.outputs.iter().zip(&steps).map(|(output, &step)| affine(output[start], step)));
            runs.push(Run { start, end, columns });
            start = end;
        }
        runs
    }
}

/// The folded form of a looked-up tuple: `alpha - (v_0 + beta v_1 + beta^2 v_2 + beta^3 tag)`.
#[derive(Clone, Copy, Debug)]
pub struct Folding {
    /// Evaluation point of the logarithmic derivative.
    pub alpha: K,
    /// Powers of beta for the tuple's values.
    pub powers: [K; Table::MAX_OUTPUTS + 1],
    /// Power of beta for the tag.
    pub tag: K,
}

impl Folding {
    /// From the two challenges.
    pub fn new(alpha: K, beta: K) -> Self {
        Self { alpha, powers: [K::ONE, beta, beta.square()], tag: beta.cube() }
    }

    /// `alpha` less the tag of a table.
    pub fn offset(&self, table: TableId) -> K {
        self.alpha - self.tag * F::from_usize(table.0 + 1)
    }

    /// The denominator of a row.
    pub fn row(&self, id: TableId, table: &Table, row: usize) -> K {
        let mut value = self.offset(id) - from_signed(table.first + row as i64);
        for (output, power) in table.outputs.iter().zip(&self.powers[1..]) {
            value -= *power * from_signed(output[row]);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_reproduce_every_row() {
        let clamp: Vec<i64> = (-40..90).map(|v: i64| v.clamp(0, 50)).collect();
        let sign: Vec<i64> = (-40..90).map(|v: i64| i64::from(v <= 0)).collect();
        let table = Table { name: String::new(), first: -40, len: 130, outputs: vec![clamp, sign] };
        let runs = table.runs();
        assert!(runs.len() <= 6);
        let mut row = 0;
        for run in &runs {
            assert_eq!(run.start, row);
            for i in run.start..run.end {
                let at = |column: usize| run.columns[column].0 + run.columns[column].1 * i as i64;
                assert_eq!((at(0), at(1), at(2)), (-40 + i as i64, table.outputs[0][i], table.outputs[1][i]));
            }
            row = run.end;
        }
        assert_eq!(row, table.len);
    }
}
