//! Pictures and arrays as network inputs.

use std::io::Cursor;
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageReader, Limits, RgbImage};
use verinfer_graph::{DataType, Shape};

use crate::fixed_point::round_to_i32;
use crate::model::{ElementType, InputSpec, Model};
use crate::npy::Array;

/// Largest side of a picture.
const MAX_SIDE: u32 = 1 << 14;
/// Most memory a picture may take while it is decoded.
const MAX_DECODED_BYTES: u64 = 1 << 29;

/// Most pixels of a scaled picture, before its centre is taken.
const MAX_SCALED_PIXELS: u64 = 1 << 26;

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

/// Why bytes are not an input of a network.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The message of each variant is its description, and names each field.
pub enum InputError {
    #[error("the picture cannot be decoded: {0}")]
    Image(#[from] image::ImageError),
    #[error("the picture cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the network's input has {channels} channels: a picture has 1 or 3")]
    Channels { channels: usize },
    #[error("the picture is {width} x {height}, the network's input {expected_width} x {expected_height}; choose how to resize it")]
    Size { width: u32, height: u32, expected_width: usize, expected_height: usize },
    #[error("the network's input of {shape} is too large for a picture")]
    InputTooLarge { shape: Shape },
    #[error("the picture is {width} x {height}: too long and narrow to scale it and take its centre")]
    AspectRatio { width: u32, height: u32 },
    #[error("not a NumPy array: the magic string or a known version is missing")]
    NotNpy,
    #[error("the header of the NumPy array is not understood")]
    NpyHeader,
    #[error("the array has {found} bytes of data, expected {expected}")]
    ArrayData { found: usize, expected: usize },
    #[error("the array has {found} elements, expected {expected}")]
    ArrayLength { found: u64, expected: usize },
    #[error("the array is in Fortran order, expected C order")]
    FortranOrder,
    #[error("the array is of type {found}, expected uint8, int8 or float32")]
    ArrayType { found: String },
    #[error("floats cannot become the network's input: how it is quantized is not known, give integers")]
    UnknownQuantization,
    #[error("the array is of type {found}, but the network's input is {expected:?}")]
    ArrayTypeMismatch { found: &'static str, expected: DataType },
    #[error("element {index} is {value}, which is not a number or too large to quantize")]
    Value { index: usize, value: f32 },
}

/// Turns a picture or an array into values of the network's input tensor, in NHWC order.
///
/// Pictures become RGB or, for one channel, grey (ITU-R 601 luma, as Pillow's `L`); alpha is dropped. UINT8 inputs take the bytes, INT8 inputs
/// byte - 128, float inputs byte / 255, which is then quantized as TFLite's QUANTIZE does. Arrays hold as many elements as the tensor: integers
/// of the graph's input type are taken as they are, 32-bit floats are quantized.
///
/// # Errors
///
/// [`InputError`]; nothing is guessed.
pub fn load_input(bytes: &[u8], format: InputFormat, model: &Model, resize: Resize) -> Result<Vec<i16>, InputError> {
    match format {
        InputFormat::Image => load_image(bytes, &model.input, resize),
        InputFormat::Npy => load_npy(bytes, &model.input),
    }
}

fn load_image(bytes: &[u8], input: &InputSpec, resize: Resize) -> Result<Vec<i16>, InputError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let decoded = reader.decode()?;
    let shape = input.shape;
    let too_large = || InputError::InputTooLarge { shape };
    let width = u32::try_from(shape.width).ok().filter(|&width| width <= MAX_SIDE).ok_or_else(too_large)?;
    let height = u32::try_from(shape.height).ok().filter(|&height| height <= MAX_SIDE).ok_or_else(too_large)?;
    let pixels: Vec<u8> = match shape.channels {
        3 => resized(decoded.to_rgb8(), width, height, resize)?.into_raw(),
        1 => resized(grey_as_rgb(&decoded), width, height, resize)?.pixels().map(|pixel| pixel.0[0]).collect(),
        channels => return Err(InputError::Channels { channels }),
    };
    match input.element {
        ElementType::F32 => {
            // In double precision first, as NumPy divides.
            let values = pixels.iter().map(|&byte| (f64::from(byte) / 255.0) as f32);
            quantize(values, input)
        }
        ElementType::U8 | ElementType::I8 | ElementType::I32 | ElementType::I64 | ElementType::Other(_) => {
            Ok(pixels.iter().map(|&byte| i16::from(byte).saturating_add(input.dtype.min())).collect())
        }
    }
}

/// One grey value in all three channels, so that pictures of both kinds are resized alike.
fn grey_as_rgb(image: &DynamicImage) -> RgbImage {
    let mut rgb = image.to_rgb8();
    for pixel in rgb.pixels_mut() {
        let [red, green, blue] = pixel.0.map(u32::from);
        // Pillow's constants: the weights sum to 2^16.
        let luma = red.wrapping_mul(19_595).wrapping_add(green.wrapping_mul(38_470)).wrapping_add(blue.wrapping_mul(7_471));
        let grey = u8::try_from(luma.wrapping_add(1 << 15) >> 16).unwrap_or(u8::MAX);
        pixel.0 = [grey; 3];
    }
    rgb
}

fn resized(image: RgbImage, width: u32, height: u32, resize: Resize) -> Result<RgbImage, InputError> {
    if image.dimensions() == (width, height) {
        return Ok(image);
    }
    match resize {
        Resize::Refuse => Err(InputError::Size {
            width: image.width(),
            height: image.height(),
            expected_width: width as usize,
            expected_height: height as usize,
        }),
        Resize::Stretch => Ok(imageops::resize(&image, width, height, FilterType::Triangle)),
        Resize::CenterCrop => {
            let (scaled_width, scaled_height) = covering(image.dimensions(), (before_crop(width), before_crop(height)));
            if u64::from(scaled_width).saturating_mul(u64::from(scaled_height)) > MAX_SCALED_PIXELS {
                return Err(InputError::AspectRatio { width: image.width(), height: image.height() });
            }
            let scaled = imageops::resize(&image, scaled_width, scaled_height, FilterType::Triangle);
            let left = scaled_width.saturating_sub(width) / 2;
            let top = scaled_height.saturating_sub(height) / 2;
            Ok(imageops::crop_imm(&scaled, left, top, width, height).to_image())
        }
    }
}

/// `round(side / 0.875)`.
fn before_crop(side: u32) -> u32 {
    (f64::from(side) / 0.875).round() as u32
}

/// Smallest size of the aspect ratio of `image` that covers `target`; the longer side is rounded down.
fn covering(image: (u32, u32), target: (u32, u32)) -> (u32, u32) {
    let [width, height] = [u64::from(image.0.max(1)), u64::from(image.1.max(1))];
    let [target_width, target_height] = [u64::from(target.0), u64::from(target.1)];
    let scaled = |side: u64, numerator: u64, denominator: u64| {
        let scaled = side.saturating_mul(numerator).checked_div(denominator).unwrap_or(0);
        u32::try_from(scaled).unwrap_or(u32::MAX).min(MAX_SIDE << 8)
    };
    if width.saturating_mul(target_height) >= height.saturating_mul(target_width) {
        (scaled(width, target_height, height), target.1)
    } else {
        (target.0, scaled(height, target_width, width))
    }
}

fn load_npy(bytes: &[u8], input: &InputSpec) -> Result<Vec<i16>, InputError> {
    let array = Array::parse(bytes)?;
    let expected = input.shape.num_elements();
    if array.num_elements() != expected as u64 {
        return Err(InputError::ArrayLength { found: array.num_elements(), expected });
    }
    if array.fortran_order && array.shape.iter().filter(|&&side| side != 1).count() > 1 {
        return Err(InputError::FortranOrder);
    }
    match array.descr {
        "|u1" => {
            check_type("uint8", DataType::U8, input)?;
            Ok(elements::<1>(&array, expected)?.map(|[byte]| i16::from(byte)).collect())
        }
        "|i1" => {
            check_type("int8", DataType::I8, input)?;
            Ok(elements::<1>(&array, expected)?.map(|[byte]| i16::from(byte as i8)).collect())
        }
        "<f4" => quantize(elements::<4>(&array, expected)?.map(f32::from_le_bytes), input),
        ">f4" => quantize(elements::<4>(&array, expected)?.map(f32::from_be_bytes), input),
        other => Err(InputError::ArrayType { found: other.to_owned() }),
    }
}

fn check_type(found: &'static str, dtype: DataType, input: &InputSpec) -> Result<(), InputError> {
    if dtype == input.dtype { Ok(()) } else { Err(InputError::ArrayTypeMismatch { found, expected: input.dtype }) }
}

/// The elements of an array, `SIZE` bytes each.
fn elements<'a, const SIZE: usize>(
    array: &Array<'a>,
    expected: usize,
) -> Result<impl Iterator<Item = [u8; SIZE]> + use<'a, SIZE>, InputError> {
    let expected = expected.saturating_mul(SIZE);
    if array.data.len() != expected {
        return Err(InputError::ArrayData { found: array.data.len(), expected });
    }
    Ok(array.data.chunks_exact(SIZE).filter_map(|chunk| chunk.try_into().ok()))
}

/// `reference_ops::AffineQuantize`.
fn quantize(values: impl Iterator<Item = f32>, input: &InputSpec) -> Result<Vec<i16>, InputError> {
    if !input.is_quantization_known() {
        return Err(InputError::UnknownQuantization);
    }
    values
        .enumerate()
        .map(|(index, value)| {
            let steps = round_to_i32(value / input.scale).ok_or(InputError::Value { index, value })?;
            let stored = steps.saturating_add(input.zero_point).clamp(i32::from(input.dtype.min()), i32::from(input.dtype.max()));
            i16::try_from(stored).map_err(|_| InputError::Value { index, value })
        })
        .collect()
}
