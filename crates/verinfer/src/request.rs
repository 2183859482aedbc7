use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::commitment::Secret;
use crate::{Claim, Example};

/// A part of an execution that a proof can hide behind a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// Weights, biases and multipliers of the network; its architecture is public.
    Weights,
    /// The inputs.
    Input,
    /// The outputs.
    Output,
}

impl Part {
    /// Name for people and reports: `weights`, `input`, `output`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// How far a proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// Steps that are done.
    pub done: usize,
    /// Steps in all; they take unequal time.
    pub steps: usize,
    /// Name of the step that begins.
    pub step: &'static str,
}

/// Told of each step before it begins.
pub(crate) type Watch = dyn Fn(Progress) + Send + Sync;

/// Ends proofs that are being made, from any thread: they give the error `cancelled` before their next step.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels all proofs that were asked for with it or with a clone of it, now and later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a hidden value is committed to.
#[derive(Clone, Debug)]
pub(crate) enum Hiding {
    /// With a fresh salt, which [`crate::Proved::openings`] gives.
    Anew,
    /// With the salts of commitments that were made before.
    With(Vec<Secret>),
}

/// What should be proved. By default all is shown: the proof says that this network gives these outputs on these inputs.
///
/// # Examples
///
/// A proof that hides weights and input, and shows of the outputs only that class 3 is the first:
///
/// ```
/// use verinfer::{Claim, Prover, Request, digits};
///
/// let model = digits::model()?;
/// let opening = model.commit()?;
/// let request = Request::new([digits::sample(3)?])
///     .hide_weights(&opening.secret)
///     .hide_inputs()
///     .claim(Claim::Top { classes: vec![3], k: 1 })
///     .context("order 17");
/// let proof = Prover::new(&model).prove(&request)?.proof;
/// assert!(proof.claims().says().contains("class 3"));
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Request {
    pub(crate) examples: Vec<Example>,
    pub(crate) weights: Option<Hiding>,
    pub(crate) inputs: Option<Hiding>,
    pub(crate) outputs: bool,
    pub(crate) claim: Option<Claim>,
    pub(crate) label_secrets: Option<Vec<Secret>>,
    pub(crate) context: Vec<u8>,
    pub(crate) security_level: u16,
    pub(crate) max_memory: Option<u64>,
    pub(crate) shared_salts: bool,
    pub(crate) watch: Option<Arc<Watch>>,
    pub(crate) cancellation: Cancellation,
}

impl Request {
    /// One proof about these examples, in this order; everything shown, at 128 bits, with an empty context.
    pub fn new(examples: impl IntoIterator<Item = Example>) -> Self {
        Self {
            examples: examples.into_iter().collect(),
            weights: None,
            inputs: None,
            outputs: false,
            claim: None,
            label_secrets: None,
            context: Vec::new(),
            security_level: 128,
            max_memory: None,
            shared_salts: false,
            watch: None,
            cancellation: Cancellation::default(),
        }
    }

    /// Hides what the network has learned behind the commitment of this secret ([`crate::Model::commit`]).
    pub fn hide_weights(mut self, secret: &Secret) -> Self {
        self.weights = Some(Hiding::With(vec![secret.clone()]));
        self
    }

    /// Hides what the network has learned behind a commitment made anew ([`crate::Proved::openings`]).
    pub fn hide_weights_anew(mut self) -> Self {
        self.weights = Some(Hiding::Anew);
        self
    }

    /// Hides the inputs behind commitments made anew ([`crate::Proved::openings`]).
    pub fn hide_inputs(mut self) -> Self {
        self.inputs = Some(Hiding::Anew);
        self
    }

    /// Hides the inputs behind the commitments of these secrets: of each example in order, of each of its inputs in order ([`crate::Model::commit_inputs`]).
    pub fn hide_inputs_with(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.inputs = Some(Hiding::With(secrets.into_iter().collect()));
        self
    }

    /// Puts commitments, made anew, in the place of the outputs ([`crate::Proved::openings`]). A [`Request::claim`] says something of them instead.
    pub fn hide_outputs(mut self) -> Self {
        self.outputs = true;
        self
    }

    /// Says this of the outputs instead of their values.
    pub fn claim(mut self, claim: Claim) -> Self {
        self.claim = Some(claim);
        self
    }

    /// For [`Claim::CountCorrect`]: hides the labels behind the commitments of these secrets, one for each example ([`crate::Opening::of_label`]), not behind
    /// ones made anew.
    pub fn label_secrets(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.label_secrets = Some(secrets.into_iter().collect());
        self
    }

    /// Binds the proof to a purpose: a verifier must expect the same bytes. At most 65,536.
    pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.context = context.into();
        self
    }

    /// Bits of security, 32 to 128; verifiers demand 128 unless they are told otherwise.
    pub const fn security_level(mut self, bits: u16) -> Self {
        self.security_level = bits;
        self
    }

    /// Refuses a proof that is expected to take more bytes of memory, before it takes them.
    pub const fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

    /// Tells `watch` of each step before it begins, on the thread that proves.
    pub fn progress(mut self, watch: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }

    /// Ends when this is cancelled, before the next step.
    pub fn cancellation(mut self, cancellation: &Cancellation) -> Self {
        self.cancellation = cancellation.clone();
        self
    }

    /// Also proves about commitments to different values with one salt, which shows a function of their difference. Only for openings that came from others,
    /// who could keep a prover from a proof that it owes them by choosing equal salts.
    pub const fn dangerous_allow_shared_salts(mut self) -> Self {
        self.shared_salts = true;
        self
    }
}

/// Nothing of what may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("examples", &self.examples.len())
            .field("hides_weights", &self.weights.is_some())
            .field("hides_inputs", &self.inputs.is_some())
            .field("hides_outputs", &self.outputs)
            .field("security_level", &self.security_level)
            .finish_non_exhaustive()
    }
}
