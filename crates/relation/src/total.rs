//! That nothing is left out of what is derived: every cell has an address and a leaf that reads existing values, every row of a table a count, every
//! term of a contraction an index, every secret and every committed byte a place.
//!
//! What the argument binds is what these objects list, and their readers walk two lists side by side up to the end of the shorter one. So a list that
//! is too short would be a cell, a row or a byte without constraint, and no equation would notice. The construction makes each list complete; this
//! counts once more, for prover, verifier and plain checker alike, whatever limits they have (docs/security.md, section 4.1).

mod forms;

use verinfer_graph::Shape;

use crate::layout::{ColumnId, Layout, Placement, Region};
use crate::masks::{CELLS_PER_SECRET, MaskPlan};
use crate::parameters;
use crate::relation::{Bytes, Column, Contraction, Leaf, Location, Object, ObjectKind, Relation, Role};
use crate::scaling;
use crate::setting::OutputForm;
use crate::table::{Table, TableId};

/// What is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// The layout is one of other columns, or of another length.
    #[error("the layout is not that of the relation's columns")]
    Layout,
    /// A column has no leaf that binds it.
    #[error("nothing binds the cells of column {column}")]
    Free {
        /// Its index.
        column: usize,
    },
    /// A tuple has more or fewer values than the rows of its table.
    #[error("column {column} looks up {found} values in a table of {expected}")]
    Tuple {
        /// Index of the column.
        column: usize,
        /// Values of the tuple.
        found: usize,
        /// Values of a row.
        expected: usize,
    },
    /// A form has not one constant and one factor for each cell, or reads what does not exist.
    #[error("a form of column {column} is not defined for each of its cells")]
    Form {
        /// Index of the column.
        column: usize,
    },
    /// Rows of a table have no count, no value or no affine piece.
    #[error("rows of table {table} are not counted, each once")]
    Table {
        /// Its index.
        table: usize,
    },
    /// Terms of a linear layer have no index, or its columns another shape.
    #[error("linear layer {contraction} has terms without index or constant")]
    Contraction {
        /// Its index.
        contraction: usize,
    },
    /// Messages have no pad, or secrets no cell.
    #[error("there are not as many secrets as masked messages")]
    Masks,
    /// Something that is committed to is not an object.
    #[error("commitments are to {expected} objects, {found} are bound")]
    Objects {
        /// Objects there are.
        found: usize,
        /// Objects of the setting.
        expected: usize,
    },
    /// Bytes of an object are not at the addresses at which they are checked.
    #[error("bytes of an object are not at the addresses at which its commitment is checked: {kind:?}")]
    Object {
        /// Which.
        kind: ObjectKind,
    },
}

/// Most values of a tuple.
const MAX_VALUES: usize = Table::MAX_OUTPUTS + 1;

impl Relation {
    /// Counts everything that was derived once more.
    ///
    /// # Errors
    ///
    /// The first gap found.
    pub fn check_total(&self) -> Result<(), Gap> {
        self.check_layout()?;
        self.check_tables()?;
        let row_lens = self.row_lens();
        for (column, of) in self.columns.iter().enumerate() {
            self.check_leaf(column, of, &row_lens)?;
        }
        for (contraction, of) in self.contractions.iter().enumerate() {
            self.is_complete(of).then_some(()).ok_or(Gap::Contraction { contraction })?;
        }
        self.check_scaling()?;
        self.check_masks()?;
        self.check_objects()
    }

    /// Each column has the place of its shape ([`crate::layout::Layout::new`] tiles it), and mask rows follow the last one.
    fn check_layout(&self) -> Result<(), Gap> {
        let placements = self.layout.placements();
        let same = |(column, placement): (&Column, &Placement)| (column.channels, column.pixels) == (placement.channels, placement.pixels);
        let stored = parameters::stored_cells(self.layout.log_cells(), self.layout.num_cells());
        let complete = self.columns.len() == placements.len()
            && self.columns.iter().zip(placements).all(same)
            && self.layout.num_stored() == stored
            && self.output.0 < self.columns.len();
        if complete { Ok(()) } else { Err(Gap::Layout) }
    }

    /// Runs of all rows of all tables, and one count for each.
    fn check_tables(&self) -> Result<(), Gap> {
        let mut counted = vec![None; self.tables.len()];
        for column in &self.columns {
            let Leaf::Multiplicity(TableId(table)) = column.leaf else { continue };
            match counted.get_mut(table) {
                Some(count @ None) => *count = Some((column.channels, column.pixels)),
                Some(Some(_)) | None => return Err(Gap::Table { table }),
            }
        }
        for (table, (of, count)) in self.tables.iter().zip(counted).enumerate() {
            let complete = count == Some((1, of.len)) && are_all_rows(of);
            complete.then_some(()).ok_or(Gap::Table { table })?;
        }
        Ok(())
    }

