//! Which values and accumulators can occur, exactly for each node given the ranges of what it reads.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::GraphError;
use crate::graph::{Node, NodeId, TensorId, TensorSpec};
use crate::op::{Add, Conv, Mul, Op, Operand, Requantization};
use crate::shape::{DataType, Shape};
use crate::validate::place;

/// Smallest and largest value.
type Interval = (i64, i64);

/// The ranges of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// By tensor: smallest and largest value.
    pub values: Vec<(i16, i16)>,
    /// By node: its accumulators, `None` for nodes without.
    pub nodes: Vec<Option<NodeRange>>,
}

/// The accumulators of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeRange {
    /// One entry for each output channel, or one for all.
    pub accumulators: Vec<Interval>,
    /// Requantized accumulators of all channels, before zero point and clamp.
    pub quotient: Interval,
}

impl Ranges {
    /// Follows the ranges through the network and refuses what could wrap. Wiring, shapes and constants have been checked.
    pub fn analyse(tensors: &[TensorSpec], nodes: &[Node]) -> Result<Self, GraphError> {
        let mut ranges = Self { values: value_ranges(tensors, nodes), nodes: Vec::with_capacity(nodes.len()) };
        for (index, node) in nodes.iter().enumerate() {
            let range = match ranges.accumulators(tensors, node) {
                Some((accumulators, requantization)) => {
                    let quotient = quotient_range(NodeId(index), node, &accumulators, requantization)?;
                    Some(NodeRange { accumulators, quotient })
                }
                None => None,
            };
            ranges.nodes.push(range);
        }
        Ok(ranges)
    }

    fn accumulators<'a>(&self, tensors: &[TensorSpec], node: &'a Node) -> Option<(Vec<Interval>, &'a Requantization)> {
        let shape = |tensor: TensorId| tensors[tensor.0].shape;
        let output = shape(node.output);
        match &node.op {
            Op::Conv2d(conv) => {
                let values = self.centered(conv.input, conv.input_zero_point);
                let channels = shape(conv.input).channels;
                let filter_len = conv.window.num_taps() * channels;
                let filter = |channel| TapWeights { start: channel * filter_len, tap_step: channels, len: channels };
                Some((convolution(conv, shape(conv.input), output, values, filter), &conv.requantization))
            }
            Op::DepthwiseConv2d(conv) => {
                let values = self.centered(conv.input, conv.input_zero_point);
                let filter = |channel| TapWeights { start: channel, tap_step: output.channels, len: 1 };
                Some((convolution(conv, shape(conv.input), output, values, filter), &conv.requantization))
            }
            Op::Add(add) => Some((self.addition(tensors, add), &add.requantization)),
            Op::Mul(mul) => Some((vec![self.multiplication(mul)], &mul.requantization)),
            Op::SumPool(_) | Op::MaxPool(_) | Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => None,
        }
    }

    fn centered(&self, tensor: TensorId, zero_point: i32) -> Interval {
        let (low, high) = self.values[tensor.0];
        (i64::from(low) - i64::from(zero_point), i64::from(high) - i64::from(zero_point))
    }

    fn addition(&self, tensors: &[TensorSpec], add: &Add) -> Vec<Interval> {
        let (low, high) = rescaled(&self.values, tensors, add.left, &add.left_table);
        match &add.right {
            Operand::Tensor { tensor, table } => {
                let (right_low, right_high) = rescaled(&self.values, tensors, *tensor, table);
                vec![(low + right_low, high + right_high)]
            }
            Operand::Constant(constants) => {
                constants.iter().map(|&constant| (low + i64::from(constant), high + i64::from(constant))).collect()
            }
        }
    }

    fn multiplication(&self, mul: &Mul) -> Interval {
        let left = self.centered(mul.left, mul.left_zero_point);
        let right = self.centered(mul.right, mul.right_zero_point);
        hull([left.0, left.1].into_iter().flat_map(|a| [a * right.0, a * right.1]).map(|product| (product, product)))
    }
}

/// By tensor: smallest and largest value. Depends on nothing learned.
pub(crate) fn value_ranges(tensors: &[TensorSpec], nodes: &[Node]) -> Vec<(i16, i16)> {
    let mut values: Vec<_> = tensors.iter().map(|spec| (spec.dtype.min(), spec.dtype.max())).collect();
    for node in nodes {
        values[node.output.0] = output_values(&values, node);
    }
    values
}

