//! The linear layers, and the hidden integers they use.

use p3_field::PrimeCharacteristicRing;
use verinfer_graph::{Conv, Graph, NodeId, Op, Shape, TensorId, Window};

use super::Location;
use crate::field::F;
use crate::grid::Grid;
use crate::layout::ColumnId;
use crate::wiring::PixelMap;

/// Index of a contraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContractionId(pub usize);

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
    /// Its indices in the batched contraction: a row of inner channels for each chunk of the output's pixels and each tap, [`Contraction::row`].
    pub grid: Grid,
    /// Columns of what is learned, where it is hidden.
    pub hidden: Option<HiddenLayer>,
}

/// Columns of the hidden constants of a linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenLayer {
    /// Weights less the type's smallest value: a plane for each output channel, or for each tap where the layer is depthwise.
    pub weights: ColumnId,
    /// Their zero point less the type's smallest value: one cell.
    pub zero_point: ColumnId,
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
    /// Weights of an output channel: taps times channels contracted over; if depthwise, weights of all output channels.
    pub fn row_len(&self) -> usize {
        self.window.num_taps() * self.inner_channels()
    }

    /// Row of the grid for a chunk of the output's pixels and a tap.
    pub fn row(&self, chunk: usize, tap: usize) -> usize {
        chunk * self.window.num_taps() + tap
    }

    /// Channels contracted over: input channels; output channels if depthwise.
    pub fn inner_channels(&self) -> usize {
        if self.depthwise { self.output_shape.channels } else { self.input_shape.channels }
    }

    /// Input channel of an inner channel.
    pub fn input_channel(&self, inner: usize) -> usize {
        if self.depthwise { inner / (self.output_shape.channels / self.input_shape.channels) } else { inner }
    }

    /// The wiring of all taps together.
    pub fn taps(&self) -> PixelMap {
        PixelMap::Window { window: self.window, source: self.input_shape, target: self.output_shape, tap: None }
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
    pub fn conv<'a>(&self, graph: &'a Graph) -> Option<&'a Conv> {
        match &graph.node(self.node).op {
            Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => Some(conv),
            Op::Add(_) | Op::Mul(_) | Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => {
                None
            }
        }
    }
}
