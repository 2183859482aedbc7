//! `verinfer check`: an execution against the relation that proofs are about, or against a reference.

use std::path::PathBuf;

use crate::input::InputArguments;
use crate::output::{Output, Verdict};
use crate::work::{TensorArguments, WorkArguments};

mod constraints;
mod golden;

/// Check every constraint of an execution directly, without a proof; or compare it with a reference.
///
/// Accepted if every constraint holds; with --golden, if every tensor that both have is equal.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A .tflite file, or `digits` for the built-in model.
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A .png, .jpg or .npy file, or `sample[:N]` of the built-in model; with --golden it may be left out for the input in the trace.
    #[arg(value_name = "IMAGE", required_unless_present = "golden")]
    image: Option<PathBuf>,

    #[command(flatten)]
    fit: InputArguments,

    /// Compare every tensor with the trace.json and trace.bin of a reference implementation in this folder instead.
    #[arg(long, value_name = "DIR")]
    golden: Option<PathBuf>,

    /// Add one to this cell of the witness first, to see what is found.
    #[arg(long, value_name = "CELL", conflicts_with = "golden")]
    spoil: Option<usize>,

    #[command(flatten)]
    work: WorkArguments,

    #[command(flatten)]
    tensors: TensorArguments,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    match (&arguments.golden, &arguments.image) {
        (Some(golden), _) => golden::execute(arguments, golden, output),
        (None, Some(image)) => constraints::execute(arguments, image, output),
        // The parser guarantees one of the two.
        (None, None) => anyhow::bail!("neither an image nor a reference is given"),
    }
}
