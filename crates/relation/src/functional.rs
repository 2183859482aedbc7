//! The one linear claim on the committed vector: weights for its cells, in a form that both sides can use.
//!
//! The prover writes the weights out; the verifier evaluates their multilinear extension at one point, in time about the number of channels
//! and pixels.

use std::cell::OnceCell;
use std::sync::Arc;

use p3_field::PrimeCharacteristicRing;

use crate::commitment::{Bases, Check};
use crate::dot::dot;
use crate::eq::{RangeSums, eq_points};
use crate::field::K;
use crate::lanes::Lanes;
use crate::layout::{Chunk, ColumnId, EqWeights, Layout};
use crate::relation::Location;
use crate::wiring::{PixelMap, Pixels};

/// `constant + sum of weight * cell + sum of weight * input element`.
///
/// Some weights are those of the pixels at a *leaf point*, which is not stored: whoever reads them has it.
#[derive(Default)]
pub struct Functional {
    /// Part that depends on no witness.
    pub constant: K,
    /// Weights of columns by the leaf point alone: `scale * eq(leaf point, address)` of each cell.
    pub columns: Vec<(ColumnId, K)>,
    /// Weights that factor over pixels and channels.
    pub products: Vec<Product>,
    /// Weights of elements.
    pub dense: Vec<Dense>,
    /// Weights of committed objects.
    pub commitments: Vec<CommitmentPart>,
}

/// Weights `scale * pixels[pixel] * channels[channel]`.
pub struct Product {
    /// What is weighted.
    pub location: Location,
    /// Factor of all weights.
    pub scale: K,
    /// By pixel.
    pub pixels: PixelWeights,
    /// By channel.
    pub channels: Arc<[K]>,
}

/// Weights of pixels.
pub enum PixelWeights {
    /// As they are.
    Listed(Pixels),
    /// Those that the leaf point gives to the pixels of a chunk.
    Leaf(Chunk),
    /// A sum of such weights, pulled back to other pixels.
    Wired(Vec<Wiring>),
}

/// `weight` times what the leaf point gives to a chunk's pixels, pulled back through a map.
pub struct Wiring {
    /// Factor.
    pub weight: K,
    /// From the weighted pixels to those of the chunk.
    pub map: PixelMap,
    /// The chunk.
    pub chunk: Chunk,
}

/// Weights of the elements `first..first + weights.len()` of a tensor in NHWC order.
pub struct Dense {
    /// What is weighted.
    pub location: Location,
    /// First element.
    pub first: usize,
    /// Weights from there on.
    pub weights: Vec<K>,
}

/// `scale` times the check that an object belongs to its commitment.
pub struct CommitmentPart {
    /// Weight of the check.
    pub scale: K,
    /// Its weights of the object's cells.
    pub check: Check,
    /// Where these lie.
    pub bases: Bases,
}

impl Functional {
    /// Adds `scale * pixels[pixel] * channels[channel]`.
    pub fn add(&mut self, location: Location, scale: K, pixels: PixelWeights, channels: Arc<[K]>) {
        self.products.push(Product { location, scale, pixels, channels });
    }

    /// The weights of the public input applied to it (NHWC order, image after image).
    pub fn input_part(&self, leaves: &EqWeights, input: &[i16]) -> K {
        let (mut sum, mut plane) = (K::ZERO, Vec::new());
        for product in self.products.iter().filter(|product| product.location == Location::Input) {
            let num_channels = product.channels.len();
            product.pixels.read(leaves, |pixels| {
                let lanes = Lanes::new(&pixels.values);
                let elements = input.get(pixels.first * num_channels..).unwrap_or_default();
                for (channel, &weight) in product.channels.iter().enumerate() {
                    plane.clear();
                    plane.extend(elements.iter().skip(channel).step_by(num_channels).take(pixels.values.len()));
                    sum += product.scale * weight * lanes.dot(&plane);
                }
            });
        }
        for dense in self.dense.iter().filter(|dense| dense.location == Location::Input) {
            sum += Lanes::new(&dense.weights).dot(input.get(dense.first..).unwrap_or_default());
        }
        sum
    }

    /// The multilinear extension of the weights of the committed vector. `leaves` is the leaf point, `at` where to evaluate.
    pub fn evaluate(&self, layout: &Layout, leaves: &EqWeights, at: &EqWeights) -> K {
        let planes = Planes::new(layout, at);
        let mut sum = K::ZERO;
        let products = RangeSums::eq_products(leaves.point(), at.point());
        for &(column, scale) in &self.columns {
            let placement = layout.placement(column);
            sum += scale * placement.chunks.iter().map(|chunk| products.sum(chunk.cells(placement.channels))).sum::<K>();
        }
        for product in &self.products {
            let Location::Column(column) = product.location else { continue };
            let mut unscaled = K::ZERO;
            for (index, chunk) in layout.placement(column).chunks.iter().enumerate() {
                if let Some(pixels) = product.pixels.at(leaves, chunk, at) {
                    unscaled += pixels * dot(planes.of(column, index), &product.channels);
                }
            }
            sum += product.scale * unscaled;
        }
        for part in &self.commitments {
            sum += part.scale * part.check.evaluate(part.bases, at.point());
        }
        for dense in &self.dense {
            let Location::Column(column) = dense.location else { continue };
            for (index, chunk) in layout.placement(column).chunks.iter().enumerate() {
                sum += dense.at(chunk, planes.of(column, index), at);
            }
        }
        sum
    }
}

