//! The cells of the committed vector, from an execution of the network.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use p3_field::{PrimeCharacteristicRing, PrimeField64};
use rayon::prelude::*;
use verinfer_graph::{Graph, GraphError, NodeId, Op, Operand, TensorId, run_observed};
use verinfer_relation::commitment::{BLOCK_CELLS, Commitment, SALT_CELLS, block_digest, commit_with};
use verinfer_relation::field::{F, K, from_coordinates, from_signed};
use verinfer_relation::layout::ColumnId;
use verinfer_relation::learned::Learned;
use verinfer_relation::masks;
use verinfer_relation::relation::{Leaf, MaximumStage, Object, ObjectKind, Recipe, RequantizeRecipe, Rescaling, Role};
use verinfer_relation::setting::{OutputForm, Predicate};
use verinfer_relation::table::TableId;
use verinfer_relation::wiring::PixelMap;
use verinfer_relation::{Relation, RelationError};

use crate::error::ProveError;
use crate::opening::Masks;
use crate::outputs::Outputs;
use crate::random::{Rng, random_byte, random_element};
use crate::vectors::filled;

/// Marks a cell that looks nothing up.
pub const NO_ROW: u32 = u32::MAX;

/// An execution as the relation sees it, with the secrets that hide it in one proof. Two proofs of one witness would share their pads and show
/// their differences: [`crate::Prover::prove`] draws a new one each time.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The committed vector.
    pub cells: Vec<F>,
    /// By cell, the row of its table, or [`NO_ROW`].
    pub rows: Vec<u32>,
    /// Every tensor of the execution, in NHWC order, image after image.
    pub tensors: Vec<Vec<i16>>,
    /// What the hidden columns of the weights hold, if the relation has them.
    pub learned: Option<Arc<Learned>>,
    /// What the objects of the relation are committed to by.
    pub commitments: Vec<(ObjectKind, Commitment)>,
    /// By cell, the tuple its leaf stands for where that is no row of a public table: tuples of tables of cells, and those of a forgery.
    pub tuples: BTreeMap<usize, Vec<F>>,
    /// Pads of the masked messages.
    pub secrets: Vec<K>,
    /// What hides the opening.
    pub masks: Masks,
}

/// What a witness is made from besides the network.
#[derive(Clone, Copy, Default)]
pub struct Execution<'a> {
    /// In NHWC order, image after image.
    pub input: &'a [i16],
    /// The hidden label of each image, where the statement has commitments to labels.
    pub labels: &'a [u32],
    /// Salts of the commitments that have been made before, by object; others are drawn anew.
    pub salts: &'a [(ObjectKind, Salt)],
}

impl Execution<'_> {
    /// Refuses commitments to different objects that were made with one salt.
    pub(crate) fn check_salts(&self) -> Result<(), ProveError> {
        let is_shared = |index: usize, (kind, salt): &(ObjectKind, Salt)| {
            self.salts[..index].iter().any(|(other, known)| other != kind && known == salt)
        };
        if self.salts.iter().enumerate().any(|(index, entry)| is_shared(index, entry)) { Err(ProveError::SharedSalt) } else { Ok(()) }
    }

    /// The label of each image, empty if none is needed.
    fn labels<'l>(&'l self, relation: &'l Relation) -> Result<Cow<'l, [u32]>, ProveError> {
        match &relation.setting.output {
            OutputForm::Shown
            | OutputForm::Committed
            | OutputForm::AtLeast { .. }
            | OutputForm::Decided { predicate: Predicate::AtLeast { .. }, .. } => Ok(Cow::Borrowed(&[])),
            OutputForm::Rank { labels, .. } => Ok(Cow::Borrowed(labels)),
            OutputForm::Decided { predicate: Predicate::Top { class, .. }, .. } => Ok(vec![*class; relation.images].into()),
            OutputForm::Correct { .. } => {
                let classes = relation.column(relation.output).channels;
                if self.labels.len() != relation.images {
                    return Err(RelationError::Labels { found: self.labels.len(), images: relation.images }.into());
                }
                match self.labels.iter().find(|&&label| label as usize >= classes) {
                    Some(&label) => Err(RelationError::Predicate { label, k: 1, classes }.into()),
                    None => Ok(Cow::Borrowed(self.labels)),
                }
            }
        }
    }
}

