//! What becomes of pictures of all kinds.

use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
use verinfer_import::{InputError, Resize};

use super::{common, grey, picture, read_picture, rgb};

pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn less_128(bytes: &[u8]) -> Vec<i16> {
    bytes.iter().map(|&byte| i16::from(byte) - 128).collect()
}

#[test]
fn int8_inputs_take_bytes_less_128() {
    let image = RgbImage::from_fn(16, 16, |x, y| Rgb([x as u8, y as u8, 255]));
    let values = picture(&rgb(), &png(image), Resize::Refuse).unwrap();
    assert_eq!(values[..6], [-128, -128, 127, -127, -128, 127]);
    assert_eq!(values[16 * 3..][..3], [-128, -127, 127]);
}

#[test]
fn colours_become_the_luma_of_itu_r_601_and_that_is_said() {
    let input = read_picture(&grey(), &png(RgbImage::from_pixel(28, 28, Rgb([200, 100, 50]))), Resize::Refuse, None).unwrap();
    // (200 * 19595 + 100 * 38470 + 50 * 7471 + 2^15) >> 16, as Pillow.
    assert_eq!(input.values, vec![124 - 128; 784]);
    assert_eq!(input.reading.to_string(), "its colours made grey; pixels raw by default: each byte less 128");
}

#[test]
fn grey_pictures_for_colour_networks_are_grey_in_each_channel() {
    let input = read_picture(&rgb(), &png(GrayImage::from_pixel(16, 16, Luma([9]))), Resize::Refuse, None).unwrap();
    assert_eq!(input.values, vec![9 - 128; 768]);
    assert!(input.reading.to_string().starts_with("grey, the same in red, green and blue"), "{}", input.reading);
}

#[test]
fn other_sizes_are_refused_unless_resizing_is_chosen() {
    let image = png(RgbImage::from_fn(40, 20, |x, _| if x < 20 { Rgb([10, 20, 30]) } else { Rgb([30, 20, 10]) }));
    let error = picture(&rgb(), &image, Resize::Refuse).unwrap_err();
    assert!(matches!(error, InputError::Size { width: 40, height: 20, expected_width: 16, expected_height: 16 }));
    for resize in [Resize::Stretch, Resize::CenterCrop] {
        let values = picture(&rgb(), &image, resize).unwrap();
        assert_eq!(values.len(), 16 * 16 * 3);
        assert_eq!(values[..3], [10 - 128, 20 - 128, 30 - 128], "{resize:?}");
        assert_eq!(values[15 * 3..][..3], [30 - 128, 20 - 128, 10 - 128], "{resize:?}");
    }
}

#[test]
fn a_centre_crop_keeps_the_aspect_ratio() {
    // Scaled to 36x18, of which columns 10 to 26 and rows 1 to 17 are taken: the white columns 15 to 25 of 40 become 13.5 to 22.5.
    let image = png(RgbImage::from_fn(40, 20, |x, _| if (15..25).contains(&x) { Rgb([255; 3]) } else { Rgb([0; 3]) }));
    let values = picture(&rgb(), &image, Resize::CenterCrop).unwrap();
    let row: Vec<i16> = (0..16).map(|x| values[x * 3]).collect();
    assert!(row[..3].iter().all(|&value| value == -128), "{row:?}");
    assert!(row[5..11].iter().all(|&value| value == 127), "{row:?}");
    assert!(row[14..].iter().all(|&value| value == -128), "{row:?}");
}

#[test]
fn a_centre_of_a_line_is_refused() {
    let mut model = rgb();
    (model.input.shape.height, model.input.shape.width) = (224, 224);
    let error = picture(&model, &png(RgbImage::new(16_384, 1)), Resize::CenterCrop).unwrap_err();
    assert!(matches!(error, InputError::AspectRatio { width: 16_384, height: 1 }));
}

#[test]
fn what_is_no_picture_is_refused_by_its_name() {
    let fault = |bytes: &[u8]| picture(&rgb(), bytes, Resize::Refuse).unwrap_err();
    assert!(matches!(fault(b"hello"), InputError::UnknownFormat));
    assert!(matches!(fault(b"PK\x03\x04an archive"), InputError::Archive));
    assert!(matches!(fault(b"GIF89a and so on"), InputError::OtherFormat { format: "gif" }));
    assert!(matches!(fault(b"BM............"), InputError::OtherFormat { format: "bmp" }));
    let whole = png(RgbImage::new(16, 16));
    assert!(matches!(fault(&whole[..60]), InputError::Image(_)));
    let jpeg = include_bytes!("files/subsampled.jpg");
    assert!(matches!(fault(&jpeg[..jpeg.len() / 2]), InputError::Jpeg(_)));
    let mut model = rgb();
    model.input.shape.channels = 4;
    assert!(matches!(picture(&model, &whole, Resize::Refuse), Err(InputError::Channels { channels: 4 })));
    model = rgb();
    model.input.shape.height = 1 << 20;
    assert!(matches!(picture(&model, &whole, Resize::Refuse), Err(InputError::InputTooLarge { .. })));
}

