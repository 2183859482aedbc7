//! A quantized network that reads 8x8 handwritten digits, with an image of each digit. README.md says how it was made and under which licences the
//! images are.

/// The model, a `.tflite` file: int8, weights per channel.
pub const MODEL: &[u8] = include_bytes!("../digits_int8.tflite");

/// The names of its classes, one on each line.
pub const LABELS: &str = include_str!("../labels.txt");

/// PNG images of 8x8 pixels that the model was not trained on; number N shows the digit N.
pub const SAMPLES: [&[u8]; 10] = [
    include_bytes!("../samples/digit-0-30.png"),
    include_bytes!("../samples/digit-1-11.png"),
    include_bytes!("../samples/digit-2-54.png"),
    include_bytes!("../samples/digit-3-45.png"),
    include_bytes!("../samples/digit-4-41.png"),
    include_bytes!("../samples/digit-5-71.png"),
    include_bytes!("../samples/digit-6-34.png"),
    include_bytes!("../samples/digit-7-43.png"),
    include_bytes!("../samples/digit-8-127.png"),
    include_bytes!("../samples/digit-9-125.png"),
];
