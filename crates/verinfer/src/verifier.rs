use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use verinfer_commitments::{Committed, is_public_file};
use verinfer_graph::{DataType, Graph, Shape};
use verinfer_relation::commitment::Commitment as Committing;
use verinfer_relation::envelope::Envelope;
use verinfer_relation::statement::{InputClaim, ModelClaim, Proof as File, Statement as Claims};
use verinfer_verifier::{
    Accepted, DEFAULT_MAX_CELLS, Expectations as Demands, ExpectedInput, Verifier as Engine, VerifyError, always_holds, any_outputs,
    class_bounds, equal_inputs,
};

use crate::commitment::{Commitment, CommitmentKind};
use crate::expectations::Expectations;
use crate::statement::{Caveat, Context, PossibleOutputs, Statement, does_not_say, warnings};
use crate::tensor::{TensorInfo, sides};
use crate::{Error, Model, Proof, Result, Tensor, files};

/// Verifies proofs about one model, of which all is known, or only the architecture and a commitment to the weights.
///
/// Proofs may be hostile: nothing of one makes a verifier panic, and what it takes is bounded ([`Verifier::max_cells`]).
///
/// # Examples
///
/// A verifier that does not have the model:
///
/// ```
/// use verinfer::{Expectations, Prover, Request, Verifier, digits};
///
/// let model = digits::model()?;
/// let opening = model.commit()?;
/// let request = Request::new([digits::sample(2)?]).hide_weights(&opening.secret);
/// let proof = Prover::new(&model).prove(&request)?.proof;
///
/// let verifier = Verifier::of_commitment(&opening.commitment)?;
/// let accepted = verifier.verify(proof.to_bytes(), &Expectations::new().inputs([digits::sample(2)?]))?;
/// assert!(accepted.security_bits >= 127.99);
///
/// let rejected = verifier.verify(proof.to_bytes(), &Expectations::new().inputs([digits::sample(3)?])).unwrap_err();
/// assert_eq!(rejected.kind(), "wrong_input");
/// # Ok::<(), verinfer::Error>(())
/// ```
pub struct Verifier {
    engine: Engine,
    graph: Arc<Graph>,
    hidden: Option<Hidden>,
    inputs: Vec<TensorInfo>,
    max_cells: usize,
}

/// What is known of a hidden model besides its architecture.
#[derive(Clone, Copy)]
struct Hidden {
    envelope: Envelope,
    commitment: Committing,
}

/// A proof that holds: what it says, and what it does not.
///
/// Serialized, it is what `verinfer verify --json` says of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// What is proved.
    #[serde(flatten)]
    pub statement: Statement,
    /// Whether the inputs, or their commitments, were compared with given ones.
    pub input_compared: bool,
    /// Whether the inputs are pairwise different; `None` if they are hidden and nobody knows.
    pub inputs_differ: Option<bool>,
    /// Whether anything was demanded of the outputs.
    pub output_demanded: bool,
    /// What the outputs of the network can be at all.
    pub possible_outputs: PossibleOutputs,
    /// Whether what is said of the outputs holds for all that the network can give.
    pub predicate_always_holds: bool,
    /// What its parameters reach, in bits.
    pub security_bits: f64,
    /// What the security rests on.
    pub assumptions: Vec<&'static str>,
    /// What makes it say less than it seems to.
    #[serde(skip)]
    pub warnings: Vec<Caveat>,
    /// What a reader might take it to say although it does not.
    #[serde(skip)]
    pub does_not_say: Vec<Caveat>,
    #[serde(skip)]
    outputs: Option<Vec<Tensor>>,
    #[serde(skip)]
    claims: Claims,
}

impl Verifier {
    /// Of proofs about a model whose weights are known.
    pub fn of_model(model: &Model) -> Self {
        Self::of(model, None, DEFAULT_MAX_CELLS)
    }

    /// Of proofs about the hidden model behind a commitment, which holds its architecture.
    ///
    /// # Errors
    ///
    /// The commitment is to something else than a model ([`Error::CommitmentFile`]).
    pub fn of_commitment(commitment: &Commitment) -> Result<Self> {
        let Committed::Model { architecture, envelope } = &commitment.public.committed else {
            let (found, expected) = (commitment.public.committed.kind(), verinfer_commitments::Kind::Model);
            return Err(verinfer_commitments::FileError::OtherKind { found, expected }.into());
        };
        let model = Model::of(verinfer_import::Model::without_file(Graph::clone(architecture)));
        let hidden = Hidden { envelope: *envelope, commitment: commitment.public.commitment };
        Ok(Self::of(&model, Some(hidden), DEFAULT_MAX_CELLS))
    }