#[test]
fn more_pixels_than_a_picture_has_are_refused_by_the_header() {
    // A header alone: 16384 x 8192 pixels, and no data.
    let mut bytes = png(RgbImage::new(16, 16));
    bytes[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x20, 0]);
    bytes[29..33].copy_from_slice(&0xfbae_ebc4_u32.to_be_bytes());
    let error = picture(&rgb(), &bytes, Resize::Stretch).unwrap_err();
    assert!(matches!(error, InputError::PictureTooLarge { width: 16_384, height: 8_192, .. } | InputError::Image(_)), "{error:?}");
    assert!(matches!(picture(&rgb(), &png(GrayImage::new(16_384, 4_097)), Resize::Stretch), Err(InputError::PictureTooLarge { .. })));
}

#[test]
fn pictures_of_16_bits_are_refused() {
    for image in [
        DynamicImage::from(ImageBuffer::<Luma<u16>, _>::new(28, 28)),
        ImageBuffer::<Rgb<u16>, Vec<u16>>::new(28, 28).into(),
        ImageBuffer::<Rgba<u16>, Vec<u16>>::new(28, 28).into(),
    ] {
        assert!(matches!(picture(&grey(), &png(image), Resize::Refuse), Err(InputError::DeepColour)));
    }
}

#[test]
fn transparent_pictures_are_refused_and_opaque_ones_lose_their_alpha() {
    let mut image = RgbaImage::from_pixel(16, 16, Rgba([1, 2, 3, 255]));
    assert_eq!(picture(&rgb(), &png(image.clone()), Resize::Refuse).unwrap()[..3], [-127, -126, -125]);
    image.put_pixel(3, 3, Rgba([1, 2, 3, 254]));
    assert!(matches!(picture(&rgb(), &png(image), Resize::Refuse), Err(InputError::Transparent { transparent: 1 })));
    let image = GrayAlphaImage::from_pixel(28, 28, LumaA([7, 0]));
    assert!(matches!(picture(&grey(), &png(image), Resize::Refuse), Err(InputError::Transparent { transparent: 784 })));
}

#[test]
fn animations_are_refused() {
    assert!(matches!(picture(&rgb(), include_bytes!("files/animation.png"), Resize::Refuse), Err(InputError::Animation)));
}

#[test]
fn orientations_are_applied_and_said() {
    let mut model = rgb();
    (model.input.shape.height, model.input.shape.width) = (16, 8);
    for (file, expected) in [
        (include_bytes!("files/turned.jpg").as_slice(), include_bytes!("files/turned.rgb")),
        (include_bytes!("files/turned.png").as_slice(), include_bytes!("files/turned_png.rgb")),
    ] {
        let input = read_picture(&model, file, Resize::Refuse, None).unwrap();
        assert!(input.reading.to_string().starts_with("turned as its EXIF orientation 6 says; "), "{}", input.reading);
        assert_eq!(input.values, less_128(expected));
    }
}

#[test]
fn jpeg_is_decoded_by_the_arithmetic_of_libjpeg_turbo() {
    let values = picture(&rgb(), include_bytes!("files/subsampled.jpg"), Resize::Refuse).unwrap();
    assert_eq!(values, less_128(include_bytes!("files/subsampled.rgb")));
}

/// BLAKE3 of the bytes that Pillow 12 decodes of every tenth of them, in the order of their names.
const ORIGINALS: &str = "f88130fd3afe7ebbe8255508b214cb009b011646e5e7711386daa0ef047c11e2";

#[test]
fn originals_are_decoded_as_by_libjpeg_turbo() {
    let Some(root) = common::data() else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(root.join("images/imagenet200_original")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files.iter().step_by(10) {
        let bytes = std::fs::read(file).unwrap();
        let mut model = rgb();
        let InputError::Size { width, height, .. } = picture(&model, &bytes, Resize::Refuse).unwrap_err() else { panic!("{file:?}") };
        (model.input.shape.height, model.input.shape.width) = (height as usize, width as usize);
        let values = picture(&model, &bytes, Resize::Refuse).unwrap();
        hasher.update(&values.iter().map(|value| (value + 128) as u8).collect::<Vec<_>>());
    }
    assert_eq!(hasher.finalize().to_hex().as_str(), ORIGINALS);
}

#[test]
fn unusual_jpegs_are_refused_by_what_is_unusual() {
    let error = picture(&rgb(), include_bytes!("files/cmyk.jpg"), Resize::Refuse).unwrap_err();
    assert!(matches!(error, InputError::JpegKind { what: "other colours than RGB or grey (CMYK)" }), "{error:?}");
    // The sampling factors of the frame header: 2x2, 1x1, 1x1.
    let bytes = include_bytes!("files/subsampled.jpg");
    let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc2]).unwrap();
    for factors in [0x00, 0x32, 0x52] {
        let mut bytes = bytes.to_vec();
        assert_eq!(bytes[frame + 11], 0x22);
        (bytes[frame + 11], bytes[frame + 14]) = (factors, 0x22);
        let error = picture(&rgb(), &bytes, Resize::Refuse).unwrap_err();
        assert!(matches!(error, InputError::JpegKind { .. } | InputError::Jpeg(_)), "{factors:x}: {error:?}");
    }
}

#[test]
fn changed_jpegs_are_refused_or_read_and_never_panic() {
    let bytes = include_bytes!("files/subsampled.jpg");
    for at in (0..bytes.len()).step_by(4) {
        let mut changed = bytes.to_vec();
        changed[at] ^= [0x01, 0x80, 0xff][at / 4 % 3];
        let _ = picture(&rgb(), &changed, Resize::Refuse);
        let _ = picture(&rgb(), &bytes[..at], Resize::Refuse);
    }
}
