//! `verinfer prove`: inference with a proof.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use verinfer_prover::{Phase, Prover};
use verinfer_relation::setting::Setting;

use crate::classes::{LabelArguments, score_name};
use crate::describe::{hex, tensor};
use crate::files;
use crate::model::{FitArguments, Source};
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::{PhaseTime, Stopwatch, duration, total};
use crate::results::Results;

/// Run a model on one image or several and prove the outputs, all in one proof.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A .png, .jpg or .npy file, or `sample` or `sample:N` of the built-in model.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    /// Where to write the proof; the file appears complete or not at all.
    #[arg(long, value_name = "PROOF")]
    out: PathBuf,

    /// Text the proof is bound to: who verifies must expect the same.
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,

    /// Security level in bits.
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
    let input = source.load_inputs(&arguments.images, arguments.fit, &model)?;
    // Better to hear of it before the work than after.
    files::check_writable(&arguments.out)?;

    let progress = output.progress(Phase::ALL.len(), "proving");
    progress.enable_steady_tick(Duration::from_millis(200));
    let stopwatch = Stopwatch::default();
    let prover = Prover::with_setting(&model.graph, arguments.images.len(), &Setting::default())
        .with_context(|| format!("cannot prove {}", source.title()))?;
    let started = |phase: Phase| {
        stopwatch.start(phase);
        progress.set_position(Phase::ALL.iter().position(|&other| other == phase).unwrap_or(0) as u64);
        progress.set_message(phase.name());
    };
    let proved = prover
        .prove(&input, arguments.context.as_bytes(), arguments.security, &started)
        .with_context(|| format!("cannot prove {}", source.title()))?;
    let phases = stopwatch.stop();
    progress.finish_and_clear();

    let proof = proved.proof.encode();
    files::write(&arguments.out, &proof)?;
    let statement = &proved.proof.statement;
    output.report(&ProveReport {
        model: source.title(),
        network_digest: hex(&model.graph.digest()),
        proof: arguments.out.display().to_string(),
        proof_bytes: proof.len(),
        context: arguments.context.clone(),
        security_level: statement.security_level,
        output_tensor: tensor(&model.graph, model.graph.output()).shape,
        score_is: score_name(&model),
        results: Results::new(&model, &arguments.images, statement.output.shown().map_or(&[], |output| &output.values), &labels),
        seconds: total(&phases),
        phases,
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct ProveReport {
    model: String,
    /// Hexadecimal.
    network_digest: String,
    /// The file written.
    proof: String,
    proof_bytes: usize,
    context: String,
    /// In bits.
    security_level: u16,
    /// Height, width, channels of each `output`.
    output_tensor: [usize; 3],
    score_is: &'static str,
    #[serde(flatten)]
    results: Results,
    /// Sum of `phases`.
    seconds: f64,
    phases: Vec<PhaseTime>,
}

impl Report for ProveReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model     {}", self.model)?;
        self.results.write_images(out)?;
        writeln!(out, "network   {}", self.network_digest)?;
        writeln!(out, "context   {:?}", self.context)?;
        writeln!(out)?;
        self.results.write_classes(out, self.score_is)?;
        writeln!(out)?;
        let mut rows: Vec<_> = self.phases.iter().map(|time| vec![time.phase.clone(), duration(time.seconds)]).collect();
        rows.push(vec!["total".to_string(), duration(self.seconds)]);
        write_table(out, &["phase", "time"], &[1], &rows)?;
        writeln!(out)?;
        writeln!(out, "proof     {} ({} bytes, {} bits)", self.proof, thousands(self.proof_bytes as u64), self.security_level)
    }
}
