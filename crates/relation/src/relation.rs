//! The relation: what must hold between the cells of the committed vector, the public input and the weights.
//!
//! It is data, derived from a [`verinfer_graph::Graph`] by [`crate::lower`], and read by the plain checker, the prover and the verifier alike: a
//! list of columns, each cell of which is looked up in a table under values that are linear in cells, input and accumulators; and a list of
//! contractions that define the accumulators.

use std::ops::Range;

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Graph, NodeId, Shape, TensorId, Window};

use crate::commitment::{Plan, Tag};
use crate::field::F;
use crate::layout::{ColumnId, Layout, Region};
use crate::masks::MaskPlan;
use crate::setting::Setting;
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
    /// What is public.
    pub setting: Setting,
    /// What is committed to outside of proofs.
    pub objects: Vec<Object>,
    /// Shape of the input, for each image.
    pub input_shape: Shape,
    /// Inputs that one proof is about, at least one. Planes of tensors hold the pixels of all of them, image after image.
    pub images: usize,
    /// Addresses.
    pub layout: Layout,
}

/// A tensor of cells.
#[derive(Clone, Debug)]
pub struct Column {
    /// Node it belongs to, if to one.
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

/// Bytes that are committed to once, outside of proofs, and bound to that commitment in each proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What they are.
    pub kind: ObjectKind,
    /// Their kind and what is public about them, as the commitment is bound to it.
    pub tag: Tag,
    /// Columns of the values, with their pixels. They lie at consecutive addresses.
    pub values: Region,
    /// Numbers of its cells.
    pub plan: Plan,
    /// Column of the digests of their blocks, if there are several.
    pub digests: Option<ColumnId>,
    /// Column of the commitment's randomness.
    pub salt: ColumnId,
}

/// What a commitment is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// Weights, multipliers and constants of all layers.
    Model,
    /// The input of an image.
    Input(usize),
    /// The output of an image.
    Output(usize),
    /// The label of an image.
    Label(usize),
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
    /// Hidden weights less the smallest value: a plane for each output channel, or for each tap where the layer is depthwise.
    Weights,
    /// Bytes of the hidden multipliers from this one on, least significant first.
    Multiplier(usize),
    /// Bytes of the hidden constants.
    Constant(usize),
    /// Bytes of what hidden multipliers subtract where there is a sign.
    SignFactor(usize),
    /// Bytes of the hidden addends of an addition of constants.
    Addends(usize),
    /// The hidden input.
    Input,
    /// The bytes of the hidden inputs, less the smallest value, to which the statement has commitments.
    CommittedInput,
    /// The bytes of the outputs, less the smallest value, to which the statement has commitments.
    CommittedOutput,
    /// A byte of the hidden labels.
    Label(usize),
    /// How often each class's score is read.
    Reads,
    /// The score of each image's label.
    LabelScore,
    /// Whether a class comes before the label.
    Before,
    /// Whether a class is ahead of the label.
    Ahead,
    /// Whether few enough classes are ahead of the label, or the score is high enough.
    Correct,
    /// The number of images for which that holds.
    Count,
    /// Bytes of the digests of an object's blocks.
    Digests(ObjectKind),
    /// Randomness of an object's commitment.
    Salt(ObjectKind),
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
    /// Columns of what is learned, where it is hidden.
    pub hidden: Option<HiddenLayer>,
}

/// Columns of the hidden constants of a linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenLayer {
    /// Weights less the type's smallest value: a plane for each output channel, or for each tap where the layer is depthwise.
    pub weights: ColumnId,
    /// Multipliers.
    pub multiplier: Bytes,
    /// Multipliers times biases, with the constants of the rounding.
    pub constant: Bytes,
    /// Sign column and sign factors, where the rounding needs them.
    pub sign: Option<(ColumnId, Bytes)>,
}

/// Integers in bytes, least significant first: `sum of 256^i * byte[i] - offset`, one for each output channel, which are the columns' pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Column of the whole bytes, a plane each, and column of the bits that are left; with the numbers of their planes.
    pub columns: Vec<(ColumnId, usize)>,
    /// Bits of all bytes.
    pub bits: usize,
    /// What is subtracted.
    pub offset: i64,
}

impl Bytes {
    /// Smallest and largest integer.
    pub fn range(&self) -> (i64, i64) {
        (-self.offset, (1 << self.bits) - 1 - self.offset)
    }

    /// The columns, each with the factors of its planes.
    pub fn terms(&self) -> impl Iterator<Item = (ColumnId, Vec<F>)> {
        let mut powers = F::from_u64(256).powers();
        self.columns.iter().map(move |&(column, planes)| (column, powers.by_ref().take(planes).collect()))
    }
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
    /// The constants, `None` where they are hidden.
    pub rescaling: Option<Rescaling>,
    /// Bits of the remainder.
    pub shift: usize,
    /// Added to the key before the output is looked up.
    pub key_offset: i64,
    /// Columns of operands that are tables of one element, with the tensor read.
    pub operands: Vec<(ColumnId, TensorId)>,
}

/// The constants of a requantization, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescaling {
    /// Factors of the accumulator.
    pub multipliers: Vec<i64>,
    /// Addends.
    pub constants: Vec<i64>,
    /// What is subtracted where there is a sign; at most `2^shift`. Zero if there is no sign column.
    pub sign_factors: Vec<i64>,
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
    pub fn split(&self, values: &Rescaling, channel: usize, acc: i64) -> Split {
        let value = values.multipliers[channel] * acc + values.constants[channel];
        let key = value >> self.shift;
        let sign = self.sign.is_some() && key <= 0;
        let value = if sign { value - values.sign_factors[channel] } else { value };
        let key = value >> self.shift;
        Split { key, remainder: value - (key << self.shift), sign }
    }
}

impl Relation {
    /// Cells in use: values of the computation and secrets, without masks of the opening and padding.
    pub fn num_cells(&self) -> usize {
        self.layout.num_cells()
    }

    /// Number of indices of the second batched contraction, over the channels of layers with hidden multipliers and of their signs.
    pub fn scaling_len(&self) -> usize {
        let scaled = self.contractions.iter().filter_map(|contraction| contraction.hidden.as_ref().map(|hidden| (contraction, hidden)));
        scaled.map(|(c, hidden)| c.blocks.len() * c.output_shape.channels * (1 + usize::from(hidden.sign.is_some()))).sum()
    }

    /// Elements of the public input, of all images.
    pub fn input_len(&self) -> usize {
        self.images * self.input_shape.num_elements()
    }

    /// Channels of what lies at a location.
    pub fn stored_channels(&self, location: Location) -> usize {
        match location {
            Location::Input => self.input_shape.channels,
            Location::Column(column) => self.column(column).channels,
        }
    }

    /// Number of indices of the batched contraction.
    pub fn contraction_len(&self) -> usize {
        self.contractions.iter().map(|c| c.block_len() * c.blocks.len()).sum()
    }

    /// Logarithm of the padded number of indices of the batched contraction.
    pub fn log_contraction_len(&self) -> usize {
        self.contraction_len().next_power_of_two().trailing_zeros() as usize
    }

    /// Logarithm of the padded number of indices of the second batched contraction, `None` if there is none.
    pub fn log_scaling_len(&self) -> Option<usize> {
        Some(self.scaling_len()).filter(|&len| len > 0).map(|len| len.next_power_of_two().trailing_zeros() as usize)
    }

    /// What is committed to outside of proofs under this name.
    pub fn object(&self, kind: ObjectKind) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == kind)
    }

    /// A column by its index.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0]
    }
}
