//! The fractions of all cells: computed wherever they are needed, from the cells and the rows that they look up.

use std::collections::BTreeMap;
use std::ops::Range;

use p3_field::{PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use rayon::prelude::*;
use verinfer_relation::Relation;
use verinfer_relation::field::{F, K, from_coordinates, from_signed};
use verinfer_relation::relation::Leaf;
use verinfer_relation::table::{Folding, TableId};

use super::Fraction;
use crate::packed::{OCTET_LEN, Octet, PackedF, PackedK, WIDTH, octet, splat, unpack};

/// Numerators and denominators of the cells, by octet of addresses.
///
/// A cell that looks a row up is `1 / (alpha - row)`, a multiplicity is `-multiplicity / (alpha - row)`; most octets are of one kind and one table.
pub struct Leaves<'a> {
    cells: &'a [F],
    rows: &'a [u32],
    /// By table.
    tables: Vec<Denominators>,
    /// By octet: twice the table, one more if numerators are multiplicities; from `2 * tables.len()` on, indices of explicit octets.
    kinds: Vec<u32>,
    explicit: Vec<(Octet<PackedF>, Octet<PackedK>)>,
}

/// A function of the rows of a table.
pub struct Denominators {
    /// At row 0, if there are no values.
    offset: K,
    /// By how much it falls with each row then.
    slope: K,
    /// By row.
    values: Vec<K>,
}

impl Denominators {
    fn new(relation: &Relation, folding: &Folding, id: TableId) -> Self {
        let table = &relation.tables[id.0];
        let offset = folding.offset(id) - from_signed(table.first);
        let len = if table.has_output() { table.len } else { 0 };
        Self { offset, slope: K::ONE, values: (0..len).into_par_iter().map(|row| folding.row(id, table, row)).collect() }
    }

    fn at(&self, row: u32) -> K {
        self.values.get(row as usize).copied().unwrap_or_else(|| self.offset - self.slope * F::from_u32(row))
    }

    fn is_affine(&self) -> bool {
        self.values.is_empty()
    }
}

/// What an octet holds that is of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    table: usize,
    /// Numerators are multiplicities.
    counted: bool,
}

impl Kind {
    fn of(leaf: &Leaf) -> Option<Self> {
        match leaf {
            Leaf::Free | Leaf::Spare => None,
            Leaf::Lookup { table, .. } => Some(Self { table: table.0, counted: false }),
            Leaf::Multiplicity(table) | Leaf::Row { table, .. } => Some(Self { table: table.0, counted: true }),
        }
    }

    fn code(self) -> u32 {
        (2 * self.table + usize::from(self.counted)) as u32
    }
}

/// An octet of leaves.
enum Content<'a> {
    /// Lookups in a table whose denominators are affine, given the rows.
    Affine(usize, Octet<PackedF>),
    Kind(Kind),
    Explicit(&'a (Octet<PackedF>, Octet<PackedK>)),
}

impl<'a> Leaves<'a> {
    /// The leaves of cells that look up these rows; `tuples` are those of cells whose tables have no public rows.
    pub fn new(relation: &Relation, folding: &Folding, cells: &'a [F], rows: &'a [u32], tuples: &BTreeMap<usize, Vec<F>>) -> Self {
        let num_tables = relation.tables.len();
        let tables = (0..num_tables).map(|table| Denominators::new(relation, folding, TableId(table))).collect();
        let explicit = 2 * num_tables as u32;
        let mut leaves = Self { cells, rows, tables, kinds: vec![explicit; relation.num_cells().div_ceil(8)], explicit: Vec::new() };
        let mut parts = Vec::new();
        for (column, placement) in relation.columns.iter().zip(relation.layout.placements()) {
            let ranges = placement.chunks.iter().map(|chunk| chunk.first_cell(0)..chunk.first_cell(placement.channels));
            parts.extend(ranges.map(|range| (column, range)));
        }
        for (column, range) in &parts {
            if let Some(kind) = Kind::of(&column.leaf) {
                leaves.kinds[whole_octets(range)].fill(kind.code());
            }
        }
        for code in leaves.kinds.iter_mut().filter(|code| **code == explicit) {
            *code += leaves.explicit.len() as u32;
            leaves.explicit.push(([PackedF::ZERO; OCTET_LEN], octet(K::ONE)));
        }
        for (column, range) in &parts {
            if let Some(kind) = Kind::of(&column.leaf) {
                let inner = whole_octets(range);
                let begin = range.start..range.end.min(8 * inner.start);
                for cell in begin.chain((8 * inner.end).max(range.start)..range.end) {
                    let denominator = leaves.tables[kind.table].at(rows[cell]);
                    leaves.set(cell, leaves.numerator(kind, cell), denominator);
                }
            }
            if let Some((table, _)) = column.leaf.tuple() {
                for (&cell, tuple) in tuples.range(range.clone()) {
                    let folded: K = tuple.iter().zip(&folding.powers).map(|(&value, &power)| power * value).sum();
                    leaves.set(cell, leaves.get(cell).0, folding.offset(table) - folded);
                }
            }
        }
        for (column, placement) in relation.columns.iter().zip(relation.layout.placements()) {
            if matches!(column.leaf, Leaf::Spare) {
                let cell = placement.chunks[0].first_cell(0);
                leaves.set(cell, F::ZERO, from_coordinates([cells[cell], cells[cell + 1], cells[placement.chunks[1].first_cell(0)]]));
            }
        }
        leaves
    }

