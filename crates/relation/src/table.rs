//! Lookup tables: each row is an integer, its functions, and the table's tag.

use p3_field::PrimeCharacteristicRing;

use crate::field::{F, K, from_signed};

/// Index of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub usize);

/// Rows `(first + i, output(i))`, or `(first + i)` alone, for `i < len`. Held by runs, so that a clamp of millions of keys takes no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it is, for messages.
    pub name: String,
    /// First value of the key column.
    pub first: i64,
    /// Number of rows.
    pub len: usize,
    /// Maximal runs of affine rows, in order.
    pub runs: Vec<Run>,
    has_output: bool,
}

/// Rows `start..end` whose output is affine in the row number `i`: `base + step * i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// First row.
    pub start: usize,
    /// One past the last row.
    pub end: usize,
    /// Output at row 0, if the run began there.
    pub base: i64,
    /// By how much the output grows with each row.
    pub step: i64,
}

impl Table {
    /// Most columns besides the key, of tables and of tuples of cells.
    pub const MAX_OUTPUTS: usize = 2;

    /// Integers from `first` on.
    pub fn keys(name: &str, first: i64, len: usize) -> Self {
        let run = Run { start: 0, end: len, base: 0, step: 0 };
        Self { name: name.to_owned(), first, len, runs: Some(run).filter(|_| len > 0).into_iter().collect(), has_output: false }
    }

    /// A function of the integers from `first` on.
    pub fn function(name: &str, first: i64, outputs: impl IntoIterator<Item = i64>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let (mut len, mut last) = (0, 0);
        for output in outputs {
            match runs.last_mut() {
                // The second row of a run says how it goes on.
                Some(run) if len == run.start + 1 => {
                    let step = output - last;
                    *run = Run { end: len + 1, base: last - step * run.start as i64, step, ..*run };
                }
                Some(run) if output - last == run.step => run.end = len + 1,
                _ => runs.push(Run { start: len, end: len + 1, base: output, step: 0 }),
            }
            (len, last) = (len + 1, output);
        }
        Self { name: name.to_owned(), first, len, runs, has_output: true }
    }

    /// Row of a key, `None` if the table has none.
    pub fn row(&self, key: i64) -> Option<usize> {
        let row = usize::try_from(key.checked_sub(self.first)?).ok()?;
        (row < self.len).then_some(row)
    }

    /// Of a table whose output does not decrease from row to row: its first and its last value.
    pub fn clamp_bounds(&self) -> Option<(i16, i16)> {
        let value = |row: usize| i16::try_from(self.output(row)?).ok();
        Some((value(0)?, value(self.len.checked_sub(1)?)?))
    }

    /// Whether rows have more than their key.
    pub fn has_output(&self) -> bool {
        self.has_output
    }

    /// The output of a row, `None` if the table has no outputs or no such row.
    pub fn output(&self, row: usize) -> Option<i64> {
        let run = self.runs.get(self.runs.partition_point(|run| run.end <= row))?;
        self.has_output.then(|| run.at(row))
    }
}

impl Run {
    /// The output at a row.
    pub fn at(&self, row: usize) -> i64 {
        self.base + self.step * row as i64
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
        if let Some(output) = table.output(row) {
            value -= self.powers[1] * from_signed(output);
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
        let any: Vec<i64> = (0..130).map(|v: i64| v * v * v % 17).collect();
        for (outputs, most_runs) in [(clamp, 3), (sign, 3), (any, 130), (vec![7], 1), (vec![], 0)] {
            let table = Table::function("", -40, outputs.iter().copied());
            assert!(table.runs.len() <= most_runs);
            assert_eq!((table.len, table.runs.last().map_or(0, |run| run.end)), (outputs.len(), outputs.len()));
            assert!(table.runs.windows(2).all(|pair| pair[0].end == pair[1].start));
            let found: Vec<i64> = (0..table.len).filter_map(|row| table.output(row)).collect();
            assert_eq!(found, outputs);
            assert_eq!(table.output(table.len), None);
        }
        assert_eq!(Table::keys("", 3, 4).output(2), None);
    }

    #[test]
    fn a_table_of_millions_of_keys_takes_no_memory() {
        let table = Table::function("", -(1 << 21), (-(1 << 21)..1 << 21).map(|key: i64| key.clamp(-128, 127)));
        assert_eq!((table.len, table.runs.len()), (1 << 22, 3));
    }
}
