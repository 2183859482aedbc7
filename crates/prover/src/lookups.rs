//! Step 3: the fractional sumchecks over all cells. The verifier's side says what a layer and a point are.
//!
//! Addresses are walked in octets (bits 0 to 2); octets past the last cell hold the fraction 0/1 and are never stored.

use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::steps;

use crate::messages::Messages;
use crate::packed::{OCTET_LEN, Octet, PackedF, PackedK, WIDTH, fold, octet, pack, splat, sum_lanes};

/// Numerators and denominators of the leaves, by octet of addresses.
pub struct Leaves {
    /// Base elements.
    pub numerators: Vec<Octet<PackedF>>,
    /// Never zero for an honest prover.
    pub denominators: Vec<Octet<PackedK>>,
}

/// One layer above the leaves.
struct Layer {
    numerators: Vec<Octet<PackedK>>,
    denominators: Vec<Octet<PackedK>>,
}

/// Children of an octet of one layer: `n0 + lambda d0`, `n1`, `d0`, `d1`.
type Children = [Octet<PackedK>; 4];

/// Octets that a thread works on at once.
const BLOCK: usize = 256;

/// Proves that the fractions of all `2^log_cells` addresses sum to zero, up to a claim on the leaves; returns its point.
pub fn prove(messages: &mut Messages<'_>, leaves: Leaves, log_cells: usize) -> Vec<K> {
    let mut layers = vec![first_layer(&leaves)];
    for _ in 1..log_cells - 3 {
        layers.push(next_layer(&layers[layers.len() - 1]));
    }
    let top = layers.pop().map(|top| [elements(&top.numerators[0]), elements(&top.denominators[0])]);
    let mut point = top_layers(messages, top.unwrap_or_default());
    for layer in layers.into_iter().rev() {
        let child = |x: usize| -> (Octet<PackedK>, Octet<PackedK>) { (layer.numerators[x], layer.denominators[x]) };
        point = Sumcheck::prove(messages, &point, layer.denominators.len(), child);
    }
    let child = |x: usize| (leaves.numerators[x].map(PackedK::from), leaves.denominators[x]);
    Sumcheck::prove(messages, &point, leaves.denominators.len(), child)
}

/// The layers of fewer than eight fractions, from the sum of all down; returns a point of the eight.
fn top_layers(messages: &mut Messages<'_>, [numerators, denominators]: [Vec<K>; 2]) -> Vec<K> {
    let mut layers = vec![(numerators, denominators)];
    for _ in 0..3 {
        let (n, d) = &layers[layers.len() - 1];
        let pairs = n.chunks_exact(2).zip(d.chunks_exact(2));
        layers.push(pairs.map(|(n, d)| (n[0] * d[1] + n[1] * d[0], d[0] * d[1])).unzip());
    }
    let product = layers.pop().and_then(|(_, d)| d.first().copied()).unwrap_or_default();
    messages.send_plain(steps::DENOMINATOR, product);
    let mut point = Vec::new();
    for (n, d) in layers.into_iter().rev() {
        let lambda = messages.state().challenge(steps::LAYER_COMBINATION);
        let pairs = n.chunks_exact(2).zip(d.chunks_exact(2));
        let values = pairs.map(|(n, d)| [n[0] + lambda * d[0], n[1], d[0], d[1]]).collect();
        let bound = lane_rounds(messages, &point, values);
        let child = messages.state().challenge(steps::LAYER_CHILDREN);
        point = [vec![child], bound].concat();
    }
    point
}

/// The children of octet `x`; those past the end are 0/1.
fn gather(lambda: PackedK, x: usize, len: usize, child: impl Fn(usize) -> (Octet<PackedK>, Octet<PackedK>)) -> Children {
    let (n0, d0) = child(2 * x);
    let (n1, d1) = if 2 * x + 1 < len { child(2 * x + 1) } else { (octet(K::ZERO), octet(K::ONE)) };
    [std::array::from_fn(|i| n0[i] + lambda * d0[i]), n1, d0, d1]
}

