use std::ops::ControlFlow;
use std::sync::Arc;

use verinfer_graph::Graph;
use verinfer_relation::envelope::check_public;
use verinfer_relation::layout::EqWeights;
use verinfer_relation::learned::Learned;
use verinfer_relation::parameters::{Parameters, SecurityReport};
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{InputClaim, MAX_CONTEXT_BYTES, ModelClaim, OutputClaim, Proof, PublicTensor, Statement};
use verinfer_relation::table::Folding;
use verinfer_relation::transcript::{Message, ProverTranscript, VerifierTranscript};
use verinfer_relation::{Relation, claims, steps};
use verinfer_verifier::{Reduction, reduce};

use crate::codeword::{Codeword, Dft};
use crate::contraction::Layers;
use crate::error::ProveError;
use crate::lookups::{self, Leaves};
use crate::messages::Messages;
use crate::random::from_operating_system;
use crate::witness::{self, Execution, Witness};
use crate::{functional, opening};

#[cfg(test)]
mod tests;

/// Parts of the prover's work, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Running the network and writing the witness down.
    Witness,
    /// Encoding and hashing it.
    Commit,
    /// The lookup argument.
    Lookups,
    /// The linear layers.
    LinearLayers,
    /// Writing out the combined claim's weights.
    Combine,
    /// The opening.
    Open,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 6] = [Self::Witness, Self::Commit, Self::Lookups, Self::LinearLayers, Self::Combine, Self::Open];

    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Commit => "commit",
            Self::Lookups => "lookups",
            Self::LinearLayers => "linear layers",
            Self::Combine => "combine",
            Self::Open => "open",
        }
    }
}

/// Makes proofs about one network, which it shares with whoever else has it.
pub struct Prover {
    graph: Arc<Graph>,
    relation: Relation,
    learned: Option<Arc<Learned>>,
    dft: Dft,
    /// Whether commitments of an execution may have one salt.
    shared_salts: bool,
}

/// A proof and where its messages lie.
pub struct Proved {
    /// Statement and body.
    pub proof: Proof,
    /// Messages of the body.
    pub messages: Vec<Message>,
}

impl Prover {
    /// Derives the relation of a network of which everything is public on one image, once for any number of proofs.
    ///
    /// # Errors
    ///
    /// The network has no proof.
    pub fn new(graph: impl Into<Arc<Graph>>) -> Result<Self, ProveError> {
        Self::with_setting(graph, 1, &Setting::default())
    }

    /// Derives the relation of a network on `images` images, of which the setting says what is hidden: each proof is about so many.
    ///
    /// # Errors
    ///
    /// The setting hides weights whose scale the public architecture would show ([`check_public`]), or the network has no proof in this setting.
    pub fn with_setting(graph: impl Into<Arc<Graph>>, images: usize, setting: &Setting) -> Result<Self, ProveError> {
        let graph = graph.into();
        if setting.weights.is_some() {
            check_public(&graph)?;
        }
        Self::derive(graph, images, setting)
    }

    /// As [`Prover::with_setting`], also where the public architecture shows the scale of hidden constants: for tests of the argument, which holds for any
    /// table. Whoever hides a network of theirs never wants it.
    ///
    /// # Errors
    ///
    /// The network has no proof in this setting.
    #[cfg(any(test, feature = "testing"))]
    pub fn showing_scales(graph: impl Into<Arc<Graph>>, images: usize, setting: &Setting) -> Result<Self, ProveError> {
        Self::derive(graph.into(), images, setting)
    }

    fn derive(graph: Arc<Graph>, images: usize, setting: &Setting) -> Result<Self, ProveError> {
        let relation = Relation::with_setting(&graph, images, setting)?;
        let learned = witness::learned(&graph, &relation)?;
        Ok(Self { graph, relation, learned, dft: Dft::default(), shared_salts: false })
    }

    /// Also proves about commitments to different objects that were made with one salt, which is otherwise [`ProveError::SharedSalt`]. Commitments with one
    /// salt show a function of the difference of what they hide; a proof adds nothing to that. The refusal keeps whoever commits from that mistake. So only
    /// who has got openings from others should call this: the secret at stake is theirs, and by choosing equal salts they could keep the prover from a
    /// proof that it owes them.
    #[must_use]
    pub fn allow_shared_salts(mut self) -> Self {
        self.shared_salts = true;
        self
    }