    /// By table: values of its rows, or of those that are cells.
    fn row_lens(&self) -> Vec<usize> {
        let mut lens: Vec<usize> =
            self.tables.iter().map(|table| if table.len > 0 { 1 + usize::from(table.has_output()) } else { 0 }).collect();
        for column in &self.columns {
            if let Leaf::Row { table, values } = &column.leaf
                && let Some(len @ 0) = lens.get_mut(table.0)
            {
                *len = values.len();
            }
        }
        lens
    }

    fn check_leaf(&self, column: usize, of: &Column, row_lens: &[usize]) -> Result<(), Gap> {
        match &of.leaf {
            Leaf::Free if ColumnId(column) == self.secrets => Ok(()),
            Leaf::Free => Err(Gap::Free { column }),
            Leaf::Multiplicity(_) | Leaf::Spare => Ok(()),
            Leaf::Lookup { table, values } | Leaf::Row { table, values } => {
                let (found, expected) = (values.len(), row_lens.get(table.0).copied().unwrap_or(0));
                if found != expected || !(1..=MAX_VALUES).contains(&found) {
                    return Err(Gap::Tuple { column, found, expected });
                }
                let defined = values.iter().all(|form| self.is_defined(ColumnId(column), form));
                if defined { Ok(()) } else { Err(Gap::Form { column }) }
            }
        }
    }

    /// A row for each chunk of the output and each tap, and constants for each output channel.
    fn is_complete(&self, contraction: &Contraction) -> bool {
        let Contraction { input_shape, output_shape, output, grid, hidden, depthwise, .. } = contraction;
        let num_taps = contraction.window.num_taps();
        let Some(chunks) = self.columns.get(output.0).map(|_| self.layout.placement(*output).chunks.len()) else { return false };
        let weights = if *depthwise { (num_taps, output_shape.channels) } else { (output_shape.channels, contraction.row_len()) };
        let integers = |bytes: &Bytes| self.has_bytes(bytes, output_shape.channels);
        let hidden_complete = hidden.as_ref().is_none_or(|hidden| {
            self.shape(hidden.weights) == Some(weights)
                && self.shape(hidden.zero_point) == Some((1, 1))
                && integers(&hidden.multiplier)
                && integers(&hidden.constant)
                && hidden.sign.as_ref().is_none_or(|(sign, bytes)| self.has_chunks_of(*sign, *output) && integers(bytes))
        });
        self.holds(contraction.input, *input_shape)
            && self.shape(*output) == Some((output_shape.channels, self.images.saturating_mul(output_shape.num_pixels())))
            && (!depthwise || output_shape.channels % input_shape.channels == 0)
            && (grid.rows, grid.width) == (chunks * num_taps, contraction.inner_channels())
            && hidden.is_some() == self.setting.weights.is_some()
            && hidden_complete
    }

    /// Indices of each part of the second contraction.
    fn check_scaling(&self) -> Result<(), Gap> {
        let num_signs = self.contractions.iter().filter_map(|contraction| contraction.hidden.as_ref()?.sign.as_ref()).count();
        let num_hidden = self.contractions.iter().filter(|contraction| contraction.hidden.is_some()).count();
        let parts = scaling::parts(self);
        let incomplete = parts.iter().find(|part| (part.grid.rows, part.grid.width) != part.shape());
        match incomplete {
            Some(part) => Err(Gap::Contraction { contraction: part.layer }),
            None if self.scaling.len() != num_hidden + num_signs => Err(Gap::Contraction { contraction: self.contractions.len() }),
            None => Ok(()),
        }
    }

    /// A pad for each message of this length, with cells; and one spare denominator.
    fn check_masks(&self) -> Result<(), Gap> {
        let plan = MaskPlan::new(self.layout.log_cells(), self.log_contraction_len(), self.log_scaling_len());
        let spares: Vec<&Column> = self.columns.iter().filter(|column| matches!(column.leaf, Leaf::Spare)).collect();
        let complete = self.masks == plan
            && self.shape(self.secrets) == Some((1, CELLS_PER_SECRET * plan.num_secrets()))
            && matches!(spares[..], [column] if (column.channels, column.pixels) == (1, CELLS_PER_SECRET));
        if complete { Ok(()) } else { Err(Gap::Masks) }
    }

