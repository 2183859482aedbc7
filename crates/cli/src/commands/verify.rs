//! `verinfer verify`: whether a proof holds, and what it then says.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use verinfer_import::Model;
use verinfer_relation::setting::Setting;
use verinfer_relation::statement::PublicTensor;
use verinfer_verifier::{Accepted, Expectations, ExpectedInput, Verifier};

use crate::classes::{LabelArguments, score_name};
use crate::describe::{data_type, hex};
use crate::files;
use crate::model::{FitArguments, Source};
use crate::output::{Output, Report, Verdict, thousands};
use crate::phases::duration;
use crate::rejection::Rejection;
use crate::results::Results;

/// Verify a proof, and say what it proves and what it does not.
///
/// Rejected (exit code 1) with a reason if the proof does not hold or is not about what was asked.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The proof file.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,

    /// The model it should be about: a .tflite file, or `digits` for the built-in model.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,

    /// The images it should be about, all of them in order: .png, .jpg or .npy files, or `sample[:N]` of the built-in model.
    #[arg(long, value_name = "IMAGE", num_args = 1..)]
    input: Vec<PathBuf>,

    /// Text the proof should be bound to.
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,

    /// Least security level in bits.
    #[arg(long, value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,

    #[command(flatten)]
    fit: FitArguments,

    #[command(flatten)]
    labels: LabelArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let source = Source::from(arguments.model.as_path());
    let labels = arguments.labels.read(&source)?;
    let model = source.import()?;
    let input = match arguments.input.as_slice() {
        [] => None,
        images => Some(source.load_inputs(images, arguments.fit, &model)?),
    };
    let proof = files::read(&arguments.proof, files::PROOF_LIMIT)?;
    let expectations = Expectations {
        security_level: arguments.security,
        context: arguments.context.as_bytes(),
        input: input.as_deref().map_or(ExpectedInput::Any, ExpectedInput::Shown),
    };

    let verifier = Verifier::with_setting(&model.graph, arguments.input.len().max(1), &Setting::default())
        .with_context(|| format!("cannot verify proofs of {}", source.title()))?;
    let start = Instant::now();
    let result = verifier.verify(&proof, &expectations);
    let seconds = start.elapsed().as_secs_f64();

    let mut report = VerifyReport {
        accepted: result.is_ok(),
        error: None,
        proof: arguments.proof.display().to_string(),
        proof_bytes: proof.len(),
        model: source.title(),
        seconds,
        statement: None,
        does_not_say: Vec::new(),
    };
    match &result {
        Ok(accepted) => {
            report.statement = Some(StatementReport::new(accepted, &model, &labels, &arguments.input));
            report.does_not_say = does_not_say(input.is_some(), arguments.context.is_empty(), !model.output.closing.is_empty());
        }
        Err(error) => report.error = Some(Rejection::from(error)),
    }
    output.report(&report)?;
    Ok(Verdict::from_bool(report.accepted))
}

#[derive(Serialize)]
struct VerifyReport {
    accepted: bool,
    /// Why it was rejected.
    error: Option<Rejection>,
    proof: String,
    proof_bytes: usize,
    model: String,
    /// Duration of the verification alone.
    seconds: f64,
    /// What an accepted proof says; nothing in a rejected one is to be believed.
    statement: Option<StatementReport>,
    does_not_say: Vec<&'static str>,
}

#[derive(Serialize)]
struct StatementReport {
    /// Digest of the whole integer program, hexadecimal.
    network_digest: String,
    /// Shape of each image and digest of all.
    input: Option<TensorDigest>,
    /// Whether `input` was compared with a given one.
    input_compared: bool,
    /// Shape of each `output` and digest of all.
    output_tensor: Option<TensorDigest>,
    score_is: &'static str,
    #[serde(flatten)]
    results: Results,
    context: String,
    /// Level for which the proof was made, in bits.
    security_level: u16,
    /// What its parameters reach, in bits.
    security_bits: f64,
    /// What the security rests on.
    assumptions: Vec<&'static str>,
}

