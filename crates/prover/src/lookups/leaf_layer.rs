//! The sumcheck over the leaves themselves.
//!
//! Almost all numerators are one. With `e = 1 + lambda d` and `u = n - 1` for a fraction `n / d`, the summand of two children is
//!
//! `n0 d1 + n1 d0 + lambda d0 d1 = (e0 e1 - 1 + u0 (e1 - 1) + u1 (e0 - 1)) / lambda`:
//!
//! a product of two factors, and a correction for the few octets with other numerators. In the first round factors are affine functions of small
//! rows, so that nothing but sums over the base field is needed where a table's denominators are affine.

use p3_field::{Field, PrimeCharacteristicRing};
use rayon::prelude::*;
use verinfer_relation::field::K;

use super::layer::{self, Children};
use super::leaves::{Factors, Leaves};
use super::nodes::{Node, Nodes, Sums};
use super::weights::Weights;
use crate::messages::Messages;
use crate::packed::{OCTET_LEN, Octet, PackedF, PackedK, ZERO, fold, octet, splat};

/// Factors `e0, e1` of two octets.
#[derive(Clone, Copy)]
struct Pair([Octet<PackedK>; 2]);

impl Node for Pair {
    fn fold(low: &Self, high: &Self, c: PackedK) -> Self {
        Self(std::array::from_fn(|k| std::array::from_fn(|i| fold(low.0[k][i], high.0[k][i], c))))
    }

    fn add(low: &Self, high: &Self, weight: PackedK, sums: &mut Sums) {
        for i in 0..OCTET_LEN {
            let ([e0, e1], [f0, f1]) = ([low.0[0][i], low.0[1][i]], [high.0[0][i], high.0[1][i]]);
            sums.0[0][i] += e0 * e1 * weight;
            sums.0[1][i] += (f0 - e0) * (f1 - e1) * weight;
        }
    }
}

/// `u0, u1` of the octets of a number. They are kept where they are not zero, by increasing number.
type Excess = (usize, [Octet<PackedK>; 2]);

/// Pairs that a thread works on at once.
const BLOCK: usize = 512;

/// Proves the claim of the leaves' parents at `claim_point`, and sends the leaves; returns their point.
pub fn prove(messages: &mut Messages<'_>, claim_point: &[K], leaves: &Leaves<'_>) -> Vec<K> {
    let (lambda, lanes) = layer::begin(messages, claim_point);
    let factors = Factors::new(leaves, lambda);
    let inverse = lambda.try_inverse().unwrap_or_default();
    let upper = &claim_point[3..];
    let mut len = leaves.len().div_ceil(2);
    let mut excesses: Vec<Excess> = (0..len)
        .into_par_iter()
        .with_min_len(BLOCK)
        .filter_map(|index| factors.excess(index).map(|pair| (index, pair.map(|octet| octet.map(PackedK::from)))))
        .collect();
    let tail = Pair([octet(K::ONE + lambda); 2]);
    let mut weights = upper.get(1..).map_or_else(Weights::none, |rest| Weights::new(rest, len.div_ceil(2)));
    let mut sums = first_sums(&factors, len, tail, weights.pairs());
    let mut nodes: Option<Nodes<Pair>> = None;
    let mut bound = Vec::new();
    for round in 0..upper.len() {
        if len % 2 == 1 {
            excesses.push((len, [octet(-K::ONE); 2]));
        }
        let at = |index: usize| nodes.as_ref().map_or_else(|| factors.pair(index), |nodes| nodes.get(index).0);
        let corrected = sums.plus(correction(&excesses, at, weights.pairs()));
        let [at_zero, leading] = corrected.weighted(&lanes);
        let at_zero = (at_zero - weights.total() * (K::ONE + lambda.square())) * inverse + lambda;
        let c = layer::send_round(messages, [at_zero, leading * inverse]);
        bound.push(c);
        excesses = fold_excesses(&excesses, splat(c));
        let next = len.div_ceil(2);
        weights = upper.get(round + 2..).map_or_else(Weights::none, |rest| weights.next(rest));
        let folded = match nodes.take() {
            Some(nodes) => nodes.fold(c, weights.pairs()),
            None => first_fold(&factors, len, tail, c, weights.pairs()),
        };
        sums = folded.1;
        nodes = Some(folded.0);
        len = next;
    }
    let [e0, e1] = nodes.map_or_else(|| factors.pair(0), |nodes| nodes.get(0).0);
    let [u0, u1] = excesses.first().map_or([octet(K::ZERO); 2], |(_, pair)| *pair);
    let register = |i: usize| {
        let denominator = |e: PackedK| (e - splat(K::ONE)) * splat(inverse);
        [u0[i] + e0[i], u1[i] + splat(K::ONE), denominator(e0[i]), denominator(e1[i])]
    };
    let registers: [[PackedK; 4]; OCTET_LEN] = std::array::from_fn(register);
    let children: Children = std::array::from_fn(|k| std::array::from_fn(|i| registers[i][k]));
    layer::finish(messages, claim_point, children, bound)
}

