//! The plain checker: every constraint of a relation, evaluated directly from the cells, without challenges and without a prover.
//!
//! It shares the relation with prover and verifier, and nothing else: forms are evaluated one cell at a time, accumulators are sums over the
//! window's taps, and what it finds wrong names the node, the cell and the values ([`Violation`]). It holds exactly if the argument of
//! docs/protocol.md accepts (up to the argument's soundness error, and if the secrets' products are products), which makes it the reference
//! for both.

mod accumulators;
mod place;
mod violation;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use verinfer_graph::Graph;

use crate::field::{F, from_signed};
use crate::layout::ColumnId;
use crate::relation::{Bytes, Form, FormTerm, Leaf, Location, Relation, Source};
use crate::table::TableId;

pub use place::Place;
pub use violation::Violation;

/// What is claimed to satisfy a relation.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'a> {
    /// The whole committed vector, [`crate::layout::Layout::num_stored`] elements. Nothing is demanded of the cells after
    /// [`Relation::num_cells`], nor of the secrets and the spare denominator: the statement does not depend on them.
    pub cells: &'a [F],
    /// The public input in NHWC order, image after image.
    pub input: &'a [i16],
    /// The claimed output in NHWC order, image after image.
    pub output: &'a [i16],
}

/// How many constraints of each kind hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Tuples that are rows of their table, by table: its name and how many.
    pub lookups: Vec<(String, usize)>,
    /// Rows that are looked up as often as their multiplicity says.
    pub multiplicities: usize,
    /// Accumulators computed from inputs and weights.
    pub accumulators: usize,
    /// Elements of the output that equal the claimed ones.
    pub outputs: usize,
}

impl CheckReport {
    /// Tuples of all tables.
    pub fn num_lookups(&self) -> usize {
        self.lookups.iter().map(|(_, count)| count).sum()
    }
}

/// Evaluates all constraints of the `relation` of `graph`.
///
/// # Errors
///
/// The first constraint that does not hold, in the order: lengths, tuples by column, multiplicities by table, output.
pub fn check(graph: &Graph, relation: &Relation, assignment: &Assignment<'_>) -> Result<CheckReport, Box<Violation>> {
    check_lengths(relation, assignment)?;
    let mut checker = Checker::new(graph, relation, assignment);
    let mut report = CheckReport { accumulators: checker.accumulators.iter().map(Vec::len).sum(), ..CheckReport::default() };
    for index in 0..relation.columns.len() {
        checker.read_rows(ColumnId(index))?;
    }
    for index in 0..relation.columns.len() {
        checker.check_lookups(ColumnId(index))?;
    }
    for index in 0..relation.columns.len() {
        report.multiplicities += checker.check_multiplicities(ColumnId(index))?;
    }
    report.outputs = checker.check_output(assignment.output)?;
    let lookups = relation.tables.iter().zip(&checker.counts).map(|(table, counts)| (table.name.clone(), counts.iter().sum()));
    report.lookups = lookups.collect();
    Ok(report)
}

