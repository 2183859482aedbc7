//! What an accepted proof says, and what it does not.

use serde::Serialize;
use verinfer_graph::Reach;
use verinfer_import::Model;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Statement};
use verinfer_verifier::{Accepted, always_holds, any_outputs, class_bounds, equal_inputs};

use super::Arguments;
use crate::claim::Claim;
use crate::classes::score_name;
use crate::hide::Part;
use crate::possible::PossibleOutputs;
use crate::results::Results;

#[derive(Serialize)]
pub struct StatementReport {
    /// The statement itself.
    #[serde(flatten)]
    pub claim: Claim,
    /// How each given image became the integers compared.
    pub readings: Vec<String>,
    /// Whether the inputs, or their commitments, were compared with given ones.
    pub input_compared: bool,
    /// Whether the inputs are pairwise different; `None` if they are hidden and nobody knows.
    inputs_differ: Option<bool>,
    /// Whether anything was demanded of the outputs.
    output_demanded: bool,
    /// What the outputs of the network can be at all.
    pub possible_outputs: PossibleOutputs,
    /// Whether what is said of the outputs holds for all that the network can give.
    predicate_always_holds: bool,
    /// What `score` is.
    pub score_is: &'static str,
    #[serde(flatten)]
    pub results: Option<Results>,
    /// What its parameters reach, in bits.
    pub security_bits: f64,
    /// What the security rests on.
    pub assumptions: Vec<&'static str>,
}

impl StatementReport {
    /// Of a proof that holds, about a network whose outputs can be `reach`; `readings` say how the given images became integers.
    pub fn new(accepted: &Accepted, model: &Model, reach: &Reach, labels: &[String], arguments: &Arguments, readings: Vec<String>) -> Self {
        let statement = &accepted.statement;
        Self {
            claim: Claim::new(statement),
            readings,
            input_compared: !arguments.input.is_empty() || !arguments.input_commitment.is_empty(),
            inputs_differ: inputs_differ(statement),
            output_demanded: arguments.demands.is_output_demanded(),
            possible_outputs: PossibleOutputs::new(reach, matches!(statement.model, ModelClaim::Hidden { .. })),
            predicate_always_holds: always_holds(&statement.output, &class_bounds(reach)),
            score_is: score_name(model),
            results: statement.output.shown().map(|output| Results::new(model, &arguments.input, &output.values, labels)),
            security_bits: accepted.security.bits(),
            assumptions: accepted.security.assumptions.clone(),
        }
    }
}

/// `None` if they are hidden behind different commitments, which one input can have.
fn inputs_differ(statement: &Statement) -> Option<bool> {
    match (equal_inputs(statement), &statement.input) {
        (Some(_), _) => Some(false),
        (None, InputClaim::Hidden(commitments)) if commitments.len() > 1 => None,
        (None, InputClaim::Hidden(_) | InputClaim::Shown(_)) => Some(true),
    }
}

/// What makes an accepted proof say less than it seems to.
pub fn warnings(report: &StatementReport, statement: &Statement, model: &Model) -> Vec<String> {
    let mut warnings = report.possible_outputs.warnings();
    let spec = model.graph.spec(model.graph.output());
    if always_holds(&statement.output, &any_outputs(spec.shape, spec.dtype)) {
        warnings.push("what is said of the outputs is true of every output that there is: it says nothing".to_string());
    } else if report.predicate_always_holds {
        warnings.push(
            "what is said of the outputs is true of every output that this network can give: it says nothing of the input".to_string(),
        );
    }
    if !report.output_demanded {
        match &statement.output {
            // They are there to be looked at.
            OutputClaim::Shown(_) => {}
            OutputClaim::Hidden(_) => warnings.push(
                "nothing was demanded of the outputs: they are hidden behind commitments that were compared with nothing (--output-commitment)"
                    .to_string(),
            ),
            OutputClaim::Rank { .. } | OutputClaim::AtLeast { .. } | OutputClaim::Correct { .. } => warnings.push(
                "nothing was demanded of the outputs: what is said of them is the prover's choice (--expect-top, --expect-at-least, --expect-correct)"
                    .to_string(),
            ),
            OutputClaim::Decided { .. } => warnings
                .push("nothing was demanded of the outputs: the question that the proof answers is the prover's choice (--expect-decided)".to_string()),
        }
    }
    if let Some((first, second)) = equal_inputs(statement) {
        warnings.push(format!("images {first} and {second} have the same input"));
    }
    warnings
}

/// What a reader might take an accepted proof to say although it does not.
pub fn does_not_say(report: &StatementReport, statement: &Statement, closing: bool) -> Vec<&'static str> {
    let hides = |part| report.claim.words.hides(part);
    let mut lines = vec![match (hides(Part::Input), report.input_compared) {
        (false, true) => "how the image became the input: this program decoded it and compared the integers, outside the proof",
        (false, false) => {
            "which image the input is: the proof is about the integers it carries; give --input to compare them with an image"
        }
        (true, true) => "what the input is: only its commitment is known, which is the one given",
        (true, false) => "which input it is: only its commitment is known; give --input-commitment to compare it",
    }];
    if report.inputs_differ.is_none() {
        lines.push("that the hidden inputs differ: one input can have several commitments, and all images may be the same");
    }
    if closing {
        lines.push("the probabilities shown: they are computed here from the proved integers, in floating point");
    }
    if let OutputClaim::Rank { .. } | OutputClaim::Correct { .. } | OutputClaim::Decided { predicate: Predicate::Top { .. }, .. } =
        &statement.output
    {
        lines.push("that no other class has the same score: of classes with equal scores, the first one counts as ahead");
    }
    if ![Part::Weights, Part::Input, Part::Output].into_iter().any(hides) {
        lines.push("anything secret: here input, output and weights are part of the statement, and the verifier needs the model");
    }
    if hides(Part::Weights) {
        lines.extend([
            "which network it is: only its architecture and the commitment are known; who owns it can use any weights it committed to",
            "that the network heeds its input: weights that nobody sees can make it give one output for all inputs",
        ]);
    }
    lines.extend([
        "whether the network is any good: nothing about its training, its data, its accuracy or its name",
        "who made the proof or when",
    ]);
    if statement.context.is_empty() {
        lines.push("for whom it was made: its context is empty, so anybody can show the same proof again");
    }
    lines
}