fn first_layer(leaves: &Leaves) -> Layer {
    let len = leaves.denominators.len();
    combine(len, |x| {
        let (n0, d0) = (&leaves.numerators[2 * x], &leaves.denominators[2 * x]);
        if 2 * x + 1 == len {
            return (n0.map(PackedK::from), *d0);
        }
        let (n1, d1) = (&leaves.numerators[2 * x + 1], &leaves.denominators[2 * x + 1]);
        (std::array::from_fn(|i| d1[i] * n0[i] + d0[i] * n1[i]), std::array::from_fn(|i| d0[i] * d1[i]))
    })
}

fn next_layer(layer: &Layer) -> Layer {
    let len = layer.denominators.len();
    combine(len, |x| {
        let (n0, d0) = (&layer.numerators[2 * x], &layer.denominators[2 * x]);
        if 2 * x + 1 == len {
            return (*n0, *d0);
        }
        let (n1, d1) = (&layer.numerators[2 * x + 1], &layer.denominators[2 * x + 1]);
        (std::array::from_fn(|i| n0[i] * d1[i] + n1[i] * d0[i]), std::array::from_fn(|i| d0[i] * d1[i]))
    })
}

fn combine(len: usize, parent: impl Fn(usize) -> (Octet<PackedK>, Octet<PackedK>) + Sync + Send) -> Layer {
    let (numerators, denominators) = (0..len.div_ceil(2)).into_par_iter().with_min_len(BLOCK).map(parent).unzip();
    Layer { numerators, denominators }
}

/// Sumcheck of one layer: bits 3 and up, then bits 0 to 2.
struct Sumcheck<'a, 'b> {
    messages: &'a mut Messages<'b>,
    lambda: K,
    lanes: Octet<PackedK>,
    claim_point: &'a [K],
    bound: Vec<K>,
}

impl<'a, 'b> Sumcheck<'a, 'b> {
    /// Proves the parents' claim at `claim_point`, and sends the children; returns a point of the children's layer.
    fn prove(
        messages: &'a mut Messages<'b>,
        claim_point: &'a [K],
        num_children: usize,
        child: impl Fn(usize) -> (Octet<PackedK>, Octet<PackedK>) + Sync,
    ) -> Vec<K> {
        let lambda = messages.state().challenge(steps::LAYER_COMBINATION);
        let lane_weights = pack(&eq_table(&claim_point[..3], 8));
        let lanes = std::array::from_fn(|i| lane_weights[i]);
        let mut sumcheck = Self { messages, lambda, lanes, claim_point, bound: Vec::new() };
        let packed_lambda = splat(lambda);
        let last = sumcheck.upper_rounds(num_children.div_ceil(2), |x| gather(packed_lambda, x, num_children, &child));
        let columns = last.map(|octet| elements(&octet));
        let values = (0..8).map(|i| std::array::from_fn(|k| columns[k][i])).collect();
        let Self { messages, bound, .. } = sumcheck;
        let lanes = lane_rounds(messages, &claim_point[..3], values);
        let child = messages.state().challenge(steps::LAYER_CHILDREN);
        [lanes, vec![child], bound].concat()
    }

    /// Binds the bits of an octet's number. Returns the one octet that is left.
    fn upper_rounds(&mut self, mut len: usize, children: impl Fn(usize) -> Children + Sync) -> Children {
        let upper = &self.claim_point[3..];
        let Some((_, rest)) = upper.split_first() else { return children(0) };
        let weights = eq_table(rest, len.div_ceil(2));
        let tail = self.tail();
        let second = |x: usize, len: usize| if x < len { children(x) } else { tail };
        let sums = reduce(len.div_ceil(2), |y| self.evaluate(&children(2 * y), &second(2 * y + 1, len), weights[y]));
        let mut challenge = self.send(sums);
        let c = splat(challenge);
        let mut folded: Vec<Children> = (0..len.div_ceil(2))
            .into_par_iter()
            .with_min_len(BLOCK)
            .map(|y| fold_children(&children(2 * y), &second(2 * y + 1, len), c))
            .collect();
        self.bound.push(challenge);
        len = len.div_ceil(2);
        for round in 1..upper.len() {
            let weights = eq_table(&upper[round + 1..], len.div_ceil(2));
            let current = &folded;
            let second = |y: usize| current.get(2 * y + 1).unwrap_or(&tail);
            let sums = reduce(len.div_ceil(2), |y| self.evaluate(&current[2 * y], second(y), weights[y]));
            challenge = self.send(sums);
            let c = splat(challenge);
            folded =
                (0..len.div_ceil(2)).into_par_iter().with_min_len(BLOCK).map(|y| fold_children(&current[2 * y], second(y), c)).collect();
            self.bound.push(challenge);
            len = len.div_ceil(2);
        }
        folded[0]
    }

