//! What a statement says: in words and as data.

use serde::Serialize;
use verinfer_graph::describe::hex;
use verinfer_relation::commitment::Commitment;
use verinfer_relation::setting::Predicate;
use verinfer_relation::statement::{InputClaim, ModelClaim, OutputClaim, Statement};

use crate::Part;
use crate::commitment::fingerprint;

/// The model of a statement.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ModelReport {
    /// Whether what it has learned is hidden.
    pub hidden: bool,
    /// Digest of the whole integer program, hexadecimal, if it is public.
    pub network_digest: Option<String>,
    /// Digest of the architecture, hexadecimal, if the rest is hidden.
    pub architecture_digest: Option<String>,
    /// The commitment, by [`crate::Commitment::fingerprint`].
    pub commitment: Option<String>,
}

/// What is said about the outputs instead of their values.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PredicateReport {
    /// In each image fewer than `k` classes are ahead of its label.
    Rank {
        /// One for the top class.
        k: u32,
        /// By image.
        labels: Vec<u32>,
    },
    /// In each image the class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        score: i16,
    },
    /// In so many images fewer than `k` classes are ahead of the hidden label.
    Correct {
        /// One for the top class.
        k: u32,
        /// How many.
        count: u32,
        /// By image, by [`crate::Commitment::fingerprint`].
        label_commitments: Vec<String>,
    },
    /// For each image, whether fewer than `k` classes are ahead of the class.
    DecidedRank {
        /// The class.
        class: u32,
        /// One for the top class.
        k: u32,
        /// By image.
        holds: Vec<bool>,
    },
    /// For each image, whether the class has at least this score.
    DecidedScore {
        /// The class.
        class: u32,
        /// In quantized units.
        score: i16,
        /// By image.
        holds: Vec<bool>,
    },
}

/// What of a statement is hidden and what is said about it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Words {
    /// Number of images.
    pub num_images: u32,
    /// `weights`, `input`, `output`.
    pub hidden: Vec<&'static str>,
    /// The network, as far as it is public.
    pub model: ModelReport,
    /// By image, by [`crate::Commitment::fingerprint`]; empty if the inputs are shown.
    pub input_commitments: Vec<String>,
    /// By image, by [`crate::Commitment::fingerprint`]; empty if there are none.
    pub output_commitments: Vec<String>,
    /// What is said of the outputs instead of their values.
    pub predicate: Option<PredicateReport>,
    /// One sentence.
    pub says: String,
}

impl Words {
    /// Of a statement.
    pub(super) fn new(statement: &Statement) -> Self {
        let mut hidden = Vec::new();
        if let ModelClaim::Hidden { .. } = &statement.model {
            hidden.push(Part::Weights.name());
        }
        if statement.input.shown().is_none() {
            hidden.push(Part::Input.name());
        }
        if statement.output.shown().is_none() {
            hidden.push(Part::Output.name());
        }
        let input_commitments = match &statement.input {
            InputClaim::Shown(_) => Vec::new(),
            InputClaim::Hidden(commitments) => fingerprints(commitments),
        };
        let output_commitments = match &statement.output {
            OutputClaim::Hidden(commitments) => fingerprints(commitments),
            OutputClaim::Shown(_)
            | OutputClaim::Rank { .. }
            | OutputClaim::AtLeast { .. }
            | OutputClaim::Correct { .. }
            | OutputClaim::Decided { .. } => Vec::new(),
        };
        Self {
            num_images: statement.images,
            hidden,
            model: ModelReport::new(&statement.model),
            input_commitments,
            output_commitments,
            predicate: PredicateReport::new(&statement.output),
            says: sentence(statement),
        }
    }

    /// Whether a part is hidden.
    pub fn hides(&self, part: Part) -> bool {
        self.hidden.contains(&part.name())
    }

    /// The sentence: what is proved of what.
    pub fn says(&self) -> &str {
        &self.says
    }

    /// The public network's digest.
    pub fn network_digest(&self) -> Option<&str> {
        self.model.network_digest.as_deref()
    }

