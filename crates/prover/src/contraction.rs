//! Step 5: all linear layers as one inner product, a second one for hidden multipliers, and their sumchecks.

use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;
use verinfer_graph::Graph;
use verinfer_relation::claims::LeafWeights;
use verinfer_relation::dot::dot;
use verinfer_relation::field::{F, K, from_signed};
use verinfer_relation::lanes::WeightedSum;
use verinfer_relation::layout::{Chunk, EqWeights};
use verinfer_relation::learned::Learned;
use verinfer_relation::relation::{Contraction, Rescaling};
use verinfer_relation::scaling::{Part, Scales};
use verinfer_relation::{Relation, scaling, steps, weights};

use crate::messages::Messages;

/// What the linear layers are proved from.
pub struct Layers<'a> {
    /// What is proved.
    pub relation: &'a Relation,
    /// The network with its weights.
    pub graph: &'a Graph,
    /// Hidden multipliers, where they are hidden.
    pub learned: Option<&'a Learned>,
    /// Every tensor of the execution, in NHWC order.
    pub tensors: &'a [Vec<i16>],
    /// The committed vector.
    pub cells: &'a [F],
    /// The point at which the lookup argument ends.
    pub r: &'a EqWeights,
    /// The claim on the leaves.
    pub leaves: &'a LeafWeights,
}

impl Layers<'_> {
    /// Sends claims, sumchecks and their ends.
    pub fn prove(&self, messages: &mut Messages<'_>) {
        let inner_product = InnerProduct { a: self.contracted_inputs(), b: self.contracted_weights() };
        let accumulators = inner_product.value();
        let log_len = self.relation.log_contraction_len();
        let Some(log_scaling_len) = self.relation.log_scaling_len() else {
            messages.send(steps::ACCUMULATORS, &[accumulators]);
            let (_, [input, _]) = inner_product.prove(messages, steps::CONTRACTION_ROUND, log_len);
            messages.send(steps::CONTRACTION_ENDS, &[input]);
            return;
        };
        let parts = scaling::parts(self.relation);
        let signs: Vec<Vec<Vec<K>>> = parts.iter().filter(|part| part.sign).map(|part| self.contracted_signs(part)).collect();
        messages.send(steps::ACCUMULATORS, &[accumulators, self.scaled_signs(&parts, &signs)]);
        let (point, ends) = inner_product.prove(messages, steps::CONTRACTION_ROUND, log_len);
        messages.send(steps::CONTRACTION_ENDS, &ends);

        let xi = messages.state().challenge(steps::SCALING_COMBINATION);
        let scales = Scales { accumulators: &self.leaves.accumulators, signs: &self.leaves.signs, xi };
        let inner = EqWeights::new(&point);
        let mut signs = signs.into_iter();
        let [mut a, mut b] = [0; 2].map(|_| vec![K::ZERO; self.relation.scaling_len()]);
        for part in &parts {
            let (factor, chunks) = scales.of(part);
            let scaled =
                |weights: &Vec<K>| scale_by_integers(weights, self.integers(part)).map(|weight| factor * weight).collect::<Vec<_>>();
            part.grid.scatter(&chunks.iter().flat_map(scaled).collect::<Vec<_>>(), &mut a);
            let contracted = if part.sign { signs.next().unwrap_or_default() } else { self.contracted_inner(part.contraction, &inner) };
            part.grid.scatter(&contracted.concat(), &mut b);
        }
        let (_, ends) = InnerProduct { a, b }.prove(messages, steps::SCALING_ROUND, log_scaling_len);
        messages.send(steps::SCALING_ENDS, &ends);
    }

    /// `A`: activations contracted over pixels.
    fn contracted_inputs(&self) -> Vec<K> {
        let mut jobs = Vec::new();
        for contraction in &self.relation.contractions {
            let values = self.tensors[contraction.tensor.0].as_slice();
            for (index, chunk) in self.relation.layout.placement(contraction.output).chunks.iter().enumerate() {
                let pixels = self.r.pixels(chunk);
                let rows = (0..contraction.window.num_taps()).map(|tap| (tap, contraction.grid.index(contraction.row(index, tap))));
                jobs.extend(rows.map(|(tap, at)| (at, contraction, values, chunk, pixels, tap)));
            }
        }
        let contract = |(at, contraction, values, chunk, pixels, tap)| (at, contract_input(contraction, values, chunk, pixels, tap));
        let rows: Vec<(usize, Vec<K>)> = jobs.into_par_iter().map(contract).collect();
        let mut out = vec![K::ZERO; self.relation.contraction_len()];
        for (at, row) in rows {
            out[at..][..row.len()].copy_from_slice(&row);
        }
        out
    }

    /// `B`: weights, times their multipliers where those are hidden, contracted over output channels.
    fn contracted_weights(&self) -> Vec<K> {
        let (graph, layers) = (self.graph, self.relation.contractions.iter().zip(&self.leaves.accumulators));
        let layers: Vec<_> = layers.map(|(contraction, chunks)| (contraction, chunks, self.rescaling(contraction))).collect();
        let contract = |(contraction, chunks, rescaling): (&Contraction, &Vec<Vec<K>>, Option<&Rescaling>)| {
            let Some(conv) = contraction.conv(graph) else { return Vec::new() };
            match rescaling {
                None => weights::contract(contraction, conv, chunks),
                Some(Rescaling { multipliers, .. }) => {
                    let scale = |channels: &Vec<K>| scale_by_integers(channels, multipliers).collect();
                    weights::contract(contraction, conv, &chunks.iter().map(scale).collect::<Vec<_>>())
                }
            }
        };
        let contracted: Vec<Vec<K>> = layers.into_par_iter().map(contract).collect();
        let mut out = vec![K::ZERO; self.relation.contraction_len()];
        for (contraction, values) in self.relation.contractions.iter().zip(contracted) {
            contraction.grid.scatter(&values, &mut out);
        }
        out
    }

    fn rescaling(&self, contraction: &Contraction) -> Option<&Rescaling> {
        self.learned.and_then(|learned| learned.rescalings[contraction.node.0].as_ref())
    }

    /// Multipliers or sign factors.
    fn integers(&self, part: &Part<'_>) -> &[i64] {
        let rescaling = self.rescaling(part.contraction);
        rescaling.map_or(&[], |values| if part.sign { &values.sign_factors } else { &values.multipliers })
    }

    /// Weights of a layer contracted over taps and inner channels, by chunk and channel.
    fn contracted_inner(&self, contraction: &Contraction, inner: &EqWeights) -> Vec<Vec<K>> {
        contraction.conv(self.graph).map_or_else(Vec::new, |conv| weights::contract_inner(contraction, conv, inner))
    }

    /// Signs contracted over the pixels of each chunk, by chunk and channel.
    fn contracted_signs(&self, part: &Part<'_>) -> Vec<Vec<K>> {
        let Some((column, _)) = &part.hidden.sign else { return Vec::new() };
        let contract = |chunk: &Chunk| {
            let pixels = self.r.pixels(chunk);
            let cells = self.cells;
            let plane = |channel: usize| &cells[chunk.first_cell(channel)..][..1 << chunk.log_len];
            let sum = |channel: usize| plane(channel).iter().zip(pixels).map(|(&sign, &weight)| weight * sign).sum();
            (0..part.contraction.output_shape.channels).into_par_iter().map(sum).collect()
        };
        self.relation.layout.placement(*column).chunks.iter().map(contract).collect()
    }

    /// The signs' part of the claim on the leaves.
    fn scaled_signs(&self, parts: &[Part<'_>], signs: &[Vec<Vec<K>>]) -> K {
        let sum_of = |(part, signs): (&Part<'_>, &Vec<Vec<K>>)| -> K {
            let integers = self.integers(part);
            let chunks = self.leaves.signs[part.layer].iter().zip(signs);
            chunks
                .map(|(weights, signs)| scale_by_integers(weights, integers).zip(signs).map(|(weight, &sign)| weight * sign).sum::<K>())
                .sum()
        };
        parts.iter().filter(|part| part.sign).zip(signs).map(sum_of).sum()
    }
}

