//! `verinfer run`: exact inference.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use verinfer_graph::run;

use crate::classes::{Ranked, score_name, top, write_top};
use crate::dump::dump;
use crate::escape::one_line;
use crate::input::InputArguments;
use crate::labels::LabelArguments;
use crate::model::Source;
use crate::output::{Output, Report, Verdict};
use crate::work::{TensorArguments, WorkArguments};
use verinfer_graph::describe::{TensorReport, tensor};

/// Run a model on an image, exactly as TFLite's reference kernels do.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A .png, .jpg or .npy file, or `sample` or `sample:N` of the built-in model.
    #[arg(value_name = "IMAGE")]
    image: PathBuf,

    #[command(flatten)]
    fit: InputArguments,

    #[command(flatten)]
    labels: LabelArguments,

    /// Write every tensor to this folder, as .npy files and an index.json.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,

    #[command(flatten)]
    work: WorkArguments,

    #[command(flatten)]
    tensors: TensorArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let source = Source::from(arguments.model.as_path());
    let model = source.import()?;
    arguments.work.check(&model.graph, 1)?;
    arguments.tensors.check(&model.graph)?;
    let labels = arguments.labels.read(&source, &model, output)?;
    let input = source.load_inputs(std::slice::from_ref(&arguments.image), arguments.fit, &model, output)?;
    let mut trace = run(&model.graph, &input.values)?;
    if let Some(folder) = &arguments.dump {
        dump(&model.graph, &trace, folder, output)?;
    }
    let values = trace.tensors.swap_remove(model.graph.output().0);
    output.report(&RunReport {
        model: source.title(),
        image: arguments.image.display().to_string(),
        reading: input.readings.concat(),
        output_tensor: tensor(&model.graph, model.graph.output()),
        score_is: score_name(&model),
        top: top(&model, &values, &labels),
        dump: arguments.dump.as_ref().map(|folder| folder.display().to_string()),
        output: values,
    })?;
    Ok(Verdict::Accepted)
}

#[derive(Serialize)]
struct RunReport {
    model: String,
    image: String,
    /// How the image became integers.
    reading: String,
    /// Shape and type of `output`.
    output_tensor: TensorReport,
    /// The integers the network ends in (before a closing softmax), in NHWC order.
    output: Vec<i16>,
    /// What `score` is.
    score_is: &'static str,
    /// The largest outputs, largest first, of equal ones the lowest class first.
    top: Vec<Ranked>,
    dump: Option<String>,
}

impl Report for RunReport {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "model   {}", one_line(&self.model))?;
        writeln!(out, "image   {}", one_line(&self.image))?;
        writeln!(out, "read    {}", one_line(&self.reading))?;
        writeln!(out, "output  {} {}", self.output_tensor.shape_text(), self.output_tensor.dtype)?;
        writeln!(out)?;
        write_top(out, self.score_is, &self.top)?;
        match &self.dump {
            Some(folder) => writeln!(out, "\nevery tensor is in {}", one_line(folder)),
            None => Ok(()),
        }
    }
}
