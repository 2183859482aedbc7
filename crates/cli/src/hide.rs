//! What is hidden, on the command line.

use clap::{Args, ValueEnum};
use verinfer_estimate::Estimate;
use verinfer_graph::Graph;
use verinfer_relation::RelationError;
use verinfer_relation::envelope::{Envelope, check_public};
use verinfer_relation::setting::{OutputForm, Setting};

/// A part of an execution that can be hidden behind a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Weights, biases and multipliers of the network.
    Weights,
    /// The inputs.
    Input,
    /// The outputs.
    Output,
    /// Nothing; the same as not to ask for anything.
    None,
}

/// What to hide.
#[derive(Clone, Debug, Default, Args)]
pub struct HideArguments {
    /// Parts hidden behind commitments, separated by commas.
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    hide: Vec<Part>,
}

impl HideArguments {
    /// These parts.
    pub const fn new(hide: Vec<Part>) -> Self {
        Self { hide }
    }

    /// What is asked for, or if `compared` nothing, weights, input and both, in this order.
    pub fn settings(compared: bool, asked: &Self) -> Vec<Self> {
        if !compared {
            return vec![asked.clone()];
        }
        let settings = [vec![], vec![Part::Weights], vec![Part::Input], vec![Part::Weights, Part::Input]];
        settings.into_iter().map(Self::new).collect()
    }

    /// Whether a part is hidden.
    pub fn hides(&self, part: Part) -> bool {
        self.hide.contains(&part)
    }

    /// The setting that hides these parts and says of the outputs what `form` says, or else their values or commitments.
    ///
    /// # Errors
    ///
    /// The network's weights cannot be hidden.
    pub fn setting(&self, graph: &Graph, form: Option<OutputForm>) -> Result<Setting, RelationError> {
        let weights = if self.hides(Part::Weights) {
            check_public(graph)?;
            Some(Envelope::of(graph)?)
        } else {
            None
        };
        let shown = if self.hides(Part::Output) { OutputForm::Committed } else { OutputForm::Shown };
        Ok(Setting { weights, hidden_input: self.hides(Part::Input), output: form.unwrap_or(shown) })
    }

    /// Costs of a proof about `images` images with these parts hidden, at a level in bits.
    ///
    /// # Errors
    ///
    /// The network cannot be proved, or its weights cannot be hidden.
    pub fn estimate(&self, graph: &Graph, images: usize, security_level: u16) -> Result<Estimate, RelationError> {
        Estimate::of(graph, images, &self.setting(graph, None)?, security_level)
    }

    /// The argument that says the same.
    pub fn argument(&self) -> String {
        let names: Vec<_> = self.parts().map(|part| part.name()).collect();
        format!("--hide={}", if names.is_empty() { "none".to_string() } else { names.join(",") })
    }

    /// `weights and input hidden`, or `public`.
    pub fn title(&self) -> String {
        let names: Vec<_> = self.parts().map(|part| part.name()).collect();
        match names.as_slice() {
            [] => "public".to_string(),
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last} hidden", rest.join(", ")),
            names => format!("{} hidden", names.concat()),
        }
    }

    /// The hidden parts, each once.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        [Part::Weights, Part::Input, Part::Output].into_iter().filter(|part| self.hides(*part))
    }
}

impl Part {
    /// Its name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Input => "input",
            Self::Output => "output",
            Self::None => "none",
        }
    }
}