    /// Octets of leaves; those after them are all 0/1.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Numerator and denominator of a cell.
    pub fn get(&self, cell: usize) -> (F, K) {
        let (numerators, denominators) = self.octet(cell / 8);
        (PackedF::unpack_slice(&numerators)[cell % 8], unpack(&denominators)[cell % 8])
    }

    /// Changes the leaf of a cell.
    pub fn set(&mut self, cell: usize, numerator: F, denominator: K) {
        let (octet, register, lane) = (cell / 8, cell % 8 / WIDTH, cell % WIDTH);
        let change = denominator - self.get(cell).1;
        let first = 2 * self.tables.len() as u32;
        if self.kinds[octet] < first {
            let content = self.octet(octet);
            self.kinds[octet] = first + self.explicit.len() as u32;
            self.explicit.push(content);
        }
        let (numerators, denominators) = &mut self.explicit[(self.kinds[octet] - first) as usize];
        numerators[register].as_slice_mut()[lane] = numerator;
        denominators[register].add_assign_lane(lane, change);
    }

    /// Numerators and denominators of an octet.
    pub fn octet(&self, index: usize) -> (Octet<PackedF>, Octet<PackedK>) {
        match self.content(index) {
            Content::Affine(table, rows) => ([PackedF::ONE; OCTET_LEN], rows.map(|row| splat(self.tables[table].offset) - row)),
            Content::Kind(kind) => (self.numerators(kind, index), self.gather(&self.tables[kind.table], index)),
            Content::Explicit(&octet) => octet,
        }
    }

    /// The sum of the fractions of two octets, `2 index` and the next.
    pub fn parent(&self, index: usize) -> Fraction {
        if 2 * index + 1 == self.len() {
            let (numerators, denominators) = self.octet(2 * index);
            return (numerators.map(PackedK::from), denominators);
        }
        if let Some((table, [sums, products])) = self.affine_parent(index) {
            // (c - a) + (c - b) and (c - a)(c - b).
            let offset = self.offset(table);
            let (double, square, minus) = (splat(offset.double()), splat(offset.square()), splat(-offset));
            return (std::array::from_fn(|i| double - sums[i]), std::array::from_fn(|i| minus * sums[i] + square + products[i]));
        }
        let ((n0, d0), (n1, d1)) = (self.octet(2 * index), self.octet(2 * index + 1));
        (std::array::from_fn(|i| d1[i] * n0[i] + d0[i] * n1[i]), std::array::from_fn(|i| d0[i] * d1[i]))
    }

    /// The table of two octets, `2 index` and the next, of lookups in one table of affine denominators, with the sums and products of their rows.
    pub fn affine_parent(&self, index: usize) -> Option<(usize, [Octet<PackedF>; 2])> {
        if 2 * index + 1 >= self.len() {
            return None;
        }
        match (self.content(2 * index), self.content(2 * index + 1)) {
            (Content::Affine(table, a), Content::Affine(other, b)) if table == other => {
                Some((table, [std::array::from_fn(|i| a[i] + b[i]), std::array::from_fn(|i| a[i] * b[i])]))
            }
            _ => None,
        }
    }

    /// The denominator of row 0 of a table of affine denominators; it falls by one for each row.
    pub fn offset(&self, table: usize) -> K {
        self.tables[table].offset
    }

