//! Files of commitments on the command line.

use std::path::{Path, PathBuf};

use anyhow::Context;
use verinfer::Commitment;
use verinfer_commitments::{Kind, Public, Secret};
use verinfer_graph::describe::data_type;
use verinfer_graph::{DataType, Shape};

use crate::files;
use crate::output::Output;

/// Reads the public file of a commitment of this kind.
///
/// # Errors
///
/// It cannot be read, is no such file or of another kind.
pub fn read_public(path: &Path, kind: Kind) -> anyhow::Result<Public> {
    let bytes = files::read(path, files::COMMITMENT_LIMIT)?;
    Public::decode_as(&bytes, kind).with_context(|| format!("cannot use {}", path.display()))
}

/// Reads the commitments of several public files of this kind.
///
/// # Errors
///
/// As [`read_public`], for the first file that has one.
pub fn read_commitments(paths: &[PathBuf], kind: Kind) -> anyhow::Result<Vec<Commitment>> {
    paths.iter().map(|path| Ok(read_public(path, kind)?.into())).collect()
}

/// Reads the secret file of a commitment of this kind; warns if others can read it too.
///
/// # Errors
///
/// It cannot be read, is no such file or of another kind.
pub fn read_secret(path: &Path, kind: Kind, output: Output) -> anyhow::Result<Secret> {
    let bytes = files::read(path, files::COMMITMENT_LIMIT)?;
    let secret = Secret::decode_as(&bytes, kind).with_context(|| format!("cannot use {}", path.display()))?;
    if files::is_readable_by_others(path) {
        output.warning(&format!("{} can be read by others than its owner (chmod 600 changes that)", path.display()));
    }
    Ok(secret)
}

/// `8x8x1 int8`.
pub fn tensor_text(shape: Shape, dtype: DataType) -> String {
    format!("{shape} {}", data_type(dtype))
}
