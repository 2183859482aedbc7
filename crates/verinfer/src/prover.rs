use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use verinfer_commitments::{CommitError, Committed, Public, Salt, commit_input, commit_label, commit_model, draw_salt};
use verinfer_estimate::Estimate;
use verinfer_graph::Graph;
use verinfer_prover::{Execution, Phase, Prover as Engine};
use verinfer_relation::relation::ObjectKind;
use verinfer_relation::setting::{OutputForm, Setting};
use verinfer_relation::statement::{ModelClaim, Proof as File, Statement};

use crate::commitment::{Opening, Secret};
use crate::request::Hiding;
use crate::{Error, Model, Progress, Proof, Request, Result};

/// Makes proofs about one model. It keeps what it derived for the last form of proof, so that the next one of that form begins at once; it can be used from
/// several threads.
///
/// # Examples
///
/// ```
/// use verinfer::{Prover, Request, Verifier, digits};
///
/// let model = digits::model()?;
/// let proved = Prover::new(&model).prove(&Request::new([digits::sample(4)?]))?;
/// let accepted = Verifier::of_model(&model).verify(proved.proof.to_bytes(), &Default::default())?;
/// assert_eq!(accepted.outputs().unwrap()[0].argmax(), Some(4));
/// # Ok::<(), verinfer::Error>(())
/// ```
pub struct Prover {
    model: Model,
    derived: Mutex<Option<Derived>>,
    /// The secret of the model's commitment, once it was compared with the model.
    checked: Mutex<Option<Secret>>,
}

/// What proofs of one form share, and whether they allow shared salts.
struct Derived {
    shared_salts: bool,
    engine: Arc<Engine>,
}

/// A proof with the commitments that were made for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// Commitments that were made anew, in the order model, inputs, outputs, labels. Without their secrets nothing more can be proved about them.
    pub openings: Vec<NewCommitment>,
}

/// A commitment that was made anew for a proof.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewCommitment {
    /// What it is to.
    pub of: Object,
    /// The commitment and its secret.
    pub opening: Opening,
}

/// Something of an execution that can be committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Object {
    /// What the network has learned.
    Model,
    /// An input of an example.
    Input {
        /// Counted from 0.
        example: usize,
    },
    /// An output of an example.
    Output {
        /// Counted from 0.
        example: usize,
    },
    /// The true class of an example.
    Label {
        /// Counted from 0.
        example: usize,
    },
}

/// The salts of a proof, and which of them are new.
#[derive(Default)]
struct Salts {
    all: Vec<(ObjectKind, Salt)>,
    new: Vec<ObjectKind>,
}

impl Prover {
    /// Of proofs about a model.
    pub fn new(model: &Model) -> Self {
        Self { model: model.clone(), derived: Mutex::default(), checked: Mutex::default() }
    }

