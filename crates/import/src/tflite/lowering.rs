//! The graph under construction, and what every operator needs to read its operands.

use verinfer_graph::{DataType, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec};
use verinfer_tflite_schema::tflite::{ActivationFunctionType, BuiltinOperator};

use crate::error::Unsupported;
use crate::fixed_point::{Multiplier, round_to_i32};
use crate::tflite::source::{Operator, Source, Tensor};
use crate::tflite::{activation, arithmetic, convolution, hard_swish, layout, pooling};

/// Lowers one operator to nodes.
///
/// # Errors
///
/// Why it cannot be lowered exactly; the graph is then without its nodes but can still be read for a survey.
pub fn lower_operator(lowering: &mut Lowering<'_, '_>, index: usize, operator: &Operator<'_>) -> Result<(), Unsupported> {
    lower_by_code(lowering, index, operator)?;
    lowering.check_constants()
}

fn lower_by_code(lowering: &mut Lowering<'_, '_>, index: usize, operator: &Operator<'_>) -> Result<(), Unsupported> {
    let context = Context { operator, index, source: lowering.source };
    match operator.code {
        BuiltinOperator::CONV_2D => convolution::lower_conv(lowering, &context),
        BuiltinOperator::DEPTHWISE_CONV_2D => convolution::lower_depthwise(lowering, &context),
        BuiltinOperator::FULLY_CONNECTED => convolution::lower_fully_connected(lowering, &context),
        BuiltinOperator::ADD => arithmetic::lower_add(lowering, &context),
        BuiltinOperator::SUB => arithmetic::lower_sub(lowering, &context),
        BuiltinOperator::MUL => arithmetic::lower_mul(lowering, &context),
        BuiltinOperator::AVERAGE_POOL_2D => pooling::lower_average_pool(lowering, &context),
        BuiltinOperator::MEAN => pooling::lower_mean(lowering, &context),
        BuiltinOperator::MAX_POOL_2D => pooling::lower_max_pool(lowering, &context),
        BuiltinOperator::PAD | BuiltinOperator::PADV2 => layout::lower_pad(lowering, &context),
        BuiltinOperator::RESHAPE => layout::lower_reshape(lowering, &context),
        BuiltinOperator::SQUEEZE => layout::lower_squeeze(lowering, &context),
        BuiltinOperator::EXPAND_DIMS => layout::lower_expand_dims(lowering, &context),
        BuiltinOperator::CONCATENATION => layout::lower_concatenation(lowering, &context),
        BuiltinOperator::RELU => activation::lower_relu(lowering, &context, 0.0, None),
        BuiltinOperator::RELU6 => activation::lower_relu(lowering, &context, 0.0, Some(6.0)),
        BuiltinOperator::RELU_N1_TO_1 => activation::lower_relu(lowering, &context, -1.0, Some(1.0)),
        BuiltinOperator::LEAKY_RELU => activation::lower_leaky_relu(lowering, &context),
        BuiltinOperator::HARD_SWISH => hard_swish::lower_hard_swish(lowering, &context),
        BuiltinOperator::LOGISTIC => activation::lower_logistic(lowering, &context),
        BuiltinOperator::TANH => activation::lower_tanh(lowering, &context),
        BuiltinOperator::ELU => activation::lower_elu(lowering, &context),
        BuiltinOperator::QUANTIZE => activation::lower_quantize(lowering, &context),
        BuiltinOperator::SOFTMAX | BuiltinOperator::LOG_SOFTMAX | BuiltinOperator::DEQUANTIZE => Err(Unsupported::NotLast),
        BuiltinOperator::CUSTOM => {
            Err(Unsupported::CustomOperator { name: operator.custom_code.as_deref().unwrap_or_default().to_owned() })
        }
        _ => Err(Unsupported::Operator),
    }
}

/// Constants of all operators together: operators may share the bytes of a file, but not what becomes of them.
const MAX_CONSTANTS: usize = 1 << 28;

/// Tensors and nodes so far.
pub struct Lowering<'s, 'a> {
    source: &'s Source<'a>,
    tensors: Vec<TensorSpec>,
    nodes: Vec<Node>,
    /// For each tensor of the file, its tensor in the graph.
    ids: Vec<Option<TensorId>>,
    /// Nodes whose constants have been counted, these constants, and the entries of tables among them.
    counted: (usize, usize, usize),
}

/// A quantized activation tensor: `real = scale * (stored - zero_point)`.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    pub id: TensorId,
    pub shape: Shape,
    pub dtype: DataType,
    pub scale: f32,
    pub zero_point: i32,
}