/// A tensor by its digest.
#[derive(Serialize)]
struct TensorDigest {
    /// Height, width, channels.
    shape: [usize; 3],
    dtype: &'static str,
    /// BLAKE3 of the elements, one byte each in NHWC order, image after image, hexadecimal.
    blake3: String,
}

impl StatementReport {
    fn new(accepted: &Accepted, model: &Model, labels: &[String], images: &[PathBuf]) -> Self {
        let statement = &accepted.statement;
        Self {
            network_digest: hex(&model.graph.digest()),
            input: statement.input.shown().map(TensorDigest::new),
            input_compared: !images.is_empty(),
            output_tensor: statement.output.shown().map(TensorDigest::new),
            score_is: score_name(model),
            results: Results::new(model, images, statement.output.shown().map_or(&[], |output| &output.values), labels),
            context: String::from_utf8_lossy(&statement.context).into_owned(),
            security_level: statement.security_level,
            security_bits: accepted.security.bits(),
            assumptions: accepted.security.assumptions.clone(),
        }
    }
}

impl TensorDigest {
    fn new(tensor: &PublicTensor) -> Self {
        let shape = tensor.shape;
        // Both types keep the low byte of the two's complement.
        let bytes: Vec<u8> = tensor.values.iter().map(|value| value.to_le_bytes()[0]).collect();
        Self {
            shape: [shape.height, shape.width, shape.channels],
            dtype: data_type(tensor.dtype),
            blake3: blake3::hash(&bytes).to_hex().to_string(),
        }
    }

    fn text(&self) -> String {
        let [height, width, channels] = self.shape;
        format!("{height}x{width}x{channels} {}, BLAKE3 {}", self.dtype, self.blake3)
    }
}

/// What a reader might take an accepted proof to say although it does not.
fn does_not_say(input_compared: bool, context_empty: bool, closing: bool) -> Vec<&'static str> {
    let mut lines = vec![if input_compared {
        "how the image became the input: this program decoded it and compared the integers, outside the proof"
    } else {
        "which image the input is: the proof is about the integers it carries; give --input to compare them with an image"
    }];
    if closing {
        lines.push("the probabilities shown: they are computed here from the proved integers, in floating point");
    }
    lines.extend([
        "anything secret: in this version input, output and weights are part of the statement, and the verifier needs the model",
        "whether the network is any good: nothing about its training, its data, its accuracy or its name",
        "who made the proof or when",
    ]);
    if context_empty {
        lines.push("for whom it was made: its context is empty, so anybody can show the same proof again");
    }
    lines
}

impl Report for VerifyReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(Rejection { kind, message }) = &self.error {
            writeln!(out, "REJECTED  {message}")?;
            writeln!(out, "reason    {kind}")?;
        }
        let Some(statement) = &self.statement else { return Ok(()) };
        writeln!(out, "ACCEPTED  {} ({} bytes) in {}", self.proof, thousands(self.proof_bytes as u64), duration(self.seconds))?;
        writeln!(out)?;
        match statement.results.len() {
            1 => writeln!(out, "The proof says: this network, run in exact integer arithmetic on this input, gives this output.")?,
            n => writeln!(
                out,
                "The proof says: this network, run in exact integer arithmetic on each of these {n} inputs, gives its output."
            )?,
        }
        writeln!(out, "  network   {} ({})", statement.network_digest, self.model)?;
        let compared = if statement.input_compared { " (the one given)" } else { "" };
        writeln!(out, "  input     {}{compared}", statement.input.as_ref().map(TensorDigest::text).unwrap_or_default())?;
        writeln!(out, "  output    {}", statement.output_tensor.as_ref().map(TensorDigest::text).unwrap_or_default())?;
        writeln!(out, "  context   {:?}", statement.context)?;
        writeln!(out, "  security  {:.1} bits, if", statement.security_bits)?;
        statement.assumptions.iter().try_for_each(|assumption| writeln!(out, "            - {assumption}"))?;
        writeln!(out)?;
        statement.results.write_classes(out, statement.score_is)?;
        writeln!(out)?;
        writeln!(out, "The proof does not say:")?;
        self.does_not_say.iter().try_for_each(|line| writeln!(out, "  - {line}"))
    }
}
