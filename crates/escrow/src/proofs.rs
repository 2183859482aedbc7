//! The escrow's verifier: proof files to statements.

use verinfer_commitments::{Committed, FileError, Kind, Public};
use verinfer_escrow_client::MAX_CELLS;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::statement::{Output, Statement};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::statement::{InputClaim, OutputClaim, PublicTensor};
use verinfer_verifier::{Expectations, Verifier, VerifyError};

/// The security level that the escrow demands, in bits.
pub const SECURITY_BITS: u16 = 128;

/// Why a file does not prove anything to the escrow.
#[derive(Debug, thiserror::Error)]
pub enum ProofRejection {
    /// What was left as the model's public commitment is none.
    #[error("the model's file: {0}")]
    Model(FileError),
    /// The proof does not hold.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Inputs are shown although only commitments can be compared.
    #[error("inputs must be hidden behind commitments")]
    InputsShown,
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

/// Whose a model is that a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The prover's: an architecture that leaves nothing of the input, or makes true what is said of the outputs, is refused.
    Prover,
    /// The other party's, and what it asks for is its own affair.
    Other,
}

/// Verifies a proof about the hidden model of a public commitment file, bound to a context, and says what it says.
///
/// # Errors
///
/// The proof does not hold, or not for this model and context, or says nothing because of the architecture that the prover chose.
pub fn verify(model: &[u8], owner: Owner, proof: &[u8], context: &[u8]) -> Result<Statement, ProofRejection> {
    let public = Public::decode_as(model, Kind::Model)?;
    let Committed::Model { architecture, envelope } = public.committed else { return Err(FileError::NotPublic.into()) };
    // Nothing is derived of a proof about something else.
    let verifier = Verifier::unprepared_hidden(MAX_CELLS, &architecture, envelope, public.commitment);
    let allow_degenerate = owner == Owner::Other;
    let expectations = Expectations { security_level: SECURITY_BITS, context, allow_degenerate, ..Expectations::default() };
    let accepted = verifier.verify(proof, &expectations)?.statement;
    let images = usize::try_from(accepted.images).map_err(|_| VerifyError::Parameters)?;
    let inputs = match &accepted.input {
        InputClaim::Hidden(commitments) => commitments.iter().map(commitment_digest).collect(),
        InputClaim::Shown(_) => return Err(ProofRejection::InputsShown),
    };
    Ok(Statement { model: Digest::of_bytes(model), context: accepted.context, inputs, output: output(accepted.output, images) })
}

fn output(claim: OutputClaim, images: usize) -> Output {
    match claim {
        OutputClaim::Shown(PublicTensor { values, .. }) => {
            // The verifier has compared the number of values with the network's output and the number of images.
            let classes = values.len().checked_div(images).unwrap_or(0).max(1);
            Output::Shown(values.chunks(classes).map(<[i16]>::to_vec).collect())
        }
        OutputClaim::Hidden(commitments) => Output::Hidden(commitments.iter().map(commitment_digest).collect()),
        OutputClaim::Rank { labels, k } => Output::Top { labels, k },
        OutputClaim::AtLeast { class, value } => Output::AtLeast { class, score: value },
        OutputClaim::Correct { labels, k, count } => Output::Correct { labels: labels.iter().map(commitment_digest).collect(), k, count },
    }
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
        let output = OutputForm::Rank { labels: vec![0], k: 1 };
        let setting = Setting { weights: Some(Envelope::of(&graph).unwrap()), hidden_input: true, output };
        let salts = [(ObjectKind::Model, salt)];
        let execution = Execution { input: &[50, -20], salts: &salts, ..Execution::default() };
        let prover = Prover::with_setting(&graph, 1, &setting).unwrap();
        let proof = prover.prove_execution(&execution, b"here", SECURITY_BITS, &|_| ()).unwrap().proof.encode();
        let refused = verify(&model, Owner::Prover, &proof, b"here").unwrap_err();
        assert!(matches!(refused, ProofRejection::Verify(VerifyError::ConstantOutput)), "{refused}");
        assert_eq!(
            verify(&model, Owner::Other, &proof, b"here").unwrap().output,
            verinfer_protocols::statement::Output::Top { labels: vec![0], k: 1 }
        );
    }
}
