//! What makes an accepted proof say less than it seems to, and what it does not say at all.

use serde::Serialize;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{OutputClaim, Statement};

use super::{PossibleOutputs, Words};
use crate::Part;

/// Something that a reader of an accepted proof should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Caveat {
    /// Stable name, in lower case with underscores.
    pub kind: &'static str,
    /// For people.
    pub text: String,
}

/// What is known besides the statement.
pub(crate) struct Context<'a> {
    /// What the outputs of the network can be at all.
    pub possible_outputs: &'a PossibleOutputs,
    /// Whether what is said of the outputs holds for all that there are.
    pub always_true: bool,
    /// Whether it holds for all that the network can give.
    pub always_holds: bool,
    /// Whether anything was demanded of the outputs.
    pub output_demanded: bool,
    /// Whether the inputs, or their commitments, were compared with given ones.
    pub input_compared: bool,
    /// Whether the inputs are pairwise different; `None` if nobody knows.
    pub inputs_differ: Option<bool>,
    /// The first two examples with the same input.
    pub equal_inputs: Option<(usize, usize)>,
}

fn caveat(kind: &'static str, text: impl Into<String>) -> Caveat {
    Caveat { kind, text: text.into() }
}

/// What makes an accepted proof say less than it seems to.
pub(crate) fn warnings(context: &Context<'_>, statement: &Statement) -> Vec<Caveat> {
    let mut warnings: Vec<Caveat> =
        context.possible_outputs.warnings().into_iter().map(|text| caveat("degenerate_outputs", text)).collect();
    if context.always_true {
        warnings.push(caveat("claim_says_nothing", "what is said of the outputs is true of every output that there is: it says nothing"));
    } else if context.always_holds {
        warnings.push(caveat(
            "claim_always_holds",
            "what is said of the outputs is true of every output that this network can give: it says nothing of the input",
        ));
    }
    if !context.output_demanded {
        warnings.extend(match &statement.output {
            // They are there to be looked at.
            OutputClaim::Shown(_) => None,
            OutputClaim::Hidden(_) => Some(caveat(
                "output_commitments_not_compared",
                "nothing was demanded of the outputs: they are hidden behind commitments that were compared with nothing",
            )),
            OutputClaim::Rank { .. } | OutputClaim::AtLeast { .. } | OutputClaim::Correct { .. } => {
                Some(caveat("claim_not_demanded", "nothing was demanded of the outputs: what is said of them is the prover's choice"))
            }
            OutputClaim::Decided { .. } => Some(caveat(
                "question_not_demanded",
                "nothing was demanded of the outputs: the question that the proof answers is the prover's choice",
            )),
        });
    }
    if let Some((first, second)) = context.equal_inputs {
        warnings.push(caveat("equal_inputs", format!("images {first} and {second} have the same input")));
    }
    warnings
}

/// What a reader might take an accepted proof to say although it does not.
pub(crate) fn does_not_say(context: &Context<'_>, words: &Words, statement: &Statement) -> Vec<Caveat> {
    let hides = |part| words.hides(part);
    let (kind, text) = match (hides(Part::Input), context.input_compared) {
        (false, true) => {
            ("decoding", "how the image became the input: this program decoded it and compared the integers, outside the proof")
        }
        (false, false) => ("input_not_compared", "which image the input is: the proof is about the integers it carries"),
        (true, true) => ("hidden_input", "what the input is: only its commitment is known, which is the one given"),
        (true, false) => ("input_commitment_not_compared", "which input it is: only its commitment is known"),
    };
    let mut lines = vec![caveat(kind, text)];
    if context.inputs_differ.is_none() {
        lines.push(caveat(
            "inputs_may_be_equal",
            "that the hidden inputs differ: one input can have several commitments, and all images may be the same",
        ));
    }
    if let OutputClaim::Rank { .. } | OutputClaim::Correct { .. } | OutputClaim::Decided { predicate: Predicate::Top { .. }, .. } =
        &statement.output
    {
        lines.push(caveat("ties", "that no other class has the same score: of classes with equal scores, the first one counts as ahead"));
    }
    if ![Part::Weights, Part::Input, Part::Output].into_iter().any(hides) {
        lines.push(caveat(
            "nothing_secret",
            "anything secret: here input, output and weights are part of the statement, and the verifier needs the model",
        ));
    }
    if hides(Part::Weights) {
        lines.push(caveat(
            "hidden_weights",
            "which network it is: only its architecture and the commitment are known; who owns it can use any weights it committed to",
        ));
        lines.push(caveat(
            "input_may_not_matter",
            "that the network heeds its input: weights that nobody sees can make it give one output for all inputs",
        ));
    }
    lines.push(caveat("quality", "whether the network is any good: nothing about its training, its data, its accuracy or its name"));
    lines.push(caveat("prover", "who made the proof or when"));
    if statement.context.is_empty() {
        lines.push(caveat("no_context", "for whom it was made: its context is empty, so anybody can show the same proof again"));
    }
    lines
}
