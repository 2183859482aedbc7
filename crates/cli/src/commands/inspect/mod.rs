//! `verinfer inspect`: what a file is that this program reads or writes, and what is in it.

use std::path::Path;

use anyhow::Context;
use verinfer_commitments::{is_public_file, is_secret_file};
use verinfer_parties::store::is_state_file;
use verinfer_relation::statement::is_proof_file;

use crate::files;
use crate::hide::HideArguments;
use crate::model::{ModelArguments, Selected, Source, is_read};
use crate::output::{Output, Verdict};
use crate::proofs::{self, PROOF_LIMIT};

mod commitment;
mod graph;
mod model;
mod proof;
mod secret;

/// Level of proofs if no other is asked for, in bits.
const DEFAULT_LEVEL: u16 = 128;

/// Show what is in a file: a model's operators, sizes and quantization and what is not supported, what a proof claims, what a commitment is to and, of a
/// model's, its architecture, what a secret belongs to.
///
/// Rejected if a model cannot be imported, or not proved in every setting. Nothing is verified: `verify` says whether a proof's claim is true.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,

    #[command(flatten)]
    hide: HideArguments,

    /// Images of each proof whose cost is predicted.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: u32,
}

/// Runs the command.
pub fn execute(arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let source = match arguments.model.select() {
        Selected::Synthetic(network) => return model::inspect_synthetic(network, arguments, output),
        Selected::Source(source) => source,
    };
    match &source {
        Source::Builtin(builtin) => model::inspect_file(&source, builtin.tflite, arguments, output),
        Source::File(path) => inspect(path, &source, arguments, output),
    }
}

/// The first bytes of a file tell what it is.
fn inspect(path: &Path, source: &Source, arguments: &Arguments, output: Output) -> anyhow::Result<Verdict> {
    let bytes = read(path)?;
    if is_proof_file(&bytes) {
        proof::inspect(path, &bytes, output)
    } else if is_public_file(&bytes) {
        commitment::inspect(path, &bytes, arguments, output)
    } else if is_secret_file(&bytes) {
        secret::inspect_salt(path, &bytes, output)
    } else if is_state_file(&bytes) {
        secret::inspect_state(path, &bytes, output)
    } else if let Some(key) = secret::account_key(&bytes) {
        secret::inspect_key(path, bytes.len(), &key, output)
    } else {
        model::inspect_file(source, &bytes, arguments, output)
    }
}

/// Reads a file as far as one of its kind goes; what is of no kind, no further than its first bytes.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    // A pipe cannot be read again.
    let is_file = path.is_file();
    let bytes = files::read_if(path, |head| {
        if is_proof_file(head) {
            (!is_file).then_some(PROOF_LIMIT as u64)
        } else if is_public_file(head) || is_secret_file(head) || is_state_file(head) {
            Some(files::COMMITMENT_LIMIT)
        } else {
            is_read(head).then_some(files::MODEL_LIMIT)
        }
    })?;
    if is_file && is_proof_file(&bytes) {
        return proofs::read(path, PROOF_LIMIT)?.with_context(|| format!("cannot read {}", path.display()));
    }
    Ok(bytes)
}
