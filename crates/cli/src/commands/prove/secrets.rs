//! The secrets of a proof's commitments: from files, or made anew.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use verinfer::{CommitmentKind, Error, NewCommitment, Request, Secret};
use verinfer_commitments::Kind;

use crate::commitments::read_secret;
use crate::files;
use crate::output::Output;

/// Where secrets are.
#[derive(Clone, Debug, Args)]
pub struct SecretArguments {
    /// The secret of the model's commitment, as `commit` writes it.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,

    /// The secret of each image's commitment, in order; without them the inputs are committed to anew.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input_secret: Vec<PathBuf>,

    /// The secret of each true class's commitment, in order; without them the classes are committed to anew.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "correct")]
    label_secret: Vec<PathBuf>,

    /// Write public and secret files of all commitments made anew for this proof to this folder.
    #[arg(long, value_name = "DIR")]
    write_commitments: Option<PathBuf>,

    /// Overwrite secrets in that folder.
    #[arg(long, requires = "write_commitments")]
    force: bool,
}

/// What a proof hides, as far as its commitments go.
pub struct Hidden<'a> {
    /// The weights.
    pub weights: bool,
    /// The inputs.
    pub inputs: bool,
    /// The outputs.
    pub outputs: bool,
    /// True classes, whose right ones are counted.
    pub labels: bool,
    /// Names of the images.
    pub images: &'a [PathBuf],
}

impl SecretArguments {
    /// A request with the secrets that are given; that and what is committed to anew are for hidden parts.
    ///
    /// # Errors
    ///
    /// A secret is missing, unneeded or cannot be read; a file could not be written later.
    pub fn add(&self, mut request: Request, hidden: &Hidden<'_>, output: Output) -> anyhow::Result<Request> {
        let images = hidden.images.len();
        let mut fresh = Vec::new();
        match (&self.secret, hidden.weights) {
            (None, false) => {}
            (Some(_), false) => bail!("--secret needs --hide weights: this proof says which model it is about"),
            (Some(path), true) => request = request.hide_weights(&read_secret(path, Kind::Model, output)?.into()),
            (None, true) if self.write_commitments.is_some() => {
                request = request.hide_weights_anew();
                fresh.push(CommitmentKind::Model.name().to_string());
            }
            (None, true) => bail!(
                "--hide weights needs the --secret of the model's commitment, which `verinfer commit` makes, \
                 or --write-commitments for a commitment made anew"
            ),
        }
        if hidden.inputs {
            request = match self.input_secret.as_slice() {
                [] => {
                    fresh.extend(names(CommitmentKind::Input, images));
                    request.hide_inputs()
                }
                paths => request.hide_inputs_with(read_secrets(paths, Kind::Input, images, output)?),
            };
        } else if !self.input_secret.is_empty() {
            bail!("--input-secret needs --hide input: this proof shows its inputs");
        }
        if hidden.outputs {
            if self.write_commitments.is_none() {
                bail!(
                    "--hide output makes commitments to the outputs, whose secrets would be lost: --write-commitments says where to keep them"
                );
            }
            fresh.extend(names(CommitmentKind::Output, images));
            request = request.hide_outputs();
        }
        if hidden.labels {
            match self.label_secret.as_slice() {
                [] => fresh.extend(names(CommitmentKind::Label, images)),
                paths => request = request.label_secrets(read_secrets(paths, Kind::Label, images, output)?),
            }
        }
        if let Some(folder) = &self.write_commitments {
            files::create_folder(folder)?;
            for (public, secret) in fresh.iter().map(|name| paths(folder, name)) {
                files::check_writable(&public)?;
                files::check_secret_writable(&secret, self.force)?;
            }
        }
        Ok(request)
    }

    /// Writes the files of the commitments that were made anew; gives the names of the public ones.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn write(&self, openings: &[NewCommitment], images: usize) -> anyhow::Result<Vec<String>> {
        let Some(folder) = &self.write_commitments else { return Ok(Vec::new()) };
        let mut written = Vec::new();
        for new in openings {
            let (public, secret) = paths(folder, &new.name(images));
            files::write_secret(&secret, &new.opening.secret.to_bytes(), self.force)?;
            files::write(&public, &new.opening.commitment.to_bytes())?;
            written.push(public.display().to_string());
        }
        Ok(written)
    }

    /// An error with the file of the secret that it is about, if it is about one.
    pub fn explain(&self, error: verinfer::Error, hidden: &Hidden<'_>, labels: &[u32]) -> anyhow::Error {
        let Error::ForeignSecret { kind, index, cause } = error else { return error.into() };
        let (path, of) = match kind {
            "input" => (self.input_secret.get(index), hidden.images.get(index).map(|image| format!(" for {}", image.display()))),
            "label" => (self.label_secret.get(index), labels.get(index).map(|label| format!(" for class {label}"))),
            _ => (self.secret.as_ref(), None),
        };
        let path = path.map(|path| path.display().to_string()).unwrap_or_default();
        anyhow::Error::new(*cause).context(format!("cannot use {path}{}", of.unwrap_or_default()))
    }
}

/// Reads the secrets of this kind, one for each image.
fn read_secrets(paths: &[PathBuf], kind: Kind, images: usize, output: Output) -> anyhow::Result<Vec<Secret>> {
    if paths.len() != images {
        bail!("{} secrets of {}s are given for {images} images: each needs one", paths.len(), kind.name());
    }
    paths.iter().map(|path| Ok(read_secret(path, kind, output)?.into())).collect()
}

/// The names of files of commitments of this kind, for each image, as [`NewCommitment::name`] has them.
fn names(kind: CommitmentKind, images: usize) -> Vec<String> {
    match images {
        1 => vec![kind.name().to_string()],
        images => (0..images).map(|image| format!("{}-{image}", kind.name())).collect(),
    }
}

/// Public and secret file of a name.
fn paths(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.vcm")), folder.join(format!("{name}.vsk")))
}
