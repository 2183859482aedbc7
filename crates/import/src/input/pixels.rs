use std::fmt;
use std::str::FromStr;

use super::InputError;
use super::error::Range;
use super::quantize::{Stored, quantize};
use crate::model::{ElementType, InputSpec};

/// How the bytes of a picture become the network's input. All but [`Pixels::Raw`] make real numbers of them, which are then quantized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pixels {
    /// Bytes are stored: as they are in unsigned inputs, less 128 in signed ones.
    Raw,
    /// 0 stands for `low`, 255 for `high`, evenly between.
    Range {
        /// What 0 stands for.
        low: f64,
        /// What 255 stands for.
        high: f64,
    },
    /// `(byte - mean) / std` in each channel; `(byte / 255 - mean) / std` where every `std` is below 1.
    Normalized {
        /// By channel: red, green, blue.
        mean: [f64; 3],
        /// By channel.
        std: [f64; 3],
    },
}

/// Ranges of usual normalizations that bytes, stored as they are, stand for.
const USUAL: [(f64, f64); 5] = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-128.0, 127.0), (-0.5, 0.5)];

/// By so many steps a range may differ from a usual one: TF-Slim's is -1 to 127/128.
const TOLERANCE: f64 = 1.05;

impl Pixels {
    /// How pixels become an input if nobody says: as bytes where the declared quantization makes that one of the usual normalizations (`0..1`, `-1..1`,
    /// `0..255`, `-128..127`, `-0.5..0.5`) or is not known; models of float inputs take that range.
    ///
    /// # Errors
    ///
    /// [`InputError::PixelsUnknown`]: the declared quantization is that of another normalization.
    pub fn of_input(input: &InputSpec) -> Result<Self, InputError> {
        if !input.is_quantization_known() {
            return Ok(Self::Raw);
        }
        let range = input.range();
        let tolerance = TOLERANCE * f64::from(input.scale);
        let usual = USUAL.iter().find(|usual| (range.0 - usual.0).abs() <= tolerance && (range.1 - usual.1).abs() <= tolerance);
        match (usual, input.element) {
            (None, _) => {
                Err(InputError::PixelsUnknown { range: Range(range.0, range.1), scale: input.scale, zero_point: input.zero_point })
            }
            (Some(&(low, high)), ElementType::F32) => Ok(Self::Range { low, high }),
            (Some(_), ElementType::U8 | ElementType::I8 | ElementType::I32 | ElementType::I64 | ElementType::Other(_)) => Ok(Self::Raw),
        }
    }

    /// What each byte becomes in a channel.
    ///
    /// # Errors
    ///
    /// [`InputError::UnknownQuantization`], [`InputError::Value`].
    pub(super) fn table(&self, channel: usize, input: &InputSpec) -> Result<[Stored; 256], InputError> {
        let mut table = [Stored::default(); 256];
        for (byte, (entry, index)) in (0..=u8::MAX).zip(table.iter_mut().zip(0..)) {
            *entry = match self.real(byte, channel) {
                None => Stored { value: i16::from(byte).saturating_add(input.dtype.min()), clamped: false },
                Some(real) => quantize(index, real, input)?,
            };
        }
        Ok(table)
    }

    /// In double precision first, as NumPy computes with Python's numbers.
    fn real(&self, byte: u8, channel: usize) -> Option<f32> {
        let byte = f64::from(byte);
        match self {
            Self::Raw => None,
            Self::Range { low, high } => Some((byte / 255.0 * (high - low) + low) as f32),
            Self::Normalized { mean, std } => {
                let unit = if std.iter().all(|std| *std < 1.0) { 255.0 } else { 1.0 };
                let (mean, std) = (mean.get(channel)?, std.get(channel)?);
                Some(((byte / unit - mean) / std) as f32)
            }
        }
    }
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Range { low, high } => write!(f, "{low}..{high}"),
            Self::Normalized { mean: [red, green, blue], std }
                if red == green && green == blue && std.iter().all(|other| other == &std[0]) =>
            {
                write!(f, "{red},{}", std[0])
            }
            Self::Normalized { mean: [a, b, c], std: [x, y, z] } => write!(f, "{a},{b},{c},{x},{y},{z}"),
        }
    }
}

/// Why a text names no mapping of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The message of each variant is its description.
pub enum PixelsError {
    #[error("expected raw, 0..1, -1..1, LOW..HIGH, MEAN,STD, or the means of red, green and blue and then their STDs")]
    Form,
    #[error("expected LOW..HIGH with LOW less than HIGH")]
    Range,
    #[error("a standard deviation is a positive number")]
    Deviation,
}

impl FromStr for Pixels {
    type Err = PixelsError;

    fn from_str(text: &str) -> Result<Self, PixelsError> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).ok_or(PixelsError::Form);
        if text == "raw" {
            return Ok(Self::Raw);
        }
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = (number(low)?, number(high)?);
            return if low < high { Ok(Self::Range { low, high }) } else { Err(PixelsError::Range) };
        }
        let numbers = text.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
        let (mean, std) = match *numbers.as_slice() {
            [mean, std] => ([mean; 3], [std; 3]),
            [a, b, c, x, y, z] => ([a, b, c], [x, y, z]),
            _ => return Err(PixelsError::Form),
        };
        if std.iter().all(|std| *std > 0.0) { Ok(Self::Normalized { mean, std }) } else { Err(PixelsError::Deviation) }
    }
}