impl<'s, 'a> Lowering<'s, 'a> {
    /// An empty graph.
    pub fn new(source: &'s Source<'a>) -> Self {
        Self { source, tensors: Vec::new(), nodes: Vec::new(), ids: vec![None; source.tensors.len()], counted: (0, 0, 0) }
    }

    /// The activation tensor of index `tensor` in the file, declared in the graph on first use.
    pub fn activation(&mut self, tensor: usize) -> Result<Activation, Unsupported> {
        let missing = Unsupported::OperandCount { found: 0, expected: "1" };
        let declared = self.source.tensors.get(tensor).ok_or_else(|| missing.clone())?;
        declared.check_plain()?;
        let dtype = declared.data_type()?;
        if declared.data.is_some() {
            return Err(Unsupported::Constant { tensor: declared.name.clone() });
        }
        let shape = declared.shape()?;
        let (scale, zero_point) = declared.per_tensor()?;
        let id = match self.ids.get(tensor).copied().flatten() {
            Some(id) => id,
            None => {
                let id = self.temporary(declared.name.clone(), shape, dtype);
                *self.ids.get_mut(tensor).ok_or(missing)? = Some(id);
                id
            }
        };
        Ok(Activation { id, shape, dtype, scale, zero_point })
    }

    /// A tensor that the file does not have.
    pub fn temporary(&mut self, name: String, shape: Shape, dtype: DataType) -> TensorId {
        let id = TensorId(self.tensors.len());
        self.tensors.push(TensorSpec { name, shape, dtype });
        id
    }

    /// Appends a node.
    pub fn push(&mut self, context: &Context<'_, '_>, op: Op, output: TensorId) {
        self.nodes.push(Node { source: format!("{} #{}", context.operator.name(), context.index), op, output });
    }

    /// `input` under another shape, by a RESHAPE node where it has not that shape already.
    pub fn reshaped(&mut self, context: &Context<'_, '_>, input: Activation, shape: Shape) -> TensorId {
        if input.shape == shape {
            return input.id;
        }
        let reshaped = self.temporary(format!("reshaped for #{}", context.index), shape, input.dtype);
        self.push(context, Op::Reshape { input: input.id }, reshaped);
        reshaped
    }

    /// Counts what the nodes hold that are new since the last time; they are dropped if it is too much.
    pub fn check_constants(&mut self) -> Result<(), Unsupported> {
        let (num_nodes, mut constants, mut entries) = self.counted;
        for node in self.nodes.iter().skip(num_nodes) {
            let of_tables = match &node.op {
                Op::SumPool(pool) => pool.tables.iter().map(|(_, table)| table.len()).fold(0, usize::saturating_add),
                Op::Conv2d(_) | Op::DepthwiseConv2d(_) | Op::Add(_) | Op::Mul(_) | Op::MaxPool(_) => 0,
                Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => 0,
            };
            let of_weights = match &node.op {
                Op::Conv2d(conv) | Op::DepthwiseConv2d(conv) => conv.weights.len(),
                Op::SumPool(_) | Op::Add(_) | Op::Mul(_) | Op::MaxPool(_) => 0,
                Op::Lookup(_) | Op::Pad(_) | Op::Reshape { .. } | Op::Concat(_) => 0,
            };
            entries = entries.saturating_add(of_tables);
            constants = constants.saturating_add(of_weights);
        }
        let refused = if entries > pooling::MAX_TABLE_ENTRIES {
            Some(Unsupported::TablesTooLarge { entries, limit: pooling::MAX_TABLE_ENTRIES })
        } else if constants > MAX_CONSTANTS {
            Some(Unsupported::TooManyConstants { constants, limit: MAX_CONSTANTS })
        } else {
            None
        };
        match refused {
            None => {
                self.counted = (self.nodes.len(), constants, entries);
                Ok(())
            }
            Some(refused) => {
                self.nodes.truncate(num_nodes);
                Err(refused)
            }
        }
    }

    /// Tensor index in the file and tensor of the graph, for all that have both.
    pub fn tensor_of(&self) -> Vec<(usize, TensorId)> {
        self.ids.iter().enumerate().filter_map(|(index, id)| id.map(|id| (index, id))).collect()
    }

    /// All tensors and nodes.
    pub fn finish(self) -> (Vec<TensorSpec>, Vec<Node>) {
        (self.tensors, self.nodes)
    }
}

/// One operator with access to its tensors.
#[derive(Clone, Copy)]
pub struct Context<'s, 'a> {
    pub operator: &'s Operator<'a>,
    pub index: usize,
    pub source: &'s Source<'a>,
}