    /// The model.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Runs the model on the examples and proves what is asked for, on all threads of the machine ([`crate`] says how to have fewer).
    ///
    /// # Errors
    ///
    /// An example is no input of the model; the claim is not true; a secret belongs to something else; the network cannot be proved in this form; the proof
    /// would take too much memory; or it was cancelled.
    pub fn prove(&self, request: &Request) -> Result<Proved> {
        let level = request.security_level;
        if !(32..=128).contains(&level) {
            return Err(Error::SecurityLevel { found: level });
        }
        if request.examples.is_empty() {
            return Err(Error::NoExamples);
        }
        let graph = self.model.graph();
        let inputs = request.examples.iter().map(|example| self.model.stored(example)).collect::<Result<Vec<_>>>()?;
        let setting = self.setting(request)?;
        let engine = self.engine(inputs.len(), &setting, request.shared_salts)?;
        if let Some(allowed) = request.max_memory {
            Estimate::new(graph, engine.relation(), level)?.check_memory(allowed)?;
        }
        let labels = request.claim.as_ref().map_or(&[][..], |claim| claim.labels());
        let salts = self.salts(request, &setting, &inputs, labels)?;
        let watch = |phase: Phase| {
            let done = Phase::ALL.iter().position(|other| *other == phase).unwrap_or(0);
            if let Some(watch) = &request.watch {
                watch(Progress { done, steps: Phase::ALL.len(), step: phase.name() });
            }
            if request.cancellation.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let values = inputs.concat();
        let execution = Execution { input: &values, labels, salts: &salts.all };
        let file = engine.prove_watched(&execution, &request.context, level, &watch)?.proof;
        Ok(Proved { openings: openings(graph, &salts, &file)?, proof: Proof::new(file) })
    }

    /// What is public and what is hidden, and what is said of the outputs.
    fn setting(&self, request: &Request) -> Result<Setting> {
        let output = match (&request.claim, request.outputs) {
            (Some(_), true) => {
                return Err(Error::ImpossibleClaim("outputs are either committed to or something is claimed of them".to_string()));
            }
            (None, true) => OutputForm::Committed,
            (None, false) => OutputForm::Shown,
            (Some(claim), false) => {
                let outputs = request.examples.iter().map(|example| self.model.scores(example)).collect::<Result<Vec<_>>>()?;
                claim.form(&outputs, self.model.graph().spec(self.model.graph().output()).dtype)?
            }
        };
        self.model.setting(request.weights.is_some(), request.inputs.is_some(), output)
    }

    /// What is derived once for all proofs of a form.
    fn engine(&self, examples: usize, setting: &Setting, shared_salts: bool) -> Result<Arc<Engine>> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = derived.as_ref().filter(|known| known.is_for(examples, setting, shared_salts)) {
            return Ok(Arc::clone(&known.engine));
        }
        let engine = Engine::with_setting(Arc::clone(self.model.graph()), examples, setting)?;
        let engine = Arc::new(if shared_salts { engine.allow_shared_salts() } else { engine });
        *derived = Some(Derived { shared_salts, engine: Arc::clone(&engine) });
        Ok(engine)
    }

    /// The salts of all commitments of a proof: of secrets, which are compared with what they should belong to, or fresh.
    fn salts(&self, request: &Request, setting: &Setting, inputs: &[Vec<i16>], labels: &[u32]) -> Result<Salts> {
        let (graph, images) = (self.model.graph(), inputs.len());
        let mut salts = Salts::default();
        match &request.weights {
            None => {}
            Some(Hiding::Anew) => salts.draw(ObjectKind::Model)?,
            Some(Hiding::With(secrets)) => {
                for secret in secrets {
                    self.check_model(secret)?;
                    salts.all.push((ObjectKind::Model, secret.secret.salt.clone()));
                }
            }
        }
        let spec = graph.spec(graph.input());
        match &request.inputs {
            None => {}
            Some(Hiding::Anew) => (0..images).try_for_each(|image| salts.draw(ObjectKind::Input(image)))?,
            Some(Hiding::With(secrets)) => {
                salts
                    .take("input", secrets, ObjectKind::Input, inputs, |values, salt| commit_input(spec.shape, spec.dtype, values, salt))?;
            }
        }
        match (&setting.output, &request.label_secrets) {
            (OutputForm::Committed, _) => (0..images).try_for_each(|image| salts.draw(ObjectKind::Output(image)))?,
            (OutputForm::Correct { .. }, None) => (0..images).try_for_each(|image| salts.draw(ObjectKind::Label(image)))?,
            (OutputForm::Correct { .. }, Some(secrets)) => {
                salts.take("label", secrets, ObjectKind::Label, labels, |label, salt| commit_label(*label, salt))?;
            }
            (OutputForm::Shown | OutputForm::Rank { .. } | OutputForm::AtLeast { .. } | OutputForm::Decided { .. }, _) => {}
        }
        Ok(salts)
    }

