//! A model whose weights stay hidden: what it predicts, and proofs of that.

use std::sync::Arc;

use verinfer_commitments::{CommitError, Kind, Salt, Secret, commit_model};
use verinfer_escrow_client::MAX_CELLS;
use verinfer_graph::{DataType, Graph, GraphError, Shape, run};
use verinfer_items::{ItemError, Label, OpenedInput, input_kind};
use verinfer_protocols::accuracy::Form;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::statement::{Predicate, ranks};
use verinfer_prover::{Execution, ProveError, Prover};
use verinfer_relation::envelope::Envelope;
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{self, OutputForm, Setting};
use verinfer_relation::{Relation, RelationError};

use crate::size::{COUNT, Size, derive, proof_cells};

/// The security level that escrows demand of proofs, in bits.
pub const SECURITY_BITS: u16 = 128;

/// A model and the secret of its commitment.
#[derive(Debug)]
pub struct Model {
    graph: Arc<Graph>,
    envelope: Envelope,
    secret: Secret,
    public: Vec<u8>,
    size: Size,
}

/// What a proof shows of the outputs.
#[derive(Clone, Debug)]
pub enum Shown {
    /// All scores.
    Scores,
    /// In how many images fewer than `top` classes are ahead of the label.
    Correct {
        /// Committed ones, by image.
        labels: Vec<Label>,
        /// At least one.
        top: u32,
    },
    /// Whether a predicate holds in each image, and nothing else.
    Decision(Predicate),
}

/// Why a model cannot predict or prove.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The secret belongs to another model, or the model cannot be committed to.
    #[error("the model's commitment: {0}")]
    Commit(CommitError),
    /// The model does not take such an input.
    #[error("the model does not take this input: {0}")]
    Input(GraphError),
    /// An input or a label is none.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// Even a proof about one input is larger than escrows allow.
    #[error("escrows verify no proof about this model: {0}")]
    TooLarge(RelationError),
    /// Even the scores of one input are longer than a file at an escrow.
    #[error("escrows take no proof about this model, which has {scores} scores")]
    TooManyScores {
        /// How many.
        scores: usize,
    },
    /// Escrows refuse proofs by the owner of such a model.
    #[error("escrows take no proof of its owner about this model: its architecture gives an output that does not depend on {part}")]
    Degenerate {
        /// The input, or the weights.
        part: &'static str,
    },
    /// There is no proof.
    #[error("the proof cannot be made: {0}")]
    Prove(Box<ProveError>),
}

impl From<CommitError> for ModelError {
    fn from(cause: CommitError) -> Self {
        Self::Commit(cause)
    }
}

impl From<GraphError> for ModelError {
    fn from(cause: GraphError) -> Self {
        Self::Input(cause)
    }
}

impl From<RelationError> for ModelError {
    fn from(cause: RelationError) -> Self {
        Self::TooLarge(cause)
    }
}

/// What a network takes and gives.
pub fn form_of(graph: &Graph) -> Form {
    let (input, output) = (graph.spec(graph.input()), graph.spec(graph.output()));
    Form { input: input_kind(input.shape, input.dtype), classes: u32::try_from(output.shape.num_elements()).unwrap_or(u32::MAX) }
}

impl From<ProveError> for ModelError {
    fn from(error: ProveError) -> Self {
        Self::Prove(Box::new(error))
    }
}

impl Model {
    /// A model with the secret of the commitment that was made to it.
    ///
    /// # Errors
    ///
    /// The secret belongs to another, or escrows verify no proof about it.
    pub fn new(graph: impl Into<Arc<Graph>>, secret: Secret) -> Result<Self, ModelError> {
        let model = Self::commit(graph, secret.salt.clone())?;
        secret.check(&model.secret.commitment)?;
        Ok(Self { secret, ..model })
    }

