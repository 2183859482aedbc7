//! Pictures as inputs.

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage, guess_format};
use verinfer_graph::DataType;

use super::error::Range;
use super::jpeg::Jpeg;
use super::png::Png;
use super::quantize::are_mostly_clamped;
use super::resize::resized;
use super::{Input, InputError, InputOptions, Pixels, Reading, Resize};
use crate::model::InputSpec;

/// Largest side of a picture.
pub const MAX_SIDE: u32 = 1 << 14;
/// Most pixels of a picture.
pub const MAX_PIXELS: u64 = 1 << 26;
/// Most memory a picture may take while it is decoded.
pub const MAX_DECODED_BYTES: u64 = 1 << 29;

/// What the header of a picture says.
pub struct Header {
    /// As stored.
    pub width: u32,
    /// As stored.
    pub height: u32,
    /// How it is to be turned.
    pub orientation: Orientation,
}

/// A decoded picture, not turned yet.
pub struct Decoded {
    /// In colour, grey ones with three equal channels.
    pub image: RgbImage,
    /// Whether it is not stored as grey.
    pub is_colour: bool,
}

/// The values of a picture. Its header is compared before anything is decoded.
pub fn load(bytes: &[u8], input: &InputSpec, options: &InputOptions) -> Result<Input, InputError> {
    match format(bytes)? {
        Format::Png => {
            let png = Png::open(bytes)?;
            let frame = Frame::new(&png.header(), input, options)?;
            frame.values(png.decode()?, input, options)
        }
        Format::Jpeg => {
            let jpeg = Jpeg::open(bytes)?;
            let frame = Frame::new(&jpeg.header(), input, options)?;
            frame.values(jpeg.decode()?, input, options)
        }
    }
}

enum Format {
    Png,
    Jpeg,
}

/// The format that the first bytes tell.
fn format(bytes: &[u8]) -> Result<Format, InputError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(InputError::Archive);
    }
    match guess_format(bytes) {
        Ok(ImageFormat::Png) => Ok(Format::Png),
        Ok(ImageFormat::Jpeg) => Ok(Format::Jpeg),
        Ok(other) => Err(InputError::OtherFormat { format: other.extensions_str().first().copied().unwrap_or("strange") }),
        Err(_) => Err(InputError::UnknownFormat),
    }
}

/// The size a picture is to have.
struct Frame {
    width: u32,
    height: u32,
    orientation: Orientation,
    pixels: Pixels,
}

impl Frame {
    /// Compares the header with the network's input.
    fn new(header: &Header, input: &InputSpec, options: &InputOptions) -> Result<Self, InputError> {
        let shape = input.shape;
        if shape.channels != 1 && shape.channels != 3 {
            return Err(InputError::Channels { channels: shape.channels });
        }
        let side = |side: usize| u32::try_from(side).ok().filter(|&side| side <= MAX_SIDE).ok_or(InputError::InputTooLarge { shape });
        let (width, height) = (side(shape.width)?, side(shape.height)?);
        let pixels = match options.pixels {
            Some(pixels) => pixels,
            None => Pixels::of_input(input)?,
        };
        if u64::from(header.width).saturating_mul(u64::from(header.height)) > MAX_PIXELS {
            return Err(InputError::PictureTooLarge { width: header.width, height: header.height, limit: MAX_PIXELS });
        }
        let turned = match header.orientation {
            Orientation::NoTransforms | Orientation::Rotate180 | Orientation::FlipHorizontal | Orientation::FlipVertical => {
                (header.width, header.height)
            }
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH => {
                (header.height, header.width)
            }
        };
        if options.resize == Resize::Refuse && turned != (width, height) {
            let (expected_width, expected_height) = (shape.width, shape.height);
            return Err(InputError::Size { width: turned.0, height: turned.1, expected_width, expected_height });
        }
        Ok(Self { width, height, orientation: header.orientation, pixels })
    }

    /// The picture's pixels as stored values.
    fn values(self, decoded: Decoded, input: &InputSpec, options: &InputOptions) -> Result<Input, InputError> {
        let mut reading = Reading::default();
        let Decoded { image, is_colour } = decoded;
        let mut image = DynamicImage::from(image);
        if self.orientation != Orientation::NoTransforms {
            image.apply_orientation(self.orientation);
            reading.step(format!("turned as its EXIF orientation {} says", self.orientation.to_exif()));
        }
        let mut image = image.into_rgb8();
        let channels = input.shape.channels;
        match (is_colour, channels) {
            (true, 1) => {
                to_grey(&mut image);
                reading.step("its colours made grey");
            }
            (false, 3) => reading.step("grey, the same in red, green and blue"),
            (_, _) => {}
        }
        if image.dimensions() != (self.width, self.height) {
            reading.step(format!("resized from {}x{}", image.width(), image.height()));
        }
        let image = resized(image, self.width, self.height, options.resize)?;
        let tables = [0, 1, 2].map(|channel| self.pixels.table(channel, input));
        let [red, green, blue] = tables;
        let tables = [red?, green?, blue?];
        let (mut values, mut clamped) = (Vec::with_capacity(input.shape.num_elements()), 0_usize);
        for pixel in image.pixels() {
            for (byte, table) in pixel.0.iter().zip(&tables).take(channels) {
                let stored = table.get(usize::from(*byte)).copied().unwrap_or_default();
                values.push(stored.value);
                clamped = clamped.saturating_add(usize::from(stored.clamped));
            }
        }
        self.describe(clamped, input, options, &mut reading)?;
        Ok(Input { values, reading })
    }

    /// Says how bytes became numbers.
    fn describe(&self, clamped: usize, input: &InputSpec, options: &InputOptions, reading: &mut Reading) -> Result<(), InputError> {
        let pixels = self.pixels;
        let default = if options.pixels.is_none() { " by default" } else { "" };
        let total = input.shape.num_elements();
        let (low, high) = input.range();
        let range = Range(low, high);
        let step = match (pixels, input.dtype) {
            (Pixels::Raw, DataType::U8) => "each byte as it is".to_owned(),
            (Pixels::Raw, DataType::I8) => "each byte less 128".to_owned(),
            (Pixels::Range { .. } | Pixels::Normalized { .. }, _) => {
                format!("quantized with scale {} and zero point {}", input.scale, input.zero_point)
            }
        };
        reading.step(format!("pixels {pixels}{default}: {step}"));
        if are_mostly_clamped(clamped, total) {
            return Err(InputError::PixelsClamped { pixels, clamped, total, range });
        }
        if clamped > 0 {
            reading.warn(format!(
                "with pixels {pixels}, {clamped} of {total} values lie outside what the network's input holds, {range}, and were clamped"
            ));
        }
        Ok(())
    }
}

/// One grey value in all three channels, so that pictures of both kinds are resized alike.
fn to_grey(image: &mut RgbImage) {
    for pixel in image.pixels_mut() {
        let [red, green, blue] = pixel.0.map(u32::from);
        // Pillow's constants: the weights sum to 2^16.
        let luma = red.wrapping_mul(19_595).wrapping_add(green.wrapping_mul(38_470)).wrapping_add(blue.wrapping_mul(7_471));
        let grey = u8::try_from(luma.wrapping_add(1 << 15) >> 16).unwrap_or(u8::MAX);
        pixel.0 = [grey; 3];
    }
}