fn output_values(values: &[(i16, i16)], node: &Node) -> (i16, i16) {
    let of = |tensor: TensorId| values[tensor.0];
    match &node.op {
        Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => clamp_range(&conv.requantization),
        Op::Add(add) => clamp_range(&add.requantization),
        Op::Mul(mul) => clamp_range(&mul.requantization),
        Op::SumPool(pool) => hull(pool.tables.iter().flat_map(|(_, table)| table).map(|&entry| (entry, entry))),
        Op::MaxPool(pool) => {
            let (low, high) = of(pool.input);
            (low.max(pool.min).min(pool.max), high.max(pool.min).min(pool.max))
        }
        Op::Lookup(lookup) => hull(lookup.table.iter().map(|&entry| (entry, entry))),
        Op::Pad(pad) => hull([of(pad.input), (pad.value, pad.value)]),
        Op::Reshape { input } => of(*input),
        Op::Concat(concat) => hull(concat.inputs.iter().map(|&input| of(input))),
    }
}

/// Extremes of the table of an addition over the values that `tensor` takes.
fn rescaled(values: &[(i16, i16)], tensors: &[TensorSpec], tensor: TensorId, table: &[i32]) -> Interval {
    let (low, high) = values[tensor.0];
    let index = |value| table_index(value, tensors[tensor.0].dtype);
    hull(table[index(low)..=index(high)].iter().map(|&entry| (i64::from(entry), i64::from(entry))))
}

/// The constant closest to zero that may be added to the left operand of `add`: zero, unless the sum could then leave 32 bits in
/// requantization. If no constant may be added, one that [`Ranges::analyse`] refuses. Depends on nothing learned.
pub(crate) fn neutral_constant(values: &[(i16, i16)], tensors: &[TensorSpec], add: &Add) -> i32 {
    let (low, high) = rescaled(values, tensors, add.left, &add.left_table);
    let fits = |sum: i64| fits_requantized(sum, &add.requantization, 0);
    // Quotients do not decrease, so the sums that fit are an interval, which contains zero. Both ends of `low..=high` are below 2^30 in
    // magnitude, and so is the difference to a sum between them and zero.
    let constant = if high > 0 && !fits(high) {
        farthest(high, fits) - high
    } else if !fits(low) {
        farthest(low, fits) - low
    } else {
        0
    };
    constant as i32
}

/// The value farthest from zero, between zero and `end`, that fits, if whatever is closer to zero than one that fits does too, and `end`
/// does not fit.
fn farthest(end: i64, fits: impl Fn(i64) -> bool) -> i64 {
    let (mut inside, mut outside) = (0, end);
    while (outside - inside).abs() > 1 {
        let middle = (inside + outside) / 2;
        *(if fits(middle) { &mut inside } else { &mut outside }) = middle;
    }
    inside
}

/// Checks that accumulators, shifted accumulators and outputs before the clamp fit 32 bits, and returns the range of the quotients.
fn quotient_range(id: NodeId, node: &Node, accumulators: &[Interval], requantization: &Requantization) -> Result<Interval, GraphError> {
    let at = || place(id, node);
    let mut range = (i64::MAX, i64::MIN);
    for (channel, &(min, max)) in accumulators.iter().enumerate() {
        let (Ok(low), Ok(high)) = (i32::try_from(min), i32::try_from(max)) else {
            return Err(GraphError::AccumulatorOverflow { at: at(), channel, min, max });
        };
        let shift = requantization.shift(channel);
        if !fits_i32(min << shift.max(0)) || !fits_i32(max << shift.max(0)) {
            return Err(GraphError::ShiftedAccumulatorOverflow { at: at(), channel, min, max, shift });
        }
        let quotient = (requantization.quotient(low, channel), requantization.quotient(high, channel));
        let zero_point = i64::from(requantization.zero_point);
        let (min, max) = (quotient.0 + zero_point, quotient.1 + zero_point);
        if !fits_i32(min) || !fits_i32(max) {
            return Err(GraphError::OutputOverflow { at: at(), channel, min, max });
        }
        range = (range.0.min(quotient.0), range.1.max(quotient.1));
    }
    Ok(range)
}

/// Where the weights of one output channel lie: those of tap `t` are the `len` from `start + t * tap_step`.
struct TapWeights {
    start: usize,
    tap_step: usize,
    len: usize,
}

