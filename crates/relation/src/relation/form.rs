//! What a cell is bound by: tuples of affine forms that are rows of tables.

use std::ops::Range;

use verinfer_graph::Shape;

use super::{Bytes, ContractionId};
use crate::field::F;
use crate::layout::ColumnId;
use crate::table::TableId;
use crate::wiring::{ChannelMap, PixelMap};

/// The lookup argument's leaf of each cell of a column.
#[derive(Clone, Debug)]
pub enum Leaf {
    /// None: the cell is bound by the leaves of other columns.
    Free,
    /// The tuple of `values` is a row of the table.
    Lookup {
        /// The table.
        table: TableId,
        /// Key and outputs.
        values: Vec<Form>,
    },
    /// The cell counts the lookups of a row.
    Multiplicity(TableId),
    /// The cell counts the lookups of a row of cells: the tuple of `values` of a table that has no rows of its own.
    Row {
        /// The table.
        table: TableId,
        /// Key and outputs.
        values: Vec<Form>,
    },
    /// The column's three cells are one denominator, of numerator zero, at the address of the first.
    Spare,
}

impl Leaf {
    /// The table and the forms of a tuple, of which the leaf is a lookup or a row.
    pub fn tuple(&self) -> Option<(TableId, &[Form])> {
        match self {
            Self::Lookup { table, values } | Self::Row { table, values } => Some((*table, values)),
            Self::Free | Self::Multiplicity(_) | Self::Spare => None,
        }
    }
}

/// An affine form in cells, input and accumulators, one for each cell of a column.
#[derive(Clone, Debug)]
pub struct Form {
    /// Constant part.
    pub constant: Coefficients,
    /// Linear part.
    pub terms: Vec<FormTerm>,
}

/// `factor * source`.
#[derive(Clone, Debug)]
pub struct FormTerm {
    /// What is read.
    pub source: Source,
    /// Factor.
    pub factor: Factor,
}

/// A factor for all cells, or one for each channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Factor {
    /// The same everywhere.
    Uniform(F),
    /// By channel.
    Channel(Vec<F>),
}

impl Factor {
    /// The value at a channel.
    pub fn at(&self, channel: usize) -> F {
        match self {
            Self::Uniform(value) => *value,
            Self::Channel(values) => values[channel],
        }
    }
}

/// What a form reads for the cell `(channel, pixel)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The cell `(channel, pixel)` of a column of the same shape.
    Cell(ColumnId),
    /// Elements of a tensor.
    Tensor {
        /// Where they lie.
        location: Location,
        /// The shape they are read in.
        shape: Shape,
        /// Which pixels.
        pixels: PixelMap,
        /// Which channels.
        channels: ChannelMap,
    },
    /// The element of a tensor of the same image with the same index in NHWC order.
    Reordered {
        /// Where the tensor lies.
        location: Location,
    },
    /// The hidden integer of the channel.
    Integers(Bytes),
    /// The accumulator `(channel, pixel)` of a linear layer.
    Accumulator(ContractionId),
    /// The same times the hidden multiplier of the channel.
    ScaledAccumulator(ContractionId),
    /// The sign `(channel, pixel)` of a linear layer times the hidden sign factor of the channel.
    ScaledSign(ContractionId),
}

/// Where a tensor's values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The public input.
    Input,
    /// A column.
    Column(ColumnId),
}

/// A tensor as it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Where.
    pub location: Location,
    /// The shape it lies in: pixels and channels of the location. It has as many elements as the tensor, in the same NHWC order.
    pub stored: Shape,
}

/// One value for all cells, one for each channel, one for each pixel, or values where something has no source.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficients {
    /// The same everywhere.
    Uniform(F),
    /// By channel.
    Channel(Vec<F>),
    /// By pixel of an image, the same for each image; not empty.
    Pixel(Vec<F>),
    /// By row and column of an image, the same for each image.
    Grid(ByPlace),
    /// The sum of the values of those that are missing.
    Missing(Vec<Missing>),
}

/// Values that depend on the kind of a pixel's row and on the kind of its column.
#[derive(Clone, Debug, PartialEq)]
pub struct ByPlace {
    /// Kind of each row; not empty.
    pub rows: Vec<u32>,
    /// Kind of each column; not empty.
    pub columns: Vec<u32>,
    /// By kind of row and kind of column.
    pub values: Vec<Vec<F>>,
}

impl ByPlace {
    /// The values of the pixels from one of an image on, image after image without end.
    pub fn values_from(&self, pixel: usize) -> impl Iterator<Item = F> {
        let width = self.columns.len();
        let rows = self.rows.iter().cycle().skip(pixel / width % self.rows.len());
        rows.flat_map(move |&row| self.columns.iter().map(move |&column| self.values[row as usize][column as usize])).skip(pixel % width)
    }
}

/// A value where an element has no source, and zero where it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// The value.
    pub value: F,
    /// Channels that have a source.
    pub channels: Range<usize>,
    /// The source of each pixel, of which it has at most one.
    pub pixels: PixelMap,
}

impl Coefficients {
    /// The value at `(channel, pixel)`.
    pub fn at(&self, channel: usize, pixel: usize) -> F {
        match self {
            Self::Uniform(value) => *value,
            Self::Channel(values) => values[channel],
            Self::Pixel(values) => values[pixel % values.len()],
            Self::Grid(by_place) => by_place.values_from(pixel).next().unwrap_or_default(),
            Self::Missing(missing) => missing.iter().filter(|missing| missing.is_at(channel, pixel)).map(|missing| missing.value).sum(),
        }
    }
}

impl Missing {
    fn is_at(&self, channel: usize, pixel: usize) -> bool {
        let mut has_source = false;
        self.pixels.for_each(pixel..pixel + 1, |_, _| has_source = true);
        !(has_source && self.channels.contains(&channel))
    }
}
