//! What is said about outputs instead of their values, on the command line of the prover.

use anyhow::bail;
use clap::Args;
use verinfer::{Claim, Question};

/// A predicate about the outputs.
#[derive(Clone, Debug, Args)]
#[group(id = "predicate", multiple = false)]
pub struct PredicateArguments {
    /// Prove, instead of the outputs, that this class is the first, or among the first --k: one class for each image.
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    top: Vec<u32>,

    /// Prove, instead of the outputs, that a class has at least this score, in quantized units.
    #[arg(long, value_name = "CLASS=SCORE", value_parser = parse_at_least, allow_hyphen_values = true)]
    at_least: Option<(u32, i16)>,

    /// Prove, instead of the outputs, whether a class is the first (CLASS), among the first K (CLASS/K), or has at least a score (CLASS=SCORE): for each image
    /// that it is so, or that it is not, and nothing else.
    #[arg(long, value_name = "QUESTION", allow_hyphen_values = true)]
    decide: Option<Question>,

    /// Prove, instead of the outputs, for how many images the true class, which stays hidden, is the first, or among the first --k.
    #[arg(long, requires = "true_labels")]
    correct: bool,
}

/// The rank and the labels of a predicate.
#[derive(Clone, Debug, Args)]
pub struct RankArguments {
    /// How many classes count as first.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,

    /// The true class of each image, for --correct.
    #[arg(long, value_name = "CLASS", value_delimiter = ',', requires = "correct")]
    pub true_labels: Vec<u32>,
}

impl PredicateArguments {
    /// What should be said about the outputs, if not their values.
    ///
    /// # Errors
    ///
    /// A rank is asked of nothing.
    pub fn claim(&self, rank: &RankArguments) -> anyhow::Result<Option<Claim>> {
        let k = rank.k;
        Ok(if let Some((class, score)) = self.at_least {
            Some(Claim::AtLeast { class, score: i64::from(score) })
        } else if let Some(question) = self.decide {
            Some(Claim::Decide(question))
        } else if self.correct {
            Some(Claim::CountCorrect { labels: rank.true_labels.clone(), k })
        } else if !self.top.is_empty() {
            Some(Claim::Top { classes: self.top.clone(), k })
        } else if k != 1 {
            bail!("--k needs --top or --correct")
        } else {
            None
        })
    }

    /// Whether it is asked how many hidden labels are right.
    pub const fn counts(&self) -> bool {
        self.correct
    }

    /// Whether any is asked for.
    pub const fn is_some(&self) -> bool {
        !self.top.is_empty() || self.at_least.is_some() || self.decide.is_some() || self.correct
    }
}

/// A class and a score.
pub fn parse_at_least(text: &str) -> Result<(u32, i16), String> {
    let parsed = text.split_once('=').and_then(|(class, score)| Some((class.parse().ok()?, score.parse().ok()?)));
    parsed.ok_or_else(|| "expected a class and a score, such as 3=40".to_string())
}
