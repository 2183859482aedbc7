//! Inputs of a model on the command line: pictures and arrays, and how they are read.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use verinfer::{ElementType, Example, Tensor};
use verinfer_graph::DataType;
use verinfer_import::{Input, InputFormat, InputOptions, Model, Pixels, Resize, load_input};

use crate::files;
use crate::model::Source;
use crate::output::Output;

/// How pictures are read.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct InputArguments {
    /// How to fit an image of another size than the model's; without it such an image is refused.
    #[arg(long, value_enum, value_name = "HOW")]
    resize: Option<ResizeArgument>,

    /// What the bytes of an image stand for: raw (they are stored, less 128 in signed inputs), 0..1, -1..1, any LOW..HIGH, or MEAN,STD as the model was
    /// trained: (byte - MEAN) / STD, or (byte / 255 - MEAN) / STD if STD is below 1; the means of red, green and blue and then their STDs also do.
    ///
    /// Without it raw, if the model's declared quantization makes that one of 0..1, -1..1, 0..255, -128..127, -0.5..0.5; else the image is refused.
    #[arg(long, value_name = "MAPPING", allow_hyphen_values = true)]
    pixels: Option<Pixels>,
}

/// How an image is brought to the model's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResizeArgument {
    /// Scale the shorter side to the model's size / 0.875, then cut out the centre.
    CenterCrop,
    /// Scale both sides to the model's.
    Stretch,
}

/// Inputs of several images.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The integers that go into the model, one image after the other.
    pub values: Vec<i16>,
    /// How each was read.
    pub readings: Vec<String>,
}

impl InputArguments {
    /// Pictures of the model's size, with these pixels.
    pub const fn with_pixels(pixels: Pixels) -> Self {
        Self { resize: None, pixels: Some(pixels) }
    }

    /// The arguments that say the same.
    pub fn arguments(self) -> Vec<OsString> {
        let resize = self.resize.as_ref().and_then(ResizeArgument::to_possible_value);
        let resize = resize.map(|value| format!("--resize={}", value.get_name()));
        let pixels = self.pixels.map(|pixels| format!("--pixels={pixels}"));
        resize.into_iter().chain(pixels).map(OsString::from).collect()
    }

    const fn options(self) -> InputOptions {
        let resize = match self.resize {
            None => Resize::Refuse,
            Some(ResizeArgument::CenterCrop) => Resize::CenterCrop,
            Some(ResizeArgument::Stretch) => Resize::Stretch,
        };
        InputOptions { resize, pixels: self.pixels }
    }
}

impl Source {
    /// The integers that go into `model` for IMAGE.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not an image or array that fits the model's input.
    pub fn load_input(&self, image: &Path, arguments: InputArguments, model: &Model) -> anyhow::Result<Input> {
        let bytes: Cow<'_, [u8]> = match (self, sample_number(image)) {
            (Self::Builtin(builtin), Some(number)) => Cow::Borrowed(builtin.sample(number?)?),
            (Self::Builtin(_), None) | (Self::File(_), _) => Cow::Owned(files::read_if(image, |head| input_limit(head, model))?),
        };
        decode_input(&image.display().to_string(), &bytes, arguments, model)
    }

    /// The integers that go into `model` for several images, one after the other; warns of those that look wrong.
    ///
    /// # Errors
    ///
    /// As [`Source::load_input`], for the first image that has one.
    pub fn load_inputs(&self, images: &[PathBuf], arguments: InputArguments, model: &Model, output: Output) -> anyhow::Result<Inputs> {
        let mut inputs = Inputs::default();
        for image in images {
            let Input { values, reading } = self.load_input(image, arguments, model)?;
            reading.warnings().iter().for_each(|warning| output.warning(&format!("{}: {warning}", image.display())));
            inputs.values.extend(values);
            inputs.readings.push(reading.to_string());
        }
        Ok(inputs)
    }
}

/// Bytes of a file that may be an input of `model`, by its first ones: an array has at most eight for each element.
fn input_limit(head: &[u8], model: &Model) -> Option<u64> {
    const PICTURES: [&[u8]; 2] = [b"\x89PNG", b"\xff\xd8"];
    const ARRAY_HEADER: u64 = 1 << 17;
    if head.starts_with(b"\x93NUMPY") {
        let elements = model.input.shape.num_elements() as u64;
        return Some(elements.saturating_mul(8).saturating_add(ARRAY_HEADER));
    }
    PICTURES.iter().any(|magic| head.starts_with(magic)).then_some(files::IMAGE_LIMIT)
}

impl Inputs {
    /// The integers of each image.
    pub fn by_image(&self) -> Vec<Vec<i16>> {
        let len = self.values.len().checked_div(self.readings.len()).unwrap_or(0);
        self.values.chunks(len.max(1)).map(<[i16]>::to_vec).collect()
    }

    /// The images as a model takes them.
    ///
    /// # Errors
    ///
    /// None: they were read as the model's inputs.
    pub fn examples(&self, model: &Model) -> Result<Vec<Example>, verinfer::Error> {
        let shape = model.input.shape;
        let element = match model.input.dtype {
            DataType::U8 => ElementType::Uint8,
            DataType::I8 => ElementType::Int8,
        };
        let example = |values: &[i16]| {
            let values = values.iter().map(|&value| i64::from(value));
            Tensor::new(&[shape.height, shape.width, shape.channels], element, values).map(Example::from)
        };
        self.values.chunks(shape.num_elements().max(1)).map(example).collect()
    }

    /// The different ways in which they were read.
    pub fn ways(&self) -> Vec<&str> {
        ways(&self.readings)
    }
}

/// The different ways in which images were read, in the order of the images.
pub fn ways(readings: &[String]) -> Vec<&str> {
    let mut ways: Vec<&str> = Vec::new();
    for reading in readings {
        if !ways.contains(&reading.as_str()) {
            ways.push(reading);
        }
    }
    ways
}

/// The integers that go into `model` for the contents of an image or array file; `name` is for messages.
///
/// # Errors
///
/// The file is not an image or array that fits the model's input.
pub fn decode_input(name: &str, bytes: &[u8], arguments: InputArguments, model: &Model) -> anyhow::Result<Input> {
    let format = if bytes.starts_with(b"\x93NUMPY") { InputFormat::Npy } else { InputFormat::Image };
    load_input(bytes, format, model, &arguments.options()).with_context(|| format!("cannot use {name}"))
}

/// The number in `sample` (0) or `sample:N`; `None` if `image` is neither.
fn sample_number(image: &Path) -> Option<anyhow::Result<usize>> {
    let rest = image.to_str()?.strip_prefix("sample")?;
    if rest.is_empty() {
        return Some(Ok(0));
    }
    let number = rest.strip_prefix(':')?;
    Some(number.parse().with_context(|| format!("{number:?} is not the number of a sample")))
}
