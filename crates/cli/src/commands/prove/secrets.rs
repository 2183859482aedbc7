//! The salts of a proof's commitments: from secret files, or fresh.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use verinfer_commitments::{Committed, Kind, Public, Salt, Secret, commit_input, commit_label, commit_model, draw_salt};
use verinfer_graph::Graph;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{ModelClaim, Statement};

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

/// What is proved about.
pub struct Subject<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// What is hidden.
    pub setting: &'a Setting,
    /// Names of the images.
    pub images: &'a [PathBuf],
    /// NHWC order, image after image.
    pub input: &'a [i16],
    /// The hidden labels.
    pub labels: &'a [u32],
}

/// Salts of all commitments of a proof.
pub struct Salts {
    /// By object.
    pub salts: Vec<(ObjectKind, Salt)>,
    /// Those that no file holds yet, with the names under which they may be written.
    fresh: Vec<(ObjectKind, String)>,
}

impl SecretArguments {
    /// Reads the secrets, finds out whether they belong to what is proved about, and draws the missing salts.
    ///
    /// # Errors
    ///
    /// A secret is missing, unneeded, or belongs to something else; a file could not be written later.
    pub fn salts(&self, subject: &Subject<'_>, output: Output) -> anyhow::Result<Salts> {
        let mut salts = Salts { salts: Vec::new(), fresh: Vec::new() };
        self.model(subject, &mut salts, output)?;
        self.inputs(subject, &mut salts, output)?;
        let images = subject.images.len();
        match &subject.setting.output {
            OutputForm::Committed if self.write_commitments.is_none() => bail!(
                "--hide output makes commitments to the outputs, whose secrets would be lost: --write-commitments says where to keep them"
            ),
            OutputForm::Committed => (0..images).try_for_each(|image| salts.draw(ObjectKind::Output(image), images))?,
            OutputForm::Correct { .. } => self.labels(subject, &mut salts, output)?,
            OutputForm::Shown | OutputForm::Rank { .. } | OutputForm::AtLeast { .. } | OutputForm::Decided { .. } => {}
        }
        if let Some(folder) = &self.write_commitments {
            files::create_folder(folder)?;
            for (public, secret) in salts.fresh.iter().map(|(_, name)| paths(folder, name)) {
                files::check_writable(&public)?;
                files::check_secret_writable(&secret, self.force)?;
            }
        }
        Ok(salts)
    }

