//! Step 3: the fractional sumchecks over all cells. The verifier's side says what a layer and a point are.
//!
//! Addresses are walked in octets (bits 0 to 2); octets past the last cell hold the fraction 0/1 and are never stored. Neither are the leaves and
//! their parents, three quarters of all fractions: they are computed from the cells' rows wherever they are needed.

use rayon::prelude::*;
use verinfer_relation::field::K;
use verinfer_relation::steps;

use crate::messages::Messages;
use crate::packed::{OCTET_LEN, Octet, PackedK, WIDTH, unpack};

mod layer;
mod leaf_layer;
mod leaves;
mod nodes;
mod parents;
mod weights;

pub use leaves::Leaves;
use parents::Parents;

/// Numerators and denominators of an octet.
pub type Fraction = (Octet<PackedK>, Octet<PackedK>);

/// Fractions of a layer, by octet.
type Layer = Vec<Fraction>;

/// Octets that a thread works on at once.
const BLOCK: usize = 256;

/// Proves that the fractions of all `2^log_cells` addresses sum to zero, up to a claim on the leaves; returns its point.
pub fn prove(messages: &mut Messages<'_>, leaves: &Leaves<'_>, log_cells: usize) -> Vec<K> {
    let num_parents = leaves.len().div_ceil(2);
    let mut layers = vec![sums_of_pairs(num_parents, |index| leaves.parent(index))];
    for _ in 2..log_cells - 3 {
        let last = &layers[layers.len() - 1];
        layers.push(sums_of_pairs(last.len(), |index| last[index]));
    }
    let mut above = layers.pop().unwrap_or_default();
    let mut point = top_layers(messages, [unpack(&above[0].0), unpack(&above[0].1)]);
    while let Some(layer) = layers.pop() {
        point = layer::prove(messages, &point, above, &layer);
        above = layer;
    }
    let point = layer::prove(messages, &point, above, &Parents(leaves));
    leaf_layer::prove(messages, &point, leaves)
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
        let bound = layer::lane_rounds(messages, &point, values);
        let child = messages.state().challenge(steps::LAYER_CHILDREN);
        point = [vec![child], bound].concat();
    }
    point
}

/// The next layer above `len` octets: each sum of two fractions; the last one may stand alone.
fn sums_of_pairs(len: usize, fraction: impl Fn(usize) -> Fraction + Sync) -> Layer {
    let sum = |index: usize| {
        let (n0, d0) = fraction(2 * index);
        if 2 * index + 1 == len {
            return (n0, d0);
        }
        let (n1, d1) = fraction(2 * index + 1);
        (std::array::from_fn(|i| n0[i] * d1[i] + n1[i] * d0[i]), std::array::from_fn(|i| d0[i] * d1[i]))
    };
    (0..len.div_ceil(2)).into_par_iter().with_min_len(BLOCK).map(sum).collect()
}

const _: () = assert!(WIDTH * OCTET_LEN == 8);
