//! How large a relation may become: found out before memory is spent on it.

use verinfer_graph::{Graph, Node, Op};

use crate::error::RelationError;
use crate::relation::Column;

/// What a column counts as at least, in cells: its description takes memory whatever its size.
const COLUMN_CELLS: usize = 64;

/// Counts the cells of columns as they are added.
pub struct Room {
    max_cells: usize,
    num_columns: usize,
    num_cells: usize,
}

impl Room {
    /// For at most so many cells.
    pub fn new(max_cells: usize) -> Self {
        Self { max_cells, num_columns: 0, num_cells: 0 }
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
}

/// Cells that a node adds at least, or those that others will copy.
pub fn node_cells(graph: &Graph, node: &Node, images: usize) -> usize {
    let cells = graph.spec(node.output).shape.num_elements().saturating_mul(images).max(COLUMN_CELLS);
    let num_columns = if let Op::MaxPool(pool) = &node.op { pool.window.num_taps() } else { 1 };
    cells.saturating_mul(num_columns)
}
