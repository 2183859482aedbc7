use std::fmt;
use std::path::Path;
use std::sync::Arc;

use verinfer_commitments::{commit_input, commit_model, draw_salt};
use verinfer_graph::{Graph, cost, run};
use verinfer_import::{Architecture, Importers, InputFormat, InputOptions, OperatorReport, load_input, synthetic};
use verinfer_relation::envelope::{Envelope, check_public};
use verinfer_relation::setting::{OutputForm, Setting};

use crate::commitment::Opening;
use crate::tensor::{Quantization, TensorInfo};
use crate::{Error, Estimate, Example, Result, Tensor, files};

/// A quantized network, as an exact program of integers. Cheap to clone: the weights are in memory once.
///
/// # Examples
///
/// ```
/// let model = verinfer::digits::model()?;
/// assert_eq!(model.inputs()[0].to_string(), "8x8x1 int8");
/// let scores = model.run(&verinfer::digits::sample(7)?)?;
/// assert_eq!(scores.only()?.argmax(), Some(7));
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Clone)]
pub struct Model {
    inner: Arc<Inner>,
}

struct Inner {
    imported: verinfer_import::Model,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
}

/// What a network takes to run and what it holds, for one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Size {
    /// Weights and biases.
    pub parameters: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Elements that the network computes.
    pub activations: u64,
}

