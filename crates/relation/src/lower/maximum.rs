//! How the maximum over a window is cut into maxima over few taps each.
//!
//! A maximum is the same however often a tap is counted. So along one axis the maximum over `w` taps is the maximum over `r` maxima of
//! `v = w - (r - 1) d` taps each, `d` taps apart, for every `d <= v`; and the maximum over a rectangle is taken along one axis first and along the
//! other then. A maximum over `r` values costs `r - 1` columns, so a window of `k` taps costs O(log k) columns where its positions overlap.
//!
//! [`stages`] finds the cut that makes the fewest cells, where a column counts as 64 more. Each stage is a window over the stage before, at no more positions than later stages read.

use std::collections::BTreeMap;

use verinfer_graph::{Shape, Window};

use super::room::COLUMN_CELLS;

/// Largest number of taps for which every cut is tried.
const MAX_SEARCHED_TAPS: usize = 16;

/// A window of which every maximum is made of one pairwise maximum for each tap but the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Geometry. A tap outside of the source is the type's smallest value.
    pub window: Window,
    /// Shape of what is read: the pool's input, or the target of the stage before.
    pub source: Shape,
    /// Shape of the maxima.
    pub target: Shape,
}

impl Stage {
    /// Pairwise maxima of each position.
    fn num_columns(&self) -> usize {
        self.window.num_taps() - 1
    }
}

/// The stages of the maximum over a window, at least one; the target of the last is `target`.
pub fn stages(window: &Window, source: Shape, target: Shape) -> Vec<Stage> {
    let axes = [
        Axis::new(window.kernel_h, window.stride_h, window.dilation_h, window.pad_top, source.height, target.height),
        Axis::new(window.kernel_w, window.stride_w, window.dilation_w, window.pad_left, source.width, target.width),
    ];
    let whole = vec![Stage { window: *window, source, target }];
    let by_axis = [1, 0].map(|first| one_axis_after_the_other(&axes, first, source));
    by_axis.into_iter().filter(|stages| !stages.is_empty()).chain([whole]).min_by_key(|stages| cost(stages)).unwrap_or_default()
}

/// What stages cost: the cells of their columns for one image, and the description of each column.
fn cost(stages: &[Stage]) -> usize {
    stages.iter().fold(0, |sum, stage| sum.saturating_add(columns_cost(stage.num_columns(), stage.target.num_elements())))
}

fn columns_cost(num_columns: usize, cells: usize) -> usize {
    cells.saturating_add(COLUMN_CELLS).saturating_mul(num_columns)
}

/// Cells of a stage's columns for so many images.
pub fn stage_cells(stage: &Stage, images: usize) -> usize {
    stage.target.num_elements().saturating_mul(images).max(COLUMN_CELLS).saturating_mul(stage.num_columns())
}

/// The stages along axis `first`, then those along the other.
fn one_axis_after_the_other(axes: &[Axis; 2], first: usize, source: Shape) -> Vec<Stage> {
    let second = 1 - first;
    let mut places = axes.map(|axis| axis.all());
    let mut stages = Vec::new();
    let (read, written) = (axes[second].read(), axes[first].written());
    for (axis, other, positions) in [(first, second, read), (second, first, written)] {
        let factor = source.channels.saturating_mul(positions.len);
        for cut in axes[axis].cuts(factor) {
            let before = places;
            places[axis] = cut.target;
            places[other] = positions;
            let [rows, columns] =
                [0, 1].map(|i| Reading::new(&before[i], &places[i], if i == axis { Some((&axes[i], &cut)) } else { None }));
            let window = Window {
                kernel_h: rows.kernel,
                kernel_w: columns.kernel,
                stride_h: rows.stride,
                stride_w: columns.stride,
                dilation_h: rows.dilation,
                dilation_w: columns.dilation,
                pad_top: rows.pad,
                pad_left: columns.pad,
            };
            let shape = |places: &[Positions; 2]| Shape::new(places[0].len, places[1].len, source.channels);
            stages.push(Stage { window, source: shape(&before), target: shape(&places) });
        }
    }
    stages
}

/// Positions of the input along an axis: `len` of them, `step` apart, the first one `before` before the first element.
#[derive(Clone, Copy, Debug)]
struct Positions {
    before: usize,
    step: usize,
    len: usize,
}

/// How some positions read others: tap `t` of position `i` is position `i * stride + t * dilation - pad`.
struct Reading {
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
}

impl Reading {
    /// Every position of `to` is one of `from`, or lies outside of all.
    fn new(from: &Positions, to: &Positions, cut: Option<(&Axis, &Cut)>) -> Self {
        let (kernel, distance) = cut.map_or((1, from.step), |(axis, cut)| (cut.parts, cut.distance * axis.dilation));
        Self { kernel, stride: (to.step / from.step).max(1), dilation: distance / from.step, pad: (to.before - from.before) / from.step }
    }
}

/// A maximum over `parts` maxima, `distance` taps apart.
#[derive(Clone, Copy, Debug)]
struct Cut {
    parts: usize,
    distance: usize,
    target: Positions,
}

