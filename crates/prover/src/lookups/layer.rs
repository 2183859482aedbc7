//! The sumcheck of one layer of fractions above the leaves.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::eq::eq_table;
use verinfer_relation::field::K;
use verinfer_relation::steps;

use super::Fraction;
use super::nodes::{Node, Nodes, Sums};
use crate::messages::Messages;
use crate::packed::{OCTET_LEN, Octet, PackedK, fold, octet, pack, splat, unpack};
use crate::vectors::eq_weights;

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

/// Proves the parents' claim at `claim_point`, and sends the children; returns a point of the children's layer. Children past the `num_children`
/// octets are fractions 0/1.
pub fn prove(messages: &mut Messages<'_>, claim_point: &[K], num_children: usize, child: impl Fn(usize) -> Fraction + Sync) -> Vec<K> {
    let (lambda, lanes) = begin(messages, claim_point);
    let packed_lambda = splat(lambda);
    let children = |index: usize| -> Children {
        let (n0, d0) = child(2 * index);
        let (n1, d1) = if 2 * index + 1 < num_children { child(2 * index + 1) } else { (octet(K::ZERO), octet(K::ONE)) };
        [std::array::from_fn(|i| n0[i] + packed_lambda * d0[i]), n1, d0, d1]
    };
    let tail = [octet(lambda), octet(K::ZERO), octet(K::ONE), octet(K::ONE)];
    let upper = &claim_point[3..];
    let len = num_children.div_ceil(2);
    let Some((_, rest)) = upper.split_first() else { return finish(messages, claim_point, children(0), Vec::new()) };
    let mut weights = eq_weights(rest, len.div_ceil(2));
    let mut sums = Nodes::first_sums(len, children, tail, &weights);
    let mut nodes: Option<Nodes<Children>> = None;
    let mut bound = Vec::new();
    for round in 0..upper.len() {
        let [at_zero, leading] = sums.weighted(&lanes);
        // Past the end the summand is lambda for every challenge.
        let total: K = weights.iter().copied().sum();
        let c = send_round(messages, [at_zero + lambda * (K::ONE - total), leading]);
        bound.push(c);
        let len = nodes.as_ref().map_or(len, Nodes::len).div_ceil(2);
        weights = upper.get(round + 2..).map_or_else(Vec::new, |rest| eq_weights(rest, len.div_ceil(2)));
        let folded = match nodes {
            Some(nodes) => nodes.fold(c, &weights),
            None => Nodes::first_fold(num_children.div_ceil(2), children, tail, c, &weights),
        };
        sums = folded.1;
        nodes = Some(folded.0);
    }
    let last = nodes.map_or_else(|| children(0), |nodes| nodes.get(0));
    finish(messages, claim_point, last, bound)
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
