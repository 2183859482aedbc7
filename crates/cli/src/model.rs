//! What MODEL stands for on the command line.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use verinfer_import::{Architecture, Model, import_tflite, is_tflite, synthetic};

use crate::builtin::{Builtin, DIGITS};
use crate::files;

/// A model given by name or path.
#[derive(Clone, Debug)]
pub enum Source {
    /// Part of the binary.
    Builtin(&'static Builtin),
    /// A `.tflite` file.
    File(PathBuf),
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        if path.as_os_str() == DIGITS.name { Self::Builtin(&DIGITS) } else { Self::File(path.to_path_buf()) }
    }
}

impl Source {
    /// What to call the model in reports.
    pub fn title(&self) -> String {
        match self {
            Self::Builtin(builtin) => builtin.name.to_string(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The TFLite file; of another one the beginning.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn bytes(&self) -> anyhow::Result<Cow<'static, [u8]>> {
        match self {
            Self::Builtin(builtin) => Ok(Cow::Borrowed(builtin.tflite)),
            Self::File(path) => files::read_if(path, |head| is_read(head).then_some(files::MODEL_LIMIT)).map(Cow::Owned),
        }
    }

    /// The imported network.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no TFLite model, or not one that is supported.
    pub fn import(&self) -> anyhow::Result<Model> {
        import_tflite(&self.bytes()?).with_context(|| format!("cannot import {}", self.title()))
    }

    /// The labels that come with the model.
    pub const fn labels(&self) -> Option<&'static str> {
        match self {
            Self::Builtin(builtin) => Some(builtin.labels),
            Self::File(_) => None,
        }
    }
}

/// Whether a file that begins so is read to its end: a model, or an archive, whose end says what it holds.
pub fn is_read(head: &[u8]) -> bool {
    is_tflite(head) || head.starts_with(b"PK")
}

/// A model file, or a synthetic network in its place.
#[derive(Clone, Debug, Args)]
pub struct ModelArguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL", required_unless_present = "synthetic", conflicts_with = "synthetic")]
    model: Option<PathBuf>,

    #[command(flatten)]
    synthetic: SyntheticArguments,
}

/// A synthetic network.
#[derive(Clone, Debug, Args)]
pub struct SyntheticArguments {
    /// A network of this architecture with random weights, instead of MODEL.
    #[arg(long, value_enum, value_name = "ARCHITECTURE")]
    synthetic: Option<SyntheticArgument>,

    /// Width multiplier of mobilenet_v2.
    #[arg(long, requires = "synthetic", default_value_t = 0.35, value_parser = parse_width)]
    width: f64,

    /// Height and width of mobilenet_v2's input.
    #[arg(long, requires = "synthetic", default_value_t = 96, value_parser = parse_count::<8, 1024>)]
    resolution: usize,

    /// Classes of mobilenet_v2.
    #[arg(long, requires = "synthetic", default_value_t = 1000, value_parser = parse_count::<1, 65536>)]
    classes: usize,

    /// Seed of the weights.
    #[arg(long, requires = "synthetic", default_value_t = 0)]
    seed: u64,
}

/// Architectures of synthetic networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SyntheticArgument {
    /// MobileNet v2 of any width and resolution.
    #[value(name = "mobilenet_v2")]
    MobileNetV2,
    /// A small LeNet on 28x28 pixels.
    #[value(name = "lenet")]
    LeNet,
}

/// What [`ModelArguments`] name.
#[derive(Clone, Debug)]
pub enum Selected {
    /// A model file.
    Source(Source),
    /// A network made up on the spot.
    Synthetic(Synthetic),
}

/// A network with random weights.
#[derive(Clone, Copy, Debug)]
pub struct Synthetic {
    architecture: Architecture,
    seed: u64,
}

impl ModelArguments {
    /// The model to use.
    pub fn select(&self) -> Selected {
        match self.synthetic.select() {
            Some(network) => Selected::Synthetic(network),
            // The parser guarantees one of the two.
            None => Selected::Source(Source::from(self.model.as_deref().unwrap_or(Path::new("")))),
        }
    }
}

impl SyntheticArguments {
    /// The network, if one was asked for.
    pub fn select(&self) -> Option<Synthetic> {
        let architecture = match self.synthetic? {
            SyntheticArgument::MobileNetV2 => {
                Architecture::MobileNetV2 { width: self.width, resolution: self.resolution, classes: self.classes }
            }
            SyntheticArgument::LeNet => Architecture::LeNet,
        };
        Some(Synthetic { architecture, seed: self.seed })
    }

    /// Models of files and then the network, if one was asked for; the built-in model if there is neither.
    pub fn select_beside(&self, files: &[PathBuf]) -> Vec<Selected> {
        let files = files.iter().map(|path| Selected::Source(Source::from(path.as_path())));
        let models: Vec<Selected> = files.chain(self.select().map(Selected::Synthetic)).collect();
        if models.is_empty() { vec![Selected::Source(Source::Builtin(&DIGITS))] } else { models }
    }
}

impl Selected {
    /// What to call the model in reports.
    pub fn title(&self) -> String {
        match self {
            Self::Source(source) => source.title(),
            Self::Synthetic(network) => network.title(),
        }
    }

    /// The network.
    ///
    /// # Errors
    ///
    /// As [`Source::import`].
    pub fn build(&self) -> anyhow::Result<Model> {
        match self {
            Self::Source(source) => source.import(),
            Self::Synthetic(network) => Ok(network.build()),
        }
    }

    /// The arguments that select it.
    pub fn arguments(&self) -> Vec<OsString> {
        match self {
            Self::Source(Source::Builtin(builtin)) => vec![builtin.name.into()],
            Self::Source(Source::File(path)) => vec![path.into()],
            Self::Synthetic(network) => network.arguments().into_iter().map(OsString::from).collect(),
        }
    }
}

impl Synthetic {
    /// A network of an architecture.
    pub const fn new(architecture: Architecture, seed: u64) -> Self {
        Self { architecture, seed }
    }

    /// What to call the network in reports.
    pub fn title(&self) -> String {
        match self.architecture {
            Architecture::MobileNetV2 { width, resolution, classes } => {
                format!("synthetic mobilenet_v2 {width}/{resolution}, {classes} classes, seed {}", self.seed)
            }
            Architecture::LeNet => format!("synthetic lenet, seed {}", self.seed),
        }
    }

    /// The network.
    pub fn build(&self) -> Model {
        synthetic(self.architecture, self.seed)
    }

    fn arguments(&self) -> Vec<String> {
        let seed = format!("--seed={}", self.seed);
        match self.architecture {
            Architecture::MobileNetV2 { width, resolution, classes } => vec![
                "--synthetic=mobilenet_v2".to_string(),
                format!("--width={width}"),
                format!("--resolution={resolution}"),
                format!("--classes={classes}"),
                seed,
            ],
            Architecture::LeNet => vec!["--synthetic=lenet".to_string(), seed],
        }
    }
}

fn parse_width(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(width) if (0.1..=4.0).contains(&width) => Ok(width),
        Ok(_) | Err(_) => Err("expected a number from 0.1 to 4".to_string()),
    }
}

fn parse_count<const MIN: usize, const MAX: usize>(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count) if (MIN..=MAX).contains(&count) => Ok(count),
        Ok(_) | Err(_) => Err(format!("expected a number from {MIN} to {MAX}")),
    }
}
