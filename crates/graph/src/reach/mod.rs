//! What the output of a network can be at all, and on what it depends: an interpretation of the graph on sets of values.
//!
//! Each element of each tensor has a set of values that contains all it can take, and says whether it may depend on the input and on what is
//! learned. An element with a single value depends on nothing. The sets follow clamps, tables, windows and padding; elements are taken to be
//! independent of each other, but for tensors that are functions of one and the same tensor, element by element (`x - x`). So the sets are never too
//! small: what is said not to depend on something does not, the converse need not hold. Weights that are all zero, for one, are not seen where they are
//! hidden.
//!
//! Telling elements apart takes memory and time, which a budget bounds whatever the graph; where it is used up, one element that contains all of a
//! tensor's stands for each of them.

use std::collections::HashSet;

use crate::graph::{Graph, NodeId};
use crate::shape::Shape;
use budget::MAX_BYTES;
use interpret::interpret;
use planes::{Plane, Planes};

mod budget;
mod hulls;
mod interpret;
mod planes;
mod pools;
mod values;
mod windows;

pub use values::ValueSet;

/// What is known of an element: no value is outside of its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// The values it can take.
    pub values: ValueSet,
    /// On what it may depend.
    pub influence: Influence,
}

/// On what an element may depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Influence {
    /// On the network's input.
    pub input: bool,
    /// On hidden learned values.
    pub learned: bool,
}

/// What the output of a network can be.
#[derive(Clone, Debug)]
pub struct Reach {
    shape: Shape,
    /// What each plane of the output can be, over all pixels.
    planes: Vec<Element>,
    /// Each channel's plane.
    channels: Vec<usize>,
}

impl Influence {
    const NONE: Self = Self { input: false, learned: false };
    const LEARNED: Self = Self { input: false, learned: true };

    /// On what either depends.
    const fn and(self, other: Self) -> Self {
        Self { input: self.input || other.input, learned: self.learned || other.learned }
    }

    const fn bits(self) -> u8 {
        (self.input as u8) | (self.learned as u8) << 1
    }

    const fn of_bits(bits: u8) -> Self {
        Self { input: bits & 1 == 1, learned: bits & 2 == 2 }
    }
}

impl Element {
    /// With these values; one that takes a single value depends on nothing.
    fn new(values: ValueSet, influence: Influence) -> Self {
        Self { values, influence: if values.is_constant() { Influence::NONE } else { influence } }
    }

    fn constant(value: i16) -> Self {
        Self::new(ValueSet::interval(value, value), Influence::NONE)
    }

    /// Smallest and largest value.
    pub fn bounds(&self) -> (i16, i16) {
        self.values.bounds()
    }

    /// Whether it takes a single value.
    pub fn is_constant(&self) -> bool {
        self.values.is_constant()
    }

    fn joined(&self, other: &Self) -> Self {
        Self { values: self.values.union(&other.values), influence: self.influence.and(other.influence) }
    }
}

impl Reach {
    /// Of a network whose learned values are those in the graph.
    pub fn of(graph: &Graph) -> Self {
        Self::of_output(&interpret(graph, None, MAX_BYTES))
    }

    /// Of an architecture with any learned values: `written` gives the smallest and largest value that a node with hidden values can write, within its
    /// clamp; `None` stands for the clamp. Nothing learned is read.
    pub fn of_architecture(graph: &Graph, written: &dyn Fn(NodeId) -> Option<(i16, i16)>) -> Self {
        Self::of_output(&interpret(graph, Some(written), MAX_BYTES))
    }

    /// As [`Reach::of`], or as [`Reach::of_architecture`] with the clamps of hidden nodes, within a budget of so many bytes. With none, one element stands
    /// for all of each tensor.
    pub fn within(graph: &Graph, hidden: bool, bytes: usize) -> Self {
        Self::of_output(&interpret(graph, if hidden { Some(&|_| None) } else { None }, bytes))
    }

    fn of_output(output: &Planes) -> Self {
        let over_pixels = |plane: &Plane| match plane {
            Plane::Uniform(kind) => *output.kind(*kind),
            Plane::Pixels(kinds) => {
                let distinct: HashSet<_> = kinds.iter().collect();
                let elements = distinct.into_iter().map(|&kind| *output.kind(kind));
                elements.reduce(|joined, element| joined.joined(&element)).unwrap_or(*output.hull())
            }
        };
        let planes = output.planes().iter().map(over_pixels).collect();
        Self { shape: output.shape, planes, channels: (0..output.shape.channels).map(|channel| output.index(channel)).collect() }
    }

    /// Height, width and channels of the output.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What a channel of the output can be, over all pixels.
    ///
    /// # Panics
    ///
    /// If there is no such channel.
    pub fn channel(&self, channel: usize) -> Element {
        self.planes[self.channels[channel]]
    }

    /// On what any element of the output may depend.
    pub fn influence(&self) -> Influence {
        self.planes.iter().fold(Influence::NONE, |sum, element| sum.and(element.influence))
    }
}