    /// The network.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// What is proved.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Runs the network on `input` (NHWC order, image after image) and proves its outputs, bound to `context`. `started` hears of each phase.
    ///
    /// # Errors
    ///
    /// As [`Prover::prove_watched`].
    pub fn prove(&self, input: &[i16], context: &[u8], security_level: u16, started: &dyn Fn(Phase)) -> Result<Proved, ProveError> {
        self.prove_execution(&Execution { input, ..Execution::default() }, context, security_level, started)
    }

    /// As [`Prover::prove`], with labels, and with the salts of commitments that have been made before.
    ///
    /// # Errors
    ///
    /// As [`Prover::prove_watched`].
    pub fn prove_execution(
        &self,
        execution: &Execution<'_>,
        context: &[u8],
        security_level: u16,
        started: &dyn Fn(Phase),
    ) -> Result<Proved, ProveError> {
        self.prove_watched(execution, context, security_level, &going_on(started))
    }

    /// As [`Prover::prove_execution`]; `watch` is asked before each phase whether it should go on.
    ///
    /// # Errors
    ///
    /// It should not ([`ProveError::Cancelled`]); the input, labels or salts are not ones of such a proof; the context is too long; or the level is not
    /// reached.
    pub fn prove_watched(
        &self,
        execution: &Execution<'_>,
        context: &[u8],
        security_level: u16,
        watch: &dyn Fn(Phase) -> ControlFlow<()>,
    ) -> Result<Proved, ProveError> {
        enter(watch, Phase::Witness)?;
        if !self.shared_salts {
            execution.check_salts()?;
        }
        let witness = Witness::with_learned(&self.graph, &self.relation, self.learned.clone(), execution, &mut from_operating_system()?)?;
        let statement = self.statement(&witness, execution.input, context, security_level);
        let transcript = ProverTranscript::new(statement.transcript());
        self.prove_altering(transcript, statement, witness, watch, |_| ())
    }

    /// What a witness on these inputs proves.
    pub fn statement(&self, witness: &Witness, input: &[i16], context: &[u8], security_level: u16) -> Statement {
        let setting = &self.relation.setting;
        let tensor = |id, values: &[i16]| {
            let spec = self.graph.spec(id);
            PublicTensor { shape: spec.shape, dtype: spec.dtype, values: values.to_vec() }
        };
        let commitments = |is_one: fn(ObjectKind) -> bool| {
            witness.commitments.iter().filter(|(kind, _)| is_one(*kind)).map(|(_, commitment)| *commitment).collect::<Vec<_>>()
        };
        let model = match (setting.weights, commitments(|kind| kind == ObjectKind::Model).pop()) {
            (Some(envelope), Some(commitment)) => {
                ModelClaim::Hidden { architecture: self.graph.architecture_digest(), envelope, commitment: Box::new(commitment) }
            }
            _ => ModelClaim::Public { digest: self.graph.digest() },
        };
        let input = if setting.hidden_input {
            InputClaim::Hidden(commitments(|kind| matches!(kind, ObjectKind::Input(_))))
        } else {
            InputClaim::Shown(tensor(self.graph.input(), input))
        };
        let output = self.graph.output();
        let output = match &setting.output {
            OutputForm::Shown => OutputClaim::Shown(tensor(output, &witness.tensors[output.0])),
            OutputForm::Committed => OutputClaim::Hidden(commitments(|kind| matches!(kind, ObjectKind::Output(_)))),
            OutputForm::Rank { labels, k } => OutputClaim::Rank { labels: labels.clone(), k: *k },
            OutputForm::AtLeast { class, value } => OutputClaim::AtLeast { class: *class, value: *value },
            OutputForm::Decided { predicate, holds } => OutputClaim::Decided { predicate: *predicate, holds: holds.clone() },
            OutputForm::Correct { k, count } => {
                OutputClaim::Correct { labels: commitments(|kind| matches!(kind, ObjectKind::Label(_))), k: *k, count: *count }
            }
        };
        // A relation of more images than 2^30 is refused.
        Statement { security_level, context: context.to_vec(), images: self.relation.images as u32, model, input, output }
    }

    /// Proves a statement with a witness, whether or not the witness satisfies the relation: the verifier is what decides.
    ///
    /// # Errors
    ///
    /// As [`Prover::prove_watched`].
    #[cfg(any(test, feature = "testing"))]
    pub fn prove_statement(&self, statement: Statement, witness: Witness, started: &dyn Fn(Phase)) -> Result<Proved, ProveError> {
        let transcript = ProverTranscript::new(statement.transcript());
        self.prove_through(transcript, statement, witness, started)
    }