    /// Demands that a secret belongs to the model's commitment; once for all proofs.
    fn check_model(&self, secret: &Secret) -> Result<()> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.as_ref() != Some(secret) {
            let check = || secret.secret.check(&commit_model(self.model.graph(), &secret.secret.salt)?.commitment);
            check().map_err(|cause| Error::ForeignSecret { kind: "model", index: 0, cause: Box::new(cause) })?;
            *checked = Some(secret.clone());
        }
        Ok(())
    }
}

impl Derived {
    fn is_for(&self, examples: usize, setting: &Setting, shared_salts: bool) -> bool {
        let relation = self.engine.relation();
        (relation.images, &relation.setting, self.shared_salts) == (examples, setting, shared_salts)
    }
}

impl Salts {
    fn draw(&mut self, object: ObjectKind) -> Result<()> {
        self.all.push((object, draw_salt()?));
        self.new.push(object);
        Ok(())
    }

    /// Takes the salts of secrets, one for each value, which must be what was committed to.
    fn take<T>(
        &mut self,
        kind: &'static str,
        secrets: &[Secret],
        object: fn(usize) -> ObjectKind,
        values: &[T],
        commit: impl Fn(&T, &Salt) -> Result<Public, CommitError>,
    ) -> Result<()> {
        if secrets.len() != values.len() {
            return Err(Error::SecretCount { kind, found: secrets.len(), expected: values.len() });
        }
        for (index, (secret, value)) in secrets.iter().zip(values).enumerate() {
            let check = || secret.secret.check(&commit(value, &secret.secret.salt)?.commitment);
            check().map_err(|cause| Error::ForeignSecret { kind, index, cause: Box::new(cause) })?;
            self.all.push((object(index), secret.secret.salt.clone()));
        }
        Ok(())
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").field("model", &self.model).finish_non_exhaustive()
    }
}

impl NewCommitment {
    /// A name for its files: `model`, and of one example `input`, of several `input-0`, `input-1`, ...
    pub fn name(&self, examples: usize) -> String {
        let kind = self.opening.commitment.kind().name();
        match self.of {
            Object::Model => kind.to_string(),
            Object::Input { .. } | Object::Output { .. } | Object::Label { .. } if examples == 1 => kind.to_string(),
            Object::Input { example } | Object::Output { example } | Object::Label { example } => format!("{kind}-{example}"),
        }
    }
}

impl Object {
    const fn of(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Model => Self::Model,
            ObjectKind::Input(example) => Self::Input { example },
            ObjectKind::Output(example) => Self::Output { example },
            ObjectKind::Label(example) => Self::Label { example },
        }
    }
}

/// The commitments of a proof that were made anew.
fn openings(graph: &Graph, salts: &Salts, file: &File) -> Result<Vec<NewCommitment>> {
    let mut openings = Vec::new();
    for (object, salt) in salts.all.iter().filter(|(object, _)| salts.new.contains(object)) {
        // The proof has a commitment to each object that a salt was drawn for.
        let Some(commitment) = file.statement.commitment(*object) else { continue };
        let Some(committed) = committed(*object, graph, &file.statement)? else { continue };
        let opening = Opening::new(Public { committed, commitment: *commitment }, salt.clone());
        openings.push(NewCommitment { of: Object::of(*object), opening });
    }
    Ok(openings)
}

fn committed(object: ObjectKind, graph: &Graph, statement: &Statement) -> Result<Option<Committed>> {
    Ok(Some(match object {
        ObjectKind::Model => {
            let ModelClaim::Hidden { envelope, .. } = &statement.model else { return Ok(None) };
            // As everybody will read it.
            let architecture = Graph::decode_architecture(&graph.encode_architecture()).map_err(CommitError::from)?;
            Committed::Model { architecture: Box::new(architecture), envelope: *envelope }
        }
        ObjectKind::Input(_) => {
            let spec = graph.spec(graph.input());
            Committed::Input { shape: spec.shape, dtype: spec.dtype }
        }
        ObjectKind::Output(_) => {
            let spec = graph.spec(graph.output());
            Committed::Output { shape: spec.shape, dtype: spec.dtype }
        }
        ObjectKind::Label(_) => Committed::Label,
    }))
}
