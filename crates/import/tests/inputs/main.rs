//! Pictures and arrays as inputs.

use verinfer_import::{Architecture, Input, InputError, InputFormat, InputOptions, Model, Pixels, Resize, load_input, synthetic};

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod pictures;
mod pixels;

/// A network of 28x28 grey pixels.
fn grey() -> Model {
    synthetic(Architecture::LeNet, 1)
}

/// A network of 16x16 RGB pixels.
fn rgb() -> Model {
    synthetic(Architecture::MobileNetV2 { width: 0.1, resolution: 16, classes: 2 }, 1)
}

fn read_picture(model: &Model, bytes: &[u8], resize: Resize, pixels: Option<Pixels>) -> Result<Input, InputError> {
    load_input(bytes, InputFormat::Image, model, &InputOptions { resize, pixels })
}

fn picture(model: &Model, bytes: &[u8], resize: Resize) -> Result<Vec<i16>, InputError> {
    read_picture(model, bytes, resize, None).map(|input| input.values)
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