    /// Writes the files of the commitments that were made anew; gives the names of the public ones.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn write(&self, salts: &Salts, graph: &Graph, statement: &Statement) -> anyhow::Result<Vec<String>> {
        let Some(folder) = &self.write_commitments else { return Ok(Vec::new()) };
        let mut written = Vec::new();
        for (object, name) in &salts.fresh {
            let commitment = *statement.commitment(*object).context("the proof lacks a commitment")?;
            let salt = salts.salts.iter().find(|(other, _)| other == object).map(|(_, salt)| salt.clone());
            let secret = Secret { kind: kind(*object), salt: salt.context("the proof lacks a salt")?, commitment };
            let (public_path, secret_path) = paths(folder, name);
            let public = Public { committed: committed(*object, graph, statement)?, commitment };
            files::write_secret(&secret_path, &secret.encode(), self.force)?;
            files::write(&public_path, &public.encode())?;
            written.push(public_path.display().to_string());
        }
        Ok(written)
    }

    fn model(&self, subject: &Subject<'_>, salts: &mut Salts, output: Output) -> anyhow::Result<()> {
        match (&self.secret, subject.setting.weights.is_some()) {
            (None, false) => Ok(()),
            (Some(_), false) => bail!("--secret needs --hide weights: this proof says which model it is about"),
            (Some(path), true) => {
                let secret = read_secret(path, Kind::Model, output)?;
                secret
                    .check(&commit_model(subject.graph, &secret.salt)?.commitment)
                    .with_context(|| format!("cannot use {}", path.display()))?;
                salts.salts.push((ObjectKind::Model, secret.salt));
                Ok(())
            }
            (None, true) if self.write_commitments.is_some() => salts.draw(ObjectKind::Model, 1),
            (None, true) => bail!(
                "--hide weights needs the --secret of the model's commitment, which `verinfer commit` makes, \
                 or --write-commitments for a commitment made anew"
            ),
        }
    }

    fn inputs(&self, subject: &Subject<'_>, salts: &mut Salts, output: Output) -> anyhow::Result<()> {
        let spec = subject.graph.spec(subject.graph.input());
        let images = subject.images.len();
        if !subject.setting.hidden_input {
            if !self.input_secret.is_empty() {
                bail!("--input-secret needs --hide input: this proof shows its inputs");
            }
            return Ok(());
        }
        demand_all("input", self.input_secret.len(), images)?;
        for (image, values) in subject.input.chunks_exact(spec.shape.num_elements()).enumerate() {
            let object = ObjectKind::Input(image);
            let Some(path) = self.input_secret.get(image) else {
                salts.draw(object, images)?;
                continue;
            };
            let secret = read_secret(path, Kind::Input, output)?;
            let recomputed = commit_input(spec.shape, spec.dtype, values, &secret.salt)?.commitment;
            let name = subject.images.get(image).map(|image| image.display().to_string()).unwrap_or_default();
            secret.check(&recomputed).with_context(|| format!("cannot use {} for {name}", path.display()))?;
            salts.salts.push((object, secret.salt));
        }
        Ok(())
    }

    fn labels(&self, subject: &Subject<'_>, salts: &mut Salts, output: Output) -> anyhow::Result<()> {
        let images = subject.images.len();
        demand_all("label", self.label_secret.len(), images)?;
        for (image, &label) in subject.labels.iter().enumerate() {
            let object = ObjectKind::Label(image);
            let Some(path) = self.label_secret.get(image) else {
                salts.draw(object, images)?;
                continue;
            };
            let secret = read_secret(path, Kind::Label, output)?;
            secret
                .check(&commit_label(label, &secret.salt)?.commitment)
                .with_context(|| format!("cannot use {} for class {label}", path.display()))?;
            salts.salts.push((object, secret.salt));
        }
        Ok(())
    }
}

impl Salts {
    /// A fresh salt for an object of a proof about so many images.
    fn draw(&mut self, object: ObjectKind, images: usize) -> anyhow::Result<()> {
        let name = match object {
            ObjectKind::Model => Kind::Model.name().to_string(),
            ObjectKind::Input(_) | ObjectKind::Output(_) | ObjectKind::Label(_) if images == 1 => kind(object).name().to_string(),
            ObjectKind::Input(image) | ObjectKind::Output(image) | ObjectKind::Label(image) => format!("{}-{image}", kind(object).name()),
        };
        self.salts.push((object, draw_salt()?));
        self.fresh.push((object, name));
        Ok(())
    }
}

/// There may be no secret, or one for each image.
fn demand_all(name: &str, secrets: usize, images: usize) -> anyhow::Result<()> {
    if secrets != 0 && secrets != images {
        bail!("{secrets} secrets of {name}s are given for {images} images: each needs one");
    }
    Ok(())
}

/// Public and secret file of a name.
fn paths(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.vcm")), folder.join(format!("{name}.vsk")))
}

const fn kind(object: ObjectKind) -> Kind {
    match object {
        ObjectKind::Model => Kind::Model,
        ObjectKind::Input(_) => Kind::Input,
        ObjectKind::Output(_) => Kind::Output,
        ObjectKind::Label(_) => Kind::Label,
    }
}

fn committed(object: ObjectKind, graph: &Graph, statement: &Statement) -> anyhow::Result<Committed> {
    let tensor = |id| {
        let spec = graph.spec(id);
        (spec.shape, spec.dtype)
    };
    Ok(match object {
        ObjectKind::Model => {
            let ModelClaim::Hidden { envelope, .. } = &statement.model else { bail!("the proof is not about a hidden model") };
            // As everybody will read it.
            let architecture = Graph::decode_architecture(&graph.encode_architecture())?;
            Committed::Model { architecture: Box::new(architecture), envelope: *envelope }
        }
        ObjectKind::Input(_) => {
            let (shape, dtype) = tensor(graph.input());
            Committed::Input { shape, dtype }
        }
        ObjectKind::Output(_) => {
            let (shape, dtype) = tensor(graph.output());
            Committed::Output { shape, dtype }
        }
        ObjectKind::Label(_) => Committed::Label,
    })
}
