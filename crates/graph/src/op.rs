//! The closed set of integer operators.
//!
//! Several TFLite operators share one meaning and therefore one variant: FULLY_CONNECTED is a 1x1 convolution, AVERAGE_POOL_2D and MEAN are
//! [`SumPool`]s, every function of one 8-bit value is a [`Lookup`], MUL by a per-channel constant is a 1x1 depthwise convolution.

use crate::graph::TensorId;
use crate::shape::Shape;

/// One integer operator with its constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Convolution over all input channels. Filters are `[output channel][kernel row][kernel column][input channel]`.
    Conv2d(Conv),
    /// Convolution of each channel alone. Filters are `[kernel row][kernel column][output channel]`, output channel `c` reads input
    /// channel `c / (output channels / input channels)`.
    DepthwiseConv2d(Conv),
    /// Sum of two rescaled operands (ADD; SUB negates the second table).
    Add(Add),
    /// Product of two activations less their zero points.
    Mul(Mul),
    /// A table applied to the sum over each window (AVERAGE_POOL_2D, MEAN over height and width).
    SumPool(SumPool),
    /// Maximum over each window.
    MaxPool(MaxPool),
    /// A table of 256 entries applied to each element (RELU, LOGISTIC, HARD_SWISH, QUANTIZE, ...).
    Lookup(Lookup),
    /// Constant border.
    Pad(Pad),
    /// The same elements in NHWC order under another shape.
    Reshape {
        /// Tensor read.
        input: TensorId,
    },
    /// Tensors joined along one axis, element values unchanged.
    Concat(Concat),
}

impl Op {
    /// The tensors read, in operand order; a tensor read twice is listed twice.
    pub fn inputs(&self) -> Vec<TensorId> {
        match self {
            Self::Conv2d(conv) | Self::DepthwiseConv2d(conv) => vec![conv.input],
            Self::Add(add) => match &add.right {
                Operand::Tensor { tensor, .. } => vec![add.left, *tensor],
                Operand::Constant(_) => vec![add.left],
            },
            Self::Mul(mul) => vec![mul.left, mul.right],
            Self::SumPool(pool) => vec![pool.input],
            Self::MaxPool(pool) => vec![pool.input],
            Self::Lookup(lookup) => vec![lookup.input],
            Self::Pad(pad) => vec![pad.input],
            Self::Reshape { input } => vec![*input],
            Self::Concat(concat) => concat.inputs.clone(),
        }
    }
}

/// Geometry of a sliding window. Tap `(ky, kx)` of output pixel `(y, x)` is input pixel
/// `(y * stride_h + ky * dilation_h - pad_top, x * stride_w + kx * dilation_w - pad_left)`; a tap outside the input does not exist
/// (it contributes nothing to a sum, and is not part of a maximum).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Kernel rows.
    pub kernel_h: usize,
    /// Kernel columns.
    pub kernel_w: usize,
    /// Row step.
    pub stride_h: usize,
    /// Column step.
    pub stride_w: usize,
    /// Row distance between taps.
    pub dilation_h: usize,
    /// Column distance between taps.
    pub dilation_w: usize,
    /// Rows above the input.
    pub pad_top: usize,
    /// Columns left of the input.
    pub pad_left: usize,
}

impl Window {
    /// The window of an element-wise operator.
    pub const POINT: Self =
        Self { kernel_h: 1, kernel_w: 1, stride_h: 1, stride_w: 1, dilation_h: 1, dilation_w: 1, pad_top: 0, pad_left: 0 };

    /// Number of taps.
    pub const fn num_taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }

    /// Input pixel index (row-major) of tap `tap` (row-major) at output pixel `(y, x)`, `None` outside the input.
    pub fn source(&self, input: Shape, y: usize, x: usize, tap: usize) -> Option<usize> {
        let row = (y * self.stride_h + tap / self.kernel_w * self.dilation_h).checked_sub(self.pad_top)?;
        let column = (x * self.stride_w + tap % self.kernel_w * self.dilation_w).checked_sub(self.pad_left)?;
        (row < input.height && column < input.width).then_some(row * input.width + column)
    }
}

/// How TFLite's kernels round a product with a quantized multiplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// `RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(acc << max(shift, 0), multiplier), max(-shift, 0))`: to nearest at 2^-31, then
    /// to nearest with ties away from zero.
    Twice,
    /// `(acc * multiplier + 2^(30 - shift)) >> (31 - shift)`: to nearest with ties up (int8 FULLY_CONNECTED).
    Once,
}

/// TFLite's `MultiplyByQuantizedMultiplier` with offset and clamp, `clamp(rounded(acc * multiplier * 2^(shift - 31)) + zero_point)`.
///
/// `multipliers` and `shifts` have one entry (all channels) or one for each output channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requantization {
    /// 31-bit multipliers, 0 to 2^31 - 1.
    pub multipliers: Vec<i32>,
    /// Positive: left shift; negative: right shift; -62 to 30.
    pub shifts: Vec<i32>,
    /// How the product is rounded.
    pub rounding: Rounding,
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest output (fused activation and type).
    pub min: i16,
    /// Largest output.
    pub max: i16,
}