    fn of(model: &Model, hidden: Option<Hidden>, max_cells: usize) -> Self {
        let graph = Arc::clone(model.graph());
        Self { engine: engine(&graph, hidden, max_cells), graph, hidden, inputs: model.inputs().to_vec(), max_cells }
    }

    /// Of proofs about the model or the public commitment in a file, which its content tells.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is neither.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let limit = |head: &[u8]| if is_public_file(head) { Some(files::COMMITMENT_LIMIT) } else { files::model_limit(head) };
        Self::from_bytes(&files::read_if(path.as_ref(), limit)?)
    }

    /// As [`Verifier::load`], from the bytes of a file.
    ///
    /// # Errors
    ///
    /// They are neither a model nor a public commitment to one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if is_public_file(bytes) {
            Self::of_commitment(&Commitment::from_bytes(bytes)?)
        } else {
            Ok(Self::of_model(&Model::from_bytes(bytes)?))
        }
    }

    /// With another limit on the cells of the relation that it derives for a proof, each of which takes up to some 16 bytes of memory; 2^28 by default.
    #[must_use]
    pub fn max_cells(self, max_cells: usize) -> Self {
        Self { engine: engine(&self.graph, self.hidden, max_cells), max_cells, ..self }
    }

    /// Whether only a commitment to the model is known.
    pub const fn is_hidden(&self) -> bool {
        self.hidden.is_some()
    }

    /// Bytes that a proof about the model has at most which is about so many examples: longer files need not be read.
    pub fn max_proof_bytes(&self, examples: usize) -> usize {
        let len = |tensor| self.graph.spec(tensor).shape.num_elements();
        let (input, output) = (len(self.graph.input()), len(self.graph.output()));
        // Each example has a cell for each of its outputs, and more.
        let most = self.max_cells.checked_div(output).unwrap_or(0).max(1);
        File::max_len(examples.min(most), input, output)
    }

    /// Compares what a proof claims with what is expected, which proves nothing, and derives what proofs of its form share: those are verified faster then.
    ///
    /// # Errors
    ///
    /// The claim is another one, or no proof can be about it: a rejection.
    pub fn prepare(&mut self, proof: &Proof, expectations: &Expectations) -> Result<()> {
        let claims = &proof.file().statement;
        let demands = self.demands(expectations)?;
        self.engine.compare(claims, &demands)?;
        let examples = usize::try_from(claims.images).map_err(|_| VerifyError::Parameters)?;
        Ok(self.engine.prepare(examples, &claims.setting())?)
    }

    /// Accepts or rejects the bytes of a proof file.
    ///
    /// # Errors
    ///
    /// Why it is not accepted ([`Error::is_rejection`]), or what is expected cannot be of this model.
    pub fn verify(&self, proof: &[u8], expectations: &Expectations) -> Result<Verified> {
        let accepted = self.accept(proof, expectations)?;
        self.describe(accepted, expectations)
    }

    /// As [`Verifier::verify`], of a file, which is read no further than a proof about the model goes.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as [`Verifier::verify`].
    pub fn verify_file(&self, path: impl AsRef<Path>, expectations: &Expectations) -> Result<Verified> {
        let examples = usize::try_from(expectations.demands.max_images).unwrap_or(usize::MAX);
        let limit = self.max_proof_bytes(examples) as u64;
        self.verify(&files::read(path.as_ref(), limit.min(files::PROOF_LIMIT))?, expectations)
    }

    #[doc(hidden)] // For this workspace: to measure the verification alone.
    pub fn accept(&self, proof: &[u8], expectations: &Expectations) -> Result<Accepted> {
        Ok(self.engine.verify(proof, &self.demands(expectations)?)?)
    }

    #[doc(hidden)] // For this workspace, as `accept`.
    pub fn describe(&self, accepted: Accepted, expectations: &Expectations) -> Result<Verified> {
        let claims = accepted.statement;
        let reach = self.engine.reach(&claims)?;
        let spec = self.graph.spec(self.graph.output());
        let statement = Statement::new(&claims);
        let possible_outputs = PossibleOutputs::new(reach, matches!(claims.model, ModelClaim::Hidden { .. }));
        let equal = equal_inputs(&claims);
        let context = Context {
            possible_outputs: &possible_outputs,
            always_true: always_holds(&claims.output, &any_outputs(spec.shape, spec.dtype)),
            always_holds: always_holds(&claims.output, &class_bounds(reach)),
            output_demanded: expectations.demands_output(),
            input_compared: expectations.compares_inputs(),
            inputs_differ: match (equal, &claims.input) {
                (Some(_), _) => Some(false),
                (None, InputClaim::Hidden(commitments)) if commitments.len() > 1 => None,
                (None, InputClaim::Hidden(_) | InputClaim::Shown(_)) => Some(true),
            },
            equal_inputs: equal,
        };
        Ok(Verified {
            warnings: warnings(&context, &claims),
            does_not_say: does_not_say(&context, &statement.words, &claims),
            input_compared: context.input_compared,
            inputs_differ: context.inputs_differ,
            output_demanded: context.output_demanded,
            predicate_always_holds: context.always_holds,
            security_bits: accepted.security.bits(),
            assumptions: accepted.security.assumptions.clone(),
            outputs: outputs(&claims),
            statement,
            possible_outputs,
            claims,
        })
    }

    /// What is expected, of this model's inputs and outputs.
    fn demands(&self, expectations: &Expectations) -> Result<Demands> {
        let mut demands = expectations.demands.clone();
        if let Some(examples) = &expectations.inputs {
            let values = examples.iter().map(|example| example.resolve(&self.inputs)).collect::<Result<Vec<_>>>()?;
            let values = values.iter().flatten().flat_map(|tensor| tensor.stored().iter().copied()).collect();
            demands.input = ExpectedInput::Shown(values);
        }
        let (input, output) = (self.graph.spec(self.graph.input()), self.graph.spec(self.graph.output()));
        for (commitments, kind, spec) in [
            (&expectations.input_commitments, CommitmentKind::Input, input),
            (&expectations.output_commitments, CommitmentKind::Output, output),
        ] {
            commitments.iter().flatten().try_for_each(|commitment| check_tensor(commitment, kind, spec.shape, spec.dtype))?;
        }
        Ok(demands)
    }
}

