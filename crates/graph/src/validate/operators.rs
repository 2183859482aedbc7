use super::{constants, place, windows};
use crate::error::{GraphError, Place};
use crate::graph::{Node, NodeId, TensorId, TensorSpec};
use crate::op::{Add, Concat, Conv, Lookup, MaxPool, Mul, Op, Operand, Pad, SumPool};
use crate::shape::{DataType, Shape};

/// Checks shapes, types and constants of every node. The wiring has been checked.
pub(crate) fn check_operators(tensors: &[TensorSpec], nodes: &[Node]) -> Result<(), GraphError> {
    for (index, node) in nodes.iter().enumerate() {
        let context = Context { tensors, id: NodeId(index), node };
        match &node.op {
            Op::Conv2d(conv) => check_conv2d(&context, conv)?,
            Op::DepthwiseConv2d(conv) => check_depthwise(&context, conv)?,
            Op::Add(add) => check_add(&context, add)?,
            Op::Mul(mul) => check_mul(&context, mul)?,
            Op::SumPool(pool) => check_sum_pool(&context, pool)?,
            Op::MaxPool(pool) => check_max_pool(&context, pool)?,
            Op::Lookup(lookup) => check_lookup(&context, lookup)?,
            Op::Pad(pad) => check_pad(&context, pad)?,
            Op::Reshape { input } => check_reshape(&context, *input)?,
            Op::Concat(concat) => check_concat(&context, concat)?,
        }
    }
    Ok(())
}

/// The node being checked, among the tensors it names.
pub(super) struct Context<'a> {
    tensors: &'a [TensorSpec],
    id: NodeId,
    node: &'a Node,
}

impl Context<'_> {
    pub fn at(&self) -> Place {
        place(self.id, self.node)
    }

    pub fn shape(&self, tensor: TensorId) -> Shape {
        self.tensors[tensor.0].shape
    }

    pub fn dtype(&self, tensor: TensorId) -> DataType {
        self.tensors[tensor.0].dtype
    }

    pub const fn output(&self) -> TensorId {
        self.node.output
    }

    pub fn output_shape(&self) -> Shape {
        self.shape(self.output())
    }

    fn check_shape(&self, tensor: TensorId, expected: Shape) -> Result<(), GraphError> {
        let found = self.shape(tensor);
        if found == expected {
            return Ok(());
        }
        Err(GraphError::ShapeMismatch { at: self.at(), tensor: tensor.0, found, expected })
    }

    /// The output has the channels of `input`; the window determines its height and width.
    fn check_channels(&self, input: TensorId) -> Result<(), GraphError> {
        let Shape { height, width, .. } = self.output_shape();
        self.check_shape(self.output(), Shape::new(height, width, self.shape(input).channels))
    }

    fn check_same_type(&self, input: TensorId) -> Result<(), GraphError> {
        let (found, expected) = (self.dtype(self.output()), self.dtype(input));
        if found == expected {
            return Ok(());
        }
        Err(GraphError::TypeMismatch { at: self.at(), tensor: self.output().0, found, expected })
    }

    fn check_broadcast(&self, tensor: TensorId) -> Result<(), GraphError> {
        let (found, output) = (self.shape(tensor), self.output_shape());
        let fits = |side, of| side == of || side == 1;
        if fits(found.height, output.height) && fits(found.width, output.width) && fits(found.channels, output.channels) {
            return Ok(());
        }
        Err(GraphError::NotBroadcastable { at: self.at(), tensor: tensor.0, found, output })
    }
}

fn check_conv2d(context: &Context<'_>, conv: &Conv) -> Result<(), GraphError> {
    windows::check(context, &conv.window, conv.input)?;
    let filter_len = conv.window.num_taps().checked_mul(context.shape(conv.input).channels);
    check_conv(context, conv, filter_len)
}

fn check_depthwise(context: &Context<'_>, conv: &Conv) -> Result<(), GraphError> {
    windows::check(context, &conv.window, conv.input)?;
    let (output, input) = (context.output_shape().channels, context.shape(conv.input).channels);
    if output % input != 0 {
        return Err(GraphError::ChannelMultiplier { at: context.at(), output, input });
    }
    check_conv(context, conv, Some(conv.window.num_taps()))
}

/// `filter_len`: weights for each output channel.
fn check_conv(context: &Context<'_>, conv: &Conv, filter_len: Option<usize>) -> Result<(), GraphError> {
    let channels = context.output_shape().channels;
    let expected = filter_len.and_then(|length| length.checked_mul(channels)).unwrap_or(usize::MAX);
    if conv.weights.len() != expected {
        return Err(GraphError::WeightCount { at: context.at(), found: conv.weights.len(), expected });
    }
    if conv.bias.len() != channels {
        return Err(GraphError::BiasCount { at: context.at(), found: conv.bias.len(), expected: channels });
    }
    constants::check_zero_point(context, conv.input, conv.input_zero_point)?;
    constants::check_weights(context, &conv.weights, conv.weight_zero_point)?;
    constants::check_requantization(context, &conv.requantization, channels)
}

