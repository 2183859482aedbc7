//! `verinfer verify`: whether a proof holds, and what it then says.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use verinfer_relation::setting::Setting;
use verinfer_verifier::{Expectations, ExpectedInput, Proof, Verifier};

use crate::escape::one_line;
use crate::files;
use crate::input::{InputArguments, ways};
use crate::known::{Known, KnownArguments};
use crate::labels::LabelArguments;
use crate::output::{Output, Report, Verdict, thousands};
use crate::phases::duration;
use crate::rejection::Rejection;
use demands::DemandArguments;
use statement::{StatementReport, does_not_say};

mod demands;
mod statement;

/// Verify a proof, and say what it proves and what it does not.
///
/// Rejected (exit code 1) with a reason if the proof does not hold or is not about what was asked.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The proof file.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,

    #[command(flatten)]
    known: KnownArguments,

    /// The images it should be about, all of them in order: .png, .jpg or .npy files, or `sample[:N]` of the built-in model.
    #[arg(long, value_name = "IMAGE", num_args = 1..)]
    input: Vec<PathBuf>,

    /// The public commitments to the hidden inputs it should be about, all of them in order.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "input")]
    input_commitment: Vec<PathBuf>,

    #[command(flatten)]
    demands: DemandArguments,

    /// Text the proof should be bound to.
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,

    /// Least security level in bits.
    #[arg(long, visible_alias = "level", value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,

    #[command(flatten)]
    fit: InputArguments,

    #[command(flatten)]
    labels: LabelArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let known = arguments.known.read()?;
    let model = &known.model;
    let labels = arguments.labels.read(&known.source, model, output)?;
    let input = match arguments.input.as_slice() {
        [] => None,
        images => Some(known.source.load_inputs(images, arguments.fit, model, output)?),
    };
    let commitments = known.input_commitments(&arguments.input_commitment)?;
    let demands = arguments.demands.read(&known)?;
    let proof = files::read(&arguments.proof, files::PROOF_LIMIT)?;
    let expected = match &input {
        Some(input) => ExpectedInput::Shown(&input.values),
        None if !commitments.is_empty() => ExpectedInput::Hidden(&commitments),
        None => ExpectedInput::Any,
    };
    let expectations = Expectations {
        security_level: arguments.security,
        context: arguments.context.as_bytes(),
        max_images: arguments.demands.max_images,
        input: expected,
        output: demands.output(),
    };

    let images = arguments.input.len().max(commitments.len()).max(1);
    let verifier = prepared(&known, images, &proof)?;
    let start = Instant::now();
    let result = verifier.verify(&proof, &expectations);
    let seconds = start.elapsed().as_secs_f64();
    let result = result.map_err(|error| Rejection::from(&error));

    let mut report = VerifyReport {
        accepted: result.is_ok(),
        error: None,
        proof: arguments.proof.display().to_string(),
        proof_bytes: proof.len(),
        model: known.title(),
        seconds,
        statement: None,
        does_not_say: Vec::new(),
    };
    match result {
        Ok(accepted) => {
            let statement =
                StatementReport::new(&accepted, model, &labels, arguments, input.map(|input| input.readings).unwrap_or_default());
            let closing = !model.output.closing.is_empty() && accepted.statement.output.shown().is_some();
            report.does_not_say = does_not_say(&statement, arguments.context.is_empty(), closing);
            report.statement = Some(statement);
        }
        Err(rejection) => report.error = Some(rejection),
    }
    output.report(&report)?;
    Ok(Verdict::from_bool(report.accepted))
}

/// A verifier prepared for the setting that the proof claims to have, if it is about so many images; what it accepts does not depend on that.
fn prepared<'a>(known: &'a Known, images: usize, proof: &[u8]) -> anyhow::Result<Verifier<'a>> {
    let claimed = Proof::decode(proof).ok().filter(|proof| proof.statement.images as usize == images);
    let prepared = claimed.and_then(|proof| known.verifier(images, &proof.statement.setting()).ok());
    prepared.map_or_else(|| known.verifier(images, &Setting::default()), Ok)
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

impl Report for VerifyReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(Rejection { kind, message }) = &self.error {
            writeln!(out, "REJECTED  {}", one_line(message))?;
            writeln!(out, "reason    {kind}")?;
        }
        let Some(statement) = &self.statement else { return Ok(()) };
        writeln!(out, "ACCEPTED  {} ({} bytes) in {}", one_line(&self.proof), thousands(self.proof_bytes as u64), duration(self.seconds))?;
        writeln!(out)?;
        writeln!(out, "The proof says: {}", statement.words.says())?;
        for (name, text) in statement.words.lines(&self.model) {
            writeln!(out, "  {name:<8}  {}", one_line(text))?;
        }
        let compared = if statement.input_compared { " (the one given)" } else { "" };
        if let Some(input) = &statement.input {
            writeln!(out, "  input     {}{compared}", input.text())?;
            ways(&statement.readings).iter().try_for_each(|way| writeln!(out, "  read      {}", one_line(way)))?;
        }
        if let Some(output) = &statement.output_tensor {
            writeln!(out, "  output    {}", output.text())?;
        }
        writeln!(out, "  context   {:?}", statement.context)?;
        writeln!(out, "  security  {:.1} bits, if", statement.security_bits)?;
        statement.assumptions.iter().try_for_each(|assumption| writeln!(out, "            - {assumption}"))?;
        writeln!(out)?;
        if let Some(results) = &statement.results {
            results.write_classes(out, statement.score_is)?;
            writeln!(out)?;
        }
        writeln!(out, "The proof does not say:")?;
        self.does_not_say.iter().try_for_each(|line| writeln!(out, "  - {line}"))
    }
}
