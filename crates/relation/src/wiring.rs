//! How the elements of one tensor feed those of another: a map of pixels times a map of channels.
//!
//! The planes of a batch hold its images one after the other: pixel `image * pixels of an image + pixel within it`. Shapes are those of one image,
//! and a map connects pixels of the same image only.

use std::ops::Range;

use verinfer_graph::{Shape, Window};

use crate::dot::dot;
use crate::field::K;

/// Which pixels of the source feed which pixels of the target, in each image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelMap {
    /// Pixel `p` feeds pixel `p`.
    Same,
    /// All pixels of the source, of all images, feed the single pixel of the target.
    Total {
        /// Pixels of the source.
        len: usize,
    },
    /// One tap of a window, or all of them.
    Window {
        /// Geometry.
        window: Window,
        /// Shape of the source.
        source: Shape,
        /// Shape of the target.
        target: Shape,
        /// Row-major tap, `None` for the sum over all taps.
        tap: Option<usize>,
    },
    /// Sides of the source that are one feed every row or column of the target.
    Broadcast {
        /// Shape of the source.
        source: Shape,
        /// Shape of the target.
        target: Shape,
    },
    /// The source is a rectangle of the target.
    Inset {
        /// Shape of the source.
        source: Shape,
        /// Shape of the target.
        target: Shape,
        /// Row of the target at which the source starts.
        top: usize,
        /// Column of the target at which the source starts.
        left: usize,
    },
}

/// Connections of a [`PixelMap`]: target pixel `target + i` with source pixel `source + i * source_step`, for `i < len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of connections, at least one.
    pub len: usize,
    /// First target pixel.
    pub target: usize,
    /// First source pixel.
    pub source: usize,
    /// Distance of source pixels.
    pub source_step: usize,
}

impl PixelMap {
    /// Calls `visit(target pixel, source pixel)` for every connection whose target pixel is in `range`, which may begin and end in any image.
    pub fn for_each(&self, range: Range<usize>, mut visit: impl FnMut(usize, usize)) {
        self.for_each_run(range, |run| {
            for i in 0..run.len {
                visit(run.target + i, run.source + i * run.source_step);
            }
        });
    }

    /// The same connections in runs, each within one row of one image where the map has rows.
    pub fn for_each_run(&self, range: Range<usize>, mut visit: impl FnMut(Run)) {
        if range.is_empty() {
            return;
        }
        let (source, target) = match *self {
            Self::Same => {
                return visit(Run { len: range.len(), target: range.start, source: range.start, source_step: 1 });
            }
            Self::Total { len } => {
                return range.for_each(|target| (0..len).for_each(|source| visit(Run { len: 1, target, source, source_step: 1 })));
            }
            Self::Window { source, target, .. } | Self::Broadcast { source, target } | Self::Inset { source, target, .. } => {
                (source, target)
            }
        };
        let mut start = range.start;
        while start < range.end {
            let (image, row) = (start / target.num_pixels(), start % target.num_pixels() / target.width);
            let first = image * target.num_pixels() + row * target.width;
            let end = range.end.min(first + target.width);
            self.for_each_in_row(row, start - first..end - first, |len, column, from, source_step| {
                let (target, source) = (first + column, image * source.num_pixels() + from);
                visit(Run { len, target, source, source_step });
            });
            start = end;
        }
    }

    /// Calls `visit(number of connections, first target column, first source pixel, distance of source pixels)` for some columns of a row of an image.
    fn for_each_in_row(&self, row: usize, columns: Range<usize>, mut visit: impl FnMut(usize, usize, usize, usize)) {
        match *self {
            Self::Same | Self::Total { .. } => {}
            Self::Window { window, source, tap, .. } => {
                for tap in tap.map_or(0..window.num_taps(), |tap| tap..tap + 1) {
                    let exists = |column: &usize| window.source(source, row, *column, tap).is_some();
                    // The columns at which a tap exists are consecutive.
                    let Some(first) = columns.clone().find(exists) else { continue };
                    let last = columns.clone().rfind(exists).unwrap_or(first);
                    if let Some(from) = window.source(source, row, first, tap) {
                        visit(last + 1 - first, first, from, window.stride_w);
                    }
                }
            }
            Self::Broadcast { source, .. } => {
                let row = if source.height == 1 { 0 } else { row };
                let (column, step) = if source.width == 1 { (0, 0) } else { (columns.start, 1) };
                visit(columns.len(), columns.start, row * source.width + column, step);
            }
            Self::Inset { source, top, left, .. } => {
                let row = row.wrapping_sub(top);
                let (first, end) = (columns.start.max(left), columns.end.min(left + source.width));
                if row < source.height && first < end {
                    visit(end - first, first, row * source.width + first - left, 1);
                }
            }
        }
    }

