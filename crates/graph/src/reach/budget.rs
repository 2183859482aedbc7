//! What interpreting may cost, whatever the graph: memory and time are bounded by what nodes are charged before they are interpreted.

use super::planes::{Plane, Planes};
use crate::op::{Operand, Window};
use crate::shape::Shape;

/// Bytes that all nodes of a graph may take together.
pub(super) const MAX_BYTES: usize = 1 << 26;

/// Charge for computing and keeping an element.
const ELEMENT: usize = 128;

/// Charge for a pixel of a plane: it is kept in two bytes, and copied once.
const PIXEL: usize = 4;

/// Charge for a channel: its plane, and where that is looked up.
const CHANNEL: usize = 64;

/// What is left.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Charges a node; `false` if that is more than is left.
    pub fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// A sum that stops at the largest number.
fn sum<const N: usize>(parts: [usize; N]) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}

/// A product that stops at the largest number.
fn product<const N: usize>(factors: [usize; N]) -> usize {
    factors.into_iter().fold(1, usize::saturating_mul)
}

fn mixed(input: &Planes) -> usize {
    input.planes().iter().filter(|plane| matches!(plane, Plane::Pixels(_))).count()
}

fn pixels(input: &Planes) -> usize {
    product([mixed(input), input.shape.num_pixels()])
}

/// Each kind of element replaced or renumbered.
pub(super) fn map(input: &Planes) -> usize {
    let kinds = product([input.kinds().len(), ELEMENT]);
    sum([kinds, product([pixels(input), PIXEL]), product([input.channels(), CHANNEL])])
}

/// Unions of so many bytes over the windows of one plane, with the runs of rows and columns.
fn unions(window: usize, input: Shape, output: Shape) -> usize {
    let between = product([input.height, output.width]);
    let lines = sum([input.height, input.width, output.height, output.width]);
    sum([product([window, sum([input.num_pixels(), between, output.num_pixels()])]), product([lines, 3 * window + 16])])
}

pub(super) fn convolution(input: &Planes, output: Shape, depthwise: bool, known: bool) -> usize {
    let mixed = mixed(input);
    // Without known values all channels over one plane are alike.
    let planes = if depthwise { input.planes().len() } else { 1 };
    let made = if known { output.channels } else { planes };
    let under = if depthwise { mixed } else { mixed.min(1) };
    let made_mixed = if mixed == 0 { 0 } else { product([made, output.num_pixels(), PIXEL]) };
    let elements = product([made, 4, ELEMENT]);
    sum([product([output.channels, CHANNEL]), elements, made_mixed, pixels(input), product([under, unions(1, input.shape, output)])])
}

pub(super) fn pool(input: &Planes, window: &Window, output: Shape, tables: usize) -> usize {
    let (planes, mixed) = (input.planes().len(), mixed(input));
    let taps = window.num_taps();
    // Masks of what is under a window, by what the plane has, and by number of taps.
    let local = input.most_kinds().min(64);
    let masks = output.num_pixels().min(product([1 << local.min(32), tables.max(1)]));
    let exact = tables > 0 && taps <= super::pools::MAX_EXACT_TAPS && !(input.kinds().len() == 1 && input.hull().values.is_interval());
    let each = sum([ELEMENT, product([local, 64]), if exact { product([taps, taps, 255 * 255 / 32]) } else { 0 }]);
    let per_plane = product([masks, each]);
    let listed = if tables > 1 { planes } else { mixed };
    let unions = product([mixed, unions(8, input.shape, output)]);
    let lines = product([sum([output.height, output.width]), 8]);
    let own = product([listed, output.num_pixels(), 8 + PIXEL]);
    sum([product([planes, per_plane]), own, unions, lines, pixels(input), product([output.channels, CHANNEL])])
}

pub(super) fn pairs(left: &Planes, right: &Planes) -> usize {
    let planes = product([left.planes().len(), right.planes().len()]).min(left.shape.channels);
    let pixels = if mixed(left) + mixed(right) == 0 { planes } else { product([planes, left.shape.num_pixels()]) };
    let kinds = product([left.kinds().len(), right.kinds().len()]).min(pixels);
    sum([product([pixels, PIXEL]), product([kinds, ELEMENT]), product([left.shape.channels, CHANNEL])])
}

pub(super) fn constants(input: &Planes, right: &Operand) -> usize {
    let channels = match right {
        Operand::Constant(constants) => constants.len().min(input.shape.channels),
        Operand::Tensor { .. } => 0,
    };
    let of_channel = if mixed(input) == 0 {
        PIXEL + ELEMENT
    } else {
        let kinds = input.kinds().len().min(input.shape.num_pixels());
        sum([product([input.shape.num_pixels(), PIXEL]), product([kinds, ELEMENT])])
    };
    sum([product([channels, of_channel]), product([input.shape.channels, CHANNEL])])
}

pub(super) fn reshape(input: &Planes, output: Shape) -> usize {
    if input.kinds().len() == 1 {
        return 0;
    }
    sum([product([output.num_elements(), PIXEL]), product([input.kinds().len(), ELEMENT]), product([output.channels, CHANNEL])])
}

pub(super) fn padding(input: &Planes, output: Shape) -> usize {
    let planes = if input.shape.num_pixels() == output.num_pixels() { mixed(input) } else { input.planes().len() };
    let kinds = product([input.kinds().len() + 1, ELEMENT]);
    sum([product([planes, output.num_pixels(), PIXEL]), kinds, product([output.channels, CHANNEL])])
}

pub(super) fn concatenation<'a>(inputs: impl Iterator<Item = &'a Planes>, output: Shape, along_channels: bool) -> usize {
    let (mut count, mut maps, mut combinations) = (0usize, 0usize, 1usize);
    for input in inputs {
        count += 1;
        maps = maps.saturating_add(map(input));
        combinations = combinations.saturating_mul(input.planes().len());
    }
    if along_channels {
        return sum([maps, product([output.channels, CHANNEL])]);
    }
    let planes = combinations.min(output.channels);
    let parts = product([output.channels, sum([CHANNEL, product([count, 8])])]);
    // Rows are put together from those of each input.
    sum([maps, product([planes, output.num_pixels(), 2 * PIXEL]), product([planes, output.height, count, 32]), parts])
}
