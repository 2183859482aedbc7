//! How the elements of one tensor feed those of another: a map of pixels times a map of channels.

use verinfer_graph::{Shape, Window};

use crate::field::K;

/// Which pixels of the source feed which pixels of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelMap {
    /// Pixel `p` feeds pixel `p`.
    Same,
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

impl PixelMap {
    /// Calls `visit(target pixel, source pixel)` for every connection whose target pixel is in `range`.
    pub fn for_each(&self, range: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize)) {
        match *self {
            Self::Same => range.for_each(|pixel| visit(pixel, pixel)),
            Self::Window { window, source, target, tap } => {
                let taps = tap.map_or(0..window.num_taps(), |tap| tap..tap + 1);
                for pixel in range {
                    for tap in taps.clone() {
                        if let Some(from) = window.source(source, pixel / target.width, pixel % target.width, tap) {
                            visit(pixel, from);
                        }
                    }
                }
            }
            Self::Broadcast { source, target } => {
                for pixel in range {
                    let row = if source.height == 1 { 0 } else { pixel / target.width };
                    let column = if source.width == 1 { 0 } else { pixel % target.width };
                    visit(pixel, row * source.width + column);
                }
            }
            Self::Inset { source, target, top, left } => {
                for pixel in range {
                    let row = (pixel / target.width).wrapping_sub(top);
                    let column = (pixel % target.width).wrapping_sub(left);
                    if row < source.height && column < source.width {
                        visit(pixel, row * source.width + column);
                    }
                }
            }
        }
    }

    /// `h[source pixel] = sum of weights[target pixel - range.start]` over connections with target in `range`.
    pub fn pull_back(&self, range: std::ops::Range<usize>, weights: &[K], num_source_pixels: usize) -> PixelWeights {
        let (mut first, mut end) = (num_source_pixels, 0);
        self.for_each(range.clone(), |_, from| {
            first = first.min(from);
            end = end.max(from + 1);
        });
        let mut values = vec![K::default(); end.saturating_sub(first)];
        let start = range.start;
        self.for_each(range, |to, from| values[from - first] += weights[to - start]);
        PixelWeights { first, values }
    }
}

/// Weights of consecutive pixels; the others are zero.
pub struct PixelWeights {
    /// First pixel.
    pub first: usize,
    /// Weights from there on.
    pub values: Vec<K>,
}

impl PixelWeights {
    /// The part within a range of pixels: its first pixel and its weights, empty if there is none.
    pub fn within(&self, range: std::ops::Range<usize>) -> (usize, &[K]) {
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
