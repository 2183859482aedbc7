use verinfer_graph::{DataType, Shape};

/// Why bytes are not an input of a network.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The message of each variant is its description, and names each field.
pub enum InputError {
    // Pictures.
    #[error("it is neither a PNG nor a JPEG picture nor a NumPy array")]
    UnknownFormat,
    #[error("it is a {format} picture: only PNG and JPEG are read")]
    OtherFormat { format: &'static str },
    #[error("the picture cannot be decoded")]
    Image(#[from] image::ImageError),
    #[error("the JPEG picture cannot be decoded")]
    Jpeg(#[from] libjpeg_turbo_rs::JpegError),
    #[error("the JPEG picture has {what}, which is not read: save it as an ordinary RGB or grey picture")]
    JpegKind { what: &'static str },
    #[error("the picture has 16 bits for each colour, the network's input 8: convert it, so that it is known how they were rounded")]
    DeepColour,
    #[error("the picture is an animation: save the frame that is meant")]
    Animation,
    #[error("{transparent} pixels of the picture are transparent: flatten it, so that it is known what they lie on")]
    Transparent { transparent: usize },
    #[error("the network's input has {channels} channels: a picture has 1 or 3; give an array")]
    Channels { channels: usize },
    #[error("the picture is {width} x {height}, the network's input {expected_width} x {expected_height}; choose how to resize it")]
    Size { width: u32, height: u32, expected_width: usize, expected_height: usize },
    #[error("the picture is {width} x {height}, more than {limit} pixels")]
    PictureTooLarge { width: u32, height: u32, limit: u64 },
    #[error("the network's input of {shape} is too large for a picture")]
    InputTooLarge { shape: Shape },
    #[error("the picture is {width} x {height}: too long and narrow to scale it and take its centre")]
    AspectRatio { width: u32, height: u32 },
    #[error(
        "the network's input stands for {range} (scale {scale}, zero point {zero_point}), the range of no usual normalization of pixels: \
         say how it was trained (--pixels): raw, 0..1, -1..1, LOW..HIGH or MEAN,STD"
    )]
    PixelsUnknown { range: Range, scale: f32, zero_point: i32 },
    #[error(
        "pixels mapped by {pixels} lie outside what the network's input holds, {range}, in {clamped} of {total} values: it was trained otherwise"
    )]
    PixelsClamped { pixels: super::Pixels, clamped: usize, total: usize, range: Range },

    // Arrays.
    #[error("it is a NumPy archive (.npz): give one array of it, as .npy")]
    Archive,
    #[error("not a NumPy array: the magic string or a known version is missing")]
    NotNpy,
    #[error("the header of the NumPy array is not understood")]
    NpyHeader,
    #[error("the array has {found} bytes of data, expected {expected}")]
    ArrayData { found: usize, expected: usize },
    #[error("the array has {found} elements, expected {expected}")]
    ArrayLength { found: u64, expected: usize },
    #[error(
        "the array is of shape {found}, the network's input {expected}: {inputs} inputs in one array; give a file for each (numpy: x[0], x[1], ...)"
    )]
    ArrayBatch { found: Sides, expected: Shape, inputs: u64 },
    #[error(
        "the array is of shape {found}, channels first; the network's input is {expected}, channels last (numpy: np.moveaxis(x, -3, -1))"
    )]
    ChannelsFirst { found: Sides, expected: Shape },
    #[error("the array is of shape {found}, the network's input {expected}: as many elements, in another arrangement")]
    ArrayShape { found: Sides, expected: Shape },
    #[error("the array is of type {found}, expected uint8, int8 or floats")]
    ArrayType { found: String },
    #[error("the array holds Python objects, which are not read: convert it (numpy: x.astype(np.float32))")]
    ArrayObjects,
    #[error("the array holds records of several fields, expected uint8, int8 or floats")]
    ArrayRecords,
    #[error("floats cannot become the network's input: how it is quantized is not known, give integers")]
    UnknownQuantization,
    #[error("the array is of type {found}, but the network's input is {expected:?}")]
    ArrayTypeMismatch { found: &'static str, expected: DataType },
    #[error("element {index} is {value}, which is not a number or too large to quantize")]
    Value { index: usize, value: f32 },
    #[error(
        "the floats are {smallest} to {largest}; {clamped} of {total} lie outside what the network's input holds, {range}: they are normalized otherwise"
    )]
    FloatsClamped { smallest: f32, largest: f32, clamped: usize, total: usize, range: Range },
}

/// Sides of an array, in messages: `1x3x4x6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides(pub Vec<u64>);

impl std::fmt::Display for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sides: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&sides.join("x"))
    }
}

/// What a network's input can hold, in messages: `-1 to 0.99219`, of five digits each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range(pub f64, pub f64);

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |number: f64| format!("{number:.4e}").parse().unwrap_or(number);
        write!(f, "{} to {}", short(self.0), short(self.1))
    }
}
