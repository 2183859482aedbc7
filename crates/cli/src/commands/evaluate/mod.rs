//! `verinfer evaluate`: one report on what proofs of given models cost here, beside what others publish.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use verinfer_import::Pixels;

use crate::escape::one_line;
use crate::files;
use crate::output::{Output, Report, Verdict};
use experiments::Experiments;
use results::Results;

mod accuracy;
mod experiments;
mod figures;
mod labelled;
mod page;
mod published;
mod results;
mod store;
mod trend;

/// Measure models and write a report: accuracy, costs of proofs in every setting, scaling, beside what others publish.
///
/// Each measurement is kept as it is made: an evaluation that was interrupted goes on where it was. Rejected if a measurement fails, a proof is not
/// accepted, or an output is not the reference's.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// .tflite files, folders of them, or `digits` for the built-in model.
    #[arg(long, value_name = "MODEL", num_args = 1.., required_unless_present = "render")]
    models: Vec<PathBuf>,

    /// A folder of labelled images (`0285_name.png` is of class 285), or a folder of such folders; each model takes the one that fits it as it is.
    #[arg(long, value_name = "DIR", required_unless_present = "render")]
    images: Option<PathBuf>,

    /// Reference outputs of the images: `NAME/logits.bin` and `NAME/logits.csv` for the model `NAME.tflite`.
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,

    /// What the bytes of images stand for, as for `run`; without it as a model's quantization says, or raw where it says nothing usual. The report names it.
    #[arg(long, value_name = "MAPPING", allow_hyphen_values = true)]
    pixels: Option<Pixels>,

    /// The report, an HTML file; the same as JSON and CSV is written beside it.
    #[arg(long, value_name = "REPORT")]
    out: PathBuf,

    /// Where measurements are kept; without it, beside the report.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,

    /// Proofs of each measurement; times are medians.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,

    /// Images of the proofs of several.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=65536))]
    batch: u32,

    /// Largest network of the scaling measurement, as a logarithm of its cells; 0 to do without.
    #[arg(long, value_name = "LOG", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=24))]
    scaling: u32,

    /// Dollars for an hour of one logical processor. The default is the on-demand price of the paper's machines, AWS g4dn in us-east-1: 2.176 for 32.
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.068, value_parser = parse_price)]
    price: f64,

    /// Write the report of measurements in this JSON file again, without measuring anything.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["models", "images"])]
    render: Option<PathBuf>,
}

/// Level of all proofs, in bits.
const LEVEL: u16 = 128;

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    if files::is_standard_stream(&arguments.out) {
        bail!("--out names three files, which do not go to standard output together");
    }
    let [html, json, csv] = ["html", "json", "csv"].map(|ending| arguments.out.with_extension(ending));
    for path in [&html, &json, &csv] {
        files::check_writable(path)?;
    }
    let results = match &arguments.render {
        Some(path) => {
            let text = files::read_text(path)?;
            serde_json::from_str(&text).with_context(|| format!("{} is no report", path.display()))?
        }
        None => arguments.measure(output)?,
    };
    files::write(&json, &serde_json::to_vec_pretty(&results)?)?;
    files::write(&csv, &figures::csv(&results)?)?;
    files::write(&html, page::render(&results)?.as_bytes())?;
    let holds = results.all_hold();
    output.report(&EvaluateReport::new(&results, [html, json, csv]))?;
    Ok(Verdict::from_bool(holds))
}

impl Arguments {
    fn measure(&self, output: Output) -> anyhow::Result<Results> {
        let models = self.model_files()?;
        ensure!(!models.is_empty(), "there are no models to evaluate");
        let store = self.store.clone().unwrap_or_else(|| self.out.with_extension("measurements"));
        let images = self.images.as_deref().context("there is no folder of images")?;
        Experiments {
            models: &models,
            images: labelled::LabelledImages::find(images)?,
            golden: self.golden.as_deref(),
            pixels: self.pixels,
            store: store::Store::open(store)?,
            runs: self.runs,
            batch: self.batch,
            scaling: self.scaling,
            price: self.price,
            output,
        }
        .run()
    }

    /// The model files named, and those of the folders named.
    fn model_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut models = Vec::new();
        for path in &self.models {
            if path.is_dir() {
                let files = labelled::entries(path)?;
                models.extend(files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "tflite")));
            } else {
                models.push(path.clone());
            }
        }
        Ok(models)
    }
}

fn parse_price(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(price) if price.is_finite() && price >= 0.0 => Ok(price),
        Ok(_) | Err(_) => Err("expected a number of dollars".to_string()),
    }
}

#[derive(Serialize)]
struct EvaluateReport {
    /// Files written: HTML, JSON, CSV.
    written: [String; 3],
    /// Networks evaluated.
    models: usize,
    /// Measurements of proofs.
    measurements: usize,
    /// Whether all proofs were accepted and all outputs compared are the reference's.
    holds: bool,
    /// Networks of which outputs were compared with a reference.
    compared: usize,
    /// What was not measured and why.
    missing: Vec<results::Missing>,
}

impl EvaluateReport {
    fn new(results: &Results, written: [PathBuf; 3]) -> Self {
        Self {
            written: written.map(|path| path.display().to_string()),
            models: results.models.len(),
            measurements: results.measurements().count(),
            holds: results.all_hold(),
            compared: results.num_compared(),
            missing: results.missing.clone(),
        }
    }
}

impl EvaluateReport {
    fn verdict(&self) -> String {
        match (self.holds, self.compared) {
            (false, _) => "NOT ALL HOLDS: see the report".to_string(),
            (true, 0) => "every proof accepted; no output was compared with a reference".to_string(),
            (true, compared) => format!("every proof accepted, every output compared equal, of {compared} of {} models", self.models),
        }
    }
}

impl Report for EvaluateReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [html, json, csv] = &self.written;
        writeln!(out, "models        {}", self.models)?;
        writeln!(out, "measurements  {}", self.measurements)?;
        for missing in &self.missing {
            writeln!(out, "not measured  {}: {}", one_line(&missing.what), one_line(&missing.reason))?;
        }
        writeln!(out, "report        {}, with {} and {}", one_line(html), one_line(json), one_line(csv))?;
        writeln!(out, "{}", self.verdict())
    }
}

/// A model's name without folder and ending.
fn short_name(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