impl Model {
    /// Reads a model file. Its content tells its format, not its name; today `.tflite` files of full-integer networks are read.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as [`Model::from_bytes`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_bytes(&files::read_model(path.as_ref())?)
    }

    /// Imports the bytes of a model file. They may be hostile.
    ///
    /// # Errors
    ///
    /// [`Error::Import`]: the format is not known, the file is damaged, or an operator cannot be imported exactly.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_by(&Importers::default(), bytes)
    }

    /// As [`Model::from_bytes`], with these importers.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`].
    pub fn from_bytes_by(importers: &Importers, bytes: &[u8]) -> Result<Self> {
        Ok(Self::of(importers.import(bytes)?))
    }

    /// A network of an architecture with random weights, the same for the same seed: for measuring without files.
    pub fn synthetic(architecture: Architecture, seed: u64) -> Self {
        Self::of(synthetic(architecture, seed))
    }

    #[doc(hidden)] // For this workspace: graphs change.
    pub fn of(imported: verinfer_import::Model) -> Self {
        let graph = &imported.graph;
        let (input, output) = (&imported.input, &imported.output);
        let inputs = TensorInfo::new(&input.name, graph.spec(graph.input()), Quantization::of(input.scale, input.zero_point));
        let outputs = TensorInfo::new(&output.name, graph.spec(graph.output()), Quantization::of(output.scale, output.zero_point));
        Self { inner: Arc::new(Inner { inputs: vec![inputs], outputs: vec![outputs], imported }) }
    }

    /// What it takes, in order.
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.inner.inputs
    }

    /// What it gives, in order: of a classifier that ends in a softmax the logits before it, which are integers.
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.inner.outputs
    }

    /// What became of each operator of the file.
    pub fn operators(&self) -> &[OperatorReport] {
        &self.inner.imported.operators
    }

    /// What it holds and takes to run.
    pub fn size(&self) -> Size {
        let graph = self.graph();
        let sum = |part: &dyn Fn(&verinfer_graph::Node) -> u64| graph.nodes().iter().map(part).sum();
        Size {
            parameters: sum(&|node| cost::parameters(&node.op)),
            macs: sum(&|node| cost::macs(graph, node)),
            activations: sum(&|node| cost::activations(&node.op, graph.spec(node.output).shape)),
        }
    }

    /// Digest of the whole program, weights included: what a proof with public weights is about.
    pub fn digest(&self) -> [u8; 32] {
        self.graph().digest()
    }

    /// Digest of what stays public if the weights are hidden.
    pub fn architecture_digest(&self) -> [u8; 32] {
        self.graph().architecture_digest()
    }

    /// Reads a picture (PNG, JPEG) or an array (`.npy`) as the only input of this model, by the preprocessing that its file declares.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as [`Model::decode`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Example> {
        self.decode(&files::read(path.as_ref(), files::INPUT_LIMIT)?)
    }

    /// As [`Model::read`], from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Input`]: it is not of the model's shape, or how pixels or numbers become the input is not declared. Nothing is guessed.
    pub fn decode(&self, bytes: &[u8]) -> Result<Example> {
        self.decode_with(bytes, &InputOptions::default())
    }

    /// As [`Model::decode`], with pictures of another size resized, or with the model's preprocessing given.
    ///
    /// # Errors
    ///
    /// As [`Model::decode`].
    pub fn decode_with(&self, bytes: &[u8], options: &InputOptions) -> Result<Example> {
        let format = if bytes.starts_with(b"\x93NUMPY") { InputFormat::Npy } else { InputFormat::Image };
        let input = load_input(bytes, format, &self.inner.imported, options)?;
        let info = match self.inputs() {
            [info] => info,
            infos => return Err(Error::NotOne { found: infos.len() }),
        };
        Ok(Example::read(Tensor::of(info.shape.clone(), info.element, input.values)?, input.reading))
    }

    /// Runs it: bit for bit what the reference kernels of its runtime give.
    ///
    /// # Errors
    ///
    /// The example has not the model's inputs.
    pub fn run(&self, example: &Example) -> Result<Example> {
        let mut outputs = Example::new();
        for info in self.outputs() {
            let tensor = Tensor::of(info.shape.clone(), info.element, self.scores(example)?)?;
            outputs = outputs.with(&info.name, tensor);
        }
        Ok(outputs)
    }

    /// The elements of the output.
    pub(crate) fn scores(&self, example: &Example) -> Result<Vec<i16>> {
        let mut trace = run(self.graph(), &self.stored(example)?)?;
        Ok(trace.tensors.swap_remove(self.graph().output().0))
    }

    /// The integers that go into the network.
    pub(crate) fn stored(&self, example: &Example) -> Result<Vec<i16>> {
        Ok(example.resolve(self.inputs())?.into_iter().flat_map(|tensor| tensor.stored().iter().copied()).collect())
    }

    /// Commits to what it has learned, with a salt from the operating system: [`crate::Request::hide_weights`] takes the secret, whoever verifies takes the
    /// commitment.
    ///
    /// # Errors
    ///
    /// It cannot be hidden: it has learned nothing or too much, or its public architecture would show something of it.
    pub fn commit(&self) -> Result<Opening> {
        let salt = draw_salt()?;
        let public = commit_model(self.graph(), &salt)?;
        Ok(Opening::new(public, salt))
    }

    /// Commits to each input of an example, in the order of [`Model::inputs`].
    ///
    /// # Errors
    ///
    /// The example has not the model's inputs, or one is too large for a commitment.
    pub fn commit_inputs(&self, example: &Example) -> Result<Vec<Opening>> {
        let spec = self.graph().spec(self.graph().input());
        let commit = |tensor: &Tensor| {
            let salt = draw_salt()?;
            let public = commit_input(spec.shape, spec.dtype, tensor.stored(), &salt)?;
            Ok(Opening::new(public, salt))
        };
        example.resolve(self.inputs())?.into_iter().map(commit).collect()
    }

    /// What a proof costs about so many examples that hides these parts and shows the rest; see [`crate::estimate`] for its time.
    ///
    /// # Errors
    ///
    /// The network cannot be proved, or its weights cannot be hidden.
    pub fn estimate(&self, examples: usize, hidden: &[crate::Part], security_level: u16) -> Result<Estimate> {
        let output = if hidden.contains(&crate::Part::Output) { OutputForm::Committed } else { OutputForm::Shown };
        let setting = self.setting(hidden.contains(&crate::Part::Weights), hidden.contains(&crate::Part::Input), output)?;
        Ok(Estimate::of(self.graph(), examples, &setting, security_level)?)
    }

    pub(crate) fn setting(&self, hidden_weights: bool, hidden_input: bool, output: OutputForm) -> Result<Setting> {
        let weights = if hidden_weights {
            check_public(self.graph())?;
            Some(Envelope::of(self.graph())?)
        } else {
            None
        };
        Ok(Setting { weights, hidden_input, output })
    }

    pub(crate) fn graph(&self) -> &Arc<Graph> {
        &self.inner.imported.graph
    }

    #[doc(hidden)] // For this workspace: graphs change.
    pub fn imported(&self) -> &verinfer_import::Model {
        &self.inner.imported
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("inputs", &self.inner.inputs).field("outputs", &self.inner.outputs).finish_non_exhaustive()
    }
}
