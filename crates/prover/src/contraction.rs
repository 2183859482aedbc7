//! Step 5: all linear layers as one inner product, and its sumcheck.

use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;
use verinfer_graph::Graph;
use verinfer_relation::claims::AccumulatorWeights;
use verinfer_relation::field::{K, from_signed};
use verinfer_relation::lanes::WeightedSum;
use verinfer_relation::layout::{Chunk, EqWeights};
use verinfer_relation::relation::Contraction;
use verinfer_relation::{Relation, steps, weights};

use crate::messages::Messages;

/// Both sides of the inner product.
pub struct Contractions {
    inputs: Vec<K>,
    weights: Vec<K>,
}

impl Contractions {
    /// Contracts activations over pixels and weights over output channels, with the weights of the claim on the accumulators.
    pub fn new(relation: &Relation, graph: &Graph, tensors: &[Vec<i16>], r: &EqWeights, accumulators: &AccumulatorWeights) -> Self {
        let weights = relation
            .contractions
            .par_iter()
            .zip(accumulators)
            .flat_map_iter(|(contraction, chunks)| {
                contraction.conv(graph).map_or_else(Vec::new, |conv| weights::contract(contraction, conv, chunks))
            })
            .collect();
        let mut jobs = Vec::new();
        for contraction in &relation.contractions {
            let values = tensors[contraction.tensor.0].as_slice();
            for chunk in &relation.layout.placement(contraction.output).chunks {
                let pixels = r.pixels(chunk);
                jobs.extend((0..contraction.window.num_taps()).map(|tap| (contraction, values, chunk, pixels, tap)));
            }
        }
        let inputs = jobs
            .into_par_iter()
            .flat_map_iter(|(contraction, values, chunk, pixels, tap)| contract_input(contraction, values, chunk, pixels, tap))
            .collect();
        Self { inputs, weights }
    }

    /// The claim.
    fn inner_product(&self) -> K {
        self.inputs.iter().zip(&self.weights).map(|(&a, &b)| a * b).sum()
    }

    /// Sends the claim, the sumcheck and the activation side at its end.
    pub fn prove(self, messages: &mut Messages<'_>, relation: &Relation) {
        messages.send(steps::ACCUMULATORS, &[self.inner_product()]);
        let Self { inputs: mut a, weights: mut b } = self;
        for _ in 0..relation.log_contraction_len() {
            let [at_zero, leading] = a
                .par_chunks(2 * BLOCK)
                .zip(b.par_chunks(2 * BLOCK))
                .map(|(a, b)| round(a, b))
                .reduce(|| [K::ZERO; 2], |x, y| [x[0] + y[0], x[1] + y[1]]);
            messages.send(steps::CONTRACTION_ROUND, &[at_zero, leading]);
            let challenge = messages.state().challenge(steps::CONTRACTION_ROUND);
            a = fold(&a, challenge);
            b = fold(&b, challenge);
        }
        messages.send(steps::CONTRACTION_INPUT, &[a.first().copied().unwrap_or(K::ZERO)]);
    }
}

const BLOCK: usize = 1 << 10;

/// `sum over pixels of the chunk of weight * (input at the tap - zero point)`, by inner channel.
fn contract_input(contraction: &Contraction, values: &[i16], chunk: &Chunk, pixels: &[K], tap: usize) -> Vec<K> {
    let channels = contraction.input_shape.channels;
    let mut sum = WeightedSum::new(channels);
    contraction.tap(tap).for_each(chunk.pixels(), |to, from| {
        sum.add(pixels[to - chunk.first_pixel], &values[from * channels..][..channels]);
    });
    let offset = sum.total() * from_signed(contraction.input_zero_point);
    let by_input_channel: Vec<K> = sum.finish().into_iter().map(|value| value - offset).collect();
    (0..contraction.inner_channels()).map(|inner| by_input_channel[contraction.input_channel(inner)]).collect()
}

/// Value at 0 and leading coefficient of `sum a b` in the lowest bit.
fn round(a: &[K], b: &[K]) -> [K; 2] {
    let mut sums = [K::ZERO; 2];
    for (a, b) in a.chunks(2).zip(b.chunks(2)) {
        let (a1, b1) = (a.get(1).copied().unwrap_or(K::ZERO), b.get(1).copied().unwrap_or(K::ZERO));
        sums[0] += a[0] * b[0];
        sums[1] += (a1 - a[0]) * (b1 - b[0]);
    }
    sums
}

fn fold(values: &[K], challenge: K) -> Vec<K> {
    values.par_chunks(2).with_min_len(BLOCK).map(|pair| pair[0] + challenge * (pair.get(1).copied().unwrap_or(K::ZERO) - pair[0])).collect()
}
