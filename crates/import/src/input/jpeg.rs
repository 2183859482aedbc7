//! JPEG pictures, by libjpeg-turbo's arithmetic (its integer transform and its triangle filter for subsampled colours): what Pillow, OpenCV and TensorFlow decode.

use image::RgbImage;
use image::metadata::Orientation;
use libjpeg_turbo_rs::common::types::{ComponentInfo, FrameHeader};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, PixelFormat};

use super::InputError;
use super::picture::{Decoded, Header, MAX_DECODED_BYTES, MAX_PIXELS, MAX_SIDE};

/// Most passes over a progressive picture: encoders make about ten, and each takes time.
const MAX_SCANS: usize = 500;

/// A JPEG picture of which the header is read.
pub struct Jpeg<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, InputError> {
        let limits = DecodeLimits {
            max_width: MAX_SIDE as usize,
            max_height: MAX_SIDE as usize,
            max_pixels: MAX_PIXELS,
            max_scans: MAX_SCANS,
            max_memory: Some(MAX_DECODED_BYTES),
        };
        let mut decoder = Decoder::new_with_limits(bytes, limits)?;
        if let Some(what) = unusual(decoder.header()) {
            return Err(InputError::JpegKind { what });
        }
        decoder.set_output_format(PixelFormat::Rgb);
        Ok(Self { decoder })
    }

    /// What the header says.
    pub fn header(&self) -> Header {
        let header = self.decoder.header();
        let orientation = self.decoder.exif_orientation().and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms);
        Header { width: u32::from(header.width), height: u32::from(header.height), orientation }
    }

    /// The picture.
    pub fn decode(self) -> Result<Decoded, InputError> {
        let is_colour = self.decoder.header().components.len() > 1;
        let image = self.decoder.decode_image()?;
        let (width, height) = (u32::try_from(image.width).unwrap_or(0), u32::try_from(image.height).unwrap_or(0));
        let image = RgbImage::from_raw(width, height, image.data).ok_or(InputError::JpegKind { what: "no such size" })?;
        Ok(Decoded { image, is_colour })
    }
}

/// What no ordinary picture has, and no decoder needs to read.
fn unusual(header: &FrameHeader) -> Option<&'static str> {
    let largest = |factor: fn(&ComponentInfo) -> u8| header.components.iter().map(factor).max().unwrap_or(0);
    let is_even = |factor: fn(&ComponentInfo) -> u8| {
        let largest = largest(factor);
        largest <= 4 && header.components.iter().map(factor).all(|factor| largest.checked_rem(factor) == Some(0))
    };
    if header.precision != 8 {
        Some("other than 8 bits for each colour")
    } else if header.is_lossless {
        Some("lossless compression")
    } else if header.components.len() != 1 && header.components.len() != 3 {
        Some("other colours than RGB or grey (CMYK)")
    } else if !is_even(|component| component.horizontal_sampling) || !is_even(|component| component.vertical_sampling) {
        Some("colours sampled at uneven rates")
    } else {
        None
    }
}