impl PixelWeights {
    /// Weights of the pixels from the first.
    pub fn listed(values: Vec<K>) -> Self {
        Self::Listed(Pixels { first: 0, values })
    }

    /// The weights that the leaf point gives to the chunk's pixels, pulled back through a map.
    pub fn wired(map: PixelMap, chunk: &Chunk) -> Self {
        if map == PixelMap::Same { Self::Leaf(*chunk) } else { Self::Wired(vec![Wiring { weight: K::ONE, map, chunk: *chunk }]) }
    }

    /// Whether these are the weights that the leaf point gives to all pixels of a chunk.
    pub fn are_of(&self, chunk: &Chunk) -> bool {
        matches!(self, Self::Leaf(leaf) if leaf.pixels() == chunk.pixels())
    }

    /// Reads them written out.
    pub fn read<T>(&self, leaves: &EqWeights, read: impl FnOnce(&Pixels) -> T) -> T {
        match self {
            Self::Listed(pixels) => read(pixels),
            Self::Leaf(chunk) => read(&Pixels { first: chunk.first_pixel, values: leaves.pixels(chunk).to_vec() }),
            Self::Wired(wirings) => {
                let sources = wirings.iter().map(|wiring| wiring.map.sources(wiring.chunk.pixels()));
                let mut sum = Pixels::zeros(sources.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0));
                for Wiring { weight, map, chunk } in wirings {
                    map.pull_back(chunk.pixels(), leaves.pixels(chunk), *weight, &mut sum);
                }
                read(&sum)
            }
        }
    }

    /// Their multilinear extension over the pixels of a chunk, `None` if all are zero there.
    fn at(&self, leaves: &EqWeights, chunk: &Chunk, at: &EqWeights) -> Option<K> {
        match self {
            Self::Listed(pixels) => {
                let (first, within) = pixels.within(chunk.pixels());
                (!within.is_empty()).then(|| dot(within, &at.pixels(chunk)[first - chunk.first_pixel..]))
            }
            Self::Leaf(leaf) if leaf.pixels() == chunk.pixels() => Some(eq_points(leaves.low_point(leaf), at.low_point(chunk))),
            Self::Leaf(leaf) if leaf.is_apart_from(chunk) => None,
            Self::Leaf(leaf) => Some(PixelMap::Same.apply(leaf.pixels(), leaves.pixels(leaf), chunk.pixels(), at.pixels(chunk))),
            Self::Wired(wirings) => {
                let at = |Wiring { weight, map, chunk: wired }: &Wiring| {
                    *weight * map.apply(wired.pixels(), leaves.pixels(wired), chunk.pixels(), at.pixels(chunk))
                };
                Some(wirings.iter().map(at).sum()).filter(|&sum| sum != K::ZERO)
            }
        }
    }
}

impl Dense {
    /// The multilinear extension over a chunk, given the weights of its channels.
    fn at(&self, chunk: &Chunk, channels: &[K], at: &EqWeights) -> K {
        let end = self.first + self.weights.len();
        let mut sum = K::ZERO;
        for (channel, &weight) in channels.iter().enumerate() {
            // The pixels of this channel that are weighted.
            let pixel = |element: usize| element.saturating_sub(channel).div_ceil(channels.len());
            let (first, end) = (chunk.first_pixel.max(pixel(self.first)), chunk.pixels().end.min(pixel(end)));
            if first < end {
                let weights = self.weights[first * channels.len() + channel - self.first..].iter().step_by(channels.len());
                let pixels = &at.pixels(chunk)[first - chunk.first_pixel..end - chunk.first_pixel];
                sum += weight * pixels.iter().zip(weights).map(|(&a, &b)| a * b).sum::<K>();
            }
        }
        sum
    }
}

/// Weights of the channels of each chunk at one point, computed when they are first needed.
struct Planes<'a> {
    layout: &'a Layout,
    at: &'a EqWeights,
    /// By column and chunk.
    weights: Vec<Vec<OnceCell<Vec<K>>>>,
}

impl<'a> Planes<'a> {
    fn new(layout: &'a Layout, at: &'a EqWeights) -> Self {
        let weights = layout.placements().iter().map(|placement| vec![OnceCell::new(); placement.chunks.len()]).collect();
        Self { layout, at, weights }
    }

    fn of(&self, column: ColumnId, index: usize) -> &[K] {
        let placement = self.layout.placement(column);
        self.weights[column.0][index].get_or_init(|| self.at.channels(&placement.chunks[index], placement.channels))
    }
}
