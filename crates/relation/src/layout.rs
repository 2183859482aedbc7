//! Where each value of the witness lies in the one committed vector.
//!
//! A column is a tensor of cells, `channels` planes of `pixels` each. A plane is split into power-of-two chunks, one for each bit of `pixels`
//! (2304 = 2048 + 256), largest first; the chunks of all channels of all columns are stored sorted by size. So every chunk is aligned, nothing
//! is padded, and the equality weight of a cell factors into a part of its pixel and a part of its channel:
//!
//! `eq(r, cell(channel, pixel)) = eq(r_low, pixel - chunk.first_pixel) * eq(r_high, chunk.first_slot + channel)`.

use std::ops::Range;
use std::sync::OnceLock;

use crate::eq::{eq_range, eq_table};
use crate::field::K;

/// Index of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub usize);

/// `2^log_len` consecutive pixels of every channel of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Logarithm of the number of pixels.
    pub log_len: usize,
    /// First pixel of the plane.
    pub first_pixel: usize,
    /// Position of channel 0 in units of the chunk's length; channel `c` follows at `first_slot + c`.
    pub first_slot: usize,
}

impl Chunk {
    /// Pixels of the chunk.
    pub fn pixels(&self) -> std::ops::Range<usize> {
        self.first_pixel..self.first_pixel + (1 << self.log_len)
    }

    /// Whether no pixel is in both chunks.
    pub fn is_apart_from(&self, other: &Self) -> bool {
        self.pixels().end <= other.first_pixel || other.pixels().end <= self.first_pixel
    }

    /// Addresses of the chunk's cells in so many channels.
    pub fn cells(&self, channels: usize) -> std::ops::Range<usize> {
        self.first_cell(0)..self.first_cell(channels)
    }

    /// First cell of a channel's part.
    pub fn first_cell(&self, channel: usize) -> usize {
        (self.first_slot + channel) << self.log_len
    }
}

/// Size and place of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Number of planes.
    pub channels: usize,
    /// Cells of a plane.
    pub pixels: usize,
    /// Chunks of a plane, in the order of their pixels: each pixel is in one.
    pub chunks: Vec<Chunk>,
}

/// Columns, or some of their pixels, that lie together.
pub type Region = Vec<(ColumnId, Range<usize>)>;

/// Why columns have no layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// There are more cells than a committed vector can hold.
    #[error("columns have {cells} cells or more; a committed vector holds at most {}", 1usize << Layout::MAX_LOG_CELLS)]
    TooLarge {
        /// Channels times pixels of all columns.
        cells: usize,
    },
    /// Some pixels of a column would have no cell, or two: a cell without address has no constraint.
    #[error("column {column} has {pixels} pixels, of which the layout places {placed}, or some twice")]
    NotTiled {
        /// Index of the column.
        column: usize,
        /// Cells of a plane.
        pixels: usize,
        /// Cells of a plane that have an address.
        placed: usize,
    },
}

/// Places the chunk of `2^log_len` pixels of a range of pixels, if it has one, at the next aligned address.
fn place(placement: &mut Placement, pixels: Range<usize>, log_len: usize, next: &mut usize) {
    if pixels.len() >> log_len & 1 == 1 {
        *next = next.next_multiple_of(1 << log_len);
        let first_pixel = pixels.start + (pixels.len() >> (log_len + 1) << (log_len + 1));
        placement.chunks.push(Chunk { log_len, first_pixel, first_slot: *next >> log_len });
        *next += placement.channels << log_len;
    }
}

/// Channels times pixels of all columns, if a committed vector can hold as many.
fn count(shapes: &[(usize, usize)]) -> Result<usize, LayoutError> {
    let sizes = shapes.iter().map(|&(channels, pixels)| channels.saturating_mul(pixels));
    let cells = sizes.fold(0, usize::saturating_add);
    if cells > 1 << Layout::MAX_LOG_CELLS { Err(LayoutError::TooLarge { cells }) } else { Ok(cells) }
}

/// Demands that the chunks, in the order of their pixels, follow each other from the first pixel of a plane to its last.
fn check_tiled(column: usize, placement: &Placement) -> Result<(), LayoutError> {
    let follow = placement.chunks.iter().try_fold(0, |next, chunk| (chunk.first_pixel == next).then(|| chunk.pixels().end));
    if follow == Some(placement.pixels) {
        return Ok(());
    }
    let placed = placement.chunks.iter().map(|chunk| chunk.pixels().len()).sum();
    Err(LayoutError::NotTiled { column, pixels: placement.pixels, placed })
}