    /// As [`Prover::prove_statement`], with a transcript that may not have absorbed the statement, or that alters what is sent
    /// (`ProverTranscript::altered_by`): the strongest forger there is without other algorithms.
    ///
    /// # Errors
    ///
    /// As [`Prover::prove_watched`].
    #[cfg(any(test, feature = "testing"))]
    pub fn prove_through(
        &self,
        transcript: ProverTranscript,
        statement: Statement,
        witness: Witness,
        started: &dyn Fn(Phase),
    ) -> Result<Proved, ProveError> {
        self.prove_altering(transcript, statement, witness, &going_on(started), |_| ())
    }

    /// Proves a statement with a witness and a transcript; with other leaves of the lookup argument, if `alter` changes them.
    fn prove_altering(
        &self,
        mut transcript: ProverTranscript,
        statement: Statement,
        witness: Witness,
        watch: &dyn Fn(Phase) -> ControlFlow<()>,
        alter: impl FnOnce(&mut Leaves<'_>),
    ) -> Result<Proved, ProveError> {
        let relation = &self.relation;
        let parameters = self.parameters(&statement)?;
        let statement_transcript = transcript.state().clone();
        let Witness { cells, rows, tensors, learned, tuples, secrets, masks, .. } = witness;

        // 1. The committed witness.
        enter(watch, Phase::Commit)?;
        let codeword = Codeword::of_base(&self.dft, &parameters.oracles[0], &cells, &masks);
        transcript.send_bytes(steps::COMMITMENT, &codeword.root());

        // 2. Challenges of the lookups.
        enter(watch, Phase::Lookups)?;
        let alpha = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
        let beta = transcript.state().challenge(steps::LOOKUP_CHALLENGES);
        let folding = Folding::new(alpha, beta);

        // 3. Every tuple is a row of its table.
        let mut leaves = Leaves::new(relation, &folding, &cells, &rows, &tuples);
        alter(&mut leaves);
        let mut messages = Messages::new(&mut transcript, &secrets);
        let point = lookups::prove(&mut messages, &leaves, parameters.log_cells);
        drop(leaves);
        drop(rows);

        // 4. The claim on the leaves, as a functional of cells, input and accumulators.
        enter(watch, Phase::LinearLayers)?;
        let mu = messages.state().challenge(steps::LEAF_COMBINATION);
        let r = EqWeights::new(&point);
        let leaves = claims::leaves(relation, &r, &folding, mu);

        // 5. The linear layers.
        let graph = &*self.graph;
        let layers = Layers { relation, graph, learned: learned.as_deref(), tensors: &tensors, cells: &cells, r: &r, leaves: &leaves };
        layers.prove(&mut messages);

        // 6. One functional and one target for all claims: what the verifier makes of these messages.
        enter(watch, Phase::Combine)?;
        messages.finish(&relation.masks);
        let so_far = transcript.body().to_vec();
        let mut replay = VerifierTranscript::new(statement_transcript, &so_far);
        let Reduction { functional, leaves, .. } = reduce(&mut replay, &self.graph, relation, &statement)?;
        *transcript.state() = replay.state().clone();
        let weights = functional::write(relation, &functional, &leaves, cells.len());

        // 7. The committed witness satisfies it.
        enter(watch, Phase::Open)?;
        opening::prove(&mut transcript, &self.dft, &parameters, codeword, cells, masks, weights);
        let (body, messages) = transcript.finish();
        Ok(Proved { proof: Proof { statement, body }, messages })
    }

    fn parameters(&self, statement: &Statement) -> Result<Parameters, ProveError> {
        if statement.context.len() > MAX_CONTEXT_BYTES {
            return Err(ProveError::ContextTooLong { len: statement.context.len(), max: MAX_CONTEXT_BYTES });
        }
        let demanded = statement.security_level;
        let parameters = Parameters::for_cells(self.relation.layout.num_stored(), usize::from(demanded))?;
        let reached = SecurityReport::new(&self.relation, &parameters).bits();
        if reached < f64::from(demanded) {
            return Err(ProveError::Insecure { reached, demanded });
        }
        Ok(parameters)
    }
}

/// Told of each phase, and always going on.
fn going_on<'a>(started: &'a dyn Fn(Phase)) -> impl Fn(Phase) -> ControlFlow<()> + 'a {
    |phase| {
        started(phase);
        ControlFlow::Continue(())
    }
}

/// Asks whether a phase should begin.
fn enter(watch: &dyn Fn(Phase) -> ControlFlow<()>, phase: Phase) -> Result<(), ProveError> {
    if watch(phase).is_break() { Err(ProveError::Cancelled) } else { Ok(()) }
}
