//! Pictures of another size than the network's.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::picture::MAX_SIDE;
use super::{InputError, Resize};

/// Most pixels of a scaled picture, before its centre is taken.
const MAX_SCALED_PIXELS: u64 = 1 << 26;

/// The picture in this size.
pub fn resized(image: RgbImage, width: u32, height: u32, resize: Resize) -> Result<RgbImage, InputError> {
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
