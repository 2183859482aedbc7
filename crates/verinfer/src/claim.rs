use std::fmt;
use std::str::FromStr;

use verinfer_graph::{DataType, rank};
use verinfer_relation::setting::{OutputForm, Predicate};

use crate::{Error, Result};

/// What a proof says of the outputs instead of their values. A class is the place of an element of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// In each example, fewer than `k` classes are ahead of this class: those with a higher score, and before it those with the same.
    Top {
        /// One for each example.
        classes: Vec<u32>,
        /// 1 for the highest score.
        k: u32,
    },
    /// In each example, a class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// As stored, not the real number that it stands for.
        score: i64,
    },
    /// For each example, whether something is so, and nothing else.
    Decide(Question),
    /// For how many examples the true class, which stays hidden, is among the first `k`.
    CountCorrect {
        /// The true class of each example.
        labels: Vec<u32>,
        /// 1 for the highest score.
        k: u32,
    },
}

/// What can be asked of an output: `7` (is class 7 the first?), `7/3` (among the first 3?), `7=-20` (has it at least this score?).
///
/// # Examples
///
/// ```
/// use verinfer::Question;
///
/// assert_eq!("7/3".parse(), Ok(Question::Top { class: 7, k: 3 }));
/// assert_eq!("7".parse::<Question>().map(|question| question.to_string()), Ok("class 7 is first".to_string()));
/// assert!("7/0".parse::<Question>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// Whether fewer than `k` classes are ahead of the class.
    Top {
        /// The class.
        class: u32,
        /// 1 for the highest score.
        k: u32,
    },
    /// Whether the class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// As stored.
        score: i16,
    },
}

/// Why a text is no [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuestionError(String);

impl Claim {
    /// What stands in the statement, which is true for these outputs, one for each example, whose elements are of this type.
    pub(crate) fn form(&self, outputs: &[Vec<i16>], dtype: DataType) -> Result<OutputForm> {
        match self {
            Self::AtLeast { class, score } => {
                let range = i64::from(dtype.min())..=i64::from(dtype.max());
                let value = i16::try_from(*score).ok().filter(|_| range.contains(score)).ok_or_else(|| {
                    Error::ImpossibleClaim(format!("no class has the score {score}: scores are in {}..={}", range.start(), range.end()))
                })?;
                for (example, scores) in outputs.iter().enumerate() {
                    let found = score_of(scores, *class)?;
                    if found < value {
                        return Err(Error::ClaimNotTrue(format!(
                            "image {example} gives class {class} the score {found}, not at least {score}"
                        )));
                    }
                }
                Ok(OutputForm::AtLeast { class: *class, value })
            }
            Self::Decide(question) => {
                let holds = outputs.iter().map(|scores| question.holds(scores)).collect::<Result<_>>()?;
                Ok(OutputForm::Decided { predicate: (*question).into(), holds })
            }
            Self::CountCorrect { labels, k } => {
                let right = ranks(outputs, labels)?.into_iter().filter(|ahead| *ahead < places(*k)).count();
                // No proof is about more than 2^30 examples.
                Ok(OutputForm::Correct { k: *k, count: u32::try_from(right).unwrap_or(u32::MAX) })
            }
            Self::Top { classes, k } => {
                for ((example, ahead), class) in ranks(outputs, classes)?.into_iter().enumerate().zip(classes) {
                    if ahead >= places(*k) {
                        return Err(Error::ClaimNotTrue(format!(
                            "in image {example}, {ahead} classes are ahead of class {class}, not fewer than {k}"
                        )));
                    }
                }
                Ok(OutputForm::Rank { labels: classes.clone(), k: *k })
            }
        }
    }

    /// The hidden labels.
    pub(crate) fn labels(&self) -> &[u32] {
        match self {
            Self::CountCorrect { labels, .. } => labels,
            Self::Top { .. } | Self::AtLeast { .. } | Self::Decide(_) => &[],
        }
    }
}

impl Question {
    /// Whether it is so of these scores.
    fn holds(self, scores: &[i16]) -> Result<bool> {
        Ok(match self {
            Self::Top { class, k } => rank_of(scores, class)? < places(k),
            Self::AtLeast { class, score } => score_of(scores, class)? >= score,
        })
    }
}

impl From<Question> for Predicate {
    fn from(question: Question) -> Self {
        match question {
            Question::Top { class, k } => Self::Top { class, k },
            Question::AtLeast { class, score } => Self::AtLeast { class, value: score },
        }
    }
}

impl From<Predicate> for Question {
    fn from(predicate: Predicate) -> Self {
        match predicate {
            Predicate::Top { class, k } => Self::Top { class, k },
            Predicate::AtLeast { class, value } => Self::AtLeast { class, score: value },
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Predicate::from(*self).fmt(f)
    }
}

impl FromStr for Question {
    type Err = QuestionError;

    fn from_str(text: &str) -> Result<Self, QuestionError> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| QuestionError(format!("{text} is no class or rank")));
        if let Some((class, score)) = text.split_once('=') {
            let score = score.parse().map_err(|_| QuestionError(format!("{score} is no score")))?;
            return Ok(Self::AtLeast { class: number(class)?, score });
        }
        let (class, k) = text.split_once('/').unwrap_or((text, "1"));
        match number(k)? {
            0 => Err(QuestionError("no class is among the first 0".to_owned())),
            k => Ok(Self::Top { class: number(class)?, k }),
        }
    }
}

fn places(k: u32) -> usize {
    usize::try_from(k).unwrap_or(usize::MAX)
}

fn score_of(scores: &[i16], class: u32) -> Result<i16> {
    scores.get(places(class)).copied().ok_or(Error::NoSuchClass { class, classes: scores.len() })
}

fn rank_of(scores: &[i16], class: u32) -> Result<usize> {
    rank(scores, class).ok_or(Error::NoSuchClass { class, classes: scores.len() })
}

/// For each example how many classes are ahead of its label.
fn ranks(outputs: &[Vec<i16>], labels: &[u32]) -> Result<Vec<usize>> {
    if outputs.len() != labels.len() {
        return Err(Error::LabelCount { found: labels.len(), examples: outputs.len() });
    }
    outputs.iter().zip(labels).map(|(scores, &label)| rank_of(scores, label)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_a_class_with_a_rank_or_a_score() {
        assert_eq!("7".parse(), Ok(Question::Top { class: 7, k: 1 }));
        assert_eq!("7/3".parse(), Ok(Question::Top { class: 7, k: 3 }));
        assert_eq!("7=-20".parse(), Ok(Question::AtLeast { class: 7, score: -20 }));
        for wrong in ["", "x", "-1", "7/", "7/0", "7/x", "7=", "7=40000", "=3", "/3"] {
            assert!(wrong.parse::<Question>().is_err(), "{wrong}");
        }
    }
}