    /// Children past the end: fractions 0/1.
    fn tail(&self) -> Children {
        [octet(self.lambda), octet(K::ZERO), octet(K::ONE), octet(K::ONE)]
    }

    /// `weight * (g(0) - lambda)` and `weight * leading coefficient of g` for a pair of octets, `g = n0 d1 + n1 d0 + lambda d0 d1`.
    ///
    /// `g` is lambda past the end, so that `g - lambda` vanishes there.
    fn evaluate(&self, low: &Children, high: &Children, weight: K) -> [PackedK; 2] {
        let lambda = splat(self.lambda);
        let mut sums = [PackedK::ZERO; 2];
        for i in 0..OCTET_LEN {
            let [n0, n1, d0, d1] = low.map(|octet| octet[i]);
            let [dn0, dn1, dd0, dd1] = std::array::from_fn(|k| high[k][i] - low[k][i]);
            sums[0] += self.lanes[i] * (n0 * d1 + n1 * d0 - lambda);
            sums[1] += self.lanes[i] * (dn0 * dd1 + dn1 * dd0);
        }
        let weight = splat(weight);
        sums.map(|sum| sum * weight)
    }

    /// Sends a round and draws its challenge.
    fn send(&mut self, [at_zero, leading]: [PackedK; 2]) -> K {
        self.messages.send(steps::LAYER_ROUND, &[sum_lanes(at_zero) + self.lambda, sum_lanes(leading)]);
        self.messages.state().challenge(steps::LAYER_ROUND)
    }
}

/// Binds bits 0 to 2, or as many as there are, and sends the children.
fn lane_rounds(messages: &mut Messages<'_>, claim_point: &[K], mut values: Vec<[K; 4]>) -> Vec<K> {
    let mut bound = Vec::new();
    for round in 0..claim_point.len() {
        let weights = eq_table(&claim_point[round + 1..], values.len() / 2);
        let (mut at_zero, mut leading) = (K::ZERO, K::ZERO);
        for (pair, &weight) in values.chunks_exact(2).zip(&weights) {
            let [n0, n1, d0, d1] = pair[0];
            let [dn0, dn1, dd0, dd1] = std::array::from_fn(|k| pair[1][k] - pair[0][k]);
            at_zero += weight * (n0 * d1 + n1 * d0);
            leading += weight * (dn0 * dd1 + dn1 * dd0);
        }
        messages.send(steps::LAYER_ROUND, &[at_zero, leading]);
        let c = messages.state().challenge(steps::LAYER_ROUND);
        values = values.chunks_exact(2).map(|pair| std::array::from_fn(|k| pair[0][k] + c * (pair[1][k] - pair[0][k]))).collect();
        bound.push(c);
    }
    messages.send(steps::LAYER_CHILDREN, &values[0]);
    bound
}

fn fold_children(low: &Children, high: &Children, c: PackedK) -> Children {
    std::array::from_fn(|k| std::array::from_fn(|i| fold(low[k][i], high[k][i], c)))
}

fn reduce(len: usize, term: impl Fn(usize) -> [PackedK; 2] + Sync + Send) -> [PackedK; 2] {
    (0..len).into_par_iter().with_min_len(BLOCK).fold(|| [PackedK::ZERO; 2], |sum, y| add(sum, term(y))).reduce(|| [PackedK::ZERO; 2], add)
}

fn add(a: [PackedK; 2], b: [PackedK; 2]) -> [PackedK; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

/// The eight elements of an octet.
fn elements(octet: &Octet<PackedK>) -> Vec<K> {
    crate::packed::unpack(octet)
}

const _: () = assert!(WIDTH * OCTET_LEN == 8);
