use std::fmt;

use verinfer_verifier::{Expectations as Demands, ExpectedInput, ExpectedOutput};

use crate::{Commitment, Example, Question};

/// What a verifier demands of a proof besides that it holds and is about the verifier's model. By default 128 bits and an empty context; the rest is what the
/// statement says.
///
/// # Examples
///
/// ```
/// use verinfer::{Expectations, Question, digits};
///
/// let expected = Expectations::new()
///     .inputs([digits::sample(3)?])
///     .decided(Question::Top { class: 3, k: 1 })
///     .context("order 17");
/// # Ok::<(), verinfer::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Expectations {
    pub(crate) demands: Demands,
    /// In the place of the input demanded, once the model is known.
    pub(crate) inputs: Option<Vec<Example>>,
    /// What is compared with the model's input besides.
    pub(crate) input_commitments: Option<Vec<Commitment>>,
    /// What is compared with the model's output besides.
    pub(crate) output_commitments: Option<Vec<Commitment>>,
}

impl Expectations {
    /// 128 bits and an empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// At least so many bits of security.
    pub const fn security_level(mut self, bits: u16) -> Self {
        self.demands.security_level = bits;
        self
    }

    /// The proof is bound to these bytes.
    pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.demands.context = context.into();
        self
    }

    /// The proof is about so many examples at most.
    pub const fn max_examples(mut self, examples: u32) -> Self {
        self.demands.max_images = examples;
        self
    }

    /// The inputs are shown, and are these.
    pub fn inputs(mut self, examples: impl IntoIterator<Item = Example>) -> Self {
        self.inputs = Some(examples.into_iter().collect());
        self.input_commitments = None;
        self
    }

    /// The inputs are hidden behind these commitments: of each example in order, of each of its inputs in order.
    pub fn input_commitments(mut self, commitments: impl IntoIterator<Item = Commitment>) -> Self {
        let commitments: Vec<Commitment> = commitments.into_iter().collect();
        self.demands.input = ExpectedInput::Hidden(commitments.iter().map(|commitment| commitment.public.commitment).collect());
        self.inputs = None;
        self.input_commitments = Some(commitments);
        self
    }

    /// The inputs are pairwise different. Refused if they are hidden: two commitments to one input are different.
    pub const fn distinct_inputs(mut self) -> Self {
        self.demands.distinct_inputs = true;
        self
    }

    /// The outputs are shown, whatever they are.
    pub fn shown_outputs(self) -> Self {
        self.output(ExpectedOutput::Shown)
    }

    /// The outputs are hidden behind these commitments, one for each example.
    pub fn output_commitments(self, commitments: impl IntoIterator<Item = Commitment>) -> Self {
        let commitments: Vec<Commitment> = commitments.into_iter().collect();
        let demanded = ExpectedOutput::Committed(commitments.iter().map(|commitment| commitment.public.commitment).collect());
        Self { output_commitments: Some(commitments), ..self.output(demanded) }
    }

    /// In each example fewer than `k` classes are ahead of this one: the proof says it of `k` or fewer, or shows it.
    pub fn top(self, classes: impl Into<Vec<u32>>, k: u32) -> Self {
        self.output(ExpectedOutput::Rank { labels: classes.into(), k })
    }

    /// In each example the class has at least this score: the proof says it of this score or more, or shows it.
    pub fn at_least(self, class: u32, score: i16) -> Self {
        self.output(ExpectedOutput::AtLeast { class, value: score })
    }

    /// The proof says for each example whether this is so, and nothing else ([`crate::Verified::decisions`]).
    pub fn decided(self, question: Question) -> Self {
        self.output(ExpectedOutput::Decided(question.into()))
    }

    /// At least `count` of the true classes behind these commitments, one for each example, have fewer than `k` classes ahead of them.
    pub fn correct(self, labels: impl IntoIterator<Item = Commitment>, k: u32, count: u32) -> Self {
        let labels = labels.into_iter().map(|commitment| commitment.public.commitment).collect();
        self.output(ExpectedOutput::Correct { labels, k, count })
    }

    /// Accepts a hidden model even if its architecture, which is its owner's choice, shows that its output does not depend on the input or on the weights, or
    /// that what the proof says of it is always true.
    pub const fn dangerous_allow_degenerate(mut self) -> Self {
        self.demands.allow_degenerate = true;
        self
    }

    fn output(mut self, demanded: ExpectedOutput) -> Self {
        self.demands.output = demanded;
        self.output_commitments = None;
        self
    }

    pub(crate) const fn demands_output(&self) -> bool {
        !matches!(self.demands.output, ExpectedOutput::Any)
    }

    pub(crate) const fn compares_inputs(&self) -> bool {
        self.inputs.is_some() || !matches!(self.demands.input, ExpectedInput::Any)
    }
}

impl fmt::Debug for Expectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectations").field("demands", &self.demands).finish_non_exhaustive()
    }
}