/// A convolution: `acc = bias + sum over existing taps (input - input_zero_point) * (weight - weight_zero_point)`, then requantized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Tensor read.
    pub input: TensorId,
    /// Zero point subtracted from each input element.
    pub input_zero_point: i32,
    /// Kernel geometry.
    pub window: Window,
    /// Weights as stored (8-bit values, before the zero point is subtracted).
    pub weights: Vec<i16>,
    /// Zero point subtracted from each weight.
    pub weight_zero_point: i32,
    /// One for each output channel; zeros where the model has none.
    pub bias: Vec<i32>,
    /// How the accumulator becomes the output.
    pub requantization: Requantization,
}

/// `acc = left.table[left] + right`, then requantized with one multiplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// First operand: a tensor of the output's shape.
    pub left: TensorId,
    /// Rescaled value for each stored value of `left`, from the type's minimum up; 256 entries.
    pub left_table: Vec<i32>,
    /// Second operand.
    pub right: Operand,
    /// How the accumulator becomes the output (one multiplier).
    pub requantization: Requantization,
}

/// Largest logarithm of what one step of the input of an addition of constants is in its table.
const MAX_LOG_UNIT: u32 = 19;

/// Whether an addition of constants has the unit `2^log_unit` and this multiplier by the scales of its input and output alone: as the unit is the largest
/// with which all sums of use stay below `2^28`, `2^log_unit (1 + output scale / input scale) <= 2^20`, one ratio of scales has one unit and one multiplier.
pub fn is_public_unit(log_unit: u32, multiplier: i32, shift: i32) -> bool {
    let (Ok(multiplier), Ok(shift)) = (u128::try_from(multiplier), u32::try_from(-i64::from(shift))) else { return false };
    if log_unit > MAX_LOG_UNIT || shift > 62 {
        return false;
    }
    // The inverse of the multiplier is the ratio times the unit.
    let fits = |unit: u128, inverse: u128| unit <= 1 << 20 && ((1 << 20) - unit) * multiplier >= inverse;
    fits(1 << log_unit, 1 << (31 + shift)) && (log_unit == MAX_LOG_UNIT || !fits(2 << log_unit, 2 << (31 + shift)))
}

impl Add {
    /// Whether table and multiplier are functions of the scales of activations alone. Those of two activations always are; those of an addition of
    /// constants show the constants' scale, unless the table is a line of the one public unit ([`is_public_unit`]).
    pub fn shows_no_scale(&self) -> bool {
        let Operand::Constant(_) = self.right else { return true };
        let step = match self.left_table.as_slice() {
            [first, second, ..] => i64::from(*second) - i64::from(*first),
            _ => return false,
        };
        let is_line = self.left_table.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
        let unit = step.unsigned_abs();
        is_line
            && unit.is_power_of_two()
            && is_public_unit(unit.trailing_zeros(), self.requantization.multiplier(0), self.requantization.shift(0))
    }
}

/// The second operand of an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A tensor whose height and width and channels each equal the output's or are one, with its table of 256 rescaled values.
    Tensor {
        /// Tensor read.
        tensor: TensorId,
        /// Rescaled value for each stored value, from the type's minimum up; 256 entries.
        table: Vec<i32>,
    },
    /// One rescaled constant for each output channel.
    Constant(Vec<i32>),
}

/// `acc = (left - left_zero_point) * (right - right_zero_point)`, then requantized with one multiplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mul {
    /// A tensor of the output's shape.
    pub left: TensorId,
    /// Zero point of `left`.
    pub left_zero_point: i32,
    /// A tensor whose height, width and channels each equal the output's or are one.
    pub right: TensorId,
    /// Zero point of `right`.
    pub right_zero_point: i32,
    /// How the product becomes the output (one multiplier).
    pub requantization: Requantization,
}

/// `output = tables[count][sum - count * type minimum]`, `sum` over the `count` existing taps of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumPool {
    /// Tensor read.
    pub input: TensorId,
    /// Window geometry.
    pub window: Window,
    /// For each number of existing taps that occurs, in increasing order: the count and its table of `255 * count + 1` outputs.
    pub tables: Vec<(usize, Vec<i16>)>,
}

/// Maximum over the existing taps of the window, clamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Tensor read.
    pub input: TensorId,
    /// Window geometry.
    pub window: Window,
    /// Smallest output.
    pub min: i16,
    /// Largest output.
    pub max: i16,
}

/// `output = table[input - type minimum]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Tensor read.
    pub input: TensorId,
    /// Outputs for each stored value from the input type's minimum up; 256 entries.
    pub table: Vec<i16>,
}

/// A border of `value` around the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Tensor read.
    pub input: TensorId,
    /// Rows above, columns to the left, channels before.
    pub before: Shape,
    /// Value of every border element.
    pub value: i16,
}

/// Inputs one after the other along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concat {
    /// Tensors read, in order.
    pub inputs: Vec<TensorId>,
    /// 0 height, 1 width, 2 channels.
    pub axis: usize,
}
