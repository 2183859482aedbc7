//! Where committed objects lie in the vector, and their bytes in that order.

use std::ops::Range;

use crate::commitment::Bases;
use crate::layout::{ColumnId, Region};
use crate::relation::{Object, Relation};

impl Object {
    /// Where its parts begin.
    pub fn bases(&self, relation: &Relation) -> Bases {
        let base = |column: ColumnId| relation.layout.placement(column).chunks.first().map_or(0, |chunk| chunk.first_cell(0));
        let values = relation.addresses(&self.values).start;
        Bases { values, digests: self.digests.map_or(0, base), salt: base(self.salt) }
    }
}

impl Relation {
    /// The addresses of a region.
    pub fn addresses(&self, region: &Region) -> Range<usize> {
        let (mut start, mut end) = (usize::MAX, 0);
        self.for_each_chunk(region, |_, first, len, _, _| {
            start = start.min(first);
            end = end.max(first + len);
        });
        start.min(end)..end
    }

    /// Cells of a region that have an address.
    pub fn num_placed(&self, region: &Region) -> usize {
        let mut placed = 0;
        self.for_each_chunk(region, |_, _, len, _, _| placed += len);
        placed
    }

    /// The bytes of an object in the order of their addresses, from the values of its columns by channel and pixel. This order depends on the object
    /// alone, and not on the rest of the relation.
    pub fn bytes(&self, object: &Object, value: impl Fn(ColumnId, usize, usize) -> i16) -> Vec<i16> {
        let addresses = self.addresses(&object.values);
        let mut bytes = vec![0; addresses.len()];
        self.for_each_chunk(&object.values, |column, first, len, channel, first_pixel| {
            for (byte, pixel) in bytes[first - addresses.start..][..len].iter_mut().zip(first_pixel..) {
                *byte = value(column, channel, pixel);
            }
        });
        bytes
    }

    /// Calls `visit` with column, first address, length, channel and first pixel of each run of consecutive pixels of a region.
    fn for_each_chunk(&self, region: &Region, mut visit: impl FnMut(ColumnId, usize, usize, usize, usize)) {
        for (column, pixels) in region {
            let placement = self.layout.placement(*column);
            let first = placement.chunks.partition_point(|chunk| chunk.first_pixel < pixels.start);
            for chunk in placement.chunks[first..].iter().take_while(|chunk| chunk.first_pixel < pixels.end) {
                for channel in 0..placement.channels {
                    visit(*column, chunk.first_cell(channel), 1 << chunk.log_len, channel, chunk.first_pixel);
                }
            }
        }
    }
}
