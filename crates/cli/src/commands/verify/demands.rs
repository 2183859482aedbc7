//! What is demanded of the images and outputs of a proof.

use std::path::PathBuf;

use clap::Args;
use verinfer::{Commitment, Expectations, Question};
use verinfer_commitments::Kind;

use crate::commitments::read_commitments;
use crate::known::Known;
use crate::predicate::parse_at_least;

/// What the proof should say about the outputs. Whatever is not demanded is what the statement says.
#[derive(Clone, Debug, Args)]
pub struct DemandArguments {
    /// The public commitments to the outputs it should be about, all of them in order.
    #[arg(long, value_name = "FILE", num_args = 1.., group = "demanded_output")]
    output_commitment: Vec<PathBuf>,

    /// The public commitments to the true classes it should be about, all of them in order, of which --expect-correct says how many should be right.
    #[arg(long, value_name = "FILE", num_args = 1.., group = "demanded_output", requires = "expect_correct")]
    label_commitment: Vec<PathBuf>,

    /// It should show the outputs.
    #[arg(long, group = "demanded_output")]
    expect_shown: bool,

    /// It should say, or show, that this class is the first, or among the first --expect-k or fewer: one class for each image.
    #[arg(long, value_name = "CLASS", value_delimiter = ',', group = "demanded_output")]
    expect_top: Vec<u32>,

    /// It should say, or show, that a class has at least this score, or more, in quantized units.
    #[arg(long, value_name = "CLASS=SCORE", value_parser = parse_at_least, allow_hyphen_values = true, group = "demanded_output")]
    expect_at_least: Option<(u32, i16)>,

    /// It should say whether a class is the first (CLASS), among the first K (CLASS/K), or has at least a score (CLASS=SCORE), and nothing else of the outputs;
    /// the report says for which images it is so.
    #[arg(long, value_name = "QUESTION", allow_hyphen_values = true, group = "demanded_output")]
    expect_decided: Option<Question>,

    /// It should say that at least so many of the true classes behind --label-commitment are the first, or among the first --expect-k or fewer.
    #[arg(long, value_name = "COUNT", requires = "label_commitment")]
    expect_correct: Option<u32>,

    /// How many classes count as first, 1 unless told otherwise, for --expect-top and --expect-correct.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    expect_k: Option<u32>,

    /// Its inputs should be pairwise different. Refused if they are hidden: one input can have several commitments.
    #[arg(long)]
    pub expect_distinct_inputs: bool,

    /// Accept a hidden model even if its architecture, which is its owner's choice, shows that its output does not depend on the input or on the weights, or
    /// that what the proof says of the output is always true.
    #[arg(long)]
    pub allow_degenerate: bool,

    /// Most images it may be about.
    #[arg(long, value_name = "N", default_value_t = u32::MAX, hide_default_value = true)]
    pub max_images: u32,
}

/// The commitments read; none are demanded where there are none.
pub struct Demands<'a> {
    arguments: &'a DemandArguments,
    outputs: Vec<Commitment>,
    labels: Vec<Commitment>,
}

impl DemandArguments {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One is not of its kind, or not of an output of this network; or a rank is demanded of nothing.
    pub fn read(&self, known: &Known) -> anyhow::Result<Demands<'_>> {
        if self.expect_k.is_some() && self.expect_top.is_empty() && self.expect_correct.is_none() {
            anyhow::bail!("--expect-k needs --expect-top or --expect-correct");
        }
        let outputs = known.output_commitments(&self.output_commitment)?;
        Ok(Demands { arguments: self, outputs, labels: read_commitments(&self.label_commitment, Kind::Label)? })
    }
}

impl Demands<'_> {
    /// As the verifier takes them.
    pub fn add(self, expected: Expectations) -> Expectations {
        let DemandArguments { expect_shown, expect_top, expect_at_least, expect_decided, expect_correct, expect_k, .. } = self.arguments;
        let k = expect_k.unwrap_or(1);
        let mut expected = expected.max_examples(self.arguments.max_images);
        if self.arguments.expect_distinct_inputs {
            expected = expected.distinct_inputs();
        }
        if self.arguments.allow_degenerate {
            expected = expected.dangerous_allow_degenerate();
        }
        if !self.outputs.is_empty() {
            expected.output_commitments(self.outputs)
        } else if !self.labels.is_empty() {
            expected.correct(self.labels, k, expect_correct.unwrap_or(0))
        } else if !expect_top.is_empty() {
            expected.top(expect_top.clone(), k)
        } else if let Some((class, score)) = *expect_at_least {
            expected.at_least(class, score)
        } else if let Some(question) = *expect_decided {
            expected.decided(question)
        } else if *expect_shown {
            expected.shown_outputs()
        } else {
            expected
        }
    }
}
