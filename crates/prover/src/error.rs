use verinfer_graph::GraphError;
use verinfer_relation::RelationError;
use verinfer_relation::commitment::CommitmentError;
use verinfer_verifier::VerifyError;

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The network does not run on this input.
    #[error("the network cannot be run: {0}")]
    Graph(GraphError),
    /// The network cannot be proved.
    #[error("the network cannot be proved: {0}")]
    Relation(RelationError),
    /// Two commitments have one salt, which would show a function of their difference.
    #[error("two commitments were made with one salt")]
    SharedSalt,
    /// Something hidden cannot be committed to.
    #[error(transparent)]
    Commitment(#[from] CommitmentError),
    /// A challenge came out for which a step is not defined (probability 2^-190): proving again helps.
    #[error("the messages do not reduce: {0}")]
    Reduction(VerifyError),
    /// Whoever asked for the proof does not want it any more.
    #[error("the proof was cancelled")]
    Cancelled,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {reason}")]
    Randomness {
        /// What it says.
        reason: String,
    },
    /// The context is too long for a proof file.
    #[error("the context has {len} bytes; at most {max} are allowed")]
    ContextTooLong {
        /// Its length.
        len: usize,
        /// Longest allowed.
        max: usize,
    },
    /// The parameters for this level do not reach it.
    #[error("a proof of this network reaches {reached:.1} bits of security, {demanded} are demanded")]
    Insecure {
        /// What the parameters give.
        reached: f64,
        /// What was asked for.
        demanded: u16,
    },
}

impl From<GraphError> for ProveError {
    fn from(cause: GraphError) -> Self {
        Self::Graph(cause)
    }
}

impl From<RelationError> for ProveError {
    fn from(cause: RelationError) -> Self {
        Self::Relation(cause)
    }
}

impl From<VerifyError> for ProveError {
    fn from(cause: VerifyError) -> Self {
        Self::Reduction(cause)
    }
}