impl<'s, 'a> Context<'s, 'a> {
    /// Refuses operands without elements, and another number of inputs than `least` to `most` or of outputs than one.
    pub fn expect_operands(&self, least: usize, most: usize, expected: &'static str) -> Result<(), Unsupported> {
        for &tensor in self.operator.inputs.iter().flatten().chain(&self.operator.outputs) {
            self.source.tensors.get(tensor).map_or(Ok(()), Tensor::check_dims)?;
        }
        let found = self.operator.inputs.len();
        if found < least || found > most {
            return Err(Unsupported::OperandCount { found, expected });
        }
        match self.operator.outputs.len() {
            1 => Ok(()),
            found => Err(Unsupported::OperandCount { found, expected: "1 (outputs)" }),
        }
    }

    /// Index of input `position`; `None` where it is left out.
    pub fn input_index(&self, position: usize) -> Option<usize> {
        self.operator.inputs.get(position).copied().flatten()
    }

    /// Input `position`, `None` where it is left out.
    pub fn optional_tensor(&self, position: usize) -> Option<&'s Tensor<'a>> {
        self.source.tensors.get(self.input_index(position)?)
    }

    /// Input `position`.
    pub fn tensor(&self, position: usize) -> Result<&'s Tensor<'a>, Unsupported> {
        self.optional_tensor(position).ok_or(Unsupported::OperandCount { found: position, expected: "more" })
    }

    /// The output as declared.
    pub fn output_tensor(&self) -> Result<&'s Tensor<'a>, Unsupported> {
        self.operator
            .outputs
            .first()
            .and_then(|&output| self.source.tensors.get(output))
            .ok_or(Unsupported::OperandCount { found: 0, expected: "1 (outputs)" })
    }

    /// Input `position` as activation.
    pub fn input(&self, lowering: &mut Lowering<'_, '_>, position: usize) -> Result<Activation, Unsupported> {
        let index = self.input_index(position).ok_or(Unsupported::OperandCount { found: position, expected: "more" })?;
        lowering.activation(index)
    }

    /// The output as activation.
    pub fn output(&self, lowering: &mut Lowering<'_, '_>) -> Result<Activation, Unsupported> {
        let index = self.operator.outputs.first().copied().ok_or(Unsupported::OperandCount { found: 0, expected: "1 (outputs)" })?;
        lowering.activation(index)
    }

    /// The output as activation of the same type as `input`.
    pub fn output_like(&self, lowering: &mut Lowering<'_, '_>, input: Activation) -> Result<Activation, Unsupported> {
        let output = self.output(lowering)?;
        if output.dtype == input.dtype {
            return Ok(output);
        }
        let tensor = self.output_tensor()?;
        Err(Unsupported::Type {
            tensor: tensor.name.clone(),
            found: tensor.element,
            expected: match input.dtype {
                DataType::U8 => "UINT8 like its input",
                DataType::I8 => "INT8 like its input",
            },
        })
    }

    /// The output as activation of the same type, dimensions and element count as input 0.
    pub fn output_same_dims(&self, lowering: &mut Lowering<'_, '_>, input: Activation) -> Result<Activation, Unsupported> {
        self.output_tensor()?.expect_dims(&self.tensor(0)?.dims)?;
        self.output_like(lowering, input)
    }
}

/// Smallest and largest stored value after a fused activation: `CalculateActivationRangeQuantized`.
pub fn activation_range(activation: ActivationFunctionType, output: Activation) -> Result<(i16, i16), Unsupported> {
    let (type_min, type_max) = (i32::from(output.dtype.min()), i32::from(output.dtype.max()));
    let quantize =
        |value: f32| round_to_i32(value / output.scale).and_then(|steps| steps.checked_add(output.zero_point)).ok_or(Unsupported::Overflow);
    let (min, max) = match activation {
        ActivationFunctionType::NONE => (type_min, type_max),
        ActivationFunctionType::RELU => (quantize(0.0)?.max(type_min), type_max),
        ActivationFunctionType::RELU6 => (quantize(0.0)?.max(type_min), quantize(6.0)?.min(type_max)),
        ActivationFunctionType::RELU_N1_TO_1 => (quantize(-1.0)?.max(type_min), quantize(1.0)?.min(type_max)),
        other => {
            return Err(Unsupported::Activation { activation: other.variant_name().unwrap_or("(unknown)") });
        }
    };
    let empty = Unsupported::EmptyRange { min, max };
    match (i16::try_from(min), i16::try_from(max)) {
        (Ok(min), Ok(max)) if min <= max => Ok((min, max)),
        (_, _) => Err(empty),
    }
}

/// A requantization with one multiplier for all channels.
pub fn requantization(multiplier: Multiplier, zero_point: i32, (min, max): (i16, i16)) -> Requantization {
    Requantization {
        multipliers: vec![multiplier.multiplier],
        shifts: vec![multiplier.shift],
        rounding: Rounding::Twice,
        zero_point,
        min,
        max,
    }
}