/// The best way to maxima over a number of taps.
#[derive(Clone, Copy, Debug)]
struct Best {
    /// As [`columns_cost`] of all columns.
    cost: usize,
    /// Number of parts and their distance.
    cut: (usize, usize),
}

/// A window along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Taps, without those that exist nowhere.
    taps: usize,
    /// Zero if there is one output.
    stride: usize,
    dilation: usize,
    pad: usize,
    /// Elements of the input.
    side: usize,
    /// Outputs.
    len: usize,
    /// Whether no output has elements of the input behind its last tap, so that its window may be longer.
    is_open: bool,
}

impl Axis {
    fn new(kernel: usize, stride: usize, dilation: usize, pad: usize, side: usize, len: usize) -> Self {
        let most = (side + pad).div_ceil(dilation);
        let stride = if len == 1 { 0 } else { stride };
        Self { taps: kernel.min(most), stride, dilation, pad, side, len, is_open: kernel >= most }
    }

    /// The input's elements.
    fn all(&self) -> Positions {
        Positions { before: 0, step: 1, len: self.side }
    }

    /// The outputs.
    fn written(&self) -> Positions {
        Positions { before: self.pad, step: self.stride.max(1), len: self.len }
    }

    /// The elements of the input that are read.
    fn read(&self) -> Positions {
        if self.taps == 1 { self.written() } else { self.positions(self.taps, 1, gcd(self.stride, self.dilation)) }
    }

    /// Where maxima over `taps` taps are needed for those over `all` taps at the outputs, if all distances are multiples of `step`: but for
    /// positions from which no tap exists, where these can be left out.
    fn positions(&self, all: usize, taps: usize, step: usize) -> Positions {
        let num_needed = ((self.len - 1) * self.stride + (all - taps) * self.dilation) / step + 1;
        let skipped = self.pad.saturating_sub((taps - 1) * self.dilation) / step;
        let before = self.pad - skipped * step;
        let num_existing = (self.side - 1 + before) / step + 1;
        Positions { before, step, len: num_needed.saturating_sub(skipped).min(num_existing).max(1) }
    }

    /// The cuts in the order in which they are computed, if each position counts as `factor` cells.
    fn cuts(&self, factor: usize) -> Vec<Cut> {
        if self.taps == 1 {
            return Vec::new();
        }
        let mut lengths = vec![self.taps];
        if self.is_open {
            lengths.push(self.taps.next_power_of_two());
        }
        let searches = lengths.into_iter().map(|taps| {
            let mut search = Search { axis: self, all: taps, factor, found: BTreeMap::new() };
            let cost = search.best(taps, self.stride).cost;
            (cost, search)
        });
        searches.min_by_key(|(cost, _)| *cost).map_or_else(Vec::new, |(_, search)| search.cuts())
    }
}

/// A search for the cuts that make the fewest cells.
struct Search<'a> {
    axis: &'a Axis,
    all: usize,
    factor: usize,
    /// By number of taps and step of the positions.
    found: BTreeMap<(usize, usize), Best>,
}

impl Search<'_> {
    fn target(&self, taps: usize, step: usize) -> Positions {
        if taps == self.all { self.axis.written() } else { self.axis.positions(self.all, taps, step) }
    }

    fn best(&mut self, taps: usize, step: usize) -> Best {
        if let Some(&best) = self.found.get(&(taps, step)) {
            return best;
        }
        let cells = self.target(taps, step).len.saturating_mul(self.factor);
        let options = candidates(taps, step).into_iter().map(|(parts, distance)| {
            let (rest, below) = (taps - (parts - 1) * distance, gcd(step, distance * self.axis.dilation));
            let inner = if rest == 1 { 0 } else { self.best(rest, below).cost };
            Best { cost: inner.saturating_add(columns_cost(parts - 1, cells)), cut: (parts, distance) }
        });
        // The last candidate is the chain of all taps, which always exists.
        let best = options.min_by_key(|best| best.cost).unwrap_or(Best { cost: usize::MAX, cut: (taps, 1) });
        self.found.insert((taps, step), best);
        best
    }

    fn cuts(&self) -> Vec<Cut> {
        let (mut taps, mut step) = (self.all, self.axis.stride);
        let mut cuts = Vec::new();
        while let Some(&Best { cut: (parts, distance), .. }) = self.found.get(&(taps, step)) {
            cuts.push(Cut { parts, distance, target: self.target(taps, step) });
            (taps, step) = (taps - (parts - 1) * distance, gcd(step, distance * self.axis.dilation));
        }
        cuts.reverse();
        cuts
    }
}

/// Numbers of parts and their distances that are tried for so many taps at positions that are so far apart.
fn candidates(taps: usize, step: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    if taps <= MAX_SEARCHED_TAPS {
        for parts in 2..taps {
            found.extend((1..=taps / parts).map(|distance| (parts, distance)));
        }
    } else {
        let half = taps / 2;
        found.push((2, if (1..=half).contains(&step) { half - half % step } else { half }));
        found.push((2, taps - (1 << (taps - 1).ilog2())));
    }
    found.push((taps, 1));
    found
}

/// The greatest common divisor; of zero and a number the number.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests;
