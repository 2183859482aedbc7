//! Pictures and arrays as network inputs.
//!
//! What an input says about itself is compared with what the network says about its own: shape, type, size, normalization. Nothing is guessed: what does not agree
//! is refused with the reason, and how the rest was read is part of the answer ([`Reading`]).

use std::path::Path;

use crate::model::Model;
pub use error::InputError;
pub use npy::write_npy;
pub use pixels::{Pixels, PixelsError};
pub use reading::Reading;

mod array;
mod error;
mod jpeg;
mod npy;
mod picture;
mod pixels;
mod png;
mod quantize;
mod reading;
mod resize;

/// What the bytes of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// PNG or JPEG.
    Image,
    /// NumPy array.
    Npy,
}

impl InputFormat {
    /// The format that a file name ends in: `.png`, `.jpg`, `.jpeg` or `.npy`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" | "jpg" | "jpeg" => Some(Self::Image),
            "npy" => Some(Self::Npy),
            _ => None,
        }
    }
}

/// What is done to a picture of another size than the network's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resize {
    /// It is refused.
    #[default]
    Refuse,
    /// The usual evaluation of ImageNet classifiers: scaled, aspect ratio kept, until it just covers `round(side / 0.875)` in height and width,
    /// then its centre is taken (rounded up and left). Triangle filter.
    CenterCrop,
    /// Scaled to the network's height and width, whatever the aspect ratio. Triangle filter.
    Stretch,
}

/// What a user decides about the reading of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InputOptions {
    /// What is done to a picture of another size.
    pub resize: Resize,
    /// How the bytes of a picture become numbers; without it [`Pixels::of_input`] decides.
    pub pixels: Option<Pixels>,
}

/// An input of a network, and how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Values of the network's input tensor, in NHWC order.
    pub values: Vec<i16>,
    /// How the file became the values.
    pub reading: Reading,
}

/// Turns a picture or an array into values of the network's input tensor.
///
/// A picture becomes RGB or, for one channel, grey (ITU-R 601 luma, as Pillow's `L`). An EXIF orientation is applied. JPEG is decoded by libjpeg-turbo's
/// arithmetic. [`Pixels`] says how its bytes become numbers.
///
/// An array has the tensor's shape, with or without sides of 1, or is flat. Integers of the graph's input type are taken as they are, floats are quantized as
/// TFLite's QUANTIZE does.
///
/// # Errors
///
/// [`InputError`]; nothing is guessed.
pub fn load_input(bytes: &[u8], format: InputFormat, model: &Model, options: &InputOptions) -> Result<Input, InputError> {
    match format {
        InputFormat::Image => picture::load(bytes, &model.input, options),
        InputFormat::Npy => array::load(bytes, &model.input),
    }
}
