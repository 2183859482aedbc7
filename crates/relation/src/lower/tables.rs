//! Which tables the nodes of a graph need, each once.

use std::collections::HashMap;

use crate::table::{Table, TableId};

/// Tables found so far.
#[derive(Default)]
pub struct Tables {
    tables: Vec<Table>,
    by_content: HashMap<(i64, usize, Vec<Vec<i64>>), TableId>,
    clamps: Vec<(ClampKey, (i64, i64))>,
}

/// What the clamps of several nodes must have in common to share a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClampKey {
    /// Smallest output.
    pub min: i16,
    /// Largest output.
    pub max: i16,
    /// Zero point, where the key has a sign.
    pub signed_zero_point: Option<i32>,
    /// Whether the remainder is long, so that only small keys leave room for it.
    pub long_remainder: bool,
}

impl Tables {
    /// Says that a clamp is looked up under keys `range.0..=range.1`.
    pub fn announce_clamp(&mut self, key: ClampKey, range: (i64, i64)) {
        match self.clamps.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = (known.0.min(range.0), known.1.max(range.1)),
            None => self.clamps.push((key, range)),
        }
    }

    /// All keys announced for a clamp.
    pub fn clamp_range(&self, key: ClampKey) -> (i64, i64) {
        self.clamps.iter().find(|(known, _)| *known == key).map_or((0, 0), |(_, range)| *range)
    }

    /// The table of a clamp for all announced keys: outputs the clamped value and, with a sign, the sign.
    pub fn clamp(&mut self, key: ClampKey) -> TableId {
        let range = self.clamp_range(key);
        let clamp = |value: i64| value.clamp(i64::from(key.min), i64::from(key.max));
        let keys = range.0..=range.1;
        let (name, outputs) = match key.signed_zero_point {
            None => ("clamp", vec![keys.map(clamp).collect()]),
            Some(zero_point) => {
                let outputs = keys.clone().map(|key| clamp((key >> 1) + i64::from(zero_point))).collect();
                ("clamp with sign", vec![outputs, keys.map(|key| i64::from(key <= 0)).collect()])
            }
        };
        self.add(name, range.0, (range.1 - range.0 + 1) as usize, outputs)
    }

    /// Integers of `bits` bits.
    pub fn range(&mut self, bits: usize) -> TableId {
        self.add("range", 0, 1 << bits, Vec::new())
    }

    /// A function of the integers from `first` on.
    pub fn function(&mut self, name: &str, first: i64, outputs: Vec<i64>) -> TableId {
        self.add(name, first, outputs.len(), vec![outputs])
    }

    /// The single row zero: what is looked up in it is zero.
    pub fn zero(&mut self) -> TableId {
        self.add("zero", 0, 1, Vec::new())
    }

    /// All tables, in the order of their indices.
    pub fn finish(self) -> Vec<Table> {
        self.tables
    }

    fn add(&mut self, name: &str, first: i64, len: usize, outputs: Vec<Vec<i64>>) -> TableId {
        let tables = &mut self.tables;
        *self.by_content.entry((first, len, outputs)).or_insert_with_key(|(first, len, outputs)| {
            tables.push(Table { name: name.to_owned(), first: *first, len: *len, outputs: outputs.clone() });
            TableId(tables.len() - 1)
        })
    }
}
