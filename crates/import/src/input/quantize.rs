//! Real numbers as stored values, by TFLite's QUANTIZE.

use super::InputError;
use crate::fixed_point::round_to_i32;
use crate::model::InputSpec;

/// A stored value of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The stored value.
    pub value: i16,
    /// Whether the number lies more than one step outside what can be stored.
    pub clamped: bool,
}

/// `reference_ops::AffineQuantize` of the number with this index.
///
/// # Errors
///
/// [`InputError::UnknownQuantization`], [`InputError::Value`].
pub fn quantize(index: usize, value: f32, input: &InputSpec) -> Result<Stored, InputError> {
    if !input.is_quantization_known() {
        return Err(InputError::UnknownQuantization);
    }
    let (min, max) = (i32::from(input.dtype.min()), i32::from(input.dtype.max()));
    let steps = round_to_i32(value / input.scale).ok_or(InputError::Value { index, value })?;
    let unbounded = steps.saturating_add(input.zero_point);
    let value = i16::try_from(unbounded.clamp(min, max)).map_err(|_| InputError::Value { index, value })?;
    Ok(Stored { value, clamped: unbounded < min.saturating_sub(1) || unbounded > max.saturating_add(1) })
}

/// Whether most of so many numbers were clamped: they do not mean what the network's input means.
pub const fn are_mostly_clamped(clamped: usize, total: usize) -> bool {
    clamped > total / 2
}
