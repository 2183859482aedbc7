//! `verinfer prove`: inference with a proof.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use bytesize::ByteSize;
use serde::Serialize;
use verinfer::{Error, Prover, Request};
use verinfer_prover::Phase;

use crate::classes::score_name;
use crate::escape::one_line;
use crate::files;
use crate::hide::{HideArguments, Part};
use crate::input::{InputArguments, ways};
use crate::labels::LabelArguments;
use crate::model::Source;
use crate::output::{Output, Report, Verdict, thousands, write_table};
use crate::phases::{PhaseTime, Stopwatch, duration, total};
use crate::predicate::{PredicateArguments, RankArguments};
use crate::results::Results;
use crate::work::WorkArguments;
use secrets::{Hidden, SecretArguments};
use verinfer::statement::Words;
use verinfer_graph::describe::{hex, tensor};

mod secrets;

/// Run a model on one image or several and prove the outputs, all in one proof.
///
/// Model, inputs and outputs are part of what is proved, unless --hide puts commitments in their place.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A .png, .jpg or .npy file, or `sample` or `sample:N` of the built-in model.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    /// Where to write the proof; the file appears complete or not at all. `-` is standard output; the report goes to standard error then.
    #[arg(long, value_name = "PROOF")]
    out: PathBuf,

    /// Text the proof is bound to: who verifies must expect the same.
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,

    /// Security level in bits.
    #[arg(long, value_name = "BITS", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=128))]
    security: u16,

    /// Refuse a proof that is expected to take more memory than this: `2GB`, `1500MiB`.
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<ByteSize>,

    #[command(flatten)]
    work: WorkArguments,

    #[command(flatten)]
    hide: HideArguments,

    #[command(flatten)]
    secrets: SecretArguments,

    #[command(flatten)]
    predicate: PredicateArguments,

    #[command(flatten)]
    rank: RankArguments,

    #[command(flatten)]
    fit: InputArguments,

    #[command(flatten)]
    labels: LabelArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    if arguments.predicate.is_some() && arguments.hide.hides(Part::Output) {
        bail!("--hide output commits to the outputs; --top, --at-least and --correct say something about them instead");
    }
    let source = Source::from(arguments.model.as_path());
    let model = source.import()?;
    let labels = arguments.labels.read(&source, &model, output)?;
    let graph = &model.graph;
    arguments.work.check(graph, arguments.images.len())?;
    let inputs = source.load_inputs(&arguments.images, arguments.fit, &model, output)?;
    // Better to hear of it before the work than after.
    files::check_writable(&arguments.out)?;
    let claim = arguments.predicate.claim(&arguments.rank)?;
    let hidden = Hidden {
        weights: arguments.hide.hides(Part::Weights),
        inputs: arguments.hide.hides(Part::Input),
        outputs: arguments.hide.hides(Part::Output),
        labels: arguments.predicate.counts(),
        images: &arguments.images,
    };
    let progress = output.progress(Phase::ALL.len(), "proving");
    let stopwatch = Arc::new(Stopwatch::default());
    let (bar, watch) = (progress.clone(), Arc::clone(&stopwatch));
    let request = Request::new(inputs.examples(&model)?).context(arguments.context.as_bytes()).security_level(arguments.security);
    let request = arguments.secrets.add(request, &hidden, output)?.progress(move |step| {
        watch.start(step.step);
        bar.set_position(step.done as u64);
        bar.set_message(step.step);
    });
    let request = if let Some(claim) = claim { request.claim(claim) } else { request };
    let request = if let Some(allowed) = arguments.max_memory { request.max_memory(allowed.as_u64()) } else { request };
    progress.enable_steady_tick(Duration::from_millis(200));
    let proved =
        Prover::new(&verinfer::Model::of(model.clone())).prove(&request).map_err(|error| arguments.explain(error, &source, &hidden))?;
    let phases = stopwatch.stop();
    progress.finish_and_clear();

    let proof = proved.proof.to_bytes();
    let claims = proved.proof.claims();
    let statement = &proved.proof.file().statement;
    let written = arguments.secrets.write(&proved.openings, arguments.images.len())?;
    files::write(&arguments.out, proof)?;
    output.beside(&arguments.out).report(&ProveReport {
        model: source.title(),
        network_digest: (!arguments.hide.hides(Part::Weights)).then(|| hex(&graph.digest())),
        architecture_digest: arguments.hide.hides(Part::Weights).then(|| hex(&graph.architecture_digest())),
        proof: arguments.out.display().to_string(),
        proof_bytes: proof.len(),
        context: arguments.context.clone(),
        security_level: statement.security_level,
        output_tensor: tensor(graph, graph.output()).shape,
        score_is: score_name(&model),
        results: statement.output.shown().map(|shown| Results::new(&model, &arguments.images, &shown.values, &labels)),
        statement: claims.words,
        commitments: written,
        images: arguments.images.iter().map(|image| image.display().to_string()).collect(),
        readings: inputs.readings,
        seconds: total(&phases).seconds,
        phases,
    })?;
    Ok(Verdict::Accepted)
}

