//! The sumcheck of one layer of fractions above the leaves.

use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::steps;

use super::nodes::{Node, Nodes, Sums};
use super::parents::{self, Moments, Symmetric};
use super::weights::Weights;
use super::{BLOCK, Fraction, Layer};
use crate::messages::Messages;
use crate::packed::{OCTET_LEN, Octet, PackedK, fold, octet, pack, splat, unpack};

/// Children of an octet of one layer: `n0 + lambda d0`, `n1`, `d0`, `d1`.
pub type Children = [Octet<PackedK>; 4];

impl Node for Children {
    fn fold(low: &Self, high: &Self, c: PackedK) -> Self {
        std::array::from_fn(|k| std::array::from_fn(|i| fold(low[k][i], high[k][i], c)))
    }

    fn add(low: &Self, high: &Self, weight: PackedK, sums: &mut Sums) {
        for i in 0..OCTET_LEN {
            let [n0, n1, d0, d1] = low.map(|octet| octet[i]);
            let [dn0, dn1, dd0, dd1] = std::array::from_fn(|k| high[k][i] - low[k][i]);
            sums.0[0][i] += (n0 * d1 + n1 * d0) * weight;
            sums.0[1][i] += (dn0 * dd1 + dn1 * dd0) * weight;
        }
    }
}

/// Fractions of two octets: `n0`, `n1`, `d0`, `d1`.
pub type Fractions = [Octet<PackedK>; 4];

/// A layer of fractions whose sums of pairs have been claimed.
pub trait Below: Sync {
    /// Octets; those after them are fractions 0/1.
    fn len(&self) -> usize;

    /// An octet.
    fn get(&self, index: usize) -> Fraction;

    /// The table of two octets, `2 index` and the next, of fractions that are [`Symmetric`] in its rows, and these.
    fn affine(&self, _index: usize) -> Option<(usize, Symmetric)> {
        None
    }

    /// The denominator of a table's row 0.
    fn offset(&self, _table: usize) -> K {
        K::ZERO
    }
}

impl Below for Layer {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn get(&self, index: usize) -> Fraction {
        self[index]
    }
}

/// Proves the parents' claim at `claim_point`, and sends the children; returns a point of the children's layer.
pub fn prove(messages: &mut Messages<'_>, claim_point: &[K], parents: Layer, children: &impl Below) -> Vec<K> {
    let (lambda, lanes) = begin(messages, claim_point);
    let len = parents.len();
    let none = || (octet(K::ZERO), octet(K::ONE));
    let fractions = |index: usize| -> Fractions {
        let (n0, d0) = if index < len { children.get(2 * index) } else { none() };
        let (n1, d1) = if 2 * index + 1 < children.len() { children.get(2 * index + 1) } else { none() };
        [n0, n1, d0, d1]
    };
    let tail = [octet(lambda), octet(K::ZERO), octet(K::ONE), octet(K::ONE)];
    let upper = &claim_point[3..];
    let Some((_, rest)) = upper.split_first() else { return finish(messages, claim_point, combined(fractions(0), lambda), Vec::new()) };
    let mut weights = Weights::new(rest, len.div_ceil(2));
    let mut sums = first_sums(&parents, children, fractions, lambda, weights.pairs());
    drop(parents);
    let mut nodes: Option<Nodes<Children>> = None;
    let mut bound = Vec::new();
    for round in 0..upper.len() {
        let [at_zero, leading] = sums.weighted(&lanes);
        // Past the end the summand is lambda for every challenge.
        let c = send_round(messages, [at_zero + lambda * (K::ONE - weights.total()), leading]);
        bound.push(c);
        let half = nodes.as_ref().map_or(len, Nodes::len).div_ceil(2);
        weights = upper.get(round + 2..).map_or_else(Weights::none, |rest| weights.next(rest));
        let folded = match nodes {
            Some(nodes) => nodes.fold(c, weights.pairs()),
            None => Nodes::collect(half, tail, weights.pairs(), |pair| {
                let folded = match affine_pair(children, pair) {
                    Some((table, [low, high])) => parents::fold(&low, &high, children.offset(table), splat(c)),
                    None => Children::fold(&fractions(2 * pair), &fractions(2 * pair + 1), splat(c)),
                };
                combined(folded, lambda)
            }),
        };
        sums = folded.1;
        nodes = Some(folded.0);
    }
    let last = nodes.map_or_else(|| combined(fractions(0), lambda), |nodes| nodes.get(0));
    finish(messages, claim_point, last, bound)
}

