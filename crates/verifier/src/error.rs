use verinfer_relation::RelationError;
use verinfer_relation::statement::FormatError;
use verinfer_relation::transcript::DecodeError;

/// Why a proof is not accepted. Each variant is one check.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// The file is not a proof.
    #[error("malformed proof file: {0}")]
    Format(#[from] FormatError),
    /// The messages are not well formed.
    #[error("malformed message: {0}")]
    Message(#[from] DecodeError),
    /// The network, or a batch of so many images, cannot be proved by this protocol.
    #[error("the network cannot be proved: {0}")]
    Relation(#[from] RelationError),
    /// The proof is about another network.
    #[error("the proof is about another network: its digest is {found}, expected {expected}")]
    WrongNetwork {
        /// In the proof, hexadecimal.
        found: String,
        /// Of the network given, hexadecimal.
        expected: String,
    },
    /// The input in the proof does not have the network's shape or type.
    #[error("the proof's input is {found}, but the network takes {expected}")]
    InputShape {
        /// In the proof.
        found: String,
        /// Of the network.
        expected: String,
    },
    /// The output in the proof does not have the network's shape or type.
    #[error("the proof's output is {found}, but the network gives {expected}")]
    OutputShape {
        /// In the proof.
        found: String,
        /// Of the network.
        expected: String,
    },
    /// The proof is about another input than expected.
    #[error("the proof is about another input: element {index} is {found}, expected {expected}")]
    WrongInput {
        /// First difference, NHWC order, image after image.
        index: usize,
        /// In the proof.
        found: i16,
        /// Given.
        expected: i16,
    },
    /// The input expected does not have as many elements as the proof's.
    #[error("the proof's input has {found} elements, the one expected has {expected}")]
    InputLength {
        /// In the proof.
        found: usize,
        /// Given.
        expected: usize,
    },
    /// The proof is bound to another context.
    #[error("the proof is bound to another context")]
    WrongContext,
    /// The proof was made for a lower level than demanded, or its parameters do not reach it.
    #[error("the proof gives {found:.1} bits of security, {demanded} are demanded")]
    InsecureParameters {
        /// What it gives.
        found: f64,
        /// What is demanded.
        demanded: u16,
    },
    /// A denominator of the lookup argument is zero.
    #[error("lookups: a denominator is zero")]
    ZeroDenominator,
    /// A challenge is one for which a step is not defined (probability 2^-191).
    #[error("a challenge of `{step}` has no inverse")]
    DegenerateChallenge {
        /// Message label.
        step: &'static str,
    },
    /// A proof of work is missing.
    #[error("opening: the proof of work of oracle {oracle} is missing")]
    Grinding {
        /// Index of the codeword.
        oracle: usize,
    },
    /// Opened rows do not belong to the committed codeword.
    #[error("opening: rows of oracle {oracle} are not in its Merkle tree")]
    MerkleRoot {
        /// Index of the codeword.
        oracle: usize,
    },
    /// The last polynomial does not agree with the codeword before it.
    #[error("opening: the last polynomial disagrees with row {row} of oracle {oracle}")]
    FinalPolynomial {
        /// Index of the codeword.
        oracle: usize,
        /// Row of the codeword.
        row: usize,
    },
    /// The opening's last equation fails: cells, wiring, input or output are not as claimed.
    #[error("opening: the committed witness does not satisfy the combined claim")]
    CombinedClaim,
    /// Parameters, or a number of masked messages, that no proof can have.
    #[error("impossible parameters")]
    Parameters,
}
