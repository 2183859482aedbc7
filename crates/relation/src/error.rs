/// Why a graph cannot be brought into the relation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelationError {
    /// A requantization whose intermediate values do not fit the field without wrapping.
    #[error("node {node} ({op}): its rounding needs {bits} bits of remainder, but its accumulator leaves room for {room}")]
    TooWide {
        /// Node index.
        node: usize,
        /// Source operator.
        op: String,
        /// Bits needed.
        bits: usize,
        /// Bits there are.
        room: usize,
    },
    /// The graph has no accumulator range for a node that needs one.
    #[error("node {node} has no accumulator")]
    NoAccumulator {
        /// Node index.
        node: usize,
    },
    /// The witness is larger than the commitment scheme allows.
    #[error("the witness has {cells} cells; at most 2^{max_log} can be committed")]
    TooLarge {
        /// Cells needed.
        cells: usize,
        /// Logarithm of the most there can be.
        max_log: usize,
    },
    /// A batch without images.
    #[error("a batch has at least one image")]
    NoImages,
    /// The lookup key of a node has too many values for a table.
    #[error("node {node} ({op}): its quotients take {rows} values, a table has at most {max}")]
    TableTooLarge {
        /// Node index.
        node: usize,
        /// Source operator.
        op: String,
        /// Rows needed.
        rows: u64,
        /// Most rows of a table.
        max: u64,
    },
}
