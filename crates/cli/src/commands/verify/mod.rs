//! `verinfer verify`: whether a proof holds, and what it then says.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use verinfer_verifier::{Expectations, ExpectedInput, Proof, VerifyError};

use crate::claim::Claim;
use crate::escape::one_line;
use crate::input::{InputArguments, ways};
use crate::known::KnownArguments;
use crate::labels::LabelArguments;
use crate::output::{Output, Report, Verdict, thousands};
use crate::phases::duration;
use crate::proofs;
use crate::rejection::Rejection;
use demands::DemandArguments;
use statement::{StatementReport, does_not_say, warnings};

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
    let expected = match &input {
        Some(input) => ExpectedInput::Shown(input.values.clone()),
        None if !commitments.is_empty() => ExpectedInput::Hidden(commitments),
        None => ExpectedInput::Any,
    };
    let expectations = Expectations {
        security_level: arguments.security,
        context: arguments.context.clone().into_bytes(),
        max_images: arguments.demands.max_images,
        input: expected,
        distinct_inputs: arguments.demands.expect_distinct_inputs,
        output: demands.output(),
        allow_degenerate: arguments.demands.allow_degenerate,
    };

    // What the file claims is compared before anything is derived from it.
    let mut verifier = known.verifier();
    let claimed = unread.map_or_else(|| Proof::decode(&proof).map(|proof| proof.statement), Err);
    let prepared = claimed.clone().map_err(VerifyError::from).and_then(|claimed| {
        verifier.compare(&claimed, &expectations)?;
        verifier.prepare(claimed.images as usize, &claimed.setting())
    });
    let start = Instant::now();
    let result = prepared.and_then(|()| verifier.verify(&proof, &expectations));
    let seconds = start.elapsed().as_secs_f64();
    let readings = input.as_ref().map(|input| input.readings.clone()).unwrap_or_default();
    let result = result.and_then(|accepted| {
        let reach = verifier.reach(&accepted.statement)?;
        Ok((StatementReport::new(&accepted, model, reach, &labels, arguments, readings), accepted.statement))
    });

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
        Ok((statement, accepted)) => {
            let closing = !model.output.closing.is_empty() && accepted.output.shown().is_some();
            report.warnings = warnings(&statement, &accepted, model);
            report.does_not_say = does_not_say(&statement, &accepted, closing);
            report.statement = Some(statement);
        }
        Err(error) => {
            report.error = Some(Rejection::from(&error));
            report.found = claimed.ok().as_ref().map(Claim::new);
        }
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
    does_not_say: Vec<&'static str>,
    /// What a rejected file claims, if it is a proof file at all.
    found: Option<Claim>,
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
        writeln!(out, "The proof says: {}", statement.claim.words.says())?;
        let compared = if statement.input_compared { " (the one given)" } else { "" };
        statement.claim.write_lines(out, Some(&self.model), compared, &ways(&statement.readings))?;
        writeln!(out, "  can give  {}", statement.possible_outputs.text())?;
        writeln!(out, "  security  {:.1} bits, if", statement.security_bits)?;
        statement.assumptions.iter().try_for_each(|assumption| writeln!(out, "            - {assumption}"))?;
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