/// The randomness of a commitment.
pub type Salt = Box<[u8; SALT_CELLS]>;

/// What a network has learned, as the hidden columns of a relation hold it; `None` if it is public. The same for every execution.
pub fn learned(graph: &Graph, relation: &Relation) -> Result<Option<Arc<Learned>>, RelationError> {
    relation.object(ObjectKind::Model).map(|_| Learned::new(graph, relation).map(Arc::new)).transpose()
}

impl Witness {
    /// Runs the network on each image of `input` (NHWC order, image after image; as many as the relation's) and writes down every cell; salts, pads
    /// and masks are drawn from `random`.
    pub fn new(graph: &Graph, relation: &Relation, input: &[i16], random: &mut impl Rng) -> Result<Self, ProveError> {
        Self::of(graph, relation, &Execution { input, ..Execution::default() }, random)
    }

    /// As [`Witness::new`], with labels, and with the salts of commitments that have been made before.
    pub fn of(graph: &Graph, relation: &Relation, execution: &Execution<'_>, random: &mut impl Rng) -> Result<Self, ProveError> {
        execution.check_salts()?;
        Self::with_learned(graph, relation, learned(graph, relation)?, execution, random)
    }

    /// As [`Witness::of`], given what the network has learned if that is hidden; salts are not compared.
    pub(crate) fn with_learned(
        graph: &Graph,
        relation: &Relation,
        learned: Option<Arc<Learned>>,
        execution: &Execution<'_>,
        random: &mut impl Rng,
    ) -> Result<Self, ProveError> {
        let num_stored = relation.layout.num_stored();
        let len = relation.input_shape.num_elements();
        let input = execution.input;
        if input.len() != relation.input_len() {
            return Err(GraphError::InputLength { found: input.len(), expected: relation.input_len() }.into());
        }
        let labels = execution.labels(relation)?;
        let mut writer = Writer {
            relation,
            image: 0,
            cells: filled(num_stored, F::ZERO),
            rows: filled(relation.num_cells(), NO_ROW),
            tuples: BTreeMap::new(),
        };
        let mut tensors: Vec<Vec<i16>> = Vec::new();
        for (image, input) in input.chunks_exact(len).enumerate() {
            writer.image = image;
            let traced = writer.execution(graph, learned.as_deref(), input).map_err(|error| in_batch(error, image * len))?;
            if image == 0 {
                tensors = traced;
            } else {
                tensors.iter_mut().zip(&traced).for_each(|(all, tensor)| all.extend_from_slice(tensor));
            }
        }
        for (column, values) in learned.iter().flat_map(|learned| &learned.columns) {
            let pixels = relation.column(*column).pixels;
            writer.fill_bytes(*column, |channel, pixel| values[channel * pixels + pixel]);
        }
        let spec = graph.spec(graph.output());
        writer.outputs(&Outputs {
            values: &tensors[graph.output().0],
            labels: &labels,
            classes: spec.shape.num_elements(),
            first: i64::from(spec.dtype.min()),
        });
        let mut commitments = Vec::new();
        for object in &relation.objects {
            let known = execution.salts.iter().find(|(kind, _)| *kind == object.kind).map(|(_, salt)| salt.clone());
            let salt = known.unwrap_or_else(|| Box::new(std::array::from_fn(|_| random_byte(random))));
            commitments.push((object.kind, writer.object(object, &salt)?));
        }
        let Writer { mut cells, rows, tuples, .. } = writer;
        let secrets = relation.masks.secrets(|| from_coordinates(std::array::from_fn(|_| random_element(random))));
        write_secrets(relation, &secrets, random, &mut cells);
        let masks = Masks::random(num_stored, random)?;
        masks.write(&mut cells);
        let mut witness = Self { cells, rows, tensors, learned, commitments, tuples, secrets, masks };
        witness.count(relation);
        Ok(witness)
    }

