//! How bytes of pictures become numbers.

use image::{GrayImage, Luma, Rgb, RgbImage};
use verinfer_graph::DataType;
use verinfer_import::{ElementType, InputError, Model, Pixels, PixelsError, Resize};

use super::pictures::png;
use super::{grey, picture, read_picture, rgb};

/// A network of 28x28 grey pixels with this quantization.
fn quantized(element: ElementType, scale: f32, zero_point: i32) -> Model {
    let mut model = grey();
    (model.input.element, model.input.scale, model.input.zero_point) = (element, scale, zero_point);
    if element == ElementType::U8 {
        model.input.dtype = DataType::U8;
    }
    model
}

fn grey_value(model: &Model, byte: u8, pixels: Option<&str>) -> Result<i16, InputError> {
    let bytes = png(GrayImage::from_pixel(28, 28, Luma([byte])));
    read_picture(model, &bytes, Resize::Refuse, pixels.map(|text| text.parse().unwrap())).map(|input| input.values[0])
}

#[test]
fn bytes_are_stored_where_the_quantization_makes_that_a_usual_normalization() {
    for (element, scale, zero_point, stored) in [
        (ElementType::U8, 1.0 / 255.0, 0, 200),
        (ElementType::U8, 2.0 / 255.0, 127, 200),
        (ElementType::U8, 0.0078125, 128, 200),
        (ElementType::U8, 0.007_874_016, 128, 200),
        (ElementType::U8, 1.0, 0, 200),
        (ElementType::I8, 1.0 / 255.0, -128, 72),
        (ElementType::I8, 2.0 / 255.0, -1, 72),
        (ElementType::I8, 0.007_874_016, 0, 72),
        (ElementType::I8, 1.0, -128, 72),
        (ElementType::I8, 1.0, 0, 72),
        (ElementType::I8, 1.0 / 255.0, 0, 72),
        (ElementType::I8, f32::NAN, 0, 72),
    ] {
        let model = quantized(element, scale, zero_point);
        assert_eq!(Pixels::of_input(&model.input).unwrap(), Pixels::Raw, "{scale} {zero_point}");
        assert_eq!(grey_value(&model, 200, None).unwrap(), stored, "{scale} {zero_point}");
    }
}

#[test]
fn other_quantizations_are_refused_unless_a_mapping_is_chosen() {
    for (scale, zero_point) in
        [(0.018_631_12, -14), (0.010_813_53, -1), (0.313_725_5, 127), (0.000_396_08, 124), (1.0 / 255.0, -120), (1e-9, 0)]
    {
        let model = quantized(ElementType::I8, scale, zero_point);
        assert!(matches!(grey_value(&model, 200, None), Err(InputError::PixelsUnknown { .. })), "{scale} {zero_point}");
        assert_eq!(grey_value(&model, 200, Some("raw")).unwrap(), 72);
    }
    let model = quantized(ElementType::I8, 0.018_631_12, -14);
    let error = grey_value(&model, 0, None).unwrap_err().to_string();
    assert!(error.contains("-2.12") && error.contains("2.62") && error.contains("--pixels"), "{error}");
}

#[test]
fn chosen_mappings_are_quantized() {
    let model = quantized(ElementType::I8, 0.02, 10);
    assert_eq!(grey_value(&model, 255, Some("0..1")).unwrap(), 50 + 10);
    assert_eq!(grey_value(&model, 0, Some("-1..1")).unwrap(), -50 + 10);
    assert_eq!(grey_value(&model, 128, Some("127,100")).unwrap(), 1 + 10);
    assert_eq!(grey_value(&model, 51, Some("0.1,0.5")).unwrap(), 10 + 10);
    let bytes = png(RgbImage::from_pixel(16, 16, Rgb([255, 128, 0])));
    let mut model = rgb();
    (model.input.scale, model.input.zero_point) = (0.018_631_12, -14);
    let pixels = "0.485,0.456,0.406,0.229,0.224,0.225".parse().unwrap();
    let input = read_picture(&model, &bytes, Resize::Refuse, Some(pixels)).unwrap();
    // ((255 / 255 - 0.485) / 0.229) / 0.01863112 - 14, and so on.
    assert_eq!(input.values[..3], [107, -3, -111]);
    assert_eq!(input.reading.to_string(), "pixels 0.485,0.456,0.406,0.229,0.224,0.225: quantized with scale 0.01863112 and zero point -14");
}

#[test]
fn float_inputs_take_the_range_that_they_are_quantized_for() {
    let model = quantized(ElementType::F32, 1.0 / 255.0, -128);
    assert_eq!(Pixels::of_input(&model.input).unwrap(), Pixels::Range { low: 0.0, high: 1.0 });
    assert_eq!(grey_value(&model, 51, None).unwrap(), 51 - 128);
    let model = quantized(ElementType::F32, 2.0 / 255.0, -1);
    assert_eq!(Pixels::of_input(&model.input).unwrap(), Pixels::Range { low: -1.0, high: 1.0 });
    let model = quantized(ElementType::F32, 0.01, -28);
    assert!(matches!(grey_value(&model, 51, None), Err(InputError::PixelsUnknown { .. })));
    assert_eq!(grey_value(&model, 51, Some("0..1")).unwrap(), 20 - 28);
}

#[test]
fn pixels_of_another_normalization_are_refused_or_warned_of() {
    let model = quantized(ElementType::I8, 1.0 / 255.0, -128);
    assert!(matches!(grey_value(&model, 200, Some("0..255")), Err(InputError::PixelsClamped { clamped: 784, total: 784, .. })));
    let bytes = png(GrayImage::from_fn(28, 28, |x, _| Luma([if x == 0 { 200 } else { 0 }])));
    let input = read_picture(&model, &bytes, Resize::Refuse, Some("0..255".parse().unwrap())).unwrap();
    assert_eq!(input.reading.warnings().len(), 1);
    assert!(input.reading.warnings()[0].contains("28 of 784 values lie outside"), "{:?}", input.reading);
    // White is 1 by TF-Slim's quantization, which holds 127/128: no reason to warn.
    let model = quantized(ElementType::U8, 0.0078125, 128);
    let bytes = png(GrayImage::from_pixel(28, 28, Luma([255])));
    let input = read_picture(&model, &bytes, Resize::Refuse, Some("-1..1".parse().unwrap())).unwrap();
    assert!(input.reading.warnings().is_empty() && input.values[0] == 255);
}

#[test]
fn mappings_need_a_quantization() {
    let model = quantized(ElementType::I8, f32::NAN, 0);
    assert!(matches!(grey_value(&model, 1, Some("0..1")), Err(InputError::UnknownQuantization)));
    assert_eq!(picture(&model, &png(GrayImage::new(28, 28)), Resize::Refuse).unwrap()[0], -128);
}

#[test]
fn mappings_are_written_as_they_are_read() {
    for text in ["raw", "0..1", "-1..1", "0..255", "-0.5..0.5", "127.5,127.5", "1,2,3,4,5,6"] {
        assert_eq!(text.parse::<Pixels>().unwrap().to_string(), text);
    }
    for (text, error) in [
        ("", PixelsError::Form),
        ("bytes", PixelsError::Form),
        ("0..", PixelsError::Form),
        ("0..inf", PixelsError::Form),
        ("1", PixelsError::Form),
        ("1,2,3", PixelsError::Form),
        ("1..1", PixelsError::Range),
        ("1..-1", PixelsError::Range),
        ("0,0", PixelsError::Deviation),
        ("1,2,3,4,-5,6", PixelsError::Deviation),
    ] {
        assert_eq!(text.parse::<Pixels>(), Err(error), "{text}");
    }
}
