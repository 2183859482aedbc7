use super::operators::Context;
use crate::error::GraphError;
use crate::graph::TensorId;
use crate::op::Requantization;

/// Addends of an addition are smaller in magnitude, so that their sum fits 32 bits.
const ADDEND_LIMIT: u32 = 1 << 30;

/// `channels`: the number of multipliers and shifts that is allowed besides one.
pub(super) fn check_requantization(context: &Context<'_>, requantization: &Requantization, channels: usize) -> Result<(), GraphError> {
    let Requantization { multipliers, shifts, rounding: _, zero_point, min, max } = requantization;
    if multipliers.len() != 1 && multipliers.len() != channels {
        return Err(GraphError::MultiplierCount { at: context.at(), found: multipliers.len(), channels });
    }
    if shifts.len() != 1 && shifts.len() != channels {
        return Err(GraphError::ShiftCount { at: context.at(), found: shifts.len(), channels });
    }
    if let Some((index, multiplier)) = first(multipliers, |multiplier| multiplier < 0) {
        return Err(GraphError::NegativeMultiplier { at: context.at(), index, multiplier });
    }
    if let Some((index, shift)) = first(shifts, |shift| !(-62..=30).contains(&shift)) {
        return Err(GraphError::ShiftOutOfRange { at: context.at(), index, shift });
    }
    check_zero_point(context, context.output(), *zero_point)?;
    check_clamp(context, *min, *max)
}

pub(super) fn check_clamp(context: &Context<'_>, min: i16, max: i16) -> Result<(), GraphError> {
    let (tensor, dtype) = (context.output().0, context.dtype(context.output()));
    if min > max {
        return Err(GraphError::ClampInverted { at: context.at(), min, max });
    }
    if !dtype.contains(min) || !dtype.contains(max) {
        return Err(GraphError::ClampOutOfRange { at: context.at(), tensor, min, max, dtype });
    }
    Ok(())
}

pub(super) fn check_zero_point(context: &Context<'_>, tensor: TensorId, zero_point: i32) -> Result<(), GraphError> {
    let dtype = context.dtype(tensor);
    if i16::try_from(zero_point).is_ok_and(|zero_point| dtype.contains(zero_point)) {
        return Ok(());
    }
    Err(GraphError::ZeroPointOutOfRange { at: context.at(), tensor: tensor.0, zero_point, dtype })
}

pub(super) fn check_weights(context: &Context<'_>, weights: &[i16], zero_point: i32) -> Result<(), GraphError> {
    if !(-128..=255).contains(&zero_point) {
        return Err(GraphError::WeightZeroPointOutOfRange { at: context.at(), zero_point });
    }
    if let Some((index, weight)) = first(weights, |weight| !(-128..=255).contains(&weight)) {
        return Err(GraphError::WeightOutOfRange { at: context.at(), index, weight });
    }
    if let Some((index, weight)) = first(weights, |weight| (i32::from(weight) - zero_point).abs() > 255) {
        return Err(GraphError::WeightTooFarFromZeroPoint { at: context.at(), index, weight, zero_point });
    }
    Ok(())
}

pub(super) fn check_table(context: &Context<'_>, table: &[i16], expected: u64) -> Result<(), GraphError> {
    let dtype = context.dtype(context.output());
    if table.len() as u64 != expected {
        return Err(GraphError::TableLength { at: context.at(), found: table.len(), expected });
    }
    if let Some((index, entry)) = first(table, |entry| !dtype.contains(entry)) {
        return Err(GraphError::TableEntryOutOfRange { at: context.at(), index, entry, dtype });
    }
    Ok(())
}

/// `expected`: the number of addends, if it is still to be checked.
pub(super) fn check_addends(context: &Context<'_>, addends: &[i32], expected: Option<u64>) -> Result<(), GraphError> {
    if let Some(expected) = expected
        && addends.len() as u64 != expected
    {
        return Err(GraphError::TableLength { at: context.at(), found: addends.len(), expected });
    }
    if let Some((index, addend)) = first(addends, |addend| addend.unsigned_abs() >= ADDEND_LIMIT) {
        return Err(GraphError::AddendOutOfRange { at: context.at(), index, addend });
    }
    Ok(())
}

pub(super) fn check_pad_value(context: &Context<'_>, value: i16) -> Result<(), GraphError> {
    let (tensor, dtype) = (context.output().0, context.dtype(context.output()));
    if dtype.contains(value) {
        return Ok(());
    }
    Err(GraphError::PadValueOutOfRange { at: context.at(), tensor, value, dtype })
}

fn first<T: Copy>(values: &[T], fault: impl Fn(T) -> bool) -> Option<(usize, T)> {
    values.iter().copied().enumerate().find(|&(_, value)| fault(value))
}