    /// Name and text of each line that says what is meant by the sentence; `title` is what the verifier calls the model, if it knows it.
    pub fn lines(&self, title: Option<&str>) -> Vec<(&'static str, String)> {
        let title = title.map_or_else(String::new, |title| format!(" ({title})"));
        let ModelReport { network_digest, architecture_digest, commitment, .. } = &self.model;
        let mut lines = Vec::new();
        lines.extend(network_digest.iter().map(|digest| ("network", format!("{digest}{title}"))));
        lines.extend(architecture_digest.iter().map(|digest| ("network", format!("hidden, with the architecture {digest}"))));
        lines.extend(commitment.iter().map(|commitment| ("", format!("and the commitment {commitment}{title}"))));
        let mut commitments = |name: &'static str, commitments: &[String]| {
            for (image, commitment) in commitments.iter().enumerate() {
                let label = if image == 0 { name } else { "" };
                lines.push((label, format!("hidden, with the commitment {commitment}")));
            }
        };
        commitments("input", &self.input_commitments);
        commitments("output", &self.output_commitments);
        if let Some(PredicateReport::Correct { label_commitments, .. }) = &self.predicate {
            commitments("label", label_commitments);
        }
        lines
    }
}

impl ModelReport {
    fn new(claim: &ModelClaim) -> Self {
        match claim {
            ModelClaim::Public { digest } => {
                Self { hidden: false, network_digest: Some(hex(digest)), architecture_digest: None, commitment: None }
            }
            ModelClaim::Hidden { architecture, commitment, .. } => Self {
                hidden: true,
                network_digest: None,
                architecture_digest: Some(hex(architecture)),
                commitment: Some(fingerprint(commitment)),
            },
        }
    }
}

impl PredicateReport {
    fn new(claim: &OutputClaim) -> Option<Self> {
        match claim {
            OutputClaim::Shown(_) | OutputClaim::Hidden(_) => None,
            OutputClaim::Rank { labels, k } => Some(Self::Rank { k: *k, labels: labels.clone() }),
            OutputClaim::AtLeast { class, value } => Some(Self::AtLeast { class: *class, score: *value }),
            OutputClaim::Correct { labels, k, count } => {
                Some(Self::Correct { k: *k, count: *count, label_commitments: fingerprints(labels) })
            }
            OutputClaim::Decided { predicate: Predicate::Top { class, k }, holds } => {
                Some(Self::DecidedRank { class: *class, k: *k, holds: holds.clone() })
            }
            OutputClaim::Decided { predicate: Predicate::AtLeast { class, value }, holds } => {
                Some(Self::DecidedScore { class: *class, score: *value, holds: holds.clone() })
            }
        }
    }
}

fn fingerprints(commitments: &[Commitment]) -> Vec<String> {
    commitments.iter().map(fingerprint).collect()
}

/// `this network, run in exact integer arithmetic on this input, gives this output`, or what is said of what is hidden.
fn sentence(statement: &Statement) -> String {
    let n = statement.images;
    let network = match &statement.model {
        ModelClaim::Public { .. } => "this network",
        ModelClaim::Hidden { .. } => "the hidden network behind this commitment",
    };
    let input = match (&statement.input, n) {
        (InputClaim::Shown(_), 1) => "this input".to_string(),
        (InputClaim::Hidden(_), 1) => "the hidden input behind this commitment".to_string(),
        (InputClaim::Shown(_), n) => format!("each of these {n} inputs"),
        (InputClaim::Hidden(_), n) => format!("each of the {n} hidden inputs behind these commitments"),
    };
    let result = match &statement.output {
        OutputClaim::Shown(_) if n == 1 => "gives this output".to_string(),
        OutputClaim::Shown(_) => "gives its output".to_string(),
        OutputClaim::Hidden(_) if n == 1 => "gives the hidden output behind this commitment".to_string(),
        OutputClaim::Hidden(_) => "gives the hidden output behind its commitment".to_string(),
        OutputClaim::Rank { labels, k } => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            let noun = if labels.len() == 1 { "class" } else { "in this order the classes" };
            format!("ranks {noun} {} {}", labels.join(", "), rank(*k))
        }
        OutputClaim::AtLeast { class, value } => format!("gives class {class} a score of at least {value}"),
        OutputClaim::Decided { predicate, holds } => {
            let images: Vec<String> = holds.iter().enumerate().filter(|(_, holds)| **holds).map(|(image, _)| image.to_string()).collect();
            let which = match images.as_slice() {
                [] => "in none of them".to_string(),
                _ if images.len() == holds.len() => "in each of them".to_string(),
                _ => format!("in image {}, counted from 0, and in no other", images.join(", ")),
            };
            format!("gives an output of which this is so {which}: {predicate}")
        }
        OutputClaim::Correct { k, count, .. } => format!("ranks the hidden true class {} for exactly {count} of {n}", rank(*k)),
    };
    format!("{network}, run in exact integer arithmetic on {input}, {result}.")
}

fn rank(k: u32) -> String {
    if k == 1 { "first".to_string() } else { format!("among the first {k}") }
}