impl Arguments {
    /// An error of the prover with what it is about.
    fn explain(&self, error: Error, source: &Source, hidden: &Hidden<'_>) -> anyhow::Error {
        let is_of_claim = matches!(
            error,
            Error::ForeignSecret { .. }
                | Error::ClaimNotTrue(_)
                | Error::ImpossibleClaim(_)
                | Error::NoSuchClass { .. }
                | Error::LabelCount { .. }
                | Error::Run(_)
        );
        let explained = self.secrets.explain(error, hidden, &self.rank.true_labels);
        if is_of_claim { explained } else { explained.context(format!("cannot prove {}", source.title())) }
    }
}

#[derive(Serialize)]
struct ProveReport {
    model: String,
    /// Hexadecimal; none where the weights are hidden, of which it would be a digest without salt.
    network_digest: Option<String>,
    /// Of what is public about a model with hidden weights, hexadecimal.
    architecture_digest: Option<String>,
    /// The file written.
    proof: String,
    proof_bytes: usize,
    context: String,
    /// In bits.
    security_level: u16,
    /// Height, width, channels of each `output`.
    output_tensor: [usize; 3],
    score_is: &'static str,
    /// Where the proof shows them.
    #[serde(flatten)]
    results: Option<Results>,
    /// What of it is hidden and what it says.
    statement: Words,
    /// The public files of commitments made anew, if they were written.
    commitments: Vec<String>,
    /// Names of the images, for people.
    #[serde(skip)]
    images: Vec<String>,
    /// How each image became integers.
    readings: Vec<String>,
    /// Sum of `phases`.
    seconds: f64,
    phases: Vec<PhaseTime>,
}

impl ProveReport {
    fn write_images(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.images.as_slice() {
            [image] => writeln!(out, "image     {}", one_line(image)),
            images => writeln!(out, "images    {}", images.len()),
        }?;
        ways(&self.readings).iter().try_for_each(|way| writeln!(out, "read      {}", one_line(way)))
    }
}

impl Report for ProveReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model     {}", one_line(&self.model))?;
        self.write_images(out)?;
        match (&self.network_digest, &self.architecture_digest) {
            (Some(digest), _) => writeln!(out, "network   {digest}")?,
            (None, Some(digest)) => writeln!(out, "network   hidden, of the architecture {digest}")?,
            (None, None) => {}
        }
        writeln!(out, "context   {:?}", self.context)?;
        writeln!(out)?;
        match &self.results {
            Some(results) => results.write_classes(out, self.score_is)?,
            None => writeln!(out, "The outputs are not shown.")?,
        }
        writeln!(out)?;
        let mut rows: Vec<_> = self.phases.iter().map(|time| vec![time.phase.clone(), duration(time.elapsed.seconds)]).collect();
        rows.push(vec!["total".to_string(), duration(self.seconds)]);
        write_table(out, &["phase", "time"], &[1], &rows)?;
        writeln!(out)?;
        if !self.statement.hidden.is_empty() {
            writeln!(out, "says      {}", self.statement.says())?;
        }
        self.commitments.iter().try_for_each(|path| writeln!(out, "public    {} (its secret lies beside it)", one_line(path)))?;
        writeln!(out, "proof     {} ({} bytes, {} bits)", one_line(&self.proof), thousands(self.proof_bytes as u64), self.security_level)
    }
}