    /// Fills the multiplicities in.
    pub fn count(&mut self, relation: &Relation) {
        let counts: Vec<Vec<u32>> = relation.tables.par_iter().enumerate().map(|(id, _)| self.counts(relation, TableId(id))).collect();
        for (index, column) in relation.columns.iter().enumerate() {
            if let Role::Multiplicity(table) = column.role {
                for chunk in &relation.layout.placement(ColumnId(index)).chunks {
                    let cells = &mut self.cells[chunk.first_cell(0)..][..1 << chunk.log_len];
                    let rows = &mut self.rows[chunk.first_cell(0)..][..1 << chunk.log_len];
                    for (((cell, row), number), &count) in
                        cells.iter_mut().zip(rows).zip(chunk.pixels()).zip(&counts[table.0][chunk.pixels()])
                    {
                        *cell = F::from_u32(count);
                        *row = number as u32;
                    }
                }
            }
        }
    }

    fn counts(&self, relation: &Relation, id: TableId) -> Vec<u32> {
        let none = || vec![0; relation.tables[id.0].len];
        let columns = relation.columns.iter().zip(relation.layout.placements());
        let reading = columns.filter(|(column, _)| matches!(&column.leaf, Leaf::Lookup { table, .. } if *table == id));
        let chunks: Vec<_> =
            reading.flat_map(|(_, placement)| placement.chunks.iter().map(|chunk| chunk.cells(placement.channels))).collect();
        let counts = chunks.into_par_iter().fold(none, |mut counts, cells| {
            for &row in &self.rows[cells] {
                if let Some(count) = counts.get_mut(row as usize) {
                    *count += 1;
                }
            }
            counts
        });
        counts.reduce(none, |mut counts: Vec<u32>, others| {
            counts.iter_mut().zip(&others).for_each(|(count, other)| *count += other);
            counts
        })
    }
}

/// Writes the pads and the spare denominator.
fn write_secrets(relation: &Relation, secrets: &[K], random: &mut impl Rng, cells: &mut [F]) {
    let values: Vec<F> = secrets.iter().flat_map(|&secret| masks::cells(secret)).collect();
    for (column, placement) in relation.columns.iter().zip(relation.layout.placements()) {
        for chunk in &placement.chunks {
            let target = &mut cells[chunk.first_cell(0)..][..1 << chunk.log_len];
            if column.role == Role::Secrets {
                target.copy_from_slice(&values[chunk.pixels()]);
            } else if column.role == Role::Spare {
                target.fill_with(|| random_element(random));
            }
        }
    }
}

/// The small integer of a cell that holds a byte.
fn byte(cell: F) -> i16 {
    let value = cell.as_canonical_u64();
    if value < 256 { value as i16 } else { -((F::ORDER_U64 - value) as i16) }
}

/// An error of one image in terms of the whole input, in which the image starts at element `first`.
fn in_batch(mut error: GraphError, first: usize) -> GraphError {
    if let GraphError::InputValue { index, .. } = &mut error {
        *index += first;
    }
    error
}

/// Writes cells and their rows.
pub struct Writer<'a> {
    pub relation: &'a Relation,
    /// The image being written.
    image: usize,
    cells: Vec<F>,
    rows: Vec<u32>,
    pub tuples: BTreeMap<usize, Vec<F>>,
}

