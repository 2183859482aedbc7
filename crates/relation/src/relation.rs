//! The relation: what must hold between the cells of the committed vector, the public input and the weights.
//!
//! It is data, derived from a [`verinfer_graph::Graph`] by [`crate::lower`], and read by the plain checker, the prover and the verifier alike: a
//! list of columns, each cell of which is looked up in a table under values that are linear in cells, input and accumulators; and a list of
//! contractions that define the accumulators.

use std::ops::Range;

use verinfer_graph::{Graph, NodeId, Shape, TensorId, Window};

use crate::field::F;
use crate::layout::{ColumnId, Layout};
use crate::masks::MaskPlan;
use crate::table::{Run, Table, TableId};
use crate::wiring::{ChannelMap, PixelMap};

/// Index of a contraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContractionId(pub usize);

/// What a valid witness satisfies.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The columns of the committed vector.
    pub columns: Vec<Column>,
    /// The tables, shared by all columns.
    pub tables: Vec<Table>,
    /// The affine pieces of each table.
    pub runs: Vec<Vec<Run>>,
    /// The linear layers.
    pub contractions: Vec<Contraction>,
    /// How each node's witness is computed, by node.
    pub recipes: Vec<Recipe>,
    /// Where the output's values lie (never the input).
    pub output: ColumnId,
    /// Which secrets mask which messages.
    pub masks: MaskPlan,
    /// Where the secrets lie.
    pub secrets: ColumnId,
    /// Shape of the public input, for each image.
    pub input_shape: Shape,
    /// Inputs that one proof is about, at least one. Planes of tensors hold the pixels of all of them, image after image.
    pub images: usize,
    /// Addresses.
    pub layout: Layout,
}

/// A tensor of cells.
#[derive(Clone, Debug)]
pub struct Column {
    /// Node it belongs to, `None` for multiplicities.
    pub node: Option<NodeId>,
    /// Part it plays there.
    pub role: Role,
    /// Planes.
    pub channels: usize,
    /// Cells of a plane, of all images for what belongs to a node.
    pub pixels: usize,
    /// What holds for each cell.
    pub leaf: Leaf,
}

/// The part a column plays in its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The node's output.
    Output,
    /// A limb of the remainder of a requantization, least significant first.
    Limb(usize),
    /// One if the value before the last rounding is negative.
    Sign,
    /// A rescaled operand of an addition (0 left, 1 right).
    Addend(usize),
    /// Square of the sum (0) or of the difference (1) of the factors of a product.
    Square(usize),
    /// Maximum over the first `n + 1` taps.
    Running(usize),
    /// A copy of another tensor in an own layout.
    Copy(TensorId),
    /// How many times each row of a table is looked up.
    Multiplicity(TableId),
    /// The secrets of [`MaskPlan`], three cells each.
    Secrets,
    /// One random element that makes the product of all denominators uniform.
    Spare,
}

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
    /// The column's three cells are one denominator, of numerator zero, at the address of the first.
    Spare,
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
    /// The accumulator `(channel, pixel)` of a linear layer.
    Accumulator(ContractionId),
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

/// One value for all cells, one for each channel, one for each pixel, or a border.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficients {
    /// The same everywhere.
    Uniform(F),
    /// By channel.
    Channel(Vec<F>),
    /// By pixel of an image, the same for each image; not empty.
    Pixel(Vec<F>),
    /// A border: the value everywhere but in a box, where it is zero.
    Outside {
        /// The value.
        value: F,
        /// Channels of the box.
        channels: Range<usize>,
        /// By pixel of an image, the same for each image: one in the box, zero outside; not empty.
        pixels: Vec<F>,
    },
}

impl Coefficients {
    /// The value at `(channel, pixel)`.
    pub fn at(&self, channel: usize, pixel: usize) -> F {
        match self {
            Self::Uniform(value) => *value,
            Self::Channel(values) => values[channel],
            Self::Pixel(values) => values[pixel % values.len()],
            Self::Outside { value, channels, pixels } => {
                if channels.contains(&channel) {
                    *value - *value * pixels[pixel % pixels.len()]
                } else {
                    *value
                }
            }
        }
    }
}

/// A linear layer without its bias:
/// `acc[channel, pixel] = sum over existing taps and input channels of (input - input_zero_point) * (weight - weight_zero_point)`.
#[derive(Clone, Debug)]
pub struct Contraction {
    /// The node that holds the weights.
    pub node: NodeId,
    /// Whether each output channel reads one input channel only.
    pub depthwise: bool,
    /// The tensor read, in NHWC order of `input_shape`, image after image.
    pub tensor: TensorId,
    /// Where the input lies.
    pub input: Location,
    /// Shape of an image's input as the window sees it.
    pub input_shape: Shape,
    /// Zero point of the input.
    pub input_zero_point: i64,
    /// Shape of an image's output.
    pub output_shape: Shape,
    /// Kernel geometry.
    pub window: Window,
    /// Column of the output, whose chunks split the sum over pixels.
    pub output: ColumnId,
    /// First index of each chunk's block in the batched contraction.
    pub blocks: Vec<usize>,
}

