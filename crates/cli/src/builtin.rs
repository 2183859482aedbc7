//! The model `digits` and its sample images, part of the binary.

use anyhow::Context;

/// A model with what belongs to it.
#[derive(Debug)]
pub struct Builtin {
    /// The literal that stands for it in place of a path.
    pub name: &'static str,
    /// The TFLite file.
    pub tflite: &'static [u8],
    /// One label on each line.
    pub labels: &'static str,
    /// PNG images; `sample:N` is number N, `sample` the first.
    pub samples: &'static [&'static [u8]],
}

impl Builtin {
    /// The PNG image `sample:N`.
    ///
    /// # Errors
    ///
    /// There is no such sample.
    pub fn sample(&self, number: usize) -> anyhow::Result<&'static [u8]> {
        self.samples
            .get(number)
            .copied()
            .with_context(|| format!("{} has the samples 0 to {}, not {number}", self.name, self.samples.len() - 1))
    }
}

/// Reads 8x8 handwritten digits; sample N shows the digit N. See `models/digits`.
pub static DIGITS: Builtin =
    Builtin { name: "digits", tflite: verinfer_digits::MODEL, labels: verinfer_digits::LABELS, samples: &verinfer_digits::SAMPLES };
