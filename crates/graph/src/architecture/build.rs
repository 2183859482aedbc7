//! From a record to the network with neutral learned values.

use super::ArchitectureError;
use super::record::{
    ConvRecord, DataTypeRecord, Multiplicity, NodeRecord, OpRecord, OperandRecord, OutputRecord, Record, RoundingRecord, ShapeRecord,
    TensorRecord, WindowRecord,
};
use crate::graph::{Graph, Node, TensorId, TensorSpec};
use crate::op::{Add, Concat, Conv, Lookup, MaxPool, Mul, Op, Operand, Pad, Requantization, Rounding, SumPool, Window};
use crate::shape::{DataType, Shape};

/// Neutral multiplier: one half. The accumulators it is applied to are zero.
const MULTIPLIER: i32 = 1 << 30;

/// Units for each range of accumulators: two integers of 8 bytes.
const RANGE_UNITS: usize = 4;

impl Record {
    /// Validates the architecture. What shapes and runs imply may take `max_units` units of four bytes.
    pub fn build(self, max_units: u64) -> Result<Graph, ArchitectureError> {
        let tensors: Vec<TensorSpec> = self.tensors.into_iter().enumerate().map(tensor).collect();
        let mut builder = Builder { tensors: &tensors, limit: max_units, left: max_units };
        let nodes = self.nodes.into_iter().enumerate().map(|node| builder.node(node)).collect::<Result<_, _>>()?;
        Ok(Graph::with_neutral_constants(tensors, nodes, TensorId(self.input), TensorId(self.output))?)
    }
}

/// Makes nodes of records that are not validated yet.
struct Builder<'a> {
    tensors: &'a [TensorSpec],
    limit: u64,
    left: u64,
}

impl Builder<'_> {
    fn node(&mut self, (index, NodeRecord { op, output }): (usize, NodeRecord)) -> Result<Node, ArchitectureError> {
        let output = TensorId(output);
        let source = format!("{} #{index}", op.kind());
        let op = match op {
            OpRecord::Conv2d(conv) => {
                let inputs = self.channels(TensorId(conv.input));
                Op::Conv2d(self.convolution(conv, inputs, output)?)
            }
            OpRecord::DepthwiseConv2d(conv) => Op::DepthwiseConv2d(self.convolution(conv, 1, output)?),
            OpRecord::Add { left, left_table, right, multipliers, shifts, output: clamp } => Op::Add(Add {
                left: TensorId(left),
                left_table,
                right: self.operand(right, output)?,
                requantization: requantization(multipliers, shifts, &clamp),
            }),
            OpRecord::Mul { left, left_zero_point, right, right_zero_point, multipliers, shifts, output: clamp } => Op::Mul(Mul {
                left: TensorId(left),
                left_zero_point,
                right: TensorId(right),
                right_zero_point,
                requantization: requantization(multipliers, shifts, &clamp),
            }),
            OpRecord::SumPool { input, window: geometry, tables } => {
                let mut expanded = Vec::with_capacity(tables.len());
                for (count, runs) in tables {
                    self.spend(runs.num_entries())?;
                    expanded.push((count, runs.table()));
                }
                Op::SumPool(SumPool { input: TensorId(input), window: window(geometry), tables: expanded })
            }
            OpRecord::MaxPool { input, window: geometry, min, max } => {
                Op::MaxPool(MaxPool { input: TensorId(input), window: window(geometry), min, max })
            }
            OpRecord::Lookup { input, table } => Op::Lookup(Lookup { input: TensorId(input), table }),
            OpRecord::Pad { input, before, value } => Op::Pad(Pad { input: TensorId(input), before: shape(before), value }),
            OpRecord::Reshape { input } => Op::Reshape { input: TensorId(input) },
            OpRecord::Concat { inputs, axis } => Op::Concat(Concat { inputs: inputs.into_iter().map(TensorId).collect(), axis }),
        };
        Ok(Node { source, op, output })
    }

    /// `inputs`: channels that each filter reads.
    fn convolution(&mut self, conv: ConvRecord, inputs: usize, output: TensorId) -> Result<Conv, ArchitectureError> {
        let window = window(conv.window);
        let channels = self.channels(output);
        // Bias, multiplier, shift.
        self.spend(channels.checked_mul(3 + RANGE_UNITS))?;
        // The range analysis takes sums over the taps of one filter, with a row and a column of zeros.
        let sums = product([window.kernel_h.saturating_add(1), window.kernel_w.saturating_add(1), RANGE_UNITS]);
        self.spend(sums)?;
        let num_weights = self.spend(product([window.kernel_h, window.kernel_w, inputs, channels]))?;
        let count = |multiplicity| match multiplicity {
            Multiplicity::PerLayer => 1,
            Multiplicity::PerChannel => channels,
        };
        Ok(Conv {
            input: TensorId(conv.input),
            input_zero_point: conv.input_zero_point,
            window,
            weights: vec![0; num_weights],
            weight_zero_point: 0,
            bias: vec![0; channels],
            requantization: requantization(vec![MULTIPLIER; count(conv.multipliers)], vec![0; count(conv.shifts)], &conv.output),
        })
    }

    fn operand(&mut self, operand: OperandRecord, output: TensorId) -> Result<Operand, ArchitectureError> {
        match operand {
            OperandRecord::Tensor { tensor, table } => Ok(Operand::Tensor { tensor: TensorId(tensor), table }),
            OperandRecord::Constant => {
                let channels = self.channels(output);
                self.spend(channels.checked_mul(1 + RANGE_UNITS))?;
                Ok(Operand::Constant(vec![0; channels]))
            }
        }
    }

    /// Channels of a tensor; none of one that does not exist, which validation refuses.
    fn channels(&self, tensor: TensorId) -> usize {
        self.tensors.get(tensor.0).map_or(0, |spec| spec.shape.channels)
    }

    /// Takes `units` from what is left, and returns them.
    fn spend(&mut self, units: Option<usize>) -> Result<usize, ArchitectureError> {
        let too_large = ArchitectureError::TooLarge { limit: self.limit };
        let Some(units) = units else { return Err(too_large) };
        self.left = u64::try_from(units).ok().and_then(|units| self.left.checked_sub(units)).ok_or(too_large)?;
        Ok(units)
    }
}

fn product<const N: usize>(factors: [usize; N]) -> Option<usize> {
    factors.into_iter().try_fold(1_usize, usize::checked_mul)
}

fn tensor((index, TensorRecord { shape: sides, dtype }): (usize, TensorRecord)) -> TensorSpec {
    let dtype = match dtype {
        DataTypeRecord::U8 => DataType::U8,
        DataTypeRecord::I8 => DataType::I8,
    };
    TensorSpec { name: format!("tensor {index}"), shape: shape(sides), dtype }
}

fn requantization(multipliers: Vec<i32>, shifts: Vec<i32>, output: &OutputRecord) -> Requantization {
    let OutputRecord { rounding, zero_point, min, max } = *output;
    let rounding = match rounding {
        RoundingRecord::Twice => Rounding::Twice,
        RoundingRecord::Once => Rounding::Once,
    };
    Requantization { multipliers, shifts, rounding, zero_point, min, max }
}

const fn window([kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left]: WindowRecord) -> Window {
    Window { kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left }
}

const fn shape([height, width, channels]: ShapeRecord) -> Shape {
    Shape { height, width, channels }
}