/// Each weight times its integer.
fn scale_by_integers(weights: &[K], integers: &[i64]) -> impl Iterator<Item = K> {
    weights.iter().zip(integers).map(|(&weight, &integer)| weight * from_signed(integer))
}

/// `sum_i a_i b_i`.
struct InnerProduct {
    a: Vec<K>,
    b: Vec<K>,
}

impl InnerProduct {
    fn value(&self) -> K {
        self.a.par_chunks(BLOCK).zip(self.b.par_chunks(BLOCK)).map(|(a, b)| dot(a, b)).reduce(|| K::ZERO, |sum, block| sum + block)
    }

    /// Sends the rounds of its sumcheck; returns the point and both sides there.
    fn prove(self, messages: &mut Messages<'_>, label: &'static str, num_rounds: usize) -> (Vec<K>, [K; 2]) {
        let Self { mut a, mut b } = self;
        let mut point = Vec::new();
        for _ in 0..num_rounds {
            let [at_zero, leading] = a
                .par_chunks(2 * BLOCK)
                .zip(b.par_chunks(2 * BLOCK))
                .map(|(a, b)| round(a, b))
                .reduce(|| [K::ZERO; 2], |x, y| [x[0] + y[0], x[1] + y[1]]);
            messages.send(label, &[at_zero, leading]);
            let challenge = messages.state().challenge(label);
            a = fold(&a, challenge);
            b = fold(&b, challenge);
            point.push(challenge);
        }
        (point, [a, b].map(|side| side.first().copied().unwrap_or(K::ZERO)))
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
