use verinfer_graph::GraphError;
use verinfer_relation::RelationError;

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The network does not run on this input.
    #[error("the network cannot be run: {0}")]
    Graph(#[from] GraphError),
    /// The network cannot be proved.
    #[error("the network cannot be proved: {0}")]
    Relation(#[from] RelationError),
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