    fn content(&self, index: usize) -> Content<'_> {
        let code = self.kinds[index] as usize;
        if let Some(explicit) = code.checked_sub(2 * self.tables.len()) {
            return Content::Explicit(&self.explicit[explicit]);
        }
        let kind = Kind { table: code / 2, counted: code % 2 == 1 };
        if kind.counted || !self.tables[kind.table].is_affine() {
            Content::Kind(kind)
        } else {
            Content::Affine(kind.table, self.packed_rows(index))
        }
    }

    fn packed_rows(&self, index: usize) -> Octet<PackedF> {
        let rows = &self.rows[8 * index..][..8];
        std::array::from_fn(|i| PackedF::from_fn(|lane| F::from_u32(rows[i * WIDTH + lane])))
    }

    /// What a function of the rows is at an octet.
    fn gather(&self, function: &Denominators, index: usize) -> Octet<PackedK> {
        let rows = &self.rows[8 * index..][..8];
        std::array::from_fn(|i| PackedK::from_ext_fn(|lane| function.at(rows[i * WIDTH + lane])))
    }

    fn numerator(&self, kind: Kind, cell: usize) -> F {
        if kind.counted { -self.cells[cell] } else { F::ONE }
    }

    fn numerators(&self, kind: Kind, index: usize) -> Octet<PackedF> {
        std::array::from_fn(|i| PackedF::from_fn(|lane| self.numerator(kind, 8 * index + i * WIDTH + lane)))
    }
}

/// The leaves of an address as one factor: where `n = 1`, the sum of two fractions with `e = 1 + lambda d` for `d` satisfies
/// `lambda (n0 d1 + n1 d0 + lambda d0 d1) = e0 e1 - 1`.
pub struct Factors<'a> {
    leaves: &'a Leaves<'a>,
    lambda: K,
    /// By table.
    tables: Vec<Denominators>,
}

impl<'a> Factors<'a> {
    /// The factors for a combination of numerators and denominators.
    pub fn new(leaves: &'a Leaves<'a>, lambda: K) -> Self {
        let factor = |value: &K| K::ONE + lambda * *value;
        let table = |table: &Denominators| Denominators {
            offset: factor(&table.offset),
            slope: lambda * table.slope,
            values: table.values.iter().map(factor).collect(),
        };
        Self { leaves, lambda, tables: leaves.tables.iter().map(table).collect() }
    }

    /// The table of two octets, `2 index` and the next, of lookups in one table of affine denominators, with their rows: the factors are
    /// [`Factors::affine`] of them.
    pub fn affine_pair(&self, index: usize) -> Option<(usize, [Octet<PackedF>; 2])> {
        if 2 * index + 1 >= self.leaves.len() {
            return None;
        }
        match (self.leaves.content(2 * index), self.leaves.content(2 * index + 1)) {
            (Content::Affine(table, a), Content::Affine(other, b)) if table == other => Some((table, [a, b])),
            _ => None,
        }
    }

    /// The factor of row 0 of a table of affine denominators; it falls by lambda for each row.
    pub fn affine(&self, table: usize) -> K {
        self.tables[table].offset
    }

    /// The combination of numerators and denominators.
    pub fn lambda(&self) -> K {
        self.lambda
    }

    /// The factors of two octets, `2 index` and the next.
    pub fn pair(&self, index: usize) -> [Octet<PackedK>; 2] {
        [2 * index, 2 * index + 1].map(|index| self.octet(index))
    }

    fn octet(&self, index: usize) -> Octet<PackedK> {
        if index >= self.leaves.len() {
            return octet(K::ONE + self.lambda);
        }
        match self.leaves.content(index) {
            Content::Affine(table, rows) => rows.map(|row| splat(self.lambda) * -row + splat(self.affine(table))),
            Content::Kind(kind) => self.leaves.gather(&self.tables[kind.table], index),
            Content::Explicit((_, denominators)) => denominators.map(|d| d * splat(self.lambda) + splat(K::ONE)),
        }
    }

    /// Numerators less one of two octets, `2 index` and the next, unless all are zero.
    pub fn excess(&self, index: usize) -> Option<[Octet<PackedF>; 2]> {
        let excesses = [2 * index, 2 * index + 1].map(|index| self.octet_excess(index));
        let is_zero = excesses.iter().flatten().all(|register| *register == PackedF::ZERO);
        (!is_zero).then_some(excesses)
    }

    fn octet_excess(&self, index: usize) -> Octet<PackedF> {
        if index >= self.leaves.len() {
            return [-PackedF::ONE; OCTET_LEN];
        }
        match self.leaves.content(index) {
            Content::Affine(..) | Content::Kind(Kind { counted: false, .. }) => [PackedF::ZERO; OCTET_LEN],
            Content::Kind(kind) => self.leaves.numerators(kind, index).map(|n| n - PackedF::ONE),
            Content::Explicit((numerators, _)) => numerators.map(|n| n - PackedF::ONE),
        }
    }
}

/// Octets that lie within a range of cells.
fn whole_octets(range: &Range<usize>) -> Range<usize> {
    let first = range.start.div_ceil(8);
    first..(range.end / 8).max(first)
}
