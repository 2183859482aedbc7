//! PAD, PADV2, RESHAPE, SQUEEZE, EXPAND_DIMS and CONCATENATION.

use verinfer_graph::{Concat, DataType, Lookup, Op, Pad, Shape, TensorId};
use verinfer_tflite_schema::tflite::{ActivationFunctionType, BuiltinOperator};

use crate::error::Unsupported;
use crate::fixed_point::round_to_i32;
use crate::tflite::lowering::{Activation, Context, Lowering};
use crate::tflite::source::Tensor;

/// PAD and PADV2: the border is the output's zero point, or the constant given (`kernels/pad.cc`).
pub fn lower_pad(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let has_value = context.operator.code == BuiltinOperator::PADV2;
    match has_value {
        true => context.expect_operands(3, 3, "3")?,
        false => context.expect_operands(2, 2, "2")?,
    }
    let input = context.input(lowering, 0)?;
    let output = context.output_like(lowering, input)?;
    let declared = context.tensor(0)?;
    let paddings = context.tensor(1)?;
    paddings.expect_dims(&[declared.dims.len(), 2])?;
    let borders = paddings
        .integers()?
        .into_iter()
        .map(|value| usize::try_from(value).map_err(|_| Unsupported::Option { name: "padding", value }))
        .collect::<Result<Vec<_>, _>>()?;
    let expected: Vec<usize> = declared
        .dims
        .iter()
        .zip(borders.chunks_exact(2))
        .map(|(&size, border)| border.iter().fold(size, |sum, &side| sum.saturating_add(side)))
        .collect();
    context.output_tensor()?.expect_dims(&expected)?;
    let mut before = borders.chunks_exact(2).rev().filter_map(|border| border.first().copied());
    let channels = before.next().unwrap_or(0);
    let width = before.next().unwrap_or(0);
    let height = before.next().unwrap_or(0);
    let value = match has_value {
        true => pad_value(context.tensor(2)?, output)?,
        false => i16::try_from(output.zero_point).map_err(|_| Unsupported::Overflow)?,
    };
    let op = Op::Pad(Pad { input: input.id, before: Shape::new(height, width, channels), value });
    lowering.push(context, op, output.id);
    Ok(())
}

/// The only element of PADV2's constant, which has the output's quantization.
fn pad_value(constant: &Tensor<'_>, output: Activation) -> Result<i16, Unsupported> {
    expect_quantization(constant, output)?;
    match *constant.bytes_as_values()?.as_slice() {
        [value] if output.dtype.contains(value) => Ok(value),
        _ => Err(Unsupported::Shape { tensor: constant.name.clone(), found: constant.dims.clone(), expected: vec![1] }),
    }
}

/// Refuses another scale or zero point than the output's.
fn expect_quantization(tensor: &Tensor<'_>, output: Activation) -> Result<(), Unsupported> {
    let (scale, zero_point) = tensor.per_tensor()?;
    if scale != output.scale {
        return Err(Unsupported::ScaleMismatch { tensor: tensor.name.clone(), scale, expected: output.scale });
    }
    if zero_point != output.zero_point {
        return Err(Unsupported::ZeroPointMismatch {
            tensor: tensor.name.clone(),
            zero_point: i64::from(zero_point),
            expected: i64::from(output.zero_point),
        });
    }
    Ok(())
}