/// The message of the first round. At zero the summand is a parent, `n + lambda d`, and need not be computed from its children.
fn first_sums(
    parents: &[Fraction],
    children: &impl Below,
    fractions: impl Fn(usize) -> Fractions + Sync,
    lambda: K,
    weights: &[K],
) -> Sums {
    let blocks = weights.par_chunks(BLOCK).enumerate().map(|(block, weights)| {
        let (mut numerators, mut denominators, mut leading) = (octet(K::ZERO), octet(K::ZERO), octet(K::ZERO));
        let mut moments = Moments::new(0);
        let add = |leading: &mut Octet<PackedK>, moments: &Moments| {
            let sums = moments.leading(children.offset(moments.table), lambda);
            leading.iter_mut().zip(sums).for_each(|(leading, sum)| *leading += sum);
        };
        for (pair, &weight) in (block * BLOCK..).zip(weights) {
            let (weight, (n, d)) = (splat(weight), &parents[2 * pair]);
            for i in 0..OCTET_LEN {
                numerators[i] += n[i] * weight;
                denominators[i] += d[i] * weight;
            }
            if let Some((table, [low, high])) = affine_pair(children, pair) {
                if table != moments.table {
                    add(&mut leading, &moments);
                    moments = Moments::new(table);
                }
                moments.add(weight, &low, &high);
                continue;
            }
            let (low, high) = (fractions(2 * pair), fractions(2 * pair + 1));
            for i in 0..OCTET_LEN {
                let [n0, n1, d0, d1] = std::array::from_fn(|k| high[k][i] - low[k][i]);
                leading[i] += ((n0 + d0 * splat(lambda)) * d1 + n1 * d0) * weight;
            }
        }
        add(&mut leading, &moments);
        Sums([std::array::from_fn(|i| numerators[i] + denominators[i] * splat(lambda)), leading])
    });
    blocks.reduce(|| Sums::ZERO, Sums::plus)
}

/// The fractions of a pair of numbers, if all are of one table and [`Symmetric`] in its rows.
fn affine_pair(children: &impl Below, pair: usize) -> Option<(usize, [Symmetric; 2])> {
    let (table, low) = children.affine(2 * pair)?;
    let (other, high) = children.affine(2 * pair + 1)?;
    (table == other).then_some((table, [low, high]))
}

/// Children of two fractions.
fn combined([n0, n1, d0, d1]: Fractions, lambda: K) -> Children {
    [std::array::from_fn(|i| n0[i] + d0[i] * splat(lambda)), n1, d0, d1]
}

/// The combination of numerators and denominators, and the weights of an octet's lanes.
pub fn begin(messages: &mut Messages<'_>, claim_point: &[K]) -> (K, Octet<PackedK>) {
    let lambda = messages.state().challenge(steps::LAYER_COMBINATION);
    let lanes = pack(&eq_table(&claim_point[..3], 8));
    (lambda, std::array::from_fn(|i| lanes[i]))
}

/// Sends a round and draws its challenge.
pub fn send_round(messages: &mut Messages<'_>, message: [K; 2]) -> K {
    messages.send(steps::LAYER_ROUND, &message);
    messages.state().challenge(steps::LAYER_ROUND)
}

/// Binds bits 0 to 2 and sends the children; `bound` are the challenges before.
pub fn finish(messages: &mut Messages<'_>, claim_point: &[K], children: Children, bound: Vec<K>) -> Vec<K> {
    let columns = children.map(|octet| unpack(&octet));
    let values = (0..8).map(|i| std::array::from_fn(|k| columns[k][i])).collect();
    let lanes = lane_rounds(messages, &claim_point[..3], values);
    let child = messages.state().challenge(steps::LAYER_CHILDREN);
    [lanes, vec![child], bound].concat()
}

/// Binds bits 0 to 2, or as many as there are, and sends the children.
pub fn lane_rounds(messages: &mut Messages<'_>, claim_point: &[K], mut values: Vec<[K; 4]>) -> Vec<K> {
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
        let c = send_round(messages, [at_zero, leading]);
        values = values.chunks_exact(2).map(|pair| std::array::from_fn(|k| pair[0][k] + c * (pair[1][k] - pair[0][k]))).collect();
        bound.push(c);
    }
    messages.send(steps::LAYER_CHILDREN, &values[0]);
    bound
}
