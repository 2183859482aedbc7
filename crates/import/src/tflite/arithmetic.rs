//! ADD, SUB and MUL (`kernels/add.cc`, `sub.cc`, `mul.cc`).

use verinfer_graph::{Add, Conv, DataType, Mul, Op, Operand, Shape, TensorId, Window};
use verinfer_tflite_schema::tflite::ActivationFunctionType;

use crate::error::Unsupported;
use crate::fixed_point::Multiplier;
use crate::tflite::constant_addend::{Sum, independent_of_scale};
use crate::tflite::lowering::{Activation, Context, Lowering, activation_range, requantization};
use crate::tflite::source::Tensor;

/// Left shift of both operands of an 8-bit addition.
const LEFT_SHIFT: u32 = 20;

/// ADD.
pub fn lower_add(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let options = context.operator.table.builtin_options_as_add_options().unwrap_or_default();
    lower_sum(lowering, context, options.fused_activation_function(), false)
}

/// SUB: ADD with the second operand negated.
pub fn lower_sub(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let options = context.operator.table.builtin_options_as_sub_options().unwrap_or_default();
    lower_sum(lowering, context, options.fused_activation_function(), true)
}

fn lower_sum(
    lowering: &mut Lowering<'_, '_>,
    context: &Context<'_, '_>,
    activation: ActivationFunctionType,
    negate_second: bool,
) -> Result<(), Unsupported> {
    let operands = Operands::read(lowering, context)?;
    let output = operands.output;
    let [first_scale, second_scale] = [operands.first.scale()?, operands.second.scale()?];
    // In single precision first, as in `Prepare`; the factors are powers of two.
    let twice_max = f64::from(2.0 * first_scale.max(second_scale));
    let first_multiplier = Multiplier::quantize_below_one(f64::from(first_scale) / twice_max)?;
    let second_multiplier = Multiplier::quantize_below_one(f64::from(second_scale) / twice_max)?;
    let output_factor = twice_max / f64::from((1u32 << LEFT_SHIFT) as f32 * output.scale);
    let output_multiplier = Multiplier::quantize_below_one(output_factor)?;
    let first = operands.first.rescaled(first_multiplier, false)?;
    let second = operands.second.rescaled(second_multiplier, negate_second)?;
    let range = activation_range(activation, output)?;
    let requantized = |multiplier: Multiplier| requantization(multiplier, output.zero_point, range);
    let is_input_second = matches!(second, Rescaled::Tensor { .. });
    match (first, second) {
        (Rescaled::Tensor { input, table }, Rescaled::Constant { shape, values })
        | (Rescaled::Constant { shape, values }, Rescaled::Tensor { input, table }) => {
            let constant = Spread::new(shape, values, input.shape, output.shape)?;
            constant.push(lowering, context, input, output, |left, constants| {
                let given = Sum { table, multiplier: output_multiplier, constants };
                let negated = negate_second && is_input_second;
                let Sum { table, multiplier, constants } = independent_of_scale(&given, input, negated, output, range).unwrap_or(given);
                Op::Add(Add { left, left_table: table, right: Operand::Constant(constants), requantization: requantized(multiplier) })
            });
        }
        (Rescaled::Tensor { input, table }, Rescaled::Tensor { input: other, table: other_table }) => {
            let (left, left_table, right, table) =
                if input.shape == output.shape { (input, table, other, other_table) } else { (other, other_table, input, table) };
            if left.shape != output.shape {
                return Err(Unsupported::BothRepeated { left: input.shape, right: other.shape, output: output.shape });
            }
            let right = Operand::Tensor { tensor: right.id, table };
            let requantization = requantized(output_multiplier);
            lowering.push(context, Op::Add(Add { left: left.id, left_table, right, requantization }), output.id);
        }
        (Rescaled::Constant { .. }, Rescaled::Constant { .. }) => return Err(Unsupported::BothConstant),
    }
    Ok(())
}