    /// The source pixels of connections whose target pixel is in `range`, and some between them.
    pub fn sources(&self, range: Range<usize>) -> Range<usize> {
        let (mut first, mut end) = (usize::MAX, 0);
        self.for_each_run(range, |run| {
            first = first.min(run.source);
            end = end.max(run.source + (run.len - 1) * run.source_step + 1);
        });
        first.min(end)..end
    }

    /// Adds `scale * sum of weights[target pixel - range.start]` over connections with target in `range` to each source pixel.
    pub fn pull_back(&self, range: Range<usize>, weights: &[K], scale: K, sum: &mut Pixels) {
        let start = range.start;
        self.for_each(range, |to, from| sum.values[from - sum.first] += scale * weights[to - start]);
    }

    /// The sum of the weights that [`PixelMap::pull_back`] gives.
    pub fn pulled_back_sum(&self, range: Range<usize>, weights: &[K]) -> K {
        let mut sum = K::default();
        let start = range.start;
        self.for_each(range, |to, _| sum += weights[to - start]);
        sum
    }

    /// `sum of weights[target pixel - range.start] * values[source pixel - sources.start]` over connections with target in `range` and source in
    /// `sources`: the weights that [`PixelMap::pull_back`] gives, applied to some values without being written out.
    pub fn apply(&self, range: Range<usize>, weights: &[K], sources: Range<usize>, values: &[K]) -> K {
        let (mut sum, mut moved) = (K::default(), Vec::new());
        let start = range.start;
        self.for_each_run(range, |run| {
            // The part of the run whose sources are in the range: none or all of it where they do not move.
            let position = |source: usize| source.saturating_sub(run.source).div_ceil(run.source_step.max(1)).min(run.len);
            let (skip, end) = match run.source_step {
                0 if sources.contains(&run.source) => (0, run.len),
                0 => return,
                _ => (position(sources.start), position(sources.end)),
            };
            if skip < end {
                moved.clear();
                moved.extend((skip..end).map(|i| values[run.source + i * run.source_step - sources.start]));
                sum += dot(&weights[run.target + skip - start..], &moved);
            }
        });
        sum
    }
}

/// Weights of consecutive pixels; the others are zero.
pub struct Pixels {
    /// First pixel.
    pub first: usize,
    /// Weights from there on.
    pub values: Vec<K>,
}

impl Pixels {
    /// Zeros for these pixels.
    pub fn zeros(pixels: Range<usize>) -> Self {
        Self { first: pixels.start, values: vec![K::default(); pixels.len()] }
    }

    /// The part within a range of pixels: its first pixel and its weights, empty if there is none.
    pub fn within(&self, range: Range<usize>) -> (usize, &[K]) {
        let start = range.start.max(self.first);
        let end = range.end.min(self.first + self.values.len());
        if start < end { (start, &self.values[start - self.first..end - self.first]) } else { (start, &[]) }
    }
}

/// Which channels of the source feed which channels of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelMap {
    /// Channel `c` feeds channel `c`.
    Same,
    /// The single channel of the source feeds every channel.
    Broadcast,
    /// One channel of the source feeds every channel.
    Select {
        /// Which.
        channel: usize,
    },
    /// Channel `c` feeds channel `first + c`.
    Inset {
        /// Channel of the target at which the source starts.
        first: usize,
    },
}

impl ChannelMap {
    /// Source channel of a target channel, `None` where the source has no part.
    pub fn source(&self, target: usize, num_source_channels: usize) -> Option<usize> {
        match *self {
            Self::Same => Some(target),
            Self::Broadcast => Some(0),
            Self::Select { channel } => Some(channel),
            Self::Inset { first } => target.checked_sub(first).filter(|&c| c < num_source_channels),
        }
    }

    /// `g[source channel] = sum of weights[target channel]`.
    pub fn pull_back(&self, weights: &[K], num_source_channels: usize) -> Vec<K> {
        let mut out = vec![K::default(); num_source_channels];
        for (target, &weight) in weights.iter().enumerate() {
            if let Some(source) = self.source(target, num_source_channels) {
                out[source] += weight;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