impl Contraction {
    /// Length of a block: taps times channels contracted over (input channels; output channels if depthwise).
    pub fn block_len(&self) -> usize {
        self.window.num_taps() * self.inner_channels()
    }

    /// Channels of a block.
    pub fn inner_channels(&self) -> usize {
        if self.depthwise { self.output_shape.channels } else { self.input_shape.channels }
    }

    /// Input channel of an inner channel.
    pub fn input_channel(&self, inner: usize) -> usize {
        if self.depthwise { inner / (self.output_shape.channels / self.input_shape.channels) } else { inner }
    }

    /// The wiring of one tap.
    pub fn tap(&self, tap: usize) -> PixelMap {
        let same_plane = (self.input_shape.height, self.input_shape.width) == (self.output_shape.height, self.output_shape.width);
        if self.window == Window::POINT && same_plane {
            return PixelMap::Same;
        }
        PixelMap::Window { window: self.window, source: self.input_shape, target: self.output_shape, tap: Some(tap) }
    }

    /// The convolution's constants.
    pub fn conv<'a>(&self, graph: &'a Graph) -> Option<&'a verinfer_graph::Conv> {
        use verinfer_graph::Op;
        match &graph.node(self.node).op {
            Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => Some(conv),
            Op::Add(_) | Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => {
                None
            }
        }
    }
}

/// How a node's cells follow from the interpreter's trace.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// No cells.
    None,
    /// Linear layer, addition or product: accumulator to output.
    Requantize(RequantizeRecipe),
    /// Output by a key that is a sum over a window; the key is that sum plus `offsets[pixel]`.
    SumPool {
        /// Output column.
        output: ColumnId,
        /// By pixel of an image.
        offsets: Vec<i64>,
    },
    /// Chain of pairwise maxima.
    MaxPool {
        /// Columns of the maxima over the first 2, 3, ... taps.
        running: Vec<ColumnId>,
        /// Column of the clamped output, where it is not the last maximum.
        clamped: Option<ColumnId>,
    },
    /// Function of one element.
    Lookup {
        /// Output column.
        output: ColumnId,
    },
}

/// Columns and constants of a requantization `key * 2^shift + remainder = multiplier * acc + constant - sign_factor * sign`.
#[derive(Clone, Debug)]
pub struct RequantizeRecipe {
    /// Output column.
    pub output: ColumnId,
    /// Remainder limbs, least significant first.
    pub limbs: Vec<ColumnId>,
    /// Sign column, where the rounding needs it.
    pub sign: Option<ColumnId>,
    /// By channel.
    pub multipliers: Vec<i64>,
    /// By channel.
    pub constants: Vec<i64>,
    /// By channel.
    pub sign_factors: Vec<i64>,
    /// Bits of the remainder.
    pub shift: usize,
    /// Added to the key before it is looked up.
    pub key_offset: i64,
    /// Columns of operands that are tables of one element, with the tensor read.
    pub operands: Vec<(ColumnId, TensorId)>,
}

/// An accumulator's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Quotient (with one more bit of precision where there is a sign).
    pub key: i64,
    /// Remainder, `0 <= remainder < 2^shift`.
    pub remainder: i64,
    /// Whether the value before the last rounding counts as negative.
    pub sign: bool,
}

impl RequantizeRecipe {
    /// The only parts of `acc` that satisfy the relation (up to a sign that does not change the output).
    pub fn split(&self, channel: usize, acc: i64) -> Split {
        let value = self.multipliers[channel] * acc + self.constants[channel];
        let key = value >> self.shift;
        let sign = self.sign.is_some() && key <= 0;
        let value = if sign { value - self.sign_factors[channel] } else { value };
        let key = value >> self.shift;
        Split { key, remainder: value - (key << self.shift), sign }
    }
}

impl Relation {
    /// Cells in use: values of the computation and secrets, without masks of the opening and padding.
    pub fn num_cells(&self) -> usize {
        self.layout.num_cells()
    }

    /// Elements of the public input, of all images.
    pub fn input_len(&self) -> usize {
        self.images * self.input_shape.num_elements()
    }

    /// Number of indices of the batched contraction.
    pub fn contraction_len(&self) -> usize {
        self.contractions.iter().map(|c| c.block_len() * c.blocks.len()).sum()
    }

    /// Logarithm of the padded number of indices of the batched contraction.
    pub fn log_contraction_len(&self) -> usize {
        self.contraction_len().next_power_of_two().trailing_zeros() as usize
    }

    /// A column by its index.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0]
    }
}
