//! Tensors of abstract elements: which values each element can take, and on what it depends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::values::ValueSet;
use super::{Element, Influence};
use crate::shape::Shape;

/// Most kinds of elements that a tensor tells apart; more are taken together.
const MAX_KINDS: usize = 1 << 16;

/// Index of a kind of element in [`Planes::kinds`].
pub(super) type Kind = u16;

/// A tensor of abstract elements, most of which are alike.
#[derive(Clone, Debug)]
pub(super) struct Planes {
    pub shape: Shape,
    /// The kinds of elements.
    kinds: Vec<Element>,
    /// The planes of channels, each once.
    planes: Vec<Plane>,
    /// By channel its plane; where there is none, all channels have the first.
    channels: Vec<u32>,
    /// An element that contains all of them.
    hull: Element,
    /// The most kinds that one plane has.
    most_kinds: usize,
}

/// The elements of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Plane {
    /// All of one kind.
    Uniform(Kind),
    /// By pixel, of more than one kind.
    Pixels(Arc<[Kind]>),
}

impl Plane {
    pub fn at(&self, pixel: usize) -> Kind {
        match self {
            Self::Uniform(kind) => *kind,
            Self::Pixels(kinds) => kinds[pixel],
        }
    }

    fn new(kinds: Vec<Kind>) -> Self {
        match kinds.first() {
            Some(&first) if kinds.iter().all(|&kind| kind == first) => Self::Uniform(first),
            _ => Self::Pixels(kinds.into()),
        }
    }
}

impl Planes {
    /// All elements alike.
    pub fn uniform(shape: Shape, element: Element) -> Self {
        Self { shape, kinds: vec![element], planes: vec![Plane::Uniform(0)], channels: Vec::new(), hull: element, most_kinds: 1 }
    }

    /// One element that contains all of them.
    pub fn hull(&self) -> &Element {
        &self.hull
    }

    /// The most kinds of elements that one plane has.
    pub fn most_kinds(&self) -> usize {
        self.most_kinds
    }

    /// How many channels are listed.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    pub fn kind(&self, kind: Kind) -> &Element {
        &self.kinds[usize::from(kind)]
    }

    /// The planes that there are, each once.
    pub fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// Which of [`Planes::planes`] a channel has.
    pub fn index(&self, channel: usize) -> usize {
        self.channels.get(channel).map_or(0, |&index| index as usize)
    }

    pub fn plane(&self, channel: usize) -> &Plane {
        &self.planes[self.index(channel)]
    }

    /// The kinds of elements that occur.
    pub fn kinds(&self) -> &[Element] {
        &self.kinds
    }

    /// If all elements are alike, what they are.
    fn single(&self) -> Option<&Element> {
        if self.kinds.len() == 1 { self.kinds.first() } else { None }
    }

    /// The same tensor with each element replaced.
    pub fn map(&self, change: impl Fn(&Element) -> Element) -> Self {
        let mut builder = Builder::new(self.shape);
        let kinds: Vec<Kind> = self.kinds.iter().map(|kind| builder.kind(change(kind))).collect();
        let planes: Vec<u32> = self.planes.iter().map(|plane| builder.mapped(plane, &kinds)).collect();
        builder.finish((0..self.shape.channels).map(|channel| planes[self.index(channel)]))
    }

    /// The same elements in NHWC order under another shape.
    pub fn reshaped(&self, shape: Shape) -> Self {
        if let Some(element) = self.single() {
            return Self::uniform(shape, *element);
        }
        if shape == self.shape {
            return self.clone();
        }
        let mut builder = Builder::new(shape);
        let kinds: Vec<Kind> = self.kinds.iter().map(|kind| builder.kind(*kind)).collect();
        let channels: Vec<u32> = (0..shape.channels)
            .map(|channel| {
                let of = |pixel: usize| {
                    let index = pixel * shape.channels + channel;
                    kinds[usize::from(self.plane(index % self.shape.channels).at(index / self.shape.channels))]
                };
                builder.plane((0..shape.num_pixels()).map(of).collect())
            })
            .collect();
        builder.finish(channels)
    }
}

/// A tensor that is being made.
pub(super) struct Builder {
    shape: Shape,
    kinds: Vec<Element>,
    by_kind: HashMap<Element, Kind>,
    planes: Vec<Plane>,
    by_plane: HashMap<Plane, u32>,
}

impl Builder {
    pub fn new(shape: Shape) -> Self {
        Self { shape, kinds: Vec::new(), by_kind: HashMap::new(), planes: Vec::new(), by_plane: HashMap::new() }
    }

    /// The number of a kind of element. If there are too many, the last one stands for this one, too.
    pub fn kind(&mut self, element: Element) -> Kind {
        if let Some(&kind) = self.by_kind.get(&element) {
            return kind;
        }
        if self.kinds.len() < MAX_KINDS {
            let kind = Kind::try_from(self.kinds.len()).unwrap_or(Kind::MAX);
            self.kinds.push(element);
            self.by_kind.insert(element, kind);
            return kind;
        }
        let last = &mut self.kinds[MAX_KINDS - 1];
        *last = last.joined(&element);
        Kind::MAX
    }

    /// The number of a plane, given by the kind of each pixel.
    pub fn plane(&mut self, pixels: Vec<Kind>) -> u32 {
        self.add(Plane::new(pixels))
    }

    /// The number of the plane all of whose elements are of one kind.
    pub fn uniform(&mut self, element: Element) -> u32 {
        let kind = self.kind(element);
        self.add(Plane::Uniform(kind))
    }

    /// The number of another tensor's plane, whose kinds have these numbers here.
    pub fn mapped(&mut self, plane: &Plane, kinds: &[Kind]) -> u32 {
        match plane {
            Plane::Uniform(kind) => self.add(Plane::Uniform(kinds[usize::from(*kind)])),
            Plane::Pixels(pixels) => self.plane(pixels.iter().map(|&kind| kinds[usize::from(kind)]).collect()),
        }
    }

    /// The tensor with these planes by channel.
    pub fn finish(self, channels: impl IntoIterator<Item = u32>) -> Planes {
        let channels = if self.planes.len() == 1 { Vec::new() } else { channels.into_iter().collect() };
        let kinds = |plane: &Plane| match plane {
            Plane::Uniform(_) => 1,
            Plane::Pixels(pixels) => pixels.iter().collect::<HashSet<_>>().len(),
        };
        let most_kinds = self.planes.iter().map(kinds).max().unwrap_or(1);
        let nothing = Element::new(ValueSet::EMPTY, Influence::NONE);
        let hull = self.kinds.iter().fold(nothing, |all, kind| all.joined(kind));
        Planes { shape: self.shape, kinds: self.kinds, planes: self.planes, channels, hull, most_kinds }
    }

    fn add(&mut self, plane: Plane) -> u32 {
        let Self { planes, by_plane, .. } = self;
        *by_plane.entry(plane).or_insert_with_key(|plane| {
            planes.push(plane.clone());
            // There are at most as many planes as channels, fewer than 2^28.
            u32::try_from(planes.len() - 1).unwrap_or(u32::MAX)
        })
    }
}
