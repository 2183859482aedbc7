use crate::grid::GridError;
use crate::layout::{Layout, LayoutError};
use crate::parameters::MIN_LOG_CELLS;
use crate::total::Gap;

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
    /// The relation is larger than the caller allows, or than the commitment scheme does.
    #[error("the relation has {cells} cells or more; at most {max_cells} are allowed")]
    TooLarge {
        /// Cells counted before it was refused.
        cells: usize,
        /// Most cells allowed.
        max_cells: usize,
    },
    /// Cells without an address of their own.
    #[error(transparent)]
    Layout(LayoutError),
    /// A batched contraction is longer than the argument has room for.
    #[error(transparent)]
    Contraction(#[from] GridError),
    /// Something that was derived of the network leaves out a part of it.
    #[error(transparent)]
    Incomplete(#[from] Gap),
    /// No opening is made for a committed vector of this length.
    #[error("no committed vector has {cells} cells: it has 2^{MIN_LOG_CELLS} to 2^{}", Layout::MAX_LOG_CELLS)]
    NoParameters {
        /// Its length.
        cells: usize,
    },
    /// Linear layers and averages have wider windows, or the public input is read more often, than the caller allows: a step of the verifier for each
    /// tap of each output pixel, and for each element of the input that is read.
    #[error("windows and what reads the input have {connections} connections or more; at most {max} are allowed")]
    TooManyConnections {
        /// Connections counted before it was refused.
        connections: usize,
        /// Most connections allowed: as many as cells.
        max: usize,
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
    /// A predicate about classes of an output that is no list of scores.
    #[error("the output is {shape}: only outputs of one pixel with at most 65536 channels have classes")]
    NoClasses {
        /// Shape of the output.
        shape: verinfer_graph::Shape,
    },
    /// A predicate about a class that is none, or with an impossible rank.
    #[error("class {label} within the first {k} is impossible: there are {classes} classes")]
    Predicate {
        /// The class.
        label: u32,
        /// The rank.
        k: u32,
        /// How many there are.
        classes: usize,
    },
    /// A bound on a score that is none of the output's values.
    #[error("no class has the score {value}: scores are in {first}..={last}")]
    Score {
        /// The bound.
        value: i16,
        /// Smallest score.
        first: i16,
        /// Largest score.
        last: i16,
    },
    /// Another number of labels than of images.
    #[error("{found} labels for {images} images")]
    Labels {
        /// Labels.
        found: usize,
        /// Images.
        images: usize,
    },
    /// What is hidden cannot be committed to.
    #[error(transparent)]
    Commitment(#[from] crate::commitment::CommitmentError),
    /// An addition of constants whose public table is a function of the constants' scale.
    #[error("node {node} ({op}): its table would show the scale of its constants, so that they cannot be hidden")]
    ShowsScale {
        /// Node index.
        node: usize,
        /// Source operator.
        op: String,
    },
    /// The public part of hidden multipliers is impossible.
    #[error(transparent)]
    Envelope(#[from] crate::envelope::EnvelopeError),
    /// A layer has a multiplier or a constant that does not fit the bytes that hidden ones have.
    #[error("node {node} ({op}): channel {channel} has {part} {value}, which cannot be hidden: it must be in {first}..={last}")]
    NotHideable {
        /// Node index.
        node: usize,
        /// Source operator.
        op: String,
        /// Output channel.
        channel: usize,
        /// What does not fit.
        part: &'static str,
        /// Its value.
        value: i64,
        /// Smallest value.
        first: i64,
        /// Largest value.
        last: i64,
    },
}

impl From<LayoutError> for RelationError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::TooLarge { cells } => Self::TooLarge { cells, max_cells: 1 << Layout::MAX_LOG_CELLS },
            LayoutError::NotTiled { .. } => Self::Layout(error),
        }
    }
}