/// What numerators other than one add to a message.
fn correction(excesses: &[Excess], at: impl Fn(usize) -> [Octet<PackedK>; 2] + Sync, weights: &[K]) -> Sums {
    let terms = pairs(excesses).into_par_iter().with_min_len(BLOCK).fold(
        || Sums::ZERO,
        |mut sums, pair| {
            let index = pair[0].0 / 2;
            let weight = splat(weights[index]);
            let ([u0, u1], [v0, v1]) = ends(pair);
            let ([e0, e1], [f0, f1]) = (at(2 * index), at(2 * index + 1));
            for i in 0..OCTET_LEN {
                let (one, a, b) = (splat(K::ONE), (v0[i] - u0[i]) * weight, (v1[i] - u1[i]) * weight);
                sums.0[0][i] += (u0[i] * (e1[i] - one) + u1[i] * (e0[i] - one)) * weight;
                sums.0[1][i] += a * (f1[i] - e1[i]) + b * (f0[i] - e0[i]);
            }
            sums
        },
    );
    terms.reduce(|| Sums::ZERO, Sums::plus)
}

/// Those whose numbers are folded to one.
fn pairs(excesses: &[Excess]) -> Vec<&[Excess]> {
    excesses.chunk_by(|a, b| a.0 / 2 == b.0 / 2).collect()
}

/// Both of two numbers of which one may be missing.
fn ends(pair: &[Excess]) -> ([Octet<PackedK>; 2], [Octet<PackedK>; 2]) {
    let of = |parity: usize| pair.iter().find(|(index, _)| index % 2 == parity).map_or([octet(K::ZERO); 2], |(_, excess)| *excess);
    (of(0), of(1))
}

fn fold_excesses(excesses: &[Excess], c: PackedK) -> Vec<Excess> {
    let folded = pairs(excesses).into_par_iter().with_min_len(BLOCK).map(|pair| {
        let (low, high) = ends(pair);
        (pair[0].0 / 2, Pair::fold(&Pair(low), &Pair(high), c).0)
    });
    folded.collect()
}

/// Sums over pairs of lookups in one table of affine denominators: of the weights, and of the weights times base elements.
struct Moments {
    table: usize,
    weight: K,
    /// Of `a + b`, `a b` and `(c - a) (d - b)` for rows `a, b` below `c, d`.
    sums: [Octet<PackedK>; 3],
}

impl Moments {
    fn new(table: usize) -> Self {
        Self { table, weight: K::ZERO, sums: [[ZERO; OCTET_LEN]; 3] }
    }

    fn add(&mut self, weight: K, [a, b]: [Octet<PackedF>; 2], [c, d]: [Octet<PackedF>; 2]) {
        self.weight += weight;
        let weight = splat(weight);
        for i in 0..OCTET_LEN {
            self.sums[0][i] += weight * (a[i] + b[i]);
            self.sums[1][i] += weight * (a[i] * b[i]);
            self.sums[2][i] += weight * ((c[i] - a[i]) * (d[i] - b[i]));
        }
    }

    /// The sums of `(e - lambda a)(e - lambda b)` and `lambda^2 (c - a)(d - b)`.
    fn add_to(&self, factors: &Factors<'_>, sums: &mut Sums) {
        let (e, lambda) = (factors.affine(self.table), factors.lambda());
        let (square, cross) = (splat(lambda.square()), splat(e * lambda));
        for i in 0..OCTET_LEN {
            sums.0[0][i] += splat(e.square() * self.weight) - cross * self.sums[0][i] + square * self.sums[1][i];
            sums.0[1][i] += square * self.sums[2][i];
        }
    }
}

/// The sums of the first message without the correction.
fn first_sums(factors: &Factors<'_>, len: usize, tail: Pair, weights: &[K]) -> Sums {
    let blocks = weights.par_chunks(BLOCK).enumerate().map(|(block, weights)| {
        let mut sums = Sums::ZERO;
        let mut moments = Moments::new(0);
        for (pair, &weight) in (block * BLOCK..).zip(weights) {
            match (factors.affine_pair(2 * pair), factors.affine_pair(2 * pair + 1)) {
                (Some((table, low)), Some((other, high))) if table == other => {
                    if table != moments.table {
                        moments.add_to(factors, &mut sums);
                        moments = Moments::new(table);
                    }
                    moments.add(weight, low, high);
                }
                _ => Pair::add(&Pair(factors.pair(2 * pair)), &second(factors, 2 * pair + 1, len, tail), splat(weight), &mut sums),
            }
        }
        moments.add_to(factors, &mut sums);
        sums
    });
    blocks.reduce(|| Sums::ZERO, Sums::plus)
}

fn second(factors: &Factors<'_>, index: usize, len: usize, tail: Pair) -> Pair {
    if index < len { Pair(factors.pair(index)) } else { tail }
}

/// The first fold.
fn first_fold(factors: &Factors<'_>, len: usize, tail: Pair, c: K, weights: &[K]) -> (Nodes<Pair>, Sums) {
    let (lambda, scaled, c) = (splat(-factors.lambda()), splat(-factors.lambda() * c), splat(c));
    Nodes::collect(len.div_ceil(2), tail, weights, |pair| match (factors.affine_pair(2 * pair), factors.affine_pair(2 * pair + 1)) {
        (Some((table, low)), Some((other, high))) if table == other => {
            let e = splat(factors.affine(table));
            let folded = |a: PackedF, b: PackedF| lambda * a + scaled * (b - a) + e;
            Pair(std::array::from_fn(|k| std::array::from_fn(|i| folded(low[k][i], high[k][i]))))
        }
        _ => Pair::fold(&Pair(factors.pair(2 * pair)), &second(factors, 2 * pair + 1, len, tail), c),
    })
}
