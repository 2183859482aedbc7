//! Pictures and arrays as inputs.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use verinfer_graph::DataType;
use verinfer_import::{Architecture, ElementType, InputError, InputFormat, Model, Resize, load_input, synthetic};

/// A network of 28x28 grey pixels.
fn grey() -> Model {
    synthetic(Architecture::LeNet, 1)
}

/// A network of 16x16 RGB pixels.
fn rgb() -> Model {
    synthetic(Architecture::MobileNetV2 { width: 0.1, resolution: 16, classes: 2 }, 1)
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// An array file of format 1.0.
fn npy(descr: &str, shape: &str, data: &[u8], fortran: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

fn picture(model: &Model, bytes: &[u8], resize: Resize) -> Result<Vec<i16>, InputError> {
    load_input(bytes, InputFormat::Image, model, resize)
}

fn array(model: &Model, bytes: &[u8]) -> Result<Vec<i16>, InputError> {
    load_input(bytes, InputFormat::Npy, model, Resize::Refuse)
}

#[test]
fn int8_inputs_take_bytes_less_128() {
    let image = RgbImage::from_fn(16, 16, |x, y| Rgb([x as u8, y as u8, 255]));
    let values = picture(&rgb(), &png(image), Resize::Refuse).unwrap();
    assert_eq!(values[..6], [-128, -128, 127, -127, -128, 127]);
    assert_eq!(values[16 * 3..][..3], [-128, -127, 127]);
}

#[test]
fn uint8_inputs_take_bytes() {
    let mut model = grey();
    (model.input.element, model.input.dtype) = (ElementType::U8, DataType::U8);
    let values = picture(&model, &png(GrayImage::from_pixel(28, 28, Luma([200]))), Resize::Refuse).unwrap();
    assert_eq!(values, vec![200; 784]);
}

#[test]
fn float_inputs_are_divided_and_quantized() {
    let mut model = grey();
    (model.input.element, model.input.scale, model.input.zero_point) = (ElementType::F32, 0.01, -28);
    let values = picture(&model, &png(GrayImage::from_pixel(28, 28, Luma([51]))), Resize::Refuse).unwrap();
    assert_eq!(values, vec![20 - 28; 784]);
}

#[test]
fn colours_become_the_luma_of_itu_r_601() {
    let values = picture(&grey(), &png(RgbImage::from_pixel(28, 28, Rgb([200, 100, 50]))), Resize::Refuse).unwrap();
    // (200 * 19595 + 100 * 38470 + 50 * 7471 + 2^15) >> 16, as Pillow.
    assert_eq!(values, vec![124 - 128; 784]);
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
fn what_is_no_picture_is_refused() {
    assert!(matches!(picture(&rgb(), b"hello", Resize::Refuse), Err(InputError::Image(_))));
    let whole = png(RgbImage::new(16, 16));
    assert!(matches!(picture(&rgb(), &whole[..60], Resize::Refuse), Err(InputError::Image(_))));
    let mut model = rgb();
    model.input.shape.channels = 4;
    assert!(matches!(picture(&model, &whole, Resize::Refuse), Err(InputError::Channels { channels: 4 })));
    model.input.shape.height = 1 << 20;
    assert!(matches!(picture(&model, &whole, Resize::Refuse), Err(InputError::InputTooLarge { .. })));
}

#[test]
fn arrays_of_the_inputs_type_are_taken_as_they_are() {
    let data: Vec<u8> = (0..784).map(|i| (i % 256) as u8).collect();
    let values = array(&grey(), &npy("|i1", "(1, 28, 28, 1)", &data, "False")).unwrap();
    assert_eq!((values[1], values[255]), (1, -1));
    let error = array(&grey(), &npy("|u1", "(784,)", &data, "False")).unwrap_err();
    assert!(matches!(error, InputError::ArrayTypeMismatch { found: "uint8", expected: DataType::I8 }));
}

#[test]
fn float_arrays_are_quantized() {
    let mut model = grey();
    (model.input.scale, model.input.zero_point) = (0.5, 3);
    let mut numbers = vec![0.0f32; 784];
    numbers[..5].copy_from_slice(&[0.25, -0.25, 1.2, 1e6, -1e6]);
    let data: Vec<u8> = numbers.iter().flat_map(|value| value.to_le_bytes()).collect();
    let values = array(&model, &npy("<f4", "(28, 28)", &data, "False")).unwrap();
    assert_eq!(values[..6], [4, 2, 5, 127, -128, 3]);
    numbers[7] = f32::NAN;
    let data: Vec<u8> = numbers.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert!(matches!(array(&model, &npy("<f4", "(28, 28)", &data, "False")), Err(InputError::Value { index: 7, .. })));
}

#[test]
fn other_arrays_are_refused() {
    let data = vec![0u8; 784];
    let fault = |descr, shape, fortran| array(&grey(), &npy(descr, shape, &data, fortran)).unwrap_err();
    assert!(matches!(fault("|i1", "(783,)", "False"), InputError::ArrayLength { found: 783, expected: 784 }));
    assert!(matches!(fault("|i1", "(28, 28)", "True"), InputError::FortranOrder));
    assert!(matches!(fault("<f8", "(28, 28)", "False"), InputError::ArrayType { .. }));
    assert!(matches!(
        array(&grey(), &npy("|i1", "(784,)", &data[..100], "False")),
        Err(InputError::ArrayData { found: 100, expected: 784 })
    ));
    assert!(matches!(array(&grey(), b"\x93NUMPY"), Err(InputError::NotNpy)));
    assert!(matches!(array(&grey(), b"\x93NUMPY\x01\x00\x05\x00{}"), Err(InputError::NpyHeader)));
    assert!(matches!(fault("|i1", "(28, x)", "False"), InputError::NpyHeader));
    let huge = npy("|i1", "(18446744073709551615, 18446744073709551615)", &[], "False");
    assert!(matches!(array(&grey(), &huge), Err(InputError::ArrayLength { found: u64::MAX, expected: 784 })));
}

#[test]
fn formats_follow_from_file_names() {
    let format = |name: &str| InputFormat::of(name.as_ref());
    assert_eq!(format("a/cat.PNG"), Some(InputFormat::Image));
    assert_eq!(format("cat.jpeg"), Some(InputFormat::Image));
    assert_eq!(format("x.npy"), Some(InputFormat::Npy));
    assert_eq!(format("x.bmp"), None);
    assert_eq!(format("png"), None);
}
