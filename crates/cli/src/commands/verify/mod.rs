//! `verinfer verify`: whether a proof holds, and what it then says.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use verinfer::{Expectations, Statement};

use crate::claim::write_lines;
use crate::escape::one_line;
use crate::input::{InputArguments, ways};
use crate::known::KnownArguments;
use crate::labels::LabelArguments;
use crate::output::{Output, Report, Verdict, thousands};
use crate::phases::duration;
use crate::proofs;
use crate::rejection::Rejection;
use demands::DemandArguments;
use statement::StatementReport;

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
    let most_images = match arguments.input.len().max(commitments.len()) {
        0 => arguments.demands.max_images as usize,
        expected => expected,
    };
    let (proof, unread) = match proofs::read(&arguments.proof, known.proof_limit(most_images))? {
        Ok(proof) => (proof, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let expected = Expectations::new().security_level(arguments.security).context(arguments.context.as_bytes());
    let expected = match &input {
        Some(input) => expected.inputs(input.examples(model)?),
        None if !commitments.is_empty() => expected.input_commitments(commitments),
        None => expected,
    };
    let expectations = demands.add(expected);

    // What the file claims is compared before anything is derived from it.
    let mut verifier = known.verifier()?;
    let claimed = unread.map_or_else(|| verinfer::Proof::from_bytes(&proof), |error| Err(error.into()));
    let found = claimed.as_ref().ok().map(verinfer::Proof::claims);
    let prepared = claimed.and_then(|claimed| verifier.prepare(&claimed, &expectations));
    let start = Instant::now();
    let result = prepared.and_then(|()| verifier.accept(&proof, &expectations));
    let seconds = start.elapsed().as_secs_f64();
    let readings = input.as_ref().map(|input| input.readings.clone()).unwrap_or_default();
    let result = result.and_then(|accepted| verifier.describe(accepted, &expectations));

    let mut report = VerifyReport {
        accepted: result.is_ok(),
        error: None,
        proof: arguments.proof.display().to_string(),
        proof_bytes: proof.len(),
        model: known.title(),
        seconds,
        statement: None,
        warnings: Vec::new(),
        does_not_say: Vec::new(),
        found: None,
    };
    match result {
        Ok(verified) => {
            let closing = !model.output.closing.is_empty() && verified.outputs().is_some();
            let statement = StatementReport::new(verified, model, &labels, arguments, readings);
            report.warnings = statement.warnings();
            report.does_not_say = statement.does_not_say(closing);
            report.statement = Some(statement);
        }
        Err(error) if error.is_rejection() => {
            report.error = Some(Rejection::from(&error));
            report.found = found;
        }
        Err(error) => return Err(error.into()),
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
    /// What makes it say less than it seems to.
    warnings: Vec<String>,
    does_not_say: Vec<String>,
    /// What a rejected file claims, if it is a proof file at all.
    found: Option<Statement>,
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
        let verified = &statement.verified;
        writeln!(out, "The proof says: {}", verified.statement.says())?;
        let compared = if verified.input_compared { " (the one given)" } else { "" };
        write_lines(&verified.statement, out, Some(&self.model), compared, &ways(&statement.readings))?;
        writeln!(out, "  can give  {}", verified.possible_outputs.text())?;
        writeln!(out, "  security  {:.1} bits, if", verified.security_bits)?;
        verified.assumptions.iter().try_for_each(|assumption| writeln!(out, "            - {assumption}"))?;
        writeln!(out)?;
        if let Some(results) = &statement.results {
            results.write_classes(out, statement.score_is)?;
            writeln!(out)?;
        }
        if !self.warnings.is_empty() {
            writeln!(out, "Warning:")?;
            self.warnings.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
            writeln!(out)?;
        }
        writeln!(out, "The proof does not say:")?;
        self.does_not_say.iter().try_for_each(|line| writeln!(out, "  - {line}"))
    }
}