    /// A model that is committed to anew, with this salt.
    ///
    /// # Errors
    ///
    /// It cannot be committed to, or escrows verify no proof about it.
    pub fn commit(graph: impl Into<Arc<Graph>>, salt: Salt) -> Result<Self, ModelError> {
        let graph = graph.into();
        let envelope = Envelope::of(&graph).map_err(CommitError::from)?;
        // First, since it may be a stranger's: nothing takes long of which a proof could be verified.
        let elements = |tensor| graph.spec(tensor).shape.num_elements();
        let (values, scores) = (elements(graph.input()), elements(graph.output()));
        let size = Size { cells: proof_cells(&graph, envelope, 1)?, values, scores };
        if !size.is_taken(1) {
            return Err(ModelError::TooManyScores { scores: size.scores });
        }
        let public = commit_model(&graph, &salt)?;
        let secret = Secret { kind: Kind::Model, salt, commitment: public.commitment };
        Ok(Self { graph, envelope, secret, public: public.encode(), size })
    }

    /// The public file of its commitment.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// By which agreements name it: the digest of [`Model::public`].
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(&self.public)
    }

    /// The secret of its commitment.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Shape and type of an input.
    pub fn input(&self) -> (Shape, DataType) {
        let spec = self.graph.spec(self.graph.input());
        (spec.shape, spec.dtype)
    }

    /// What it takes and gives.
    pub fn form(&self) -> Form {
        form_of(&self.graph)
    }

    /// The quantized scores of all classes.
    ///
    /// # Errors
    ///
    /// The input is not the model's.
    pub fn scores(&self, input: &OpenedInput) -> Result<Vec<i16>, ModelError> {
        let mut trace = run(&self.graph, &input.values())?;
        Ok(trace.tensors.swap_remove(self.graph.output().0))
    }

    /// Whether fewer than `top` classes are ahead of `class`.
    ///
    /// # Errors
    ///
    /// The input is not the model's.
    pub fn is_right(&self, input: &OpenedInput, class: u32, top: u32) -> Result<bool, ModelError> {
        Ok(ranks(&self.scores(input)?, class, top))
    }

    /// How large proofs about it are.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// About how many inputs, at least one and at most `most`, one proof may be so that escrows take and verify it, whatever it shows of the outputs, and
    /// that it has no more than so many cells.
    pub fn batch(&self, most: usize, cells: usize) -> usize {
        let (mut fits, mut exceeds) = (1, most.saturating_add(1));
        while exceeds - fits > 1 {
            let images = fits + (exceeds - fits) / 2;
            let is_verified = self.size.cells.saturating_mul(images) <= cells
                && self.size.is_taken(images)
                && proof_cells(&self.graph, self.envelope, images).is_ok();
            *(if is_verified { &mut fits } else { &mut exceeds }) = images;
        }
        fits
    }

    /// Demands that its output depends on the input and on the weights, as far as its architecture shows: escrows refuse proofs of its owner otherwise.
    ///
    /// # Errors
    ///
    /// It does not.
    pub fn check_dependence(&self) -> Result<(), ModelError> {
        let setting = Setting { weights: Some(self.envelope), hidden_input: true, output: OutputForm::Shown };
        let influence = Relation::within(MAX_CELLS, &self.graph, 1, &setting)?.reach(&self.graph).influence();
        match (influence.input, influence.learned) {
            (true, true) => Ok(()),
            (false, _) => Err(ModelError::Degenerate { part: "the input" }),
            (true, false) => Err(ModelError::Degenerate { part: "the weights" }),
        }
    }

    /// Whether its outputs are the scores of classes, so that proofs can count correct labels.
    pub fn has_classes(&self) -> bool {
        !matches!(derive(&self.graph, self.envelope, 1, COUNT), Err(RelationError::NoClasses { .. }))
    }

    /// A proof about some inputs, with hidden weights and hidden inputs, bound to a context.
    ///
    /// # Errors
    ///
    /// There are no inputs, or not this model's.
    pub fn prove(&self, context: &[u8], inputs: &[OpenedInput], shown: &Shown) -> Result<Vec<u8>, ModelError> {
        let mut salts = vec![(ObjectKind::Model, self.secret.salt.clone())];
        for (image, input) in inputs.iter().enumerate() {
            salts.push((ObjectKind::Input(image), input.salt()?));
        }
        let mut classes = Vec::new();
        let output = match shown {
            Shown::Scores => OutputForm::Shown,
            Shown::Correct { labels, top } => {
                let mut count = 0;
                for (image, (input, label)) in inputs.iter().zip(labels).enumerate() {
                    count += u32::from(self.is_right(input, label.class(), *top)?);
                    classes.push(label.class());
                    salts.extend(label.salt()?.map(|salt| (ObjectKind::Label(image), salt)));
                }
                OutputForm::Correct { k: *top, count }
            }
            Shown::Decision(predicate) => {
                let holds = inputs.iter().map(|input| Ok(predicate.is_met_by(&self.scores(input)?))).collect::<Result<_, ModelError>>()?;
                let predicate = match *predicate {
                    Predicate::Top { class, k } => setting::Predicate::Top { class, k },
                    Predicate::AtLeast { class, score } => setting::Predicate::AtLeast { class, value: score },
                };
                OutputForm::Decided { predicate, holds }
            }
        };
        let setting = Setting { weights: Some(self.envelope), hidden_input: true, output };
        let values: Vec<i16> = inputs.iter().flat_map(OpenedInput::values).collect();
        let execution = Execution { input: &values, labels: &classes, salts: &salts };
        // The salts of inputs and labels are of others, who must not be able to prevent a proof by their choice.
        let prover = Prover::with_setting(Arc::clone(&self.graph), inputs.len(), &setting)?.allow_shared_salts();
        Ok(prover.prove_execution(&execution, context, SECURITY_BITS, &|_| ())?.proof.encode())
    }
}