fn check_add(context: &Context<'_>, add: &Add) -> Result<(), GraphError> {
    context.check_shape(add.left, context.output_shape())?;
    constants::check_addends(context, &add.left_table, Some(256))?;
    match &add.right {
        Operand::Tensor { tensor, table } => {
            context.check_broadcast(*tensor)?;
            constants::check_addends(context, table, Some(256))?;
        }
        Operand::Constant(constants) => {
            let expected = context.output_shape().channels;
            if constants.len() != expected {
                return Err(GraphError::ConstantCount { at: context.at(), found: constants.len(), expected });
            }
            constants::check_addends(context, constants, None)?;
        }
    }
    constants::check_requantization(context, &add.requantization, 1)
}

fn check_mul(context: &Context<'_>, mul: &Mul) -> Result<(), GraphError> {
    context.check_shape(mul.left, context.output_shape())?;
    context.check_broadcast(mul.right)?;
    constants::check_zero_point(context, mul.left, mul.left_zero_point)?;
    constants::check_zero_point(context, mul.right, mul.right_zero_point)?;
    constants::check_requantization(context, &mul.requantization, 1)
}

fn check_sum_pool(context: &Context<'_>, pool: &SumPool) -> Result<(), GraphError> {
    windows::check(context, &pool.window, pool.input)?;
    context.check_channels(pool.input)?;
    let counts: Vec<usize> = pool.tables.iter().map(|(count, _)| *count).collect();
    windows::check_tap_counts(context, &pool.window, pool.input, &counts)?;
    for (count, table) in &pool.tables {
        constants::check_table(context, table, 255 * *count as u64 + 1)?;
    }
    Ok(())
}

fn check_max_pool(context: &Context<'_>, pool: &MaxPool) -> Result<(), GraphError> {
    windows::check(context, &pool.window, pool.input)?;
    context.check_channels(pool.input)?;
    context.check_same_type(pool.input)?;
    constants::check_clamp(context, pool.min, pool.max)
}

fn check_lookup(context: &Context<'_>, lookup: &Lookup) -> Result<(), GraphError> {
    context.check_shape(context.output(), context.shape(lookup.input))?;
    constants::check_table(context, &lookup.table, 256)
}

fn check_pad(context: &Context<'_>, pad: &Pad) -> Result<(), GraphError> {
    context.check_same_type(pad.input)?;
    let (input, found, before) = (context.shape(pad.input), context.output_shape(), pad.before);
    let fits = |input: usize, before: usize, output: usize| input.checked_add(before).is_some_and(|sum| sum <= output);
    if !(fits(input.height, before.height, found.height)
        && fits(input.width, before.width, found.width)
        && fits(input.channels, before.channels, found.channels))
    {
        let tensor = context.output().0;
        return Err(GraphError::PadTooSmall { at: context.at(), tensor, found, input, before });
    }
    constants::check_pad_value(context, pad.value)
}

fn check_reshape(context: &Context<'_>, input: TensorId) -> Result<(), GraphError> {
    context.check_same_type(input)?;
    let (found, expected) = (context.output_shape(), context.shape(input).num_elements());
    if found.num_elements() == expected {
        return Ok(());
    }
    Err(GraphError::ElementCount { at: context.at(), tensor: context.output().0, found, expected })
}

fn check_concat(context: &Context<'_>, concat: &Concat) -> Result<(), GraphError> {
    let Some((&first, others)) = concat.inputs.split_first() else {
        return Err(GraphError::EmptyConcat { at: context.at() });
    };
    if concat.axis > 2 {
        return Err(GraphError::AxisOutOfRange { at: context.at(), axis: concat.axis });
    }
    let mut joined = context.shape(first);
    for &input in others {
        let shape = context.shape(input);
        let mut expected = context.shape(first);
        // Tensors are at most 2^28 elements and a graph holds less than 2^30, but the same one may be listed often.
        let (sum, side, added) = match concat.axis {
            0 => (&mut joined.height, &mut expected.height, shape.height),
            1 => (&mut joined.width, &mut expected.width, shape.width),
            _ => (&mut joined.channels, &mut expected.channels, shape.channels),
        };
        *sum = sum.saturating_add(added);
        *side = added;
        context.check_shape(input, expected)?;
    }
    for &input in &concat.inputs {
        context.check_same_type(input)?;
    }
    context.check_shape(context.output(), joined)
}