    /// Each commitment of the setting is to an object, whose bytes lie where it is checked.
    fn check_objects(&self) -> Result<(), Gap> {
        let images = |is: bool| if is { self.images } else { 0 };
        let of_outputs = match self.setting.output {
            OutputForm::Committed | OutputForm::Correct { .. } => self.images,
            OutputForm::Shown | OutputForm::Rank { .. } | OutputForm::AtLeast { .. } | OutputForm::Decided { .. } => 0,
        };
        let model = usize::from(self.setting.weights.is_some());
        let expected = model + images(self.setting.hidden_input) + of_outputs;
        if self.objects.len() != expected {
            return Err(Gap::Objects { found: self.objects.len(), expected });
        }
        match self.objects.iter().find(|object| !self.is_bound(object)) {
            Some(object) => Err(Gap::Object { kind: object.kind }),
            None => Ok(()),
        }
    }

    /// Values, digests and salt at consecutive addresses, each as many as the plan has.
    fn is_bound(&self, object: &Object) -> bool {
        let is_learned = |role: Role| {
            matches!(
                role,
                Role::Weights | Role::WeightZeroPoint | Role::Multiplier(_) | Role::Constant(_) | Role::SignFactor(_) | Role::Addends(_)
            )
        };
        let size = |column: &Column| column.channels.saturating_mul(column.pixels);
        let len = match object.kind {
            ObjectKind::Model => self.columns.iter().filter(|column| is_learned(column.role)).map(size).sum(),
            ObjectKind::Input(_) => self.input_shape.num_elements(),
            ObjectKind::Output(_) => self.shape(self.output).map_or(0, |(channels, pixels)| channels * (pixels / self.images)),
            ObjectKind::Label(_) => 2,
        };
        let whole = |column: ColumnId| vec![(column, 0..self.shape(column).map_or(0, |(_, pixels)| pixels))];
        let plan = &object.plan;
        plan.len() == len
            && self.lies_together(&object.values, len)
            && object.digests.is_some() == (plan.digest_cells() > 0)
            && object.digests.is_none_or(|digests| self.lies_together(&whole(digests), plan.digest_cells()))
            && self.lies_together(&whole(object.salt), plan.salt_cells())
    }

    /// Whether a region is `len` cells at consecutive addresses from a multiple of what the check of a commitment asks for.
    fn lies_together(&self, region: &Region, len: usize) -> bool {
        let addresses = self.addresses(region);
        let cells: usize = region.iter().filter_map(|(column, pixels)| Some(self.shape(*column)?.0 * pixels.len())).sum();
        addresses.start.is_multiple_of(Layout::REGION_ALIGNMENT) && [cells, addresses.len(), self.num_placed(region)] == [len; 3]
    }

    /// Channels and pixels of a column.
    fn shape(&self, column: ColumnId) -> Option<(usize, usize)> {
        self.columns.get(column.0).map(|column| (column.channels, column.pixels))
    }

    /// Whether a location holds a tensor of this shape for each image.
    fn holds(&self, location: Location, shape: Shape) -> bool {
        match location {
            Location::Input => self.input_shape.num_elements() == shape.num_elements(),
            Location::Column(column) => self.shape(column) == Some((shape.channels, self.images.saturating_mul(shape.num_pixels()))),
        }
    }

    /// Whether there are bytes of one integer for each of so many channels.
    fn has_bytes(&self, bytes: &Bytes, channels: usize) -> bool {
        let planes: usize = bytes.columns.iter().map(|(_, planes)| planes).sum();
        planes == bytes.bits.div_ceil(8) && bytes.columns.iter().all(|&(column, planes)| self.shape(column) == Some((planes, channels)))
    }

    /// Whether two columns have the same shape and are cut into the same chunks, by which weights are listed.
    fn has_chunks_of(&self, column: ColumnId, other: ColumnId) -> bool {
        let chunks = |id: ColumnId| self.layout.placement(id).chunks.iter().map(|chunk| (chunk.log_len, chunk.first_pixel));
        self.shape(column).is_some() && self.shape(column) == self.shape(other) && chunks(column).eq(chunks(other))
    }
}

/// Whether runs are those of all rows.
fn are_all_rows(table: &Table) -> bool {
    let follow = table.runs.iter().try_fold(0, |next, run| (run.start == next && run.end > next).then_some(run.end));
    follow == Some(table.len)
}
