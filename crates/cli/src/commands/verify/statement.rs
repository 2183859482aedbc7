//! What an accepted proof says, and what it does not.

use serde::Serialize;
use verinfer::Verified;
use verinfer::statement::Caveat;
use verinfer_import::Model;

use super::Arguments;
use crate::classes::score_name;
use crate::results::Results;

#[derive(Serialize)]
pub struct StatementReport {
    /// The statement itself.
    #[serde(flatten)]
    pub verified: Verified,
    /// How each given image became the integers compared.
    pub readings: Vec<String>,
    /// What `score` is.
    pub score_is: &'static str,
    #[serde(flatten)]
    pub results: Option<Results>,
}

impl StatementReport {
    /// Of a proof that holds; `readings` say how the given images became integers.
    pub fn new(verified: Verified, model: &Model, labels: &[String], arguments: &Arguments, readings: Vec<String>) -> Self {
        let shown = verified.claims().output.shown();
        let results = shown.map(|output| Results::new(model, &arguments.input, &output.values, labels));
        Self { verified, readings, score_is: score_name(model), results }
    }

    /// What makes it say less than it seems to, and what would tell more.
    pub fn warnings(&self) -> Vec<String> {
        self.verified.warnings.iter().map(with_advice).collect()
    }

    /// What a reader might take it to say although it does not. `closing` if probabilities are shown that are none of the proof's.
    pub fn does_not_say(&self, closing: bool) -> Vec<String> {
        let mut lines: Vec<String> = self.verified.does_not_say.iter().map(with_advice).collect();
        if closing {
            let line = "the probabilities shown: they are computed here from the proved integers, in floating point";
            lines.insert(1.min(lines.len()), line.to_string());
        }
        lines
    }
}

/// A caveat with the option of this command that removes it.
fn with_advice(caveat: &Caveat) -> String {
    let advice = match caveat.kind {
        "output_commitments_not_compared" => " (--output-commitment)",
        "claim_not_demanded" => " (--expect-top, --expect-at-least, --expect-correct)",
        "question_not_demanded" => " (--expect-decided)",
        "input_not_compared" => "; give --input to compare them with an image",
        "input_commitment_not_compared" => "; give --input-commitment to compare it",
        _ => "",
    };
    format!("{}{advice}", caveat.text)
}
