//! Which tables the nodes of a graph need, each once.

use std::collections::HashMap;

use crate::table::{Run, Table, TableId};

/// Tables found so far.
#[derive(Default)]
pub struct Tables {
    tables: Vec<Table>,
    by_content: HashMap<Content, TableId>,
    num_rows: usize,
    clamps: HashMap<ClampKey, Announced>,
    signs: HashMap<usize, Announced>,
}

/// First key, number of rows, outputs: what a table is but for its name.
type Content = (i64, usize, bool, Vec<Run>);

/// A table whose keys are known before it is made.
#[derive(Clone, Copy)]
struct Announced {
    /// First and last key.
    range: (i64, i64),
    /// The table, once it is made.
    made: Option<TableId>,
}

impl Announced {
    /// These keys and those known before.
    fn widened(known: Option<Self>, range: (i64, i64)) -> Self {
        let range = known.map_or(range, |known| (known.range.0.min(range.0), known.range.1.max(range.1)));
        Self { range, made: None }
    }

    /// Rows that are still to be made.
    fn new_rows(&self) -> usize {
        if self.made.is_some() { 0 } else { self.range.1.abs_diff(self.range.0) as usize + 1 }
    }
}

/// What the clamps of several nodes must have in common to share a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClampKey {
    /// Smallest output.
    pub min: i16,
    /// Largest output.
    pub max: i16,
    /// Whether the key has one more bit of precision.
    pub halved: bool,
    /// Number among the tables of this clamp ([`super::requantize::Plan::table`]).
    pub table: usize,
}

impl Tables {
    /// Says that a clamp is looked up under keys `range.0..=range.1`.
    pub fn announce_clamp(&mut self, key: ClampKey, range: (i64, i64)) {
        let announced = Announced::widened(self.clamps.get(&key).copied(), range);
        self.clamps.insert(key, announced);
    }

    /// All keys announced for a clamp.
    pub fn clamp_range(&self, key: ClampKey) -> (i64, i64) {
        self.clamps.get(&key).map_or((0, 0), |announced| announced.range)
    }

    /// Rows that [`Tables::clamp`] adds.
    pub fn new_clamp_rows(&self, key: ClampKey) -> usize {
        self.clamps.get(&key).map_or(0, Announced::new_rows)
    }

    /// The table of a clamp for all announced keys: the clamped value of the key or, if it is halved, of half of it (rounded down).
    pub fn clamp(&mut self, key: ClampKey) -> TableId {
        if let Some(made) = self.clamps.get(&key).and_then(|announced| announced.made) {
            return made;
        }
        let range = self.clamp_range(key);
        let clamp = |value: i64| (value >> u32::from(key.halved)).clamp(i64::from(key.min), i64::from(key.max));
        let name = if key.halved { "clamp of halves" } else { "clamp" };
        let table = self.function(name, range.0, (range.0..=range.1).map(clamp));
        self.clamps.insert(key, Announced { range, made: Some(table) });
        table
    }

    /// Says that a sign is looked up under keys `range.0..=range.1` in the table of this number.
    pub fn announce_sign(&mut self, table: usize, range: (i64, i64)) {
        let announced = Announced::widened(self.signs.get(&table).copied(), range);
        self.signs.insert(table, announced);
    }

    /// All keys announced for a sign.
    pub fn sign_range(&self, table: usize) -> (i64, i64) {
        self.signs.get(&table).map_or((0, 0), |announced| announced.range)
    }

    /// Rows that [`Tables::sign`] adds.
    pub fn new_sign_rows(&self, table: usize) -> usize {
        self.signs.get(&table).map_or(0, Announced::new_rows)
    }

    /// The table of the sign for all announced keys: one up to zero.
    pub fn sign(&mut self, table: usize) -> TableId {
        if let Some(made) = self.signs.get(&table).and_then(|announced| announced.made) {
            return made;
        }
        let range = self.sign_range(table);
        let made = self.function("sign", range.0, (range.0..=range.1).map(|key| i64::from(key <= 0)));
        self.signs.insert(table, Announced { range, made: Some(made) });
        made
    }

    /// Rows of all tables so far.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Integers of `bits` bits.
    pub fn range(&mut self, bits: usize) -> TableId {
        self.add(Table::keys("range", 0, 1 << bits))
    }

    /// A function of the integers from `first` on.
    pub fn function(&mut self, name: &str, first: i64, outputs: impl IntoIterator<Item = i64>) -> TableId {
        self.add(Table::function(name, first, outputs))
    }

    /// The integers below `count`.
    pub fn counts(&mut self, count: usize) -> TableId {
        self.add(Table::keys("count", 0, count))
    }

    /// A table whose rows are tuples of cells ([`crate::relation::Leaf::Row`]).
    pub fn cells(&mut self, name: &str) -> TableId {
        self.add(Table::keys(name, 0, 0))
    }

    /// The single row zero: what is looked up in it is zero.
    pub fn zero(&mut self) -> TableId {
        self.add(Table::keys("zero", 0, 1))
    }

    /// All tables, in the order of their indices.
    pub fn finish(self) -> Vec<Table> {
        self.tables
    }

    fn add(&mut self, table: Table) -> TableId {
        let content = (table.first, table.len, table.has_output(), table.runs.clone());
        let (tables, num_rows) = (&mut self.tables, &mut self.num_rows);
        *self.by_content.entry(content).or_insert_with(|| {
            *num_rows = num_rows.saturating_add(table.len);
            tables.push(table);
            TableId(tables.len() - 1)
        })
    }
}
