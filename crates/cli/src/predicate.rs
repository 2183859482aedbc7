//! What is said about outputs instead of their values, on the command line of the prover.

use anyhow::{Context, bail};
use clap::Args;
use verinfer_graph::{Graph, run};
use verinfer_relation::setting::{OutputForm, Predicate};

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
    #[arg(long, value_name = "QUESTION", value_parser = parse_question, allow_hyphen_values = true)]
    decide: Option<Predicate>,

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
    /// What is said about the outputs, if not their values; it is true for these inputs, NHWC order, image after image.
    ///
    /// # Errors
    ///
    /// It is not true, or makes no sense for this network and number of images.
    pub fn form(&self, rank: &RankArguments, graph: &Graph, input: &[i16]) -> anyhow::Result<Option<OutputForm>> {
        let k = rank.k;
        if let Some((class, value)) = self.at_least {
            let dtype = graph.spec(graph.output()).dtype;
            if !(dtype.min()..=dtype.max()).contains(&value) {
                bail!("no class has the score {value}: scores are in {}..={}", dtype.min(), dtype.max());
            }
            for (image, scores) in outputs(graph, input)?.iter().enumerate() {
                let score = score(scores, class)?;
                if score < value {
                    bail!("what should be proved is not true: image {image} gives class {class} the score {score}, not at least {value}");
                }
            }
            return Ok(Some(OutputForm::AtLeast { class, value }));
        }
        if let Some(predicate) = self.decide {
            let decide = |scores: &Vec<i16>| holds(predicate, scores);
            let holds = outputs(graph, input)?.iter().map(decide).collect::<anyhow::Result<_>>()?;
            return Ok(Some(OutputForm::Decided { predicate, holds }));
        }
        if self.correct {
            let ranks = ranks(graph, input, &rank.true_labels)?;
            let count = ranks.iter().filter(|rank| **rank < k as usize).count() as u32;
            return Ok(Some(OutputForm::Correct { k, count }));
        }
        if self.top.is_empty() {
            if k != 1 {
                bail!("--k needs --top or --correct");
            }
            return Ok(None);
        }
        for ((image, ahead), class) in ranks(graph, input, &self.top)?.into_iter().enumerate().zip(&self.top) {
            if ahead >= k as usize {
                bail!(
                    "what should be proved is not true: in image {image}, {ahead} classes are ahead of class {class}, not fewer than {k}"
                );
            }
        }
        Ok(Some(OutputForm::Rank { labels: self.top.clone(), k }))
    }

    /// Whether any is asked for.
    pub const fn is_some(&self) -> bool {
        !self.top.is_empty() || self.at_least.is_some() || self.decide.is_some() || self.correct
    }
}

fn outputs(graph: &Graph, input: &[i16]) -> anyhow::Result<Vec<Vec<i16>>> {
    let len = graph.spec(graph.input()).shape.num_elements();
    let output = |image| Ok(run(graph, image)?.tensors.swap_remove(graph.output().0));
    input.chunks_exact(len).map(output).collect()
}

fn score(scores: &[i16], class: u32) -> anyhow::Result<i16> {
    scores.get(class as usize).copied().with_context(|| format!("there is no class {class}: the network has {}", scores.len()))
}

/// For each image how many classes are ahead of its label; of classes with equal scores the first is.
fn ranks(graph: &Graph, input: &[i16], labels: &[u32]) -> anyhow::Result<Vec<usize>> {
    let outputs = outputs(graph, input)?;
    if outputs.len() != labels.len() {
        bail!("{} classes are given for {} images: each needs one", labels.len(), outputs.len());
    }
    outputs.iter().zip(labels).map(|(scores, &label)| rank(scores, label)).collect()
}

/// How many classes are ahead of one; of classes with equal scores the first is.
fn rank(scores: &[i16], class: u32) -> anyhow::Result<usize> {
    let own = score(scores, class)?;
    let ahead = |(other, score): (usize, i16)| score > own || (score == own && other < class as usize);
    Ok(scores.iter().copied().enumerate().filter(|scored| ahead(*scored)).count())
}

fn holds(predicate: Predicate, scores: &[i16]) -> anyhow::Result<bool> {
    Ok(match predicate {
        Predicate::Top { class, k } => rank(scores, class)? < k as usize,
        Predicate::AtLeast { class, value } => score(scores, class)? >= value,
    })
}

/// A class and a score.
pub fn parse_at_least(text: &str) -> Result<(u32, i16), String> {
    let parsed = text.split_once('=').and_then(|(class, score)| Some((class.parse().ok()?, score.parse().ok()?)));
    parsed.ok_or_else(|| "expected a class and a score, such as 3=40".to_string())
}

/// A class with the number of classes that count as first, or with a score.
pub fn parse_question(text: &str) -> Result<Predicate, String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text} is no class or rank"));
    if let Some((class, score)) = text.split_once('=') {
        let value = score.parse().map_err(|_| format!("{score} is no score"))?;
        return Ok(Predicate::AtLeast { class: number(class)?, value });
    }
    let (class, k) = text.split_once('/').unwrap_or((text, "1"));
    match number(k)? {
        0 => Err("no class is among the first 0".to_owned()),
        k => Ok(Predicate::Top { class: number(class)?, k }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_a_class_with_a_rank_or_a_score() {
        assert_eq!(parse_question("7"), Ok(Predicate::Top { class: 7, k: 1 }));
        assert_eq!(parse_question("7/3"), Ok(Predicate::Top { class: 7, k: 3 }));
        assert_eq!(parse_question("7=-20"), Ok(Predicate::AtLeast { class: 7, value: -20 }));
        for wrong in ["", "x", "-1", "7/", "7/0", "7/x", "7=", "7=40000", "=3", "/3"] {
            assert!(parse_question(wrong).is_err(), "{wrong}");
        }
    }
}
