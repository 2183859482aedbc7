//! What a verifier has of a model: all of it, or its commitment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use clap::{ArgGroup, Args};
use verinfer::Commitment;
use verinfer_commitments::{Committed, Kind, Public, is_public_file};
use verinfer_graph::Graph;
use verinfer_import::Model;
use verinfer_verifier::{DEFAULT_MAX_CELLS, Verifier};

use crate::commitments::{read_public, tensor_text};
use crate::files;
use crate::model::Source;
use crate::proofs;

/// The model, or its commitment.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("known").required(true).args(["model", "commitment"]))]
pub struct KnownArguments {
    /// The model it should be about: a .tflite file, or `digits` for the built-in model.
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,

    /// The public commitment of the hidden model it should be about, as `commit` writes it; the model is not needed.
    #[arg(long, value_name = "FILE")]
    commitment: Option<PathBuf>,

    /// Largest statement that is looked into, in cells of its relation (`inspect` shows them), each of which takes up to some 16 bytes of memory.
    #[arg(long, value_name = "CELLS", default_value_t = DEFAULT_MAX_CELLS)]
    max_cells: usize,
}

/// What is known of a model.
pub struct Known {
    /// Where it is from.
    pub source: Source,
    /// The network; of a hidden one the architecture.
    pub model: Model,
    /// Of a hidden one, its commitment.
    hidden: Option<Commitment>,
    /// Largest relation that its verifiers derive.
    max_cells: usize,
}

impl KnownArguments {
    /// Reads what is known.
    ///
    /// # Errors
    ///
    /// The model cannot be imported, or the file is not the public one of a model's commitment.
    pub fn read(&self) -> anyhow::Result<Known> {
        let known = match (&self.commitment, &self.model) {
            (Some(path), _) => Known::from_commitment(path),
            (None, Some(path)) => Known::from_model(path),
            // The parser demands one of the two.
            (None, None) => bail!("neither a model nor its commitment is given"),
        };
        Ok(Known { max_cells: self.max_cells, ..known? })
    }
}

impl Known {
    /// Of a model file or of the public file of a model's commitment, which its first bytes tell.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let source = Source::from(path);
        if let Source::File(path) = &source
            && is_public_file(&files::read_if(path, |_| None)?)
        {
            return Self::from_commitment(path);
        }
        Self::from_model(path)
    }

    /// Whether only its commitment is known.
    pub const fn is_hidden(&self) -> bool {
        self.hidden.is_some()
    }

    fn from_model(path: &Path) -> anyhow::Result<Self> {
        let source = Source::from(path);
        Ok(Self { model: source.import()?, source, hidden: None, max_cells: DEFAULT_MAX_CELLS })
    }

    fn from_commitment(path: &Path) -> anyhow::Result<Self> {
        let public = read_public(path, Kind::Model)?;
        let Committed::Model { architecture, .. } = &public.committed else { bail!("{} is not about a model", path.display()) };
        Ok(Self {
            source: Source::File(path.to_path_buf()),
            model: Model::without_file(Graph::clone(architecture)),
            hidden: Some(public.into()),
            max_cells: DEFAULT_MAX_CELLS,
        })
    }

    /// Bytes that a proof about it has at most, if it is about at most so many images.
    pub fn proof_limit(&self, max_images: usize) -> usize {
        proofs::limit(&self.model.graph, self.max_cells, max_images)
    }

    /// What to call it in reports.
    pub fn title(&self) -> String {
        self.source.title()
    }

    /// A verifier of proofs about it.
    ///
    /// # Errors
    ///
    /// None: what it is of was read before.
    pub fn verifier(&self) -> Result<verinfer::Verifier, verinfer::Error> {
        let verifier = match &self.hidden {
            None => verinfer::Verifier::of_model(&verinfer::Model::of(self.model.clone())),
            Some(commitment) => verinfer::Verifier::of_commitment(commitment)?,
        };
        Ok(verifier.max_cells(self.max_cells))
    }

    /// The engine of [`Known::verifier`], for attacks on it.
    pub fn engine(&self) -> Verifier {
        let graph = Arc::clone(&self.model.graph);
        match self.hidden.as_ref().map(Commitment::file) {
            Some(Public { committed: Committed::Model { envelope, .. }, commitment }) => {
                Verifier::unprepared_hidden(self.max_cells, graph, *envelope, *commitment)
            }
            Some(_) | None => Verifier::unprepared(self.max_cells, graph),
        }
    }

    /// The commitments to inputs in public files, which must be of the network's shape and type.
    ///
    /// # Errors
    ///
    /// A file is not one of an input's commitment, or of one that is no input of this network.
    pub fn input_commitments(&self, paths: &[PathBuf]) -> anyhow::Result<Vec<Commitment>> {
        self.tensor_commitments(paths, Kind::Input)
    }

    /// As [`Known::input_commitments`], of outputs.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn output_commitments(&self, paths: &[PathBuf]) -> anyhow::Result<Vec<Commitment>> {
        self.tensor_commitments(paths, Kind::Output)
    }

    fn tensor_commitments(&self, paths: &[PathBuf], kind: Kind) -> anyhow::Result<Vec<Commitment>> {
        let graph = &self.model.graph;
        let spec = graph.spec(if kind == Kind::Input { graph.input() } else { graph.output() });
        let read = |path: &PathBuf| {
            let public = read_public(path, kind)?;
            if let Committed::Input { shape, dtype } | Committed::Output { shape, dtype } = public.committed
                && (shape, dtype) != (spec.shape, spec.dtype)
            {
                let (found, expected) = (tensor_text(shape, dtype), tensor_text(spec.shape, spec.dtype));
                bail!("{} is a commitment to {found}, but the network's {kind} is {expected}", path.display());
            }
            Ok(public.into())
        };
        paths.iter().map(read).collect()
    }
}
