//! What a verified proof says, as far as an agreement depends on it. Who makes one has verified the proof.

use serde::{Deserialize, Serialize};

use crate::digest::{AgreementId, Digest, canonical};

/// What a proof says that the escrow has verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statement {
    /// Digest of the public file of the model's commitment that the proof was verified against: architecture and commitment.
    pub model: Digest,
    /// The context that the proof is bound to.
    pub context: Vec<u8>,
    /// Digest of the commitment to the input of each image.
    pub inputs: Vec<Digest>,
    /// What is said about the outputs.
    pub output: Output,
}

/// What a proof says about its outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Output {
    /// The quantized scores of all classes, of each image.
    Shown(Vec<Vec<i16>>),
    /// In each image fewer than `k` classes are ahead of the label.
    Top {
        /// By image.
        labels: Vec<u32>,
        /// At least one.
        k: u32,
    },
    /// In each image the class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        score: i16,
    },
    /// In so many images fewer than `k` classes are ahead of the committed label.
    Correct {
        /// Digest of the commitment to the label of each image.
        labels: Vec<Digest>,
        /// At least one.
        k: u32,
        /// In how many images.
        count: u32,
    },
    /// Nothing but commitments: the digest of each image's.
    Hidden(Vec<Digest>),
}

impl Output {
    /// Whether fewer than `k` classes are ahead of `class` in an image; nothing if the proof does not say. Of equal scores the first is ahead; a class
    /// that there is not is behind all others.
    pub fn ranks(&self, image: usize, class: u32, k: u32) -> Option<bool> {
        match self {
            Self::Shown(scores) => {
                let scores = scores.get(image)?;
                let place = usize::try_from(class).ok()?;
                let Some(score) = scores.get(place) else { return Some(false) };
                let ahead = scores.iter().enumerate().filter(|&(other, value)| value > score || (value == score && other < place)).count();
                Some(u32::try_from(ahead).is_ok_and(|ahead| ahead < k))
            }
            Self::Top { labels, k: shown } => match *labels.get(image)? {
                label if label == class => (*shown <= k).then_some(true),
                // There is one class that no other is ahead of.
                _ => (*shown == 1 && k == 1).then_some(false),
            },
            Self::AtLeast { .. } | Self::Correct { .. } | Self::Hidden(_) => None,
        }
    }

    /// Whether `class` has at least this score in an image; nothing if the proof does not say. A class that there is not has none.
    pub fn reaches(&self, image: usize, class: u32, score: i16) -> Option<bool> {
        match self {
            Self::Shown(scores) => Some(scores.get(image)?.get(usize::try_from(class).ok()?).is_some_and(|found| *found >= score)),
            Self::AtLeast { class: shown, score: least } => (*shown == class && *least >= score).then_some(true),
            Self::Top { .. } | Self::Correct { .. } | Self::Hidden(_) => None,
        }
    }

    /// The digest of all scores of an image; nothing if they are not shown.
    pub fn scores_digest(&self, image: usize) -> Option<Digest> {
        match self {
            Self::Shown(scores) => scores.get(image).map(|scores| scores_digest(scores)),
            Self::Top { .. } | Self::AtLeast { .. } | Self::Correct { .. } | Self::Hidden(_) => None,
        }
    }
}

/// The digest of the quantized scores of all classes of one image: that of a file with their canonical encoding, in which they can be handed over.
pub fn scores_digest(scores: &[i16]) -> Digest {
    Digest::of_bytes(&canonical(scores))
}

/// The context that proofs for an agreement are bound to: nobody can use them for another agreement or another stage.
pub fn context(agreement: AgreementId, stage: &str) -> Vec<u8> {
    format!("verinfer protocols v1 {stage} {agreement}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_first_is_ahead() {
        let output = Output::Shown(vec![vec![3, 7, 7, -1]]);
        let rank_of = |class| (1..=4).find(|&k| output.ranks(0, class, k) == Some(true)).unwrap();
        assert_eq!([0, 1, 2, 3].map(rank_of), [3, 1, 2, 4]);
        assert_eq!((output.ranks(0, 4, 4), output.ranks(1, 0, 1)), (Some(false), None));
        assert_eq!((output.reaches(0, 4, i16::MIN), output.reaches(1, 0, 1)), (Some(false), None));
        assert_eq!((output.reaches(0, 1, 7), output.reaches(0, 1, 8)), (Some(true), Some(false)));
    }

    #[test]
    fn nothing_is_concluded_that_is_not_said() {
        let top = Output::Top { labels: vec![5], k: 1 };
        assert_eq!([top.ranks(0, 5, 1), top.ranks(0, 6, 1), top.ranks(0, 6, 5)], [Some(true), Some(false), None]);
        let top = Output::Top { labels: vec![5], k: 5 };
        assert_eq!([top.ranks(0, 5, 5), top.ranks(0, 5, 1), top.ranks(0, 6, 5)], [Some(true), None, None]);
        let least = Output::AtLeast { class: 2, score: 10 };
        assert_eq!([least.reaches(0, 2, 9), least.reaches(0, 2, 11), least.reaches(0, 1, 9)], [Some(true), None, None]);
    }
}
