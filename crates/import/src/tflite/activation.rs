//! Functions of one 8-bit value as tables (`kernels/activations.cc`, `quantize.cc`).

use verinfer_graph::{Lookup, Op};

use crate::error::Unsupported;
use crate::fixed_point::{Multiplier, round_to_i32};
use crate::tflite::lowering::{Activation, Context, Lowering};

/// RELU, RELU6 and RELU_N1_TO_1: `QuantizedReluX`, which also requantizes.
pub fn lower_relu(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>, lower: f32, upper: Option<f32>) -> Result<(), Unsupported> {
    let (input, output) = operands(lowering, context)?;
    // The quotient is in single precision, as in `ReluPrepare`.
    let multiplier = Multiplier::quantize(f64::from(input.scale / output.scale))?;
    let bound =
        |value: f32| round_to_i32(value / output.scale).and_then(|steps| steps.checked_add(output.zero_point)).ok_or(Unsupported::Overflow);
    let min = bound(lower)?.max(i32::from(output.dtype.min()));
    let type_max = i32::from(output.dtype.max());
    let max = match upper {
        Some(upper) => bound(upper)?.min(type_max),
        None => type_max,
    };
    if min > max {
        return Err(Unsupported::EmptyRange { min, max });
    }
    push_table(lowering, context, input, output, |value| Ok(rescale(multiplier, value, input, output)?.clamp(min, max)))
}

/// LEAKY_RELU: `QuantizeLeakyRelu`; the slope may be negative.
pub fn lower_leaky_relu(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let options = context.operator.table.builtin_options_as_leaky_relu_options().unwrap_or_default();
    let (input, output) = operands(lowering, context)?;
    let below_zero = Multiplier::quantize_signed(f64::from(input.scale * options.alpha() / output.scale))?;
    let above_zero = Multiplier::quantize(f64::from(input.scale / output.scale))?;
    push_table(lowering, context, input, output, |value| {
        let multiplier = if value >= input.zero_point { above_zero } else { below_zero };
        rescale(multiplier, value, input, output)
    })
}

/// QUANTIZE from 8 bits to 8 bits: `reference_ops::Requantize`.
pub fn lower_quantize(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    context.expect_operands(1, 1, "1")?;
    let input = context.input(lowering, 0)?;
    context.output_tensor()?.expect_dims(&context.tensor(0)?.dims)?;
    let output = context.output(lowering)?;
    let multiplier = Multiplier::quantize(f64::from(input.scale) / f64::from(output.scale))?;
    push_table(lowering, context, input, output, |value| rescale(multiplier, value, input, output))
}

/// LOGISTIC by `LUTPopulate`; the output scale is fixed by `SigmoidPrepare`.
pub fn lower_logistic(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let (_, output) = operands(lowering, context)?;
    let expected = 1.0f32 / 256.0;
    if output.scale != expected {
        return Err(Unsupported::ScaleMismatch { tensor: context.output_tensor()?.name.clone(), scale: output.scale, expected });
    }
    lower_function(lowering, context, |value| 1.0 / (1.0 + exp(-value)))
}

/// TANH by `LUTPopulate`.
pub fn lower_tanh(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    lower_function(lowering, context, |value| libm::tanh(f64::from(value)) as f32)
}

/// ELU by `LUTPopulate`, which exists for INT8 only; the same kernel in every resolver that has it (BUILTIN_REF has not).
pub fn lower_elu(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(), Unsupported> {
    let (input, _) = operands(lowering, context)?;
    if input.dtype != verinfer_graph::DataType::I8 {
        let tensor = context.tensor(0)?;
        return Err(Unsupported::Type { tensor: tensor.name.clone(), found: tensor.element, expected: "INT8" });
    }
    lower_function(lowering, context, |value| if value < 0.0 { libm::expm1(f64::from(value)) as f32 } else { value })
}

/// The single-precision exponential, correctly rounded but for rare double roundings, on every platform the same.
fn exp(value: f32) -> f32 {
    libm::exp(f64::from(value)) as f32
}

/// `LUTPopulateInt8`: dequantize, apply, quantize, all in single precision.
fn lower_function(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>, function: impl Fn(f32) -> f32) -> Result<(), Unsupported> {
    let (input, output) = operands(lowering, context)?;
    let inverse_scale = 1.0 / output.scale;
    push_table(lowering, context, input, output, |value| {
        let dequantized = input.scale * value.saturating_sub(input.zero_point) as f32;
        let rescaled = (function(dequantized) * inverse_scale).round();
        round_to_i32(rescaled + output.zero_point as f32).ok_or(Unsupported::Overflow)
    })
}

/// Input and output of an element-wise operator without options.
pub fn operands(lowering: &mut Lowering<'_, '_>, context: &Context<'_, '_>) -> Result<(Activation, Activation), Unsupported> {
    context.expect_operands(1, 1, "1")?;
    let input = context.input(lowering, 0)?;
    let output = context.output_same_dims(lowering, input)?;
    Ok((input, output))
}

/// `value` on the output's scale, not clamped.
fn rescale(multiplier: Multiplier, value: i32, input: Activation, output: Activation) -> Result<i32, Unsupported> {
    multiplier
        .apply(value.saturating_sub(input.zero_point))
        .and_then(|rescaled| rescaled.checked_add(output.zero_point))
        .ok_or(Unsupported::Overflow)
}

/// A LOOKUP node of `entry`, clamped to the output's type.
pub fn push_table(
    lowering: &mut Lowering<'_, '_>,
    context: &Context<'_, '_>,
    input: Activation,
    output: Activation,
    entry: impl Fn(i32) -> Result<i32, Unsupported>,
) -> Result<(), Unsupported> {
    let table = (input.dtype.min()..=input.dtype.max())
        .map(|value| {
            let value = entry(i32::from(value))?.clamp(i32::from(output.dtype.min()), i32::from(output.dtype.max()));
            i16::try_from(value).map_err(|_| Unsupported::Overflow)
        })
        .collect::<Result<_, _>>()?;
    let op = Op::Lookup(Lookup { input: input.id, table });
    lowering.push(context, op, output.id);
    Ok(())
}
