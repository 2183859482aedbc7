//! What the outputs of a network can be at all.

use serde::Serialize;
use verinfer_graph::Reach;
use verinfer_verifier::class_bounds;

/// Classes that are named one by one.
const NAMED: usize = 5;

/// What each class's score can be, whatever the input and, where weights are hidden, whatever they are: as far as clamps, tables and windows show.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PossibleOutputs {
    /// Smallest and largest score of each class; of a map, of each channel over all pixels.
    pub ranges: Vec<[i16; 2]>,
    /// Classes that can have a single score.
    pub constant: Vec<usize>,
    /// Whether any of the outputs may depend on the input.
    pub depends_on_input: bool,
    /// Whether any may depend on the weights; `None` where they are public.
    pub depends_on_weights: Option<bool>,
}

impl PossibleOutputs {
    /// Of a network whose weights are public or hidden.
    #[doc(hidden)] // For this workspace: what reaches what changes.
    pub fn new(reach: &Reach, hidden: bool) -> Self {
        let ranges: Vec<[i16; 2]> = class_bounds(reach).into_iter().map(|(low, high)| [low, high]).collect();
        let constant = (0..ranges.len()).filter(|&channel| reach.channel(channel).is_constant()).collect();
        let influence = reach.influence();
        Self { ranges, constant, depends_on_input: influence.input, depends_on_weights: hidden.then_some(influence.learned) }
    }

    /// `every class a score from -128 to 127`.
    pub fn text(&self) -> String {
        let low = self.ranges.iter().map(|range| range[0]).min().unwrap_or_default();
        let high = self.ranges.iter().map(|range| range[1]).max().unwrap_or_default();
        if self.ranges.iter().all(|range| *range == [low, high]) {
            return format!("every class a score from {low} to {high}");
        }
        format!("scores from {low} to {high}, which differ by class")
    }

    /// What of that makes a statement say less than it seems to.
    pub fn warnings(&self) -> Vec<String> {
        match (self.depends_on_input, self.depends_on_weights) {
            (false, Some(false)) => vec!["the output of this architecture is the same for every input and all weights".to_string()],
            (false, Some(true)) => vec!["the output of this architecture does not depend on the input".to_string()],
            (false, None) => vec!["the output of this network is the same for every input".to_string()],
            (true, Some(false)) => {
                vec!["the output of this architecture does not depend on the weights behind the commitment".to_string()]
            }
            (true, Some(true) | None) => self.constant_classes().into_iter().collect(),
        }
    }

    fn constant_classes(&self) -> Option<String> {
        let score = |&class: &usize| Some(format!("class {class} always has the score {}", self.ranges.get(class)?[0]));
        let named: Vec<String> = self.constant.iter().take(NAMED).filter_map(score).collect();
        let others = self.constant.len().saturating_sub(NAMED);
        let others = if others == 0 { String::new() } else { format!(", and {others} more classes always have the same score") };
        if named.is_empty() { None } else { Some(format!("whatever the input is, {}{others}", named.join(", "))) }
    }
}