/// Calls `visit` with every looked-up tuple, whether or not its table has it: the address of the cell whose leaf it is, the table, key and
/// outputs.
///
/// # Errors
///
/// [`Violation::CellCount`], [`Violation::InputLength`], [`Violation::OutputLength`].
pub fn for_each_tuple(
    graph: &Graph,
    relation: &Relation,
    assignment: &Assignment<'_>,
    mut visit: impl FnMut(usize, TableId, &[F]),
) -> Result<(), Box<Violation>> {
    check_lengths(relation, assignment)?;
    let checker = Checker::new(graph, relation, assignment);
    for index in 0..relation.columns.len() {
        let chunks = &relation.layout.placement(ColumnId(index)).chunks;
        checker.tuples(ColumnId(index), |table, (channel, pixel), tuple| {
            let chunk = chunks.iter().find(|chunk| chunk.pixels().contains(&pixel));
            if let Some(chunk) = chunk {
                visit(chunk.first_cell(channel) + pixel - chunk.first_pixel, table, tuple);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn check_lengths(relation: &Relation, assignment: &Assignment<'_>) -> Result<(), Box<Violation>> {
    let output = relation.column(relation.output);
    let cells = (assignment.cells.len(), relation.layout.num_stored());
    let input = (assignment.input.len(), relation.input_len());
    let claimed = (assignment.output.len(), output.channels * output.pixels);
    if cells.0 != cells.1 {
        return Err(Box::new(Violation::CellCount { found: cells.0, expected: cells.1 }));
    }
    if input.0 != input.1 {
        return Err(Box::new(Violation::InputLength { found: input.0, expected: input.1 }));
    }
    if claimed.0 != claimed.1 {
        return Err(Box::new(Violation::OutputLength { found: claimed.0, expected: claimed.1 }));
    }
    Ok(())
}

/// The assignment in a form that is quick to read, and what has been found so far.
struct Checker<'a> {
    graph: &'a Graph,
    relation: &'a Relation,
    values: Values,
    /// By contraction, in NHWC order of its output, image after image, without bias.
    accumulators: Vec<Vec<F>>,
    /// By table and row: lookups.
    counts: Vec<Vec<usize>>,
    /// By table: rows that are tuples of cells.
    rows: Vec<Vec<Vec<i64>>>,
}

impl<'a> Checker<'a> {
    fn new(graph: &'a Graph, relation: &'a Relation, assignment: &Assignment<'_>) -> Self {
        let values = Values::new(relation, assignment);
        let accumulators =
            relation.contractions.iter().map(|contraction| accumulators::of(contraction, graph, relation.images, &values)).collect();
        let counts = relation.tables.iter().map(|table| vec![0; table.len]).collect();
        let rows = vec![Vec::new(); relation.tables.len()];
        Self { graph, relation, values, accumulators, counts, rows }
    }

    /// Notes the rows that are tuples of cells.
    fn read_rows(&mut self, id: ColumnId) -> Result<(), Box<Violation>> {
        if let Leaf::Row { table, .. } = self.relation.column(id).leaf {
            let mut rows = Vec::new();
            self.tuples(id, |_, _, tuple| {
                rows.push(tuple.iter().copied().map(signed).collect());
                Ok(())
            })?;
            self.counts[table.0] = vec![0; rows.len()];
            self.rows[table.0] = rows;
        }
        Ok(())
    }

    /// Every tuple of a column is a row of its table.
    fn check_lookups(&mut self, id: ColumnId) -> Result<(), Box<Violation>> {
        if matches!(self.relation.column(id).leaf, Leaf::Row { .. }) {
            return Ok(());
        }
        let mut counts = std::mem::take(&mut self.counts);
        let mut integers = Vec::new();
        self.tuples(id, |table, cell, tuple| {
            integers.clear();
            integers.extend(tuple.iter().copied().map(signed));
            counts[table.0][self.row(id, cell, table, &integers)?] += 1;
            Ok(())
        })?;
        self.counts = counts;
        Ok(())
    }

    /// Calls `visit` with the tuple of each `(channel, pixel)` of a column, and stops at an error.
    fn tuples(
        &self,
        id: ColumnId,
        mut visit: impl FnMut(TableId, (usize, usize), &[F]) -> Result<(), Box<Violation>>,
    ) -> Result<(), Box<Violation>> {
        let column = self.relation.column(id);
        let Some((table, values)) = column.leaf.tuple() else { return Ok(()) };
        let forms: Vec<PreparedForm<'_>> = values.iter().map(|form| PreparedForm::new(form, column.pixels)).collect();
        let mut tuple = vec![F::ZERO; forms.len()];
        for channel in 0..column.channels {
            for pixel in 0..column.pixels {
                for (value, form) in tuple.iter_mut().zip(&forms) {
                    *value = self.evaluate(form, column.channels, channel, pixel);
                }
                visit(table, (channel, pixel), &tuple)?;
            }
        }
        Ok(())
    }

    /// The row that is a tuple.
    fn row(&self, id: ColumnId, (channel, pixel): (usize, usize), table_id: TableId, tuple: &[i64]) -> Result<usize, Box<Violation>> {
        let table = &self.relation.tables[table_id.0];
        let at = || Place::new(self.graph, self.relation, id, channel, pixel);
        let cells = &self.rows[table_id.0];
        let len = if cells.is_empty() { table.len } else { cells.len() };
        let found = table.row(tuple[0]).or_else(|| cells.iter().position(|row| row[0] == tuple[0]));
        let Some(row) = found else {
            let (first, last) = (table.first, table.first + len as i64 - 1);
            let violation = Violation::NotInTable { at: at(), table: table.name.clone(), tuple: tuple.to_vec(), first, last };
            return Err(Box::new(violation));
        };
        let expected: Vec<i64> = match cells.get(row) {
            Some(cells) => cells.clone(),
            None => std::iter::once(tuple[0]).chain(table.output(row)).collect(),
        };
        if expected == tuple {
            return Ok(row);
        }
        Err(Box::new(Violation::NotARow { at: at(), table: table.name.clone(), tuple: tuple.to_vec(), expected }))
    }

    /// Each cell of a column of multiplicities is the number of lookups of its row. Returns how many there are.
    fn check_multiplicities(&self, id: ColumnId) -> Result<usize, Box<Violation>> {
        let (Leaf::Multiplicity(table) | Leaf::Row { table, .. }) = self.relation.column(id).leaf else { return Ok(0) };
        for (row, (&found, &expected)) in self.values.columns[id.0].iter().zip(&self.counts[table.0]).enumerate() {
            if found != F::from_usize(expected) {
                let content = &self.relation.tables[table.0];
                let (table, key) = (content.name.clone(), content.first + row as i64);
                return Err(Box::new(Violation::Multiplicity { table, key, found: signed(found), expected }));
            }
        }
        Ok(self.counts[table.0].len())
    }

    /// The output's cells are the claimed values. Returns how many there are.
    fn check_output(&self, claimed: &[i16]) -> Result<usize, Box<Violation>> {
        let channels = self.relation.column(self.relation.output).channels;
        for (index, &claimed) in claimed.iter().enumerate() {
            let (channel, pixel) = (index % channels, index / channels);
            let found = self.values.cell(self.relation.output, channel, pixel);
            if found != from_signed(i64::from(claimed)) {
                let at = Place::new(self.graph, self.relation, self.relation.output, channel, pixel);
                return Err(Box::new(Violation::Output { at, found: signed(found), claimed }));
            }
        }
        Ok(claimed.len())
    }

    /// The value of a form at a cell of a column of `channels` channels.
    fn evaluate(&self, form: &PreparedForm<'_>, channels: usize, channel: usize, pixel: usize) -> F {
        let mut sum = form.form.constant.at(channel, pixel);
        for term in &form.terms {
            let value = match &term.term.source {
                Source::Cell(column) => self.values.cell(*column, channel, pixel),
                Source::Integers(bytes) => self.values.integer(bytes, channel),
                Source::Accumulator(id) => self.accumulators[id.0][pixel * channels + channel],
                Source::ScaledAccumulator(id) => {
                    let hidden = self.relation.contractions[id.0].hidden.as_ref();
                    let multiplier = hidden.map_or(F::ZERO, |hidden| self.values.integer(&hidden.multiplier, channel));
                    multiplier * self.accumulators[id.0][pixel * channels + channel]
                }
                Source::ScaledSign(id) => {
                    let sign = self.relation.contractions[id.0].hidden.as_ref().and_then(|hidden| hidden.sign.as_ref());
                    sign.map_or(F::ZERO, |(column, factor)| {
                        self.values.integer(factor, channel) * self.values.cell(*column, channel, pixel)
                    })
                }
                Source::Reordered { location } => self.values.element(*location, pixel * channels + channel),
                Source::Tensor { location, shape, channels: map, .. } => match map.source(channel, shape.channels) {
                    Some(source) => {
                        term.sources[pixel].iter().map(|&from| self.values.at(*location, shape.channels, source, from as usize)).sum()
                    }
                    None => F::ZERO,
                },
            };
            sum += term.term.factor.at(channel) * value;
        }
        sum
    }
}

/// A form whose wiring has been listed.
struct PreparedForm<'a> {
    form: &'a Form,
    terms: Vec<PreparedTerm<'a>>,
}

struct PreparedTerm<'a> {
    term: &'a FormTerm,
    /// By pixel of the column, the pixels of the source that are summed; empty for sources without wiring.
    sources: Vec<Vec<u32>>,
}

impl<'a> PreparedForm<'a> {
    fn new(form: &'a Form, num_pixels: usize) -> Self {
        let terms = form.terms.iter().map(|term| {
            let mut sources = Vec::new();
            if let Source::Tensor { pixels, .. } = &term.source {
                sources.resize(num_pixels, Vec::new());
                pixels.for_each(0..num_pixels, |to, from| sources[to].push(from as u32));
            }
            PreparedTerm { term, sources }
        });
        Self { form, terms: terms.collect() }
    }
}

/// Cells by column, and the input.
struct Values {
    /// By column: plane by plane.
    columns: Vec<Vec<F>>,
    /// Planes of each column.
    channels: Vec<usize>,
    input: Vec<F>,
}

impl Values {
    fn new(relation: &Relation, assignment: &Assignment<'_>) -> Self {
        let columns = relation.layout.placements().iter().map(|placement| {
            let mut planes = vec![F::ZERO; placement.channels * placement.pixels];
            for chunk in &placement.chunks {
                for (channel, plane) in planes.chunks_exact_mut(placement.pixels).enumerate() {
                    plane[chunk.pixels()].copy_from_slice(&assignment.cells[chunk.first_cell(channel)..][..1 << chunk.log_len]);
                }
            }
            planes
        });
        let columns = columns.collect();
        let channels = relation.columns.iter().map(|column| column.channels).collect();
        let input = assignment.input.iter().map(|&value| from_signed(i64::from(value))).collect();
        Self { columns, channels, input }
    }

    /// A cell.
    fn cell(&self, column: ColumnId, channel: usize, pixel: usize) -> F {
        let planes = &self.columns[column.0];
        planes[channel * (planes.len() / self.channels[column.0]) + pixel]
    }

    /// A hidden integer of a channel.
    fn integer(&self, bytes: &Bytes, channel: usize) -> F {
        let planes = bytes.terms().flat_map(|(column, factors)| factors.into_iter().enumerate().map(move |plane| (column, plane)));
        planes.map(|(column, (plane, factor))| factor * self.cell(column, plane, channel)).sum::<F>() - from_signed(bytes.offset)
    }

    /// An element of a tensor that lies in `channels` channels.
    fn at(&self, location: Location, channels: usize, channel: usize, pixel: usize) -> F {
        match location {
            Location::Input => self.input[pixel * channels + channel],
            Location::Column(column) => self.cell(column, channel, pixel),
        }
    }

    /// An element by its index in NHWC order, image after image.
    fn element(&self, location: Location, index: usize) -> F {
        match location {
            Location::Input => self.input[index],
            Location::Column(column) => self.cell(column, index % self.channels[column.0], index / self.channels[column.0]),
        }
    }
}

/// The signed integer of smallest magnitude in the class of a field element.
fn signed(value: F) -> i64 {
    let value = value.as_canonical_u64();
    let negative = F::ORDER_U64 - value;
    if value <= negative { value as i64 } else { -(negative as i64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_as_the_integer_of_smallest_magnitude() {
        let half = (F::ORDER_U64 - 1) / 2;
        for value in [0, 1, -1, 255, -256, i64::from(u32::MAX), half as i64, -(half as i64)] {
            assert_eq!(signed(from_signed(value)), value);
        }
    }
}
