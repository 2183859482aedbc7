//! The escrow's verifier: proof files to statements.

use verinfer_commitments::{Committed, FileError, Kind, Public};
use verinfer_escrow_client::MAX_CELLS;
use verinfer_protocols::digest::Digest;
use verinfer_protocols::statement::{Output, Statement};
use verinfer_relation::commitment::Commitment;
use verinfer_relation::statement::{FormatError, InputClaim, OutputClaim, Proof, PublicTensor};
use verinfer_verifier::{Expectations, ExpectedInput, Verifier, VerifyError};

/// The security level that the escrow demands, in bits.
pub const SECURITY_BITS: u16 = 128;

/// Why a file does not prove anything to the escrow.
#[derive(Debug, thiserror::Error)]
pub enum ProofRejection {
    /// What was left as the model's public commitment is none.
    #[error("the model's file: {0}")]
    Model(FileError),
    /// The file is no proof.
    #[error(transparent)]
    Format(#[from] FormatError),
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

/// Verifies a proof about the hidden model of a public commitment file, bound to a context, and says what it says.
///
/// # Errors
///
/// The proof does not hold, or not for this model and context.
pub fn verify(model: &[u8], proof: &[u8], context: &[u8]) -> Result<Statement, ProofRejection> {
    let public = Public::decode_as(model, Kind::Model)?;
    let Committed::Model { architecture, envelope } = public.committed else { return Err(FileError::NotPublic.into()) };
    let claimed = Proof::decode(proof)?.statement;
    let images = usize::try_from(claimed.images).map_err(|_| VerifyError::Parameters)?;
    let verifier = Verifier::hidden_within(MAX_CELLS, &architecture, envelope, public.commitment, images, &claimed.setting())?;
    let expectations = Expectations { security_level: SECURITY_BITS, context, input: ExpectedInput::Any, ..Expectations::default() };
    let accepted = verifier.verify(proof, &expectations)?.statement;
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
