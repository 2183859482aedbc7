//! `verinfer commit`: commitments that any number of proofs can be about.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Serialize;
use verinfer::Opening;
use verinfer_commitments::Committed;
use verinfer_import::Model;

use crate::commitments::tensor_text;
use crate::escape::one_line;
use crate::files;
use crate::input::{InputArguments, Inputs};
use crate::known::Known;
use crate::model::Source;
use crate::output::{Output, Report, Verdict, thousands};
use crate::phases::duration;
use verinfer_graph::describe::hex;

/// Commit to a model, to an input of a model, or to a label.
///
/// Writes what everybody may know and the secret with which proofs are made. The secret does not hold what is committed to: keep both.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: a .tflite file, or `digits` for the built-in model; with --input also a model's public commitment.
    #[arg(value_name = "MODEL", required_unless_present = "label", conflicts_with = "label")]
    model: Option<PathBuf>,

    /// Commit to an input of the model: a .png, .jpg or .npy file, or `sample` or `sample:N` of the built-in model.
    #[arg(long, value_name = "IMAGE", conflicts_with = "label")]
    input: Option<PathBuf>,

    /// Commit to a class.
    #[arg(long, value_name = "CLASS")]
    label: Option<u32>,

    /// Where to write the public part.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,

    /// Where to write the secret part; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,

    /// Overwrite the secret: what was committed to with the one there cannot be proved about any more.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    fit: InputArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    if arguments.public == arguments.secret {
        bail!("--public and --secret are the same file");
    }
    files::check_writable(&arguments.public)?;
    files::check_secret_writable(&arguments.secret, arguments.force)?;
    let (name, reading, opening, seconds) = {
        let subject = Subject::read(arguments, output)?;
        let start = Instant::now();
        let opening = subject.commit().with_context(|| format!("cannot commit to {}", subject.title()))?;
        let seconds = start.elapsed().as_secs_f64();
        (subject.name(), subject.reading(), opening, seconds)
    };
    let public = opening.commitment.file();
    let bytes = opening.commitment.to_bytes();
    files::write_secret(&arguments.secret, &opening.secret.to_bytes(), arguments.force)?;
    files::write(&arguments.public, &bytes)?;
    output.beside(&arguments.public).report(&CommitReport {
        kind: opening.commitment.kind().name(),
        of: name,
        reading,
        content: content(&public.committed),
        architecture_digest: match &public.committed {
            Committed::Model { architecture, .. } => Some(hex(&architecture.architecture_digest())),
            Committed::Input { .. } | Committed::Output { .. } | Committed::Label => None,
        },
        commitment: opening.commitment.fingerprint(),
        public: arguments.public.display().to_string(),
        public_bytes: bytes.len(),
        secret: arguments.secret.display().to_string(),
        seconds,
    })?;
    Ok(Verdict::Accepted)
}

/// What is committed to.
enum Subject {
    Model(String, Box<Model>),
    Input(String, Box<Model>, Inputs),
    Label(u32),
}

impl Subject {
    fn read(arguments: &Arguments, output: Output) -> anyhow::Result<Self> {
        if let Some(label) = arguments.label {
            return Ok(Self::Label(label));
        }
        // The parser demands a model if there is no label.
        let path = arguments.model.as_deref().context("neither a model nor a label is given")?;
        let Some(image) = &arguments.input else {
            let source = Source::from(path);
            return Ok(Self::Model(source.title(), Box::new(source.import()?)));
        };
        let known = Known::of(path)?;
        let inputs = known.source.load_inputs(std::slice::from_ref(image), arguments.fit, &known.model, output)?;
        Ok(Self::Input(image.display().to_string(), Box::new(known.model), inputs))
    }

    fn title(&self) -> String {
        match self {
            Self::Model(title, _) | Self::Input(title, ..) => title.clone(),
            Self::Label(_) => "the class".to_string(),
        }
    }

    /// The name of a model or image. A class is its own name, and secret.
    fn name(&self) -> Option<String> {
        match self {
            Self::Model(title, _) | Self::Input(title, ..) => Some(title.clone()),
            Self::Label(_) => None,
        }
    }

    /// Of an input, how it was read.
    fn reading(&self) -> Option<String> {
        match self {
            Self::Input(_, _, inputs) => Some(inputs.readings.concat()),
            Self::Model(..) | Self::Label(_) => None,
        }
    }

    fn commit(&self) -> anyhow::Result<Opening> {
        Ok(match self {
            Self::Model(_, model) => verinfer::Model::of(Model::clone(model)).commit()?,
            Self::Input(_, model, inputs) => {
                let model = verinfer::Model::of(Model::clone(model));
                let examples = inputs.examples(model.imported())?;
                let mut openings = examples.iter().map(|example| model.commit_inputs(example)).collect::<Result<Vec<_>, _>>()?.concat();
                openings.pop().context("the model has no input")?
            }
            Self::Label(label) => Opening::of_label(*label)?,
        })
    }
}

/// What the committed value is, as far as that is public.
fn content(committed: &Committed) -> String {
    match committed {
        Committed::Model { architecture, .. } => {
            format!("{} learned values", thousands(architecture.learned_len().total() as u64))
        }
        Committed::Input { shape, dtype } | Committed::Output { shape, dtype } => tensor_text(*shape, *dtype),
        Committed::Label => "a class below 65,536".to_string(),
    }
}

#[derive(Serialize)]
struct CommitReport {
    /// `model`, `input` or `label`.
    kind: &'static str,
    /// Name of the model or image; none of a class.
    of: Option<String>,
    /// Of an input: how the image became integers.
    reading: Option<String>,
    content: String,
    /// Of a model: digest of what is public about it, hexadecimal.
    architecture_digest: Option<String>,
    /// BLAKE3 of the commitment, hexadecimal.
    commitment: String,
    /// The public file.
    public: String,
    public_bytes: usize,
    /// The secret file.
    secret: String,
    /// Duration of the commitment alone.
    seconds: f64,
}

impl Report for CommitReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.of {
            Some(name) => writeln!(out, "{:<12}  {} ({})", self.kind, one_line(name), one_line(&self.content))?,
            None => writeln!(out, "{:<12}  {}", self.kind, one_line(&self.content))?,
        }
        if let Some(reading) = &self.reading {
            writeln!(out, "read          {}", one_line(reading))?;
        }
        if let Some(digest) = &self.architecture_digest {
            writeln!(out, "architecture  {digest}")?;
        }
        writeln!(out, "commitment    {} in {}", self.commitment, duration(self.seconds))?;
        writeln!(out, "public        {} ({} bytes)", one_line(&self.public), thousands(self.public_bytes as u64))?;
        writeln!(out, "secret        {}: only who has it can prove anything about this commitment", one_line(&self.secret))
    }
}