/// Accumulators of each output channel for inputs (less their zero point) within `values`: the extremes over all sets of taps that exist
/// together at some pixel.
fn convolution(conv: &Conv, input: Shape, output: Shape, values: Interval, filter: impl Fn(usize) -> TapWeights) -> Vec<Interval> {
    let window = &conv.window;
    let rows = distinct((0..output.height).map(|y| window.row_taps(input.height, y)));
    let columns = distinct((0..output.width).map(|x| window.column_taps(input.width, x)));
    let mut sums = TapSums::new(window.kernel_h, window.kernel_w);
    (0..output.channels)
        .zip(&conv.bias)
        .map(|(channel, &bias)| {
            let TapWeights { start, tap_step, len } = filter(channel);
            sums.fill(|tap| {
                let weights = &conv.weights[start + tap * tap_step..][..len];
                extremes(weights, i64::from(conv.weight_zero_point), values)
            });
            let (low, high) = hull(rows.iter().flat_map(|row| columns.iter().map(|column| sums.over(row, column))));
            (low + i64::from(bias), high + i64::from(bias))
        })
        .collect()
}

fn distinct(taps: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let distinct: BTreeSet<(usize, usize)> = taps.map(|taps| (taps.start, taps.end)).collect();
    distinct.into_iter().map(|(start, end)| start..end).collect()
}

/// Extremes of `sum (weight - zero_point) * value` over independent values in `values`.
fn extremes(weights: &[i16], zero_point: i64, (low, high): Interval) -> Interval {
    let (mut positive, mut negative) = (0, 0);
    for &weight in weights {
        let weight = i64::from(weight) - zero_point;
        positive += weight.max(0);
        negative += weight.min(0);
    }
    (positive * low + negative * high, positive * high + negative * low)
}

/// Two-dimensional prefix sums of the extremes of each tap.
struct TapSums {
    width: usize,
    prefix: Vec<Interval>,
}

impl TapSums {
    fn new(kernel_h: usize, kernel_w: usize) -> Self {
        Self { width: kernel_w + 1, prefix: vec![(0, 0); (kernel_h + 1) * (kernel_w + 1)] }
    }

    /// Replaces all sums; `tap` gives the extremes of each tap by its row-major index.
    fn fill(&mut self, tap: impl Fn(usize) -> Interval) {
        let width = self.width;
        for index in width..self.prefix.len() {
            if index % width == 0 {
                continue;
            }
            let tap = tap((index / width - 1) * (width - 1) + index % width - 1);
            let (left, above, corner) = (self.prefix[index - 1], self.prefix[index - width], self.prefix[index - width - 1]);
            self.prefix[index] = (tap.0 + left.0 + above.0 - corner.0, tap.1 + left.1 + above.1 - corner.1);
        }
    }

    fn over(&self, rows: &Range<usize>, columns: &Range<usize>) -> Interval {
        let at = |row: usize, column: usize| self.prefix[row * self.width + column];
        let (a, b) = (at(rows.end, columns.end), at(rows.start, columns.start));
        let (c, d) = (at(rows.start, columns.end), at(rows.end, columns.start));
        (a.0 + b.0 - c.0 - d.0, a.1 + b.1 - c.1 - d.1)
    }
}

/// Whether an accumulator passes what [`quotient_range`] checks.
fn fits_requantized(acc: i64, requantization: &Requantization, channel: usize) -> bool {
    let Ok(small) = i32::try_from(acc) else { return false };
    fits_i32(acc << requantization.shift(channel).max(0))
        && fits_i32(requantization.quotient(small, channel) + i64::from(requantization.zero_point))
}

const fn clamp_range(requantization: &Requantization) -> (i16, i16) {
    (requantization.min, requantization.max)
}

/// The smallest interval that contains all of `intervals`, of which there is at least one.
fn hull<T: Ord + Copy>(intervals: impl IntoIterator<Item = (T, T)>) -> (T, T) {
    intervals
        .into_iter()
        .reduce(|(low, high), (other_low, other_high)| (low.min(other_low), high.max(other_high)))
        .expect("validated operators have inputs, tables and taps")
}

fn table_index(value: i16, dtype: DataType) -> usize {
    usize::from((value - dtype.min()).unsigned_abs())
}

fn fits_i32(value: i64) -> bool {
    i32::try_from(value).is_ok()
}
