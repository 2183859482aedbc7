//! How large a relation may become, and how costly to verify: found out before memory and time are spent on it.

use verinfer_graph::{Graph, Node, Shape, Window};

use crate::error::RelationError;
use crate::relation::{Column, Contraction, Location, Source};
use crate::wiring::PixelMap;

/// What a column counts as at least, in cells: its description takes memory whatever its size.
pub const COLUMN_CELLS: usize = 64;

/// What a tap of a linear layer counts as in each chunk of the output, in connections: the description of its weights in a claim.
const TAP_CONNECTIONS: usize = 16;

/// Counts the cells of columns, the rows of tables, the connections of windows and what is read of the public input as they are added.
pub struct Room {
    max_cells: usize,
    images: usize,
    num_columns: usize,
    num_cells: usize,
    num_connections: usize,
}

impl Room {
    /// For at most so many cells, of all images together.
    pub fn new(max_cells: usize, images: usize) -> Self {
        Self { max_cells, images, num_columns: 0, num_cells: 0, num_connections: 0 }
    }

    /// Counts the columns that are new since the last time and what they read of the public input, and sees whether there is room for so many
    /// cells beside them.
    pub fn check(&mut self, columns: &[Column], to_come: usize) -> Result<(), RelationError> {
        let new = &columns[self.num_columns..];
        for column in new {
            self.num_cells = self.num_cells.saturating_add(column.channels.saturating_mul(column.pixels).max(COLUMN_CELLS));
        }
        self.num_columns = columns.len();
        let cells = self.num_cells.saturating_add(to_come);
        if cells > self.max_cells {
            return Err(RelationError::TooLarge { cells, max_cells: self.max_cells });
        }
        for column in new {
            let terms = column.leaf.tuple().into_iter().flat_map(|(_, values)| values).flat_map(|form| &form.terms);
            for term in terms {
                if let Source::Tensor { location: Location::Input, shape, pixels, .. } = &term.source {
                    self.read_input(*pixels, *shape, column.pixels / self.images)?;
                }
            }
        }
        Ok(())
    }

    /// Counts the connections of a linear layer, and what it reads of the public input.
    pub fn layer(&mut self, contraction: &Contraction) -> Result<(), RelationError> {
        self.connect(layer_connections(contraction, self.images))?;
        if contraction.input == Location::Input {
            self.read_input(contraction.taps(), contraction.input_shape, contraction.output_shape.num_pixels())?;
        }
        Ok(())
    }

    /// Counts the elements of the public input that verifying goes through for so many pixels of an image that read it: those of all channels from
    /// the first pixel that is read to the last, of a batch all.
    fn read_input(&mut self, map: PixelMap, input: Shape, num_pixels: usize) -> Result<(), RelationError> {
        let read = if self.images == 1 { map.sources(0..num_pixels).len() } else { input.num_pixels().saturating_mul(self.images) };
        self.connect(read.saturating_mul(input.channels))
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
fn layer_connections(contraction: &Contraction, images: usize) -> usize {
    let num_pixels = contraction.output_shape.num_pixels();
    let num_chunks = num_pixels.saturating_mul(images).count_ones() as usize;
    let of_taps = contraction.window.num_taps().saturating_mul(contraction.inner_channels().saturating_add(TAP_CONNECTIONS));
    window_connections(&contraction.window, num_pixels, images).saturating_add(num_chunks.saturating_mul(of_taps))
}

/// Cells that a node adds at least, or those that others will copy.
pub fn node_cells(graph: &Graph, node: &Node, images: usize) -> usize {
    graph.spec(node.output).shape.num_elements().saturating_mul(images).max(COLUMN_CELLS)
}