/// What verifies, prepared for no form of proof.
fn engine(graph: &Arc<Graph>, hidden: Option<Hidden>, max_cells: usize) -> Engine {
    match hidden {
        None => Engine::unprepared(max_cells, Arc::clone(graph)),
        Some(Hidden { envelope, commitment }) => Engine::unprepared_hidden(max_cells, Arc::clone(graph), envelope, commitment),
    }
}

/// Demands that a commitment is to a tensor of this shape and type.
fn check_tensor(commitment: &Commitment, kind: CommitmentKind, shape: Shape, dtype: DataType) -> Result<()> {
    let expected = (sides(shape), crate::ElementType::of(dtype));
    let text = |(shape, element): &(Vec<usize>, crate::ElementType)| {
        let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
        format!("{} {element}", sides.join("x"))
    };
    match commitment.tensor() {
        Some(found) if commitment.kind() == kind && found == expected => Ok(()),
        Some(found) if commitment.kind() == kind => {
            Err(Error::OtherTensor { kind: kind.name(), found: text(&found), expected: text(&expected) })
        }
        Some(_) | None => Err(Error::OtherTensor {
            kind: kind.name(),
            found: commitment.public.committed.kind().with_article().to_string(),
            expected: text(&expected),
        }),
    }
}

/// The outputs that are shown, one tensor for each example.
fn outputs(claims: &Claims) -> Option<Vec<Tensor>> {
    let shown = claims.output.shown()?;
    let len = shown.shape.num_elements().max(1);
    let tensor = |values: &[i16]| Tensor::of(sides(shown.shape), crate::ElementType::of(shown.dtype), values.to_vec()).ok();
    shown.values.chunks(len).map(tensor).collect()
}

impl Verified {
    /// The outputs that are proved, one for each example, if they are shown.
    pub fn outputs(&self) -> Option<&[Tensor]> {
        self.outputs.as_deref()
    }

    /// For each example, whether what was asked is so, if the proof decides a question.
    pub fn decisions(&self) -> Option<&[bool]> {
        match &self.claims.output {
            verinfer_relation::statement::OutputClaim::Decided { holds, .. } => Some(holds),
            verinfer_relation::statement::OutputClaim::Shown(_)
            | verinfer_relation::statement::OutputClaim::Hidden(_)
            | verinfer_relation::statement::OutputClaim::Rank { .. }
            | verinfer_relation::statement::OutputClaim::AtLeast { .. }
            | verinfer_relation::statement::OutputClaim::Correct { .. } => None,
        }
    }

    #[doc(hidden)] // For this workspace: statements change.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl fmt::Display for Verified {
    /// What it says, and what it does not, in lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The proof says: {}", self.statement.says())?;
        writeln!(f, "Security: {:.1} bits", self.security_bits)?;
        for Caveat { text, .. } in &self.warnings {
            writeln!(f, "Warning: {text}")?;
        }
        writeln!(f, "The proof does not say:")?;
        self.does_not_say.iter().try_for_each(|Caveat { text, .. }| writeln!(f, "  - {text}"))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("inputs", &self.inputs).field("is_hidden", &self.is_hidden()).finish_non_exhaustive()
    }
}
