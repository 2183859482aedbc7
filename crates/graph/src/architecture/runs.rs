use serde::{Deserialize, Serialize};

/// A table as its maximal runs of equal entries, each a value and a length: tables of pools are long staircases.
#[derive(Serialize, Deserialize)]
pub(super) struct Runs(Vec<(i16, usize)>);

impl Runs {
    pub fn new(table: &[i16]) -> Self {
        Self(table.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len()))).collect())
    }

    /// Runs that need be those of no table.
    #[cfg(test)]
    pub fn of(runs: &[(i16, usize)]) -> Self {
        Self(runs.to_vec())
    }

    /// Number of entries, `None` if it is out of range.
    pub fn num_entries(&self) -> Option<usize> {
        self.0.iter().try_fold(0_usize, |sum, &(_, length)| sum.checked_add(length))
    }

    /// The table, of [`Runs::num_entries`] entries.
    pub fn table(&self) -> Vec<i16> {
        let mut table = Vec::with_capacity(self.num_entries().unwrap_or(0));
        for &(value, length) in &self.0 {
            table.extend(std::iter::repeat_n(value, length));
        }
        table
    }
}
