//! The escrow's verifier: proof files to statements that may stand in a log that everybody reads.

use serde::de::DeserializeOwned;
use verinfer_commitments::{Committed, FileError, Kind, Public};
use verinfer_escrow_client::MAX_CELLS;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::member::OpenedLabel;
use verinfer_protocols::statement::{Output, Predicate, SaltedScores, ScoresSalt, Statement, ranks};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::setting;
use verinfer_relation::statement::{InputClaim, OutputClaim, PublicTensor};
use verinfer_verifier::{Expectations, ExpectedOutput, OutputKind, Verifier, VerifyError};

/// The security level that the escrow demands, in bits.
pub const SECURITY_BITS: u16 = 128;

/// What a proof must say, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// How many committed labels are right.
    Count,
    /// Outputs; beside it, opened labels, of which the escrow counts those with fewer than `top` classes ahead.
    Labels {
        /// At least one.
        top: u32,
    },
    /// Outputs; beside it, the salts with which the provider has hidden them.
    Predictions,
    /// Whether a predicate holds, and nothing else: more would be what nobody was asked.
    Decision(Predicate),
}

/// Why a file does not prove anything to the escrow.
#[derive(Debug, thiserror::Error)]
pub enum ProofRejection {
    /// What was left as the model's public commitment is none.
    #[error("the model's file: {0}")]
    Model(FileError),
    /// The proof does not hold, or says something else about the outputs than was asked.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Inputs are shown although only commitments can be compared.
    #[error("inputs must be hidden behind commitments")]
    InputsShown,
    /// The labels or salts beside the proof are none, or not one for each image.
    #[error("the labels or salts beside the proof are none, or not {images} of them")]
    Opening {
        /// Images of the proof.
        images: usize,
    },
}

impl From<FileError> for ProofRejection {
    fn from(cause: FileError) -> Self {
        Self::Model(cause)
    }
}

/// The digest by which agreements name a commitment.
pub fn commitment_digest(commitment: &Commitment) -> Digest {
    Digest::of_bytes(&commitment.to_bytes())
}

/// Verifies a proof about the hidden model of a public commitment file, bound to a context, and says what it says. `opening` is the file with labels or
/// salts, where they are asked for.
///
/// # Errors
///
/// The proof does not hold, or not for this model and context, or does not say what was asked, or says nothing because of the architecture that the
/// prover chose.
pub fn verify(model: &[u8], proof: &[u8], context: &[u8], asked: Asked, opening: &[u8]) -> Result<Statement, ProofRejection> {
    let public = Public::decode_as(model, Kind::Model)?;
    let Committed::Model { architecture, envelope } = public.committed else { return Err(FileError::NotPublic.into()) };
    // Nothing is derived of a proof about something else.
    let verifier = Verifier::unprepared_hidden(MAX_CELLS, architecture, envelope, public.commitment);
    let expectations = Expectations {
        security_level: SECURITY_BITS,
        context: context.to_vec(),
        output: asked.expected(),
        allow_degenerate: asked.is_about_the_other_s_model(),
        ..Expectations::default()
    };
    let accepted = verifier.verify(proof, &expectations)?.statement;
    let images = usize::try_from(accepted.images).map_err(|_| VerifyError::Parameters)?;
    let inputs = match &accepted.input {
        InputClaim::Hidden(commitments) => commitments.iter().map(commitment_digest).collect(),
        InputClaim::Shown(_) => return Err(ProofRejection::InputsShown),
    };
    let output = asked.read(accepted.output, images, opening)?;
    Ok(Statement { model: Digest::of_bytes(model), context: accepted.context, inputs, output })
}

impl Asked {
    /// Whether the model is the other party's, who asks for what it likes. Of a model of the prover's own, an architecture that leaves nothing of the input,
    /// or makes true what is said of the outputs, is refused.
    const fn is_about_the_other_s_model(self) -> bool {
        match self {
            Self::Decision(_) => true,
            Self::Count | Self::Labels { .. } | Self::Predictions => false,
        }
    }

    /// What the verifier demands; which labels are counted is compared later, by their digests.
    fn expected(self) -> ExpectedOutput {
        match self {
            Self::Count => ExpectedOutput::Any,
            Self::Labels { .. } | Self::Predictions => ExpectedOutput::Shown,
            Self::Decision(Predicate::Top { class, k }) => ExpectedOutput::Decided(setting::Predicate::Top { class, k }),
            Self::Decision(Predicate::AtLeast { class, score }) => {
                ExpectedOutput::Decided(setting::Predicate::AtLeast { class, value: score })
            }
        }
    }