/// Logarithm of the alignment of a region: that of its largest chunk, or more.
fn alignment(region: &Region) -> usize {
    let largest = region.iter().map(|(_, pixels)| pixels.len()).max().unwrap_or(1).max(1);
    (largest.ilog2() as usize).max(Layout::REGION_ALIGNMENT.ilog2() as usize)
}

/// The committed vector's address map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    placements: Vec<Placement>,
    num_cells: usize,
    num_stored: usize,
}

impl Layout {
    /// What the first addresses of regions are multiples of.
    pub const REGION_ALIGNMENT: usize = 128;

    /// Largest size of a committed vector, as a logarithm (the two-adicity of the base field allows 2^32 evaluations).
    pub const MAX_LOG_CELLS: usize = 30;

    /// Places columns of `(channels, pixels)`. The cells of a region lie at consecutive addresses from a multiple of [`Layout::REGION_ALIGNMENT`] on, in an
    /// order that depends on the region alone; a column is in no region or wholly in regions. `num_stored` gives the length of the committed vector
    /// that has room for so many cells.
    ///
    /// # Errors
    ///
    /// There are more cells than a committed vector holds, or some would have no address of their own. So each cell of a layout has one, whoever
    /// calls and whatever limit the caller has.
    pub fn new(shapes: &[(usize, usize)], regions: &[Region], num_stored: impl FnOnce(usize) -> usize) -> Result<Self, LayoutError> {
        count(shapes)?;
        let mut placements: Vec<Placement> =
            shapes.iter().map(|&(channels, pixels)| Placement { channels, pixels, chunks: Vec::new() }).collect();
        let mut in_region = vec![false; shapes.len()];
        regions.iter().flatten().for_each(|(column, _)| in_region[column.0] = true);
        let mut next = 0;
        for log_len in (0..=Self::MAX_LOG_CELLS).rev() {
            for (index, &(_, pixels)) in shapes.iter().enumerate() {
                if !in_region[index] {
                    place(&mut placements[index], 0..pixels, log_len, &mut next);
                }
            }
            for region in regions.iter().filter(|region| alignment(region) == log_len) {
                next = next.next_multiple_of(1 << log_len);
                for log_len in (0..=log_len).rev() {
                    for (column, pixels) in region {
                        place(&mut placements[column.0], pixels.clone(), log_len, &mut next);
                    }
                }
            }
        }
        for (column, placement) in placements.iter_mut().enumerate() {
            placement.chunks.sort_by_key(|chunk| chunk.first_pixel);
            check_tiled(column, placement)?;
        }
        Ok(Self { placements, num_cells: next, num_stored: num_stored(next) })
    }

    /// Place of a column.
    pub fn placement(&self, column: ColumnId) -> &Placement {
        &self.placements[column.0]
    }

    /// All places, by column.
    pub fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// Cells in use; they are the first ones of the vector.
    pub fn num_cells(&self) -> usize {
        self.num_cells
    }

    /// Length of the committed vector: cells in use, zeros up to whole rows, and the opening's masks ([`crate::parameters::stored_cells`]).
    pub fn num_stored(&self) -> usize {
        self.num_stored
    }

    /// Variables of the committed vector's multilinear extension: the addresses from its length to `2^log_cells` hold zeros.
    pub fn log_cells(&self) -> usize {
        self.num_stored.next_power_of_two().trailing_zeros() as usize
    }
}

/// The equality weights of one point, factored by the layout.
pub struct EqWeights {
    point: Vec<K>,
    low: Vec<OnceLock<Vec<K>>>,
}

impl EqWeights {
    /// Weights at `point`, whose coordinates belong to the bits of an address, least significant first.
    pub fn new(point: &[K]) -> Self {
        Self { point: point.to_vec(), low: vec![OnceLock::new(); point.len() + 1] }
    }

    /// The point.
    pub fn point(&self) -> &[K] {
        &self.point
    }

    /// The coordinates of a chunk's pixels.
    pub fn low_point(&self, chunk: &Chunk) -> &[K] {
        &self.point[..chunk.log_len]
    }

    /// Weight of each value of the lowest bits.
    pub fn low(&self, num_bits: usize) -> &[K] {
        self.low[num_bits].get_or_init(|| eq_table(&self.point[..num_bits], 1 << num_bits))
    }

    /// Weight of each pixel of a chunk, from its first.
    pub fn pixels(&self, chunk: &Chunk) -> &[K] {
        self.low(chunk.log_len)
    }