/// MUL; by a constant for all or each channel it is a 1x1 depthwise convolution.
pub fn lower_mul(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let options = context.operator.table.builtin_options_as_mul_options().unwrap_or_default();
    let operands = Operands::read(lowering, context)?;
    let output = operands.output;
    let [first_scale, second_scale] = [operands.first.scale()?, operands.second.scale()?];
    // In single precision throughout, as in `Prepare`.
    let multiplier = Multiplier::quantize(f64::from(first_scale * second_scale / output.scale))?;
    let range = activation_range(options.fused_activation_function(), output)?;
    let requantization = requantization(multiplier, output.zero_point, range);
    match (operands.first, operands.second) {
        (Factor::Tensor(input), Factor::Constant(constant)) | (Factor::Constant(constant), Factor::Tensor(input)) => {
            let weight_zero_point = constant.per_tensor()?.1;
            let spread = Spread::new(constant.shape()?, constant.bytes_as_values()?, input.shape, output.shape)?;
            spread.push(lowering, context, input, output, |id, weights| {
                let bias = vec![0; weights.len()];
                let input_zero_point = input.zero_point;
                Op::DepthwiseConv2d(Conv {
                    input: id,
                    input_zero_point,
                    window: Window::POINT,
                    weights,
                    weight_zero_point,
                    bias,
                    requantization,
                })
            });
        }
        (Factor::Tensor(first), Factor::Tensor(second)) => {
            let (left, right) = if first.shape == output.shape { (first, second) } else { (second, first) };
            if left.shape != output.shape {
                return Err(Unsupported::BothRepeated { left: first.shape, right: second.shape, output: output.shape });
            }
            let op = Op::Mul(Mul {
                left: left.id,
                left_zero_point: left.zero_point,
                right: right.id,
                right_zero_point: right.zero_point,
                requantization,
            });
            lowering.push(context, op, output.id);
        }
        (Factor::Constant(_), Factor::Constant(_)) => return Err(Unsupported::BothConstant),
    }
    Ok(())
}

/// The operands of an element-wise operator, of one type and broadcast to the output's shape.
struct Operands<'s, 'a> {
    first: Factor<'s, 'a>,
    second: Factor<'s, 'a>,
    output: Activation,
}

#[derive(Clone, Copy)]
enum Factor<'s, 'a> {
    Tensor(Activation),
    Constant(&'s Tensor<'a>),
}

impl<'s, 'a> Operands<'s, 'a> {
    fn read(lowering: &mut Lowering<'_, '_>, context: &Context<'s, 'a>) -> Result<Self, Unsupported> {
        context.expect_operands(2, 2, "2")?;
        let output = context.output(lowering)?;
        let mut factor = |position| -> Result<Factor<'s, 'a>, Unsupported> {
            let tensor = context.tensor(position)?;
            if tensor.data_type()? != output.dtype {
                return Err(Unsupported::Type {
                    tensor: tensor.name.clone(),
                    found: tensor.element,
                    expected: match output.dtype {
                        DataType::U8 => "UINT8 like the output",
                        DataType::I8 => "INT8 like the output",
                    },
                });
            }
            Ok(match &tensor.data {
                Some(_) => Factor::Constant(tensor),
                None => Factor::Tensor(context.input(lowering, position)?),
            })
        };
        let (first, second) = (factor(0)?, factor(1)?);
        let expected = broadcast_dims(&context.tensor(0)?.dims, &context.tensor(1)?.dims).ok_or(Unsupported::ShapesDiffer {
            left: first.shape()?,
            right: second.shape()?,
            output: output.shape,
        })?;
        context.output_tensor()?.expect_dims(&expected)?;
        Ok(Self { first, second, output })
    }
}

impl Factor<'_, '_> {
    fn scale(&self) -> Result<f32, Unsupported> {
        match self {
            Self::Tensor(activation) => Ok(activation.scale),
            Self::Constant(tensor) => Ok(tensor.per_tensor()?.0),
        }
    }

    fn shape(&self) -> Result<Shape, Unsupported> {
        match self {
            Self::Tensor(activation) => Ok(activation.shape),
            Self::Constant(tensor) => tensor.shape(),
        }
    }