impl Writer<'_> {
    /// Runs the network on an image and writes all its cells. Returns the tensors.
    fn execution(&mut self, graph: &Graph, learned: Option<&Learned>, input: &[i16]) -> Result<Vec<Vec<i16>>, GraphError> {
        let relation = self.relation;
        let mut observer = |id: NodeId, accumulators: Option<&[i32]>, _: &[i16]| {
            if let (Some(accumulators), Recipe::Requantize(recipe)) = (accumulators, &relation.recipes[id.0]) {
                let hidden = learned.and_then(|learned| learned.rescalings[id.0].as_ref());
                if let Some(rescaling) = recipe.rescaling.as_ref().or(hidden) {
                    self.requantize(recipe, rescaling, accumulators);
                }
            }
        };
        let tensors = run_observed(graph, input, &mut observer)?.tensors;
        for (id, recipe) in relation.recipes.iter().enumerate() {
            self.node(graph, NodeId(id), recipe, &tensors);
        }
        for (index, column) in relation.columns.iter().enumerate() {
            let (id, channels) = (ColumnId(index), column.channels);
            if let Role::Copy(tensor) = column.role {
                let values = &tensors[tensor.0];
                self.fill(id, |channel, pixel| (i64::from(values[pixel * channels + channel]), 0));
            } else if column.role == Role::Input {
                let row = self.byte_row(id);
                self.fill(id, |channel, pixel| row(input[pixel * channels + channel]));
            } else if column.role == Role::CommittedInput {
                let first = i64::from(graph.spec(graph.input()).dtype.min());
                self.fill(id, |channel, pixel| (i64::from(input[pixel * channels + channel]) - first, 0));
            }
        }
        Ok(tensors)
    }

    /// Sets every cell of the image in a column to a value and its row.
    fn fill(&mut self, id: ColumnId, value: impl Fn(usize, usize) -> (i64, u32) + Sync) {
        let num_pixels = self.relation.layout.placement(id).pixels / self.relation.images;
        self.fill_pixels(id, self.image * num_pixels, num_pixels, value);
    }

    /// Sets every cell of a column that belongs to no image, or to all, to a value and its row.
    pub fn fill_column(&mut self, id: ColumnId, value: impl Fn(usize, usize) -> (i64, u32) + Sync) {
        self.fill_pixels(id, 0, self.relation.layout.placement(id).pixels, value);
    }

    /// Commits to an object, and writes its digests and its salt.
    fn object(&mut self, object: &Object, salt: &[u8; SALT_CELLS]) -> Result<Commitment, ProveError> {
        let relation = self.relation;
        let addresses = relation.addresses(&object.values);
        let bytes: Vec<i16> = self.cells[addresses].par_iter().map(|&cell| byte(cell)).collect();
        let block_digests = |values: &[i16]| values.par_chunks(BLOCK_CELLS).map(block_digest).collect();
        let (commitment, opening) = commit_with(&bytes, salt, block_digests)?;
        for (column, bytes) in [(object.digests, &opening.digests), (Some(object.salt), &opening.salt)] {
            if let Some(column) = column {
                self.fill_bytes(column, |_, pixel| i16::from(bytes[pixel]));
            }
        }
        Ok(commitment.bound_to(&object.tag))
    }

    /// Sets `num_pixels` cells of each channel of a column from pixel `first_pixel` on.
    fn fill_pixels(&mut self, id: ColumnId, first_pixel: usize, num_pixels: usize, value: impl Fn(usize, usize) -> (i64, u32) + Sync) {
        let placement = self.relation.layout.placement(id);
        for chunk in &placement.chunks {
            let pixels = chunk.pixels().start.max(first_pixel)..chunk.pixels().end.min(first_pixel + num_pixels);
            if pixels.is_empty() {
                continue;
            }
            let within = pixels.start - chunk.first_pixel..pixels.end - chunk.first_pixel;
            let range = chunk.first_cell(0)..chunk.first_cell(placement.channels);
            let cells = self.cells[range.clone()].par_chunks_exact_mut(1 << chunk.log_len);
            let rows = self.rows[range].par_chunks_exact_mut(1 << chunk.log_len);
            cells.zip(rows).enumerate().for_each(|(channel, (cells, rows))| {
                for ((cell, row), pixel) in cells[within.clone()].iter_mut().zip(&mut rows[within.clone()]).zip(pixels.clone()) {
                    let (value, found) = value(channel, pixel - first_pixel);
                    *cell = from_signed(value);
                    *row = found;
                }
            });
        }
    }

    /// Sets every cell of a column of bytes, which look their value less the smallest one up. The column belongs to no image.
    pub fn fill_bytes(&mut self, id: ColumnId, value: impl Fn(usize, usize) -> i16 + Sync) {
        let row = self.byte_row(id);
        self.fill_column(id, |channel, pixel| row(value(channel, pixel)));
    }

    /// A byte of a column with the row that it looks up.
    fn byte_row(&self, id: ColumnId) -> impl Fn(i16) -> (i64, u32) + Sync + use<> {
        let offset = match &self.relation.column(id).leaf {
            Leaf::Lookup { values, .. } => values.first().map_or(F::ZERO, |form| form.constant.at(0, 0)),
            Leaf::Free | Leaf::Spare | Leaf::Multiplicity(_) | Leaf::Row { .. } => F::ZERO,
        };
        move |value| (i64::from(value), (from_signed(i64::from(value)) + offset).as_canonical_u64() as u32)
    }

    pub fn table_first(&self, id: ColumnId) -> i64 {
        match &self.relation.column(id).leaf {
            Leaf::Lookup { table, .. } => self.relation.tables[table.0].first,
            Leaf::Free | Leaf::Spare | Leaf::Multiplicity(_) | Leaf::Row { .. } => 0,
        }
    }

    /// Output, limbs and sign of a requantization from its accumulators.
    fn requantize(&mut self, recipe: &RequantizeRecipe, rescaling: &Rescaling, accumulators: &[i32]) {
        let channels = self.relation.column(recipe.output).channels;
        let split = |channel: usize, pixel: usize| recipe.split(rescaling, channel, i64::from(accumulators[pixel * channels + channel]));
        let (output_table, first) = match &self.relation.column(recipe.output).leaf {
            Leaf::Lookup { table, .. } => (&self.relation.tables[table.0], self.table_first(recipe.output)),
            Leaf::Free | Leaf::Spare | Leaf::Multiplicity(_) | Leaf::Row { .. } => return,
        };
        self.fill(recipe.output, |channel, pixel| {
            let row = split(channel, pixel).key + recipe.key_offset - first;
            (usize::try_from(row).ok().and_then(|row| output_table.output(row)).unwrap_or_default(), row as u32)
        });
        let mut shift = 0;
        for (&limb, &bits) in recipe.limbs.iter().zip(&recipe.limb_bits) {
            self.fill(limb, |channel, pixel| {
                let value = split(channel, pixel).remainder >> shift & ((1 << bits) - 1);
                (value, value as u32)
            });
            shift += bits;
        }
        if let Some(sign) = recipe.sign {
            let first = self.table_first(sign);
            self.fill(sign, |channel, pixel| {
                let split = split(channel, pixel);
                (i64::from(split.sign), (split.key - first) as u32)
            });
        }
    }

    /// Everything of a node that follows from tensors alone.
    fn node(&mut self, graph: &Graph, id: NodeId, recipe: &Recipe, tensors: &[Vec<i16>]) {
        let op = &graph.node(id).op;
        let written = &tensors[graph.node(id).output.0];
        match recipe {
            Recipe::None => {}
            Recipe::Requantize(recipe) => {
                for &(column, tensor) in &recipe.operands {
                    self.addend(op, column, tensor, &tensors[tensor.0]);
                }
                self.squares(graph, id, tensors);
            }
            Recipe::SumPool { output, offsets } => self.sum_pool(graph, id, *output, offsets, tensors),
            Recipe::MaxPool { stages, clamped } => self.max_pool(graph, id, stages, *clamped, tensors),
            Recipe::Lookup { output } => {
                let Op::Lookup(lookup) = op else { return };
                let (read, first) = (&tensors[lookup.input.0], self.table_first(*output));
                let channels = self.relation.column(*output).channels;
                self.fill(*output, |channel, pixel| {
                    let at = pixel * channels + channel;
                    (i64::from(written[at]), (i64::from(read[at]) - first) as u32)
                });
            }
        }
    }

    fn addend(&mut self, op: &Op, column: ColumnId, tensor: TensorId, values: &[i16]) {
        let Op::Add(add) = op else { return };
        let table = match (&add.right, self.relation.column(column).role) {
            (Operand::Tensor { table, .. }, Role::Addend(1)) => table,
            _ => &add.left_table,
        };
        debug_assert!(tensor == add.left || self.relation.column(column).role == Role::Addend(1));
        let (channels, first) = (self.relation.column(column).channels, self.table_first(column));
        self.fill(column, |channel, pixel| {
            let row = (i64::from(values[pixel * channels + channel]) - first) as usize;
            (i64::from(table[row]), row as u32)
        });
    }

    /// Squares of sum and difference of the factors of a product.
    fn squares(&mut self, graph: &Graph, id: NodeId, tensors: &[Vec<i16>]) {
        let Op::Mul(mul) = &graph.node(id).op else { return };
        let target = graph.spec(graph.node(id).output).shape;
        let source = graph.spec(mul.right).shape;
        let mut right_pixels = vec![0; target.num_pixels()];
        PixelMap::Broadcast { source, target }.for_each(0..target.num_pixels(), |to, from| right_pixels[to] = from);
        let factors = |channel: usize, pixel: usize| {
            let left = tensors[mul.left.0][pixel * target.channels + channel];
            let right_channel = if source.channels == 1 { 0 } else { channel };
            let right = tensors[mul.right.0][right_pixels[pixel] * source.channels + right_channel];
            (i64::from(left) - i64::from(mul.left_zero_point), i64::from(right) - i64::from(mul.right_zero_point))
        };
        for (index, column) in self.relation.columns.iter().enumerate() {
            if let (Some(node), Role::Square(which)) = (column.node, column.role)
                && node == id
            {
                let first = self.table_first(ColumnId(index));
                self.fill(ColumnId(index), |channel, pixel| {
                    let (left, right) = factors(channel, pixel);
                    let key = if which == 0 { left + right } else { left - right };
                    (key * key, (key - first) as u32)
                });
            }
        }
    }

    fn sum_pool(&mut self, graph: &Graph, id: NodeId, output: ColumnId, offsets: &[(usize, i64)], tensors: &[Vec<i16>]) {
        let Op::SumPool(pool) = &graph.node(id).op else { return };
        let (source, target) = (graph.spec(pool.input).shape, graph.spec(graph.node(id).output).shape);
        let offset = |pixel: usize| {
            let count = pool.window.num_existing_taps(source, pixel / target.width, pixel % target.width);
            offsets.iter().find(|(known, _)| *known == count).map_or(0, |&(_, offset)| offset)
        };
        let mut sums: Vec<Vec<i64>> = (0..target.num_pixels()).map(|pixel| vec![offset(pixel); target.channels]).collect();
        let map = PixelMap::Window { window: pool.window, source, target, tap: None };
        map.for_each(0..target.num_pixels(), |to, from| {
            let row = &tensors[pool.input.0][from * source.channels..][..source.channels];
            sums[to].iter_mut().zip(row).for_each(|(sum, &value)| *sum += i64::from(value));
        });
        let written = &tensors[graph.node(id).output.0];
        self.fill(output, |channel, pixel| (i64::from(written[pixel * target.channels + channel]), sums[pixel][channel] as u32));
    }

    fn max_pool(&mut self, graph: &Graph, id: NodeId, stages: &[MaximumStage], clamped: Option<ColumnId>, tensors: &[Vec<i16>]) {
        let Op::MaxPool(pool) = &graph.node(id).op else { return };
        let minimum = graph.spec(pool.input).dtype.min();
        let mut read = Cow::Borrowed(&tensors[pool.input.0]);
        for stage in stages {
            let mut maximum = tap(stage, &read, 0, minimum);
            let channels = stage.target.channels;
            for (index, &column) in stage.columns.iter().enumerate() {
                let values = tap(stage, &read, index + 1, minimum);
                let first = self.table_first(column);
                self.fill(column, |channel, pixel| {
                    let at = pixel * channels + channel;
                    let (before, value) = (i64::from(maximum[at]), i64::from(values[at]));
                    (before.max(value), (before - value - first) as u32)
                });
                maximum.par_iter_mut().zip(&values).for_each(|(maximum, &value)| *maximum = value.max(*maximum));
            }
            read = Cow::Owned(maximum);
        }
        if let Some(column) = clamped {
            let (written, channels) = (&tensors[graph.node(id).output.0], self.relation.column(column).channels);
            let first = self.table_first(column);
            self.fill(column, |channel, pixel| {
                let at = pixel * channels + channel;
                (i64::from(written[at]), (i64::from(read[at]) - first) as u32)
            });
        }
    }
}

/// What a tap of a stage reads of its source, in the NHWC order of its target; the type's smallest value where it does not exist.
fn tap(stage: &MaximumStage, read: &[i16], tap: usize, minimum: i16) -> Vec<i16> {
    let MaximumStage { window, source, target, .. } = *stage;
    let mut values = vec![minimum; target.num_elements()];
    let rows = values.par_chunks_mut((target.width * target.channels).max(1)).enumerate();
    rows.for_each(|(y, row)| {
        let first = y * target.width;
        PixelMap::Window { window, source, target, tap: Some(tap) }.for_each(first..first + target.width, |to, from| {
            let out = &mut row[(to - first) * target.channels..][..target.channels];
            out.copy_from_slice(&read[from * source.channels..][..source.channels]);
        });
    });
    values
}
