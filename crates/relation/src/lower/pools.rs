//! Sums and maxima over windows.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{MaxPool, Node, NodeId, Shape, SumPool, Window};

use super::Lowering;
use super::maximum::{Stage, stage_cells, stages};
use crate::error::RelationError;
use crate::field::{F, from_signed};
use crate::layout::ColumnId;
use crate::relation::{ByPlace, Coefficients, Form, Leaf, Location, MaximumStage, Missing, Recipe, Role, Source};
use crate::wiring::{ChannelMap, PixelMap};

/// A value of each position of a stage: an element of the source, or the maximum of some.
struct Value {
    source: Source,
    /// The type's smallest value where the source has no element; `None` if it has all.
    missing: Option<Missing>,
}

impl Value {
    /// A tap of a window.
    fn tap(location: Location, stage: &Stage, tap: usize, minimum: F) -> Self {
        let Stage { window, source, target } = *stage;
        let pixels = PixelMap::Window { window, source, target, tap: Some(tap) };
        let mut num_existing = 0;
        pixels.for_each_run(0..target.num_pixels(), |run| num_existing += run.len);
        let missing = Missing { value: minimum, channels: 0..target.channels, pixels };
        Self {
            source: Source::Tensor { location, shape: source, pixels, channels: ChannelMap::Same },
            missing: Some(missing).filter(|_| num_existing < target.num_pixels()),
        }
    }

    fn cell(column: ColumnId) -> Self {
        Self { source: Source::Cell(column), missing: None }
    }
}

/// Offsets by the number of the window's taps that exist, at each pixel.
fn by_taps(window: &Window, source: Shape, target: Shape, offsets: &[(usize, i64)]) -> Coefficients {
    let (rows, row_counts) = kinds((0..target.height).map(|y| window.row_taps(source.height, y).len()));
    let (columns, column_counts) = kinds((0..target.width).map(|x| window.column_taps(source.width, x).len()));
    let offset = |count: usize| offsets.iter().find(|(known, _)| *known == count).map_or(F::ZERO, |&(_, offset)| from_signed(offset));
    let of_row = |&row: &usize| column_counts.iter().map(|column| offset(row * column)).collect::<Vec<F>>();
    let values: Vec<Vec<F>> = row_counts.iter().map(of_row).collect();
    match values.as_slice() {
        [row] if row.len() == 1 => Coefficients::Uniform(row[0]),
        _ => Coefficients::Grid(ByPlace { rows, columns, values }),
    }
}

/// The kind of each of some numbers, and the number of each kind.
fn kinds(numbers: impl Iterator<Item = usize>) -> (Vec<u32>, Vec<usize>) {
    let (mut kinds, mut found) = (Vec::new(), Vec::new());
    let mut known = HashMap::new();
    for number in numbers {
        kinds.push(*known.entry(number).or_insert_with(|| {
            found.push(number);
            found.len() as u32 - 1
        }));
    }
    (kinds, found)
}

/// A sum of values with signs.
fn sum_of(values: &[(&Value, F)]) -> Form {
    let mut form = Form::constant(F::ZERO);
    let mut all_missing = Vec::new();
    for (value, sign) in values {
        form.push(value.source.clone(), *sign);
        all_missing.extend(value.missing.iter().map(|missing| Missing { value: *sign * missing.value, ..missing.clone() }));
    }
    if !all_missing.is_empty() {
        form.constant = Coefficients::Missing(all_missing);
    }
    form
}

impl Lowering<'_> {
    pub(super) fn sum_pool(&mut self, id: NodeId, node: &Node, pool: &SumPool) -> Recipe {
        let input = self.graph.spec(pool.input);
        let shape = self.graph.spec(node.output).shape;
        let minimum = i64::from(input.dtype.min());
        let (mut offsets, mut num_rows) = (Vec::new(), 0);
        for (count, table) in &pool.tables {
            offsets.push((*count, num_rows as i64 - minimum * *count as i64));
            num_rows += table.len();
        }
        let outputs = pool.tables.iter().flat_map(|(_, table)| table.iter().map(|&value| i64::from(value)));
        let table = self.tables.function("window sum", 0, outputs);
        let mut key = Form::constant(F::ZERO);
        key.constant = by_taps(&pool.window, input.shape, shape, &offsets);
        let location = self.plain(pool.input);
        let pixels = PixelMap::Window { window: pool.window, source: input.shape, target: shape, tap: None };
        key.push(Source::Tensor { location, shape: input.shape, pixels, channels: ChannelMap::Same }, F::ONE);
        let output = self.looked_up(id, Role::Output, shape, table, key);
        self.written(node.output, output);
        Recipe::SumPool { output, offsets }
    }

    pub(super) fn max_pool(&mut self, id: NodeId, node: &Node, pool: &MaxPool) -> Result<Recipe, RelationError> {
        let input = self.graph.spec(pool.input);
        let shape = self.graph.spec(node.output).shape;
        let first = i64::from(input.dtype.min());
        let stages = stages(&pool.window, input.shape, shape);
        self.check_room(stages.iter().map(|stage| stage_cells(stage, self.images)).fold(0, usize::saturating_add))?;
        let mut location = self.plain(pool.input);
        let (mut made, mut last, mut maximum) = (Vec::new(), None, None);
        let mut num_columns = 0;
        for stage in stages {
            let (columns, value) = self.pairwise_maxima(id, num_columns, location, &stage, from_signed(first));
            num_columns += columns.len();
            if let Some(&column) = columns.last() {
                (location, last) = (Location::Column(column), Some(column));
            }
            let Stage { window, source, target } = stage;
            made.push(MaximumStage { window, source, target, columns });
            maximum = Some(value);
        }
        let range = self.graph.value_range(pool.input);
        let clamps = pool.min > range.0 || pool.max < range.1;
        let clamped = maximum.filter(|_| clamps || last.is_none()).map(|maximum| {
            let outputs = (first..first + 256).map(|v| v.clamp(i64::from(pool.min), i64::from(pool.max)));
            let table = self.tables.function("clamp of bytes", first, outputs);
            self.looked_up(id, Role::Output, shape, table, sum_of(&[(&maximum, F::ONE)]))
        });
        if let Some(output) = clamped.or(last) {
            self.written(node.output, output);
        }
        Ok(Recipe::MaxPool { stages: made, clamped })
    }

    /// The pairwise maxima of a stage: of its first tap and the second, of that and the third, and so on; and the last of them, or else the first tap.
    /// `before` columns of the node are maxima already.
    fn pairwise_maxima(&mut self, id: NodeId, before: usize, location: Location, stage: &Stage, minimum: F) -> (Vec<ColumnId>, Value) {
        let table = self.tables.function("positive part", -255, (-255..=255).map(|value: i64| value.max(0)));
        let mut maximum = Value::tap(location, stage, 0, minimum);
        let mut columns = Vec::new();
        for tap in 1..stage.window.num_taps() {
            let tap = Value::tap(location, stage, tap, minimum);
            let column = ColumnId(self.columns.len());
            let values = [&maximum, &Value::cell(column)].map(|value| sum_of(&[(value, F::ONE), (&tap, -F::ONE)])).to_vec();
            columns.push(column);
            let size = (stage.target.channels, stage.target.num_pixels());
            self.column(id, Role::Running(before + columns.len()), size, Leaf::Lookup { table, values });
            maximum = Value::cell(column);
        }
        (columns, maximum)
    }
}
