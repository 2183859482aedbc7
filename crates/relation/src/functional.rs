//! The one linear claim on the committed vector: weights for its cells, in a form that both sides can use.
//!
//! The prover writes the weights out; the verifier evaluates their multilinear extension at one point, in time about the number of channels
//! and pixels.

use std::collections::HashMap;

use p3_field::PrimeCharacteristicRing;

use crate::commitment::{Bases, Check};
use crate::eq::eq_points;
use crate::field::K;
use crate::lanes::Lanes;
use crate::layout::{ColumnId, EqWeights, Layout};
use crate::relation::Location;
use crate::wiring::PixelWeights;

/// `constant + sum of weight * cell + sum of weight * input element`.
#[derive(Default)]
pub struct Functional {
    /// Part that depends on no witness.
    pub constant: K,
    /// By column and chunk: weight `eq(leaf point, pixel) * channels[channel]`.
    pub chunks: HashMap<(ColumnId, usize), Vec<K>>,
    /// Weights `pixels[pixel] * channels[channel]`.
    pub products: Vec<Product>,
    /// Weights of all elements in NHWC order.
    pub dense: Vec<(Location, Vec<K>)>,
    /// Weights of committed objects.
    pub commitments: Vec<CommitmentPart>,
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

/// Weights that factor over the pixels and channels of a tensor.
pub struct Product {
    /// What is weighted.
    pub location: Location,
    /// By pixel.
    pub pixels: PixelWeights,
    /// By channel.
    pub channels: Vec<K>,
}

impl Functional {
    /// Adds channel weights to a chunk.
    pub fn add_chunk(&mut self, column: ColumnId, chunk: usize, channels: &[K]) {
        let sum = self.chunks.entry((column, chunk)).or_insert_with(|| vec![K::ZERO; channels.len()]);
        for (to, from) in sum.iter_mut().zip(channels) {
            *to += *from;
        }
    }

    /// Adds a product.
    pub fn add_product(&mut self, location: Location, pixels: PixelWeights, channels: Vec<K>) {
        self.products.push(Product { location, pixels, channels });
    }

    /// The weights of the public input applied to it (NHWC order, image after image).
    pub fn input_part(&self, input: &[i16]) -> K {
        let mut sum = K::ZERO;
        let mut planes: Vec<Vec<i16>> = Vec::new();
        for product in self.products.iter().filter(|product| product.location == Location::Input) {
            let num_channels = product.channels.len();
            if planes.len() != num_channels {
                planes = (0..num_channels).map(|channel| input.iter().skip(channel).step_by(num_channels).copied().collect()).collect();
            }
            let pixels = Lanes::new(&product.pixels.values);
            for (plane, &weight) in planes.iter().zip(&product.channels) {
                sum += weight * pixels.dot(plane.get(product.pixels.first..).unwrap_or_default());
            }
        }
        for (_, weights) in self.dense.iter().filter(|(location, _)| *location == Location::Input) {
            sum += Lanes::new(weights).dot(input);
        }
        sum
    }

    /// The multilinear extension of the weights of the committed vector. `leaves` is the point of [`Functional::chunks`], `at` where to evaluate.
    pub fn evaluate(&self, layout: &Layout, leaves: &EqWeights, at: &EqWeights) -> K {
        let mut channel_weights: HashMap<(ColumnId, usize), Vec<K>> = HashMap::new();
        let mut channels = |column: ColumnId, chunk: usize, weights: &[K]| -> K {
            let placement = layout.placement(column);
            let known = channel_weights.entry((column, chunk)).or_insert_with(|| at.channels(&placement.chunks[chunk], placement.channels));
            dot(known, weights)
        };
        let mut sum = K::ZERO;
        for (&(column, index), weights) in &self.chunks {
            let chunk = &layout.placement(column).chunks[index];
            sum += eq_points(leaves.low_point(chunk), at.low_point(chunk)) * channels(column, index, weights);
        }
        for product in &self.products {
            let Location::Column(column) = product.location else { continue };
            for (index, chunk) in layout.placement(column).chunks.iter().enumerate() {
                let (first, pixels) = product.pixels.within(chunk.pixels());
                if !pixels.is_empty() {
                    let at_pixels = dot(pixels, &at.pixels(chunk)[first - chunk.first_pixel..]);
                    sum += at_pixels * channels(column, index, &product.channels);
                }
            }
        }
        for part in &self.commitments {
            sum += part.scale * part.check.evaluate(part.bases, at.point());
        }
        for (location, weights) in &self.dense {
            let Location::Column(column) = *location else { continue };
            let placement = layout.placement(column);
            for (index, chunk) in placement.chunks.iter().enumerate() {
                for (pixel, &weight) in chunk.pixels().zip(at.pixels(chunk)) {
                    let row = &weights[pixel * placement.channels..][..placement.channels];
                    sum += weight * channels(column, index, row);
                }
            }
        }
        sum
    }
}

/// `sum a_i b_i`.
pub fn dot(a: &[K], b: &[K]) -> K {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}
