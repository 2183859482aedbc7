//! Reading proofs of strangers.

use std::path::Path;

use verinfer_graph::Graph;
use verinfer_relation::statement::{FormatError, Proof};

use crate::files;

/// Longest proof that is read where it is not known what it is about, in bytes.
pub const PROOF_LIMIT: usize = 1 << 28;

/// Reads a proof file, and no further than the proof says that it goes: at most `limit` bytes.
///
/// # Errors
///
/// The file cannot be read; within, it is no proof, or says that it is longer.
pub fn read(path: &Path, limit: usize) -> anyhow::Result<Result<Vec<u8>, FormatError>> {
    Ok(match files::read_needed(path, |prefix| Proof::needed(prefix, limit))? {
        Ok((bytes, 0)) => Ok(bytes),
        Ok((_, extra)) => Err(FormatError::TrailingBytes { extra: usize::try_from(extra).unwrap_or(usize::MAX) }),
        Err(error) => Err(error),
    })
}

/// Bytes that a proof about a network has at most, if its relation has at most `max_cells` cells and it is about at most so many images.
pub fn limit(graph: &Graph, max_cells: usize, max_images: usize) -> usize {
    let len = |tensor| graph.spec(tensor).shape.num_elements();
    let (input, output) = (len(graph.input()), len(graph.output()));
    // Each image has a cell for each of its outputs, and more.
    let most = (max_cells / output.max(1)).max(1);
    Proof::max_len(max_images.min(most), input, output)
}