/// RESHAPE: the new shape is a constant input or an option; one side may be -1.
pub fn lower_reshape(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(1, 2, "1 or 2")?;
    let requested = match context.optional_tensor(1) {
        Some(shape) => shape.integers()?,
        None => {
            let options = context.operator.table.builtin_options_as_reshape_options().unwrap_or_default();
            options.new_shape().into_iter().map(i64::from).collect()
        }
    };
    let elements = context.tensor(0)?.num_elements();
    let known: usize = requested.iter().filter_map(|&side| usize::try_from(side).ok()).fold(1, usize::saturating_mul);
    let expected = requested
        .iter()
        .map(|&side| match side {
            -1 => elements.checked_div(known).ok_or(Unsupported::Option { name: "new shape", value: side }),
            _ => usize::try_from(side).map_err(|_| Unsupported::Option { name: "new shape", value: side }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    push_reshape(lowering, context, &expected)
}

/// SQUEEZE: drops the listed sides of one, or all.
pub fn lower_squeeze(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(1, 1, "1")?;
    let options = context.operator.table.builtin_options_as_squeeze_options().unwrap_or_default();
    let dims = &context.tensor(0)?.dims;
    let listed = options
        .squeeze_dims()
        .into_iter()
        .map(|axis| {
            resolve_axis(i64::from(axis), dims.len())
                .filter(|&axis| dims.get(axis) == Some(&1))
                .ok_or(Unsupported::Option { name: "squeezed axis", value: i64::from(axis) })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let expected: Vec<usize> = dims
        .iter()
        .enumerate()
        .filter(|(axis, size)| if listed.is_empty() { **size != 1 } else { !listed.contains(axis) })
        .map(|(_, &size)| size)
        .collect();
    push_reshape(lowering, context, &expected)
}

/// EXPAND_DIMS: inserts a side of one. Unlike RESHAPE and SQUEEZE, TFLite demands that the quantization stays (`kernels/expand_dims.cc`).
pub fn lower_expand_dims(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(2, 2, "2")?;
    let mut dims = context.tensor(0)?.dims.clone();
    let axes = context.tensor(1)?.integers()?;
    let fault = |value| Unsupported::Option { name: "axis", value };
    let [axis] = *axes.as_slice() else {
        return Err(fault(axes.first().copied().unwrap_or(0)));
    };
    let position = resolve_axis(axis, dims.len().saturating_add(1)).ok_or_else(|| fault(axis))?;
    dims.insert(position.min(dims.len()), 1);
    let output = context.output(lowering)?;
    expect_quantization(context.tensor(0)?, output)?;
    push_reshape(lowering, context, &dims)
}

fn push_reshape(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>, expected: &[usize]) -> Result<(), Unsupported> {
    let input = context.input(lowering, 0)?;
    let output = context.output_like(lowering, input)?;
    context.output_tensor()?.expect_dims(expected)?;
    lowering.push(context, Op::Reshape { input: input.id }, output.id);
    Ok(())
}

/// CONCATENATION; inputs of another quantization than the output's are rescaled, which TFLite does for UINT8 only.
pub fn lower_concatenation(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(1, usize::MAX, "at least 1")?;
    let options = context.operator.table.builtin_options_as_concatenation_options().unwrap_or_default();
    let activation = options.fused_activation_function();
    if activation != ActivationFunctionType::NONE {
        return Err(Unsupported::Activation { activation: activation.variant_name().unwrap_or("(unknown)") });
    }
    let mut expected = context.tensor(0)?.dims.clone();
    let fault = Unsupported::Option { name: "axis", value: i64::from(options.axis()) };
    let axis = resolve_axis(i64::from(options.axis()), expected.len()).ok_or_else(|| fault.clone())?;
    let mut inputs = Vec::with_capacity(context.operator.inputs.len());
    let mut joined = 0usize;
    let first = context.input(lowering, 0)?;
    let output = context.output_like(lowering, first)?;
    for position in 0..context.operator.inputs.len() {
        let declared = context.tensor(position)?;
        let size = declared.dims.get(axis).copied().unwrap_or(1);
        joined = joined.saturating_add(size);
        if let Some(side) = expected.get_mut(axis) {
            *side = size;
        }
        declared.expect_dims(&expected)?;
        let input = context.input(lowering, position)?;
        inputs.push(requantized(lowering, context, declared, input, output)?);
    }
    if let Some(side) = expected.get_mut(axis) {
        *side = joined;
    }
    context.output_tensor()?.expect_dims(&expected)?;
    // Axes of the file's shape count from the left, those of `Shape` from the right: height is third from the end.
    let axis = axis.saturating_add(3).checked_sub(expected.len()).ok_or(fault)?;
    lowering.push(context, Op::Concat(Concat { inputs, axis }), output.id);
    Ok(())
}

/// `input` on the output's scale: `ConcatenationWithScaling`, in single precision.
fn requantized(
    lowering: &mut Lowering<'_, '_>,
    context: &Context<'_, '_>,
    declared: &Tensor<'_>,
    input: Activation,
    output: Activation,
) -> Result<TensorId, Unsupported> {
    if input.dtype != output.dtype {
        return Err(Unsupported::Type { tensor: declared.name.clone(), found: declared.element, expected: "of the output's type" });
    }
    if input.scale == output.scale && input.zero_point == output.zero_point {
        return Ok(input.id);
    }
    if input.dtype == DataType::I8 {
        expect_quantization(declared, output)?;
    }
    let inverse_output_scale = 1.0 / output.scale;
    let scale = input.scale * inverse_output_scale;
    let bias = input.zero_point.saturating_neg() as f32 * scale;
    let table = (input.dtype.min()..=input.dtype.max())
        .map(|value| {
            let rescaled = round_to_i32(f32::from(value) * scale + bias).ok_or(Unsupported::Overflow)?;
            let value = rescaled.saturating_add(output.zero_point).clamp(0, 255);
            i16::try_from(value).map_err(|_| Unsupported::Overflow)
        })
        .collect::<Result<_, _>>()?;
    let rescaled = lowering.temporary(format!("rescaled for #{}", context.index), input.shape, output.dtype);
    lowering.push(context, Op::Lookup(Lookup { input: input.id, table }), rescaled);
    Ok(rescaled)
}

/// An axis of a rank; negative ones count from the end.
fn resolve_axis(axis: i64, rank: usize) -> Option<usize> {
    let from_start = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
    usize::try_from(from_start).ok().filter(|&axis| axis < rank)
}
