//! How the elements of one tensor feed those of another: a map of pixels times a map of channels.
//!
//! The planes of a batch hold its images one after the other: pixel `image * pixels of an image + pixel within it`. Shapes are those of one image,
//! and a map connects pixels of the same image only.

use verinfer_graph::{Shape, Window};

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

impl PixelMap {
    /// Calls `visit(target pixel, source pixel)` for every connection whose target pixel is in `range`, which may begin and end in any image.
    pub fn for_each(&self, range: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize)) {
        let Some((source_len, target_len)) = self.image_lens() else { return self.for_each_in_image(range, visit) };
        let mut start = range.start;
        while start < range.end {
            let image = start / target_len;
            let (source, target) = (image * source_len, image * target_len);
            let end = range.end.min(target + target_len);
            self.for_each_in_image(start - target..end - target, |to, from| visit(target + to, source + from));
            start = end;
        }
    }

    /// Pixels of an image in source and target; `None` where they need not be told apart.
    fn image_lens(&self) -> Option<(usize, usize)> {
        match self {
            Self::Same | Self::Total { .. } => None,
            Self::Window { source, target, .. } | Self::Broadcast { source, target } | Self::Inset { source, target, .. } => {
                Some((source.num_pixels(), target.num_pixels()))
            }
        }
    }

    /// The connections within one image.
    fn for_each_in_image(&self, range: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize)) {
        match *self {
            Self::Same => range.for_each(|pixel| visit(pixel, pixel)),
            Self::Total { len } => range.for_each(|pixel| (0..len).for_each(|from| visit(pixel, from))),
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

    /// `h[source pixel] = sum of weights[target pixel - range.start]` over connections with target in `range`; the source has
    /// `num_source_pixels` in all images.
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
mod tests {
    use super::*;

    fn connections(map: &PixelMap, range: std::ops::Range<usize>) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        map.for_each(range, |to, from| found.push((to, from)));
        found
    }

    #[test]
    fn images_of_a_batch_are_connected_like_one_and_not_with_each_other() {
        let (source, target) = (Shape::new(3, 4, 1), Shape::new(2, 3, 1));
        let window = Window { kernel_h: 2, kernel_w: 3, pad_left: 1, pad_top: 1, stride_h: 2, ..Window::POINT };
        for map in [
            PixelMap::Window { window, source, target, tap: None },
            PixelMap::Window { window, source, target, tap: Some(0) },
            PixelMap::Broadcast { source: Shape::new(1, 3, 1), target },
            PixelMap::Inset { source: Shape::new(1, 2, 1), target, top: 1, left: 0 },
        ] {
            let (source_len, target_len) = map.image_lens().unwrap();
            let one = connections(&map, 0..target_len);
            let batch: Vec<_> =
                (0..4).flat_map(|image| one.iter().map(move |&(to, from)| (image * target_len + to, image * source_len + from))).collect();
            for start in 0..4 * target_len {
                for end in start..=4 * target_len {
                    let expected: Vec<_> = batch.iter().copied().filter(|(to, _)| (start..end).contains(to)).collect();
                    assert_eq!(connections(&map, start..end), expected);
                }
            }
        }
        assert_eq!(connections(&PixelMap::Same, 5..7), [(5, 5), (6, 6)]);
    }
}
