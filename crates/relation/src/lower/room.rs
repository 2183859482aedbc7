//! How large a relation may become: found out before memory is spent on it.

use verinfer_graph::{Graph, Node, Op, Window};

use crate::error::RelationError;
use crate::relation::{Column, Contraction};

/// What a column counts as at least, in cells: its description takes memory whatever its size.
const COLUMN_CELLS: usize = 64;

/// What a tap of a linear layer counts as in each chunk of the output, in connections: the description of its weights in a claim.
const TAP_CONNECTIONS: usize = 16;

/// Counts the cells of columns, the rows of tables and the connections of windows as they are added.
pub struct Room {
    max_cells: usize,
    num_columns: usize,
    num_cells: usize,
    num_connections: usize,
}

impl Room {
    /// For at most so many cells.
    pub fn new(max_cells: usize) -> Self {
        Self { max_cells, num_columns: 0, num_cells: 0, num_connections: 0 }
    }

    /// Counts the columns that are new since the last time, and sees whether there is room for so many cells beside them.
    pub fn check(&mut self, columns: &[Column], to_come: usize) -> Result<(), RelationError> {
        for column in &columns[self.num_columns..] {
            self.num_cells = self.num_cells.saturating_add(column.channels.saturating_mul(column.pixels).max(COLUMN_CELLS));
        }
        self.num_columns = columns.len();
        let cells = self.num_cells.saturating_add(to_come);
        if cells > self.max_cells {
            return Err(RelationError::TooLarge { cells, max_cells: self.max_cells });
        }
        Ok(())
    }

    /// Counts connections, of which there may be as many as cells: verifying takes a step for each, though they are not stored.
    pub fn connect(&mut self, connections: usize) -> Result<(), RelationError> {
        self.num_connections = self.num_connections.saturating_add(connections);
        if self.num_connections > self.max_cells {
            return Err(RelationError::TooManyConnections { connections: self.num_connections, max: self.max_cells });
        }
        Ok(())
    }
}

/// Pairs of an output pixel and a tap of a window, for each image.
pub fn window_connections(window: &Window, num_pixels: usize, images: usize) -> usize {
    window.num_taps().saturating_mul(num_pixels.saturating_mul(images))
}

/// The same of a linear layer, and for each chunk of its output the indices of the contraction and what their taps take.
pub fn layer_connections(contraction: &Contraction, images: usize) -> usize {
    let num_pixels = contraction.output_shape.num_pixels();
    let num_chunks = num_pixels.saturating_mul(images).count_ones() as usize;
    let of_taps = contraction.window.num_taps().saturating_mul(contraction.inner_channels().saturating_add(TAP_CONNECTIONS));
    window_connections(&contraction.window, num_pixels, images).saturating_add(num_chunks.saturating_mul(of_taps))
}

/// Cells that a node adds at least, or those that others will copy.
pub fn node_cells(graph: &Graph, node: &Node, images: usize) -> usize {
    let cells = graph.spec(node.output).shape.num_elements().saturating_mul(images).max(COLUMN_CELLS);
    let num_columns = if let Op::MaxPool(pool) = &node.op { pool.window.num_taps() } else { 1 };
    cells.saturating_mul(num_columns)
}