#[cfg(test)]
mod tests {
    use verinfer_commitments::draw_salt;
    use verinfer_graph::Op;
    use verinfer_import::{Architecture, synthetic};

    use super::*;

    fn model(architecture: Architecture) -> Model {
        Model::commit(synthetic(architecture, 0).graph, draw_salt().unwrap()).unwrap()
    }

    #[test]
    fn batches_are_as_large_as_escrows_verify_and_no_larger() {
        let small = model(Architecture::LeNet);
        assert_eq!([0, 1, 7, 8].map(|most| small.batch(most, usize::MAX)), [1, 1, 7, 8]);
        let large = model(Architecture::MobileNetV2 { width: 0.35, resolution: 224, classes: 10 });
        let batch = large.batch(1000, usize::MAX);
        assert_eq!([1, 3, 4].map(|images| large.batch(1000, images * large.size().cells)), [1, 3, 4]);
        assert!((2..32).contains(&batch), "{batch}");
        let setting = Setting { weights: Some(large.envelope), hidden_input: true, output: OutputForm::Shown };
        assert!(Relation::within(MAX_CELLS, &large.graph, batch, &setting).is_ok());
        let fits = |images| proof_cells(&large.graph, large.envelope, images).is_ok();
        assert!(fits(batch) && !fits(batch + 1));
    }

    #[test]
    fn proofs_are_no_larger_than_they_are_counted() {
        let model = model(Architecture::LeNet);
        let inputs: Vec<OpenedInput> = (0..2)
            .map(|_| {
                let (shape, dtype) = model.input();
                OpenedInput::new(shape, dtype, &vec![0; shape.num_elements()], &draw_salt().unwrap()).unwrap()
            })
            .collect();
        let proof = model.prove(b"", &inputs, &Shown::Scores).unwrap();
        assert!((proof.len() as u64) < model.size().proof_bytes(2) && model.size().scores == 10, "{}", proof.len());
    }

    #[test]
    fn a_model_whose_architecture_does_not_heed_the_input_is_no_provider_s() {
        let network = synthetic(Architecture::LeNet, 0).graph;
        assert!(model(Architecture::LeNet).check_dependence().is_ok());
        let mut nodes = network.nodes().to_vec();
        let last = nodes.iter_mut().rev().find_map(|node| match &mut node.op {
            Op::Conv2d(conv) => Some(&mut conv.requantization),
            Op::DepthwiseConv2d(_)
            | Op::Add(_)
            | Op::Mul(_)
            | Op::SumPool(_)
            | Op::MaxPool(_)
            | Op::Lookup(_)
            | Op::Pad(_)
            | Op::Reshape { .. }
            | Op::Concat(_) => None,
        });
        let last = last.unwrap();
        (last.min, last.max) = (5, 5);
        let graph = Graph::new(network.tensors().to_vec(), nodes, network.input(), network.output()).unwrap();
        let constant = Model::commit(graph, draw_salt().unwrap()).unwrap();
        assert!(matches!(constant.check_dependence(), Err(ModelError::Degenerate { part: "the input" })));
    }
}