    /// Stored values less the zero point, shifted left and multiplied, perhaps negated.
    fn rescaled(&self, multiplier: Multiplier, negate: bool) -> Result<Rescaled, Unsupported> {
        let rescale = |value: i16, zero_point: i32| -> Result<i32, Unsupported> {
            // At most 255 * 2^20.
            let shifted = (i32::from(value).wrapping_sub(zero_point)) << LEFT_SHIFT;
            let rescaled = multiplier.apply(shifted).ok_or(Unsupported::Overflow)?;
            Ok(if negate { rescaled.wrapping_neg() } else { rescaled })
        };
        match self {
            Self::Tensor(input) => Ok(Rescaled::Tensor {
                input: *input,
                table: (input.dtype.min()..=input.dtype.max()).map(|value| rescale(value, input.zero_point)).collect::<Result<_, _>>()?,
            }),
            Self::Constant(tensor) => {
                let (_, zero_point) = tensor.per_tensor()?;
                Ok(Rescaled::Constant {
                    shape: tensor.shape()?,
                    values: tensor.bytes_as_values()?.into_iter().map(|value| rescale(value, zero_point)).collect::<Result<_, _>>()?,
                })
            }
        }
    }
}

/// An operand of a sum on the common scale.
enum Rescaled {
    Tensor { input: Activation, table: Vec<i32> },
    Constant { shape: Shape, values: Vec<i32> },
}

/// A constant with one value for each channel of `shape`, which holds the output's elements.
struct Spread<T> {
    shape: Shape,
    values: Vec<T>,
}

/// Values of a constant that is not one for all or each channel.
const MAX_SPREAD: usize = 1 << 22;

impl<T: Copy> Spread<T> {
    /// `values` of shape `constant`, repeated as far as `output` needs: over its channels, else over the elements of a row, else over all.
    fn new(constant: Shape, values: Vec<T>, input: Shape, output: Shape) -> Result<Self, Unsupported> {
        if input != output {
            return Err(Unsupported::RepeatedBesideConstant { found: input, output });
        }
        let shape = match (constant.height, constant.width) {
            (1, 1) => output,
            (1, _) => Shape::new(output.height, 1, output.width.saturating_mul(output.channels)),
            (_, _) => Shape::new(1, 1, output.num_elements()),
        };
        if shape != output && shape.channels > MAX_SPREAD {
            return Err(Unsupported::ConstantTooLarge { elements: shape.channels, limit: MAX_SPREAD });
        }
        let [rows, columns] = if shape == output { [1, 1] } else { [if shape.height == 1 { output.height } else { 1 }, output.width] };
        // The index along a side of the constant, which is the output's or one.
        let along = |side: usize, index: usize| if side == 1 { 0 } else { index };
        let mut spread = Vec::with_capacity(shape.channels);
        for y in 0..rows {
            for x in 0..columns {
                let pixel = along(constant.height, y).saturating_mul(constant.width).saturating_add(along(constant.width, x));
                for channel in 0..output.channels {
                    let index = pixel.saturating_mul(constant.channels).saturating_add(along(constant.channels, channel));
                    let value = values.get(index).ok_or(Unsupported::ShapesDiffer { left: output, right: constant, output })?;
                    spread.push(*value);
                }
            }
        }
        Ok(Self { shape, values: spread })
    }

    /// Pushes the operator of `input` and the values, between two reshapes where they are not one for each channel of the output.
    fn push(
        self,
        lowering: &mut Lowering<'_, '_>,
        context: &Context<'_, '_>,
        input: Activation,
        output: Activation,
        operator: impl FnOnce(TensorId, Vec<T>) -> Op,
    ) {
        let input = lowering.reshaped(context, input, self.shape);
        let op = operator(input, self.values);
        if self.shape == output.shape {
            lowering.push(context, op, output.id);
        } else {
            let result = lowering.temporary(format!("result of #{}", context.index), self.shape, output.dtype);
            lowering.push(context, op, result);
            lowering.push(context, Op::Reshape { input: result }, output.id);
        }
    }
}

/// `CalculateShapeForBroadcast`; `None` where the shapes cannot be combined.
fn broadcast_dims(first: &[usize], second: &[usize]) -> Option<Vec<usize>> {
    let rank = first.len().max(second.len());
    let side = |dims: &[usize], from_end: usize| dims.iter().rev().nth(from_end).copied().unwrap_or(1);
    let mut dims = (0..rank)
        .map(|from_end| {
            let (a, b) = (side(first, from_end), side(second, from_end));
            (a == b || a == 1 || b == 1).then_some(a.max(b))
        })
        .collect::<Option<Vec<_>>>()?;
    dims.reverse();
    Some(dims)
}
