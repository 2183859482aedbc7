//! What a verified proof says, as far as an agreement depends on it. Who makes one has verified the proof.

use serde::{Deserialize, Serialize};

use crate::bytes::fixed_bytes;
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

/// What a proof says about its outputs, as far as the log, which everybody reads, may have it: no scores, and labels only as digests that hide them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Output {
    /// In so many images fewer than `k` classes are ahead of the label.
    Correct {
        /// What stands for the label of each image in the test set.
        labels: Vec<Digest>,
        /// At least one.
        k: u32,
        /// In how many images.
        count: u32,
    },
    /// The [`SaltedScores::digest`] of each image, with salts that the prover has shown the escrow.
    Salted(Vec<Digest>),
    /// Whether a predicate holds in each image, and nothing else.
    Decided {
        /// The predicate.
        predicate: Predicate,
        /// By image.
        holds: Vec<bool>,
    },
}

/// A predicate about the scores of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// Fewer than `k` classes are ahead of the class.
    Top {
        /// The class.
        class: u32,
        /// At least one.
        k: u32,
    },
    /// The class has at least this score.
    AtLeast {
        /// The class.
        class: u32,
        /// In quantized units.
        score: i16,
    },
}

impl Predicate {
    /// The class that it is about.
    pub const fn class(&self) -> u32 {
        let (Self::Top { class, .. } | Self::AtLeast { class, .. }) = self;
        *class
    }

    /// Whether the scores of all classes of an image meet it. A class that there is not meets none.
    pub fn is_met_by(&self, scores: &[i16]) -> bool {
        match *self {
            Self::Top { class, k } => ranks(scores, class, k),
            Self::AtLeast { class, score } => {
                usize::try_from(class).ok().and_then(|class| scores.get(class)).is_some_and(|found| *found >= score)
            }
        }
    }
}

/// Whether fewer than `k` classes are ahead of `class`. Of equal scores the first is ahead; a class that there is not is behind all others.
pub fn ranks(scores: &[i16], class: u32, k: u32) -> bool {
    let Ok(place) = usize::try_from(class) else { return false };
    let Some(score) = scores.get(place) else { return false };
    let ahead = scores.iter().enumerate().filter(|&(other, value)| value > score || (value == score && other < place)).count();
    u32::try_from(ahead).is_ok_and(|ahead| ahead < k)
}

fixed_bytes! {
    /// Hides a prediction in its digest: 32 uniform bytes, new for each prediction.
    ScoresSalt, 32
}

/// A prediction with what hides it in its digest. Customer and provider have it; the escrow sees it if it is demanded, and the salt if it is contested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaltedScores {
    /// Without it, who sees the digest could try every prediction that a model may give.
    pub salt: ScoresSalt,
    /// The quantized scores of all classes.
    pub scores: Vec<i16>,
}

impl SaltedScores {
    /// The file in which it is handed over.
    pub fn encode(&self) -> Vec<u8> {
        canonical(self)
    }

    /// What stands for it in public: the digest of [`SaltedScores::encode`].
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(&self.encode())
    }
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
        let scores = [3, 7, 7, -1];
        let rank_of = |class| (1..=4).find(|&k| Predicate::Top { class, k }.is_met_by(&scores)).unwrap();
        assert_eq!([0, 1, 2, 3].map(rank_of), [3, 1, 2, 4]);
        assert!(!Predicate::Top { class: 4, k: 4 }.is_met_by(&scores));
        let reaches = |class, score| Predicate::AtLeast { class, score }.is_met_by(&scores);
        assert_eq!([reaches(1, 7), reaches(1, 8), reaches(4, i16::MIN)], [true, false, false]);
    }

    #[test]
    fn the_digest_of_a_prediction_depends_on_its_salt() {
        let salted = |byte| SaltedScores { salt: ScoresSalt([byte; 32]), scores: vec![1, -2] };
        assert_ne!(salted(1).digest(), salted(2).digest());
        assert_eq!(postcard::from_bytes(&salted(1).encode()), Ok(salted(1)));
    }
}