    /// Weight of each of `channels` channels.
    pub fn channels(&self, chunk: &Chunk, channels: usize) -> Vec<K> {
        eq_range(&self.point[chunk.log_len..], chunk.first_slot, channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eq::eq_index;
    use crate::transcript::Transcript;

    fn cells(layout: &Layout) -> Vec<usize> {
        let mut cells = Vec::new();
        for placement in layout.placements() {
            for chunk in &placement.chunks {
                for channel in 0..placement.channels {
                    cells.extend((0..1 << chunk.log_len).map(|i| chunk.first_cell(channel) + i));
                }
            }
        }
        cells
    }

    #[test]
    fn columns_fill_the_vector_without_gap_or_overlap() {
        let layout = Layout::new(&[(3, 49), (16, 2304), (1, 1), (5, 12), (1001, 1)], &[], |_| 40_000).unwrap();
        let mut cells = cells(&layout);
        cells.sort_unstable();
        assert_eq!(cells, (0..layout.num_cells()).collect::<Vec<_>>());
        assert_eq!(layout.num_cells(), 3 * 49 + 16 * 2304 + 1 + 60 + 1001);
    }

    fn new(shapes: &[(usize, usize)], regions: &[Region]) -> Result<Layout, LayoutError> {
        Layout::new(shapes, regions, |cells| cells)
    }

    const MOST: usize = 1 << Layout::MAX_LOG_CELLS;

    #[test]
    fn every_pixel_of_the_largest_planes_is_placed() {
        let shapes: [&[(usize, usize)]; 6] = [
            &[(1, MOST)],
            &[(MOST, 1)],
            &[(1, MOST - 1), (1, 1)],
            &[(2, MOST / 2)],
            &[(3, MOST / 4), (1, MOST / 4)],
            &[(1, MOST / 2), (MOST / 4 - 1, 2), (2, 1)],
        ];
        for shapes in shapes {
            let layout = new(shapes, &[]).unwrap();
            let placed: usize = layout.placements().iter().flat_map(|p| p.chunks.iter().map(|chunk| chunk.cells(p.channels).len())).sum();
            assert_eq!((placed, layout.num_cells()), (MOST, MOST), "{shapes:?}");
        }
    }

    #[test]
    fn one_cell_more_than_a_vector_holds_is_refused() {
        let shapes: [&[(usize, usize)]; 7] = [
            &[(1, MOST + 1)],
            &[(MOST + 1, 1)],
            &[(1, MOST), (1, 1)],
            &[(2, MOST / 2), (1, 1)],
            &[(1, 1 << 40)],
            &[(1 << 32, 1 << 32)],
            &[(1, usize::MAX), (1, usize::MAX)],
        ];
        for shapes in shapes {
            assert!(matches!(new(shapes, &[]), Err(LayoutError::TooLarge { cells }) if cells > MOST), "{shapes:?}");
        }
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "regions are lists of ranges")]
    fn regions_that_leave_out_a_pixel_or_hold_one_twice_are_refused() {
        let region = |pixels: &[Range<usize>]| -> Region { pixels.iter().map(|pixels| (ColumnId(0), pixels.clone())).collect() };
        let of = |pixels: &[Range<usize>]| new(&[(3, 200)], &[region(pixels)]).map(|layout| layout.num_cells());
        assert_eq!(of(&[0..200]), Ok(600));
        assert_eq!(of(&[0..100, 100..200]), Ok(600));
        let refused = |placed| Err(LayoutError::NotTiled { column: 0, pixels: 200, placed });
        assert_eq!(of(&[0..199]), refused(199));
        assert_eq!(of(&[0..100, 101..200]), refused(199));
        assert_eq!(of(&[0..100, 0..100]), refused(200));
        assert_eq!(of(&[0..100, 99..200]), refused(201));
        assert_eq!(of(&[0..201]), refused(201));
        // Larger than any chunk: it was dropped without a word.
        assert_eq!(of(&[0..1 << 40]), refused(0));
        let apart = [region(&[0..100]), region(&[100..200])];
        assert_eq!(new(&[(3, 200)], &apart).map(|layout| layout.placements()[0].chunks.len()), Ok(6));
    }

    #[test]
    fn weights_factor_over_pixel_and_channel() {
        let layout = Layout::new(&[(3, 49), (7, 36)], &[], |_| 4096).unwrap();
        let point = Transcript::new().challenges("p", layout.log_cells());
        let weights = EqWeights::new(&point);
        for placement in layout.placements() {
            for chunk in &placement.chunks {
                let channels = weights.channels(chunk, placement.channels);
                for (channel, &v) in channels.iter().enumerate() {
                    for (i, &u) in weights.pixels(chunk).iter().enumerate() {
                        assert_eq!(u * v, eq_index(&point, chunk.first_cell(channel) + i));
                    }
                }
            }
        }
    }
}
