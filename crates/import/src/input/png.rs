//! PNG pictures.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, Limits};

use super::InputError;
use super::picture::{Decoded, Header, MAX_DECODED_BYTES, MAX_SIDE};

/// A PNG picture of which the header is read.
pub struct Png<'a> {
    decoder: PngDecoder<Cursor<&'a [u8]>>,
    orientation: Orientation,
}

impl<'a> Png<'a> {
    /// Reads the header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, InputError> {
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits)?;
        if decoder.is_apng()? {
            return Err(InputError::Animation);
        }
        if !matches!(decoder.color_type(), ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8) {
            return Err(InputError::DeepColour);
        }
        let orientation = decoder.orientation()?;
        Ok(Self { decoder, orientation })
    }

    /// What the header says.
    pub fn header(&self) -> Header {
        let (width, height) = self.decoder.dimensions();
        Header { width, height, orientation: self.orientation }
    }

    /// The picture; opaque, or it is refused.
    pub fn decode(self) -> Result<Decoded, InputError> {
        let is_colour = self.decoder.color_type().has_color();
        let image = DynamicImage::from_decoder(self.decoder)?;
        let grey = image.as_luma_alpha8().into_iter().flat_map(|image| image.pixels()).map(|pixel| pixel.0[1]);
        let colour = image.as_rgba8().into_iter().flat_map(|image| image.pixels()).map(|pixel| pixel.0[3]);
        let transparent = grey.chain(colour).filter(|&alpha| alpha != u8::MAX).count();
        if transparent > 0 {
            return Err(InputError::Transparent { transparent });
        }
        Ok(Decoded { image: image.into_rgb8(), is_colour })
    }
}
