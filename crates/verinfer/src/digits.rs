//! A classifier of handwritten digits that is part of this crate, for examples and first steps: 8x8 grey pixels to ten classes, 13,662 weights.

pub use verinfer_digits::{LABELS, MODEL, SAMPLES};

use crate::{Example, Model, Result};

/// The model.
///
/// # Errors
///
/// None: the file is part of this crate, and a test imports it.
pub fn model() -> Result<Model> {
    Model::from_bytes(MODEL)
}

/// The picture of a digit as an input of the model.
///
/// # Errors
///
/// The digit is above 9 ([`crate::Error::NoSample`]).
pub fn sample(digit: usize) -> Result<Example> {
    let picture = SAMPLES.get(digit).ok_or(crate::Error::NoSample { digit })?;
    model()?.decode(picture)
}
