//! A model that is worse than `digits`, for those who cheat.

use anyhow::Context;
use verinfer_tflite_schema::tflite;

use crate::builtin::DIGITS;

/// The built-in model with the largest array of weights the wrong way round: it has the same shape and size, and has learned nothing.
///
/// # Errors
///
/// The built-in model cannot be read.
pub fn worse_digits() -> anyhow::Result<Vec<u8>> {
    let mut bytes = DIGITS.tflite.to_vec();
    let range = {
        let model = tflite::Model::read(&bytes).context("cannot read the built-in model")?;
        let weights =
            model.buffers.iter().map(|buffer| buffer.data).max_by_key(|data| data.len()).context("the built-in model has no weights")?;
        let start = weights.as_ptr().addr() - bytes.as_ptr().addr();
        start..start + weights.len()
    };
    bytes[range].reverse();
    Ok(bytes)
}