    /// What of a verified claim goes into the log.
    fn read(self, claim: OutputClaim, images: usize, opening: &[u8]) -> Result<Output, ProofRejection> {
        match (self, claim) {
            (Self::Count, OutputClaim::Correct { labels, k, count }) => {
                Ok(Output::Correct { labels: labels.iter().map(commitment_digest).collect(), k, count })
            }
            (Self::Labels { top }, OutputClaim::Shown(shown)) => {
                let labels: Vec<OpenedLabel> = opened(opening, images)?;
                let right = scores(&shown, images).zip(&labels).filter(|(scores, label)| ranks(scores, label.class, top));
                // There are no more of them than images, whose number has four bytes.
                let count = u32::try_from(right.count()).unwrap_or(u32::MAX);
                Ok(Output::Correct { labels: labels.iter().map(OpenedLabel::digest).collect(), k: top, count })
            }
            (Self::Predictions, OutputClaim::Shown(shown)) => {
                let salts: Vec<ScoresSalt> = opened(opening, images)?;
                let salted = scores(&shown, images).zip(salts).map(|(scores, salt)| SaltedScores { salt, scores: scores.to_vec() });
                Ok(Output::Salted(salted.map(|salted| salted.digest()).collect()))
            }
            (Self::Decision(predicate), OutputClaim::Decided { holds, .. }) => Ok(Output::Decided { predicate, holds }),
            (asked, claim) => Err(VerifyError::WrongOutputForm { found: OutputKind::of(&claim), expected: asked.kind() }.into()),
        }
    }

    const fn kind(self) -> OutputKind {
        match self {
            Self::Count => OutputKind::Correct,
            Self::Labels { .. } | Self::Predictions => OutputKind::Shown,
            Self::Decision(_) => OutputKind::Decided,
        }
    }
}

/// The scores of each image. The verifier has compared the number of values with the network's output and the number of images.
fn scores(shown: &PublicTensor, images: usize) -> impl Iterator<Item = &[i16]> {
    let classes = shown.values.len().checked_div(images).unwrap_or(0).max(1);
    shown.values.chunks(classes)
}

/// One value for each image, in their one encoding.
fn opened<T: DeserializeOwned + serde::Serialize>(bytes: &[u8], images: usize) -> Result<Vec<T>, ProofRejection> {
    let values: Vec<T> = postcard::from_bytes(bytes).map_err(|_| ProofRejection::Opening { images })?;
    let is_right = values.len() == images && verinfer_protocols::digest::canonical(&values) == bytes;
    if is_right { Ok(values) } else { Err(ProofRejection::Opening { images }) }
}

#[cfg(test)]
mod tests {
    use verinfer_commitments::{commit_model, draw_salt};
    use verinfer_graph::{Conv, DataType, Graph, Node, Op, Requantization, Rounding, Shape, TensorId, TensorSpec, Window};
    use verinfer_prover::{Execution, Prover};
    use verinfer_relation::envelope::Envelope;
    use verinfer_relation::relation::ObjectKind;
    use verinfer_relation::setting::{OutputForm, Setting};

    use super::*;

    /// Three classes, all of whose scores are 7.
    fn constant() -> Graph {
        let requantization =
            Requantization { multipliers: vec![1 << 30], shifts: vec![-4], rounding: Rounding::Once, zero_point: 7, min: 7, max: 7 };
        let conv = Conv {
            input: TensorId(0),
            input_zero_point: 0,
            window: Window::POINT,
            weights: vec![1, -2, 3, -4, 5, -6],
            weight_zero_point: 0,
            bias: vec![0; 3],
            requantization,
        };
        let spec = |channels| TensorSpec { name: "t".into(), shape: Shape::new(1, 1, channels), dtype: DataType::I8 };
        let node = Node { source: "FULLY_CONNECTED".into(), op: Op::Conv2d(conv), output: TensorId(1) };
        Graph::new(vec![spec(2), spec(3)], vec![node], TensorId(0), TensorId(1)).unwrap()
    }

    #[test]
    fn a_prover_s_own_model_that_gives_one_output_proves_nothing_and_the_other_party_s_does() {
        let (graph, salt) = (constant(), draw_salt().unwrap());
        let model = commit_model(&graph, &salt).unwrap().encode();
        let salts = [(ObjectKind::Model, salt)];
        let proof = |output| {
            let setting = Setting { weights: Some(Envelope::of(&graph).unwrap()), hidden_input: true, output };
            let execution = Execution { input: &[50, -20], salts: &salts, ..Execution::default() };
            let prover = Prover::with_setting(graph.clone(), 1, &setting).unwrap();
            prover.prove_execution(&execution, b"here", SECURITY_BITS, &|_| ()).unwrap().proof.encode()
        };
        let shown = proof(OutputForm::Shown);
        for asked in [Asked::Predictions, Asked::Labels { top: 1 }] {
            let refused = verify(&model, &shown, b"here", asked, &[]).unwrap_err();
            assert!(matches!(refused, ProofRejection::Verify(VerifyError::ConstantOutput)), "{refused}");
        }
        let predicate = Predicate::Top { class: 0, k: 1 };
        let decided = proof(OutputForm::Decided { predicate: setting::Predicate::Top { class: 0, k: 1 }, holds: vec![true] });
        let accepted = verify(&model, &decided, b"here", Asked::Decision(predicate), &[]).unwrap();
        assert_eq!(accepted.output, Output::Decided { predicate, holds: vec![true] });
    }
}
