//! Vectors that a sumcheck folds pair by pair, and the sums of its messages.

use rayon::prelude::*;
use verinfer_relation::field::K;

use crate::packed::{OCTET_LEN, Octet, PackedK, ZERO, splat, sum_lanes};

/// What a sumcheck over the numbers of octets keeps for each number.
pub trait Node: Copy + Send + Sync {
    /// The node between two.
    fn fold(low: &Self, high: &Self, c: PackedK) -> Self;

    /// Adds a multiple of the summand on the line through two nodes: its value at the first and its leading coefficient.
    fn add(low: &Self, high: &Self, weight: PackedK, sums: &mut Sums);
}

/// Sums of a message, for each register of an octet: values at zero and leading coefficients.
#[derive(Clone, Copy)]
pub struct Sums(pub [Octet<PackedK>; 2]);

impl Sums {
    /// No terms.
    pub const ZERO: Self = Self([[ZERO; OCTET_LEN]; 2]);

    /// Both sums with a weight for each lane of the octet.
    pub fn weighted(&self, lanes: &Octet<PackedK>) -> [K; 2] {
        self.0.map(|sums| (0..OCTET_LEN).map(|i| sum_lanes(sums[i] * lanes[i])).sum())
    }

    /// The sum.
    pub fn plus(mut self, other: Self) -> Self {
        for (sums, others) in self.0.iter_mut().zip(other.0) {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        self
    }
}

/// Nodes of a block: what a thread works on at once. Blocks are folded in place, two into one.
const BLOCK: usize = 512;

/// Nodes as far as they are not all the same.
pub struct Nodes<T> {
    blocks: Vec<Vec<T>>,
    len: usize,
    tail: T,
}

impl<T: Node> Nodes<T> {
    /// How many are stored.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The node of a number.
    pub fn get(&self, index: usize) -> T {
        if index < self.len { self.blocks[index / BLOCK][index % BLOCK] } else { self.tail }
    }

    /// Folds the pairs; also the sums of the next message, whose pairs have these weights.
    pub fn fold(self, c: K, weights: &[K]) -> (Self, Sums) {
        let Self { blocks, len, tail } = self;
        let c = splat(c);
        let (blocks, sums): (Vec<Vec<T>>, Vec<Sums>) = blocks
            .into_par_iter()
            .chunks(2)
            .enumerate()
            .map(|(block, pair)| {
                let mut pair = pair.into_iter();
                let mut nodes = pair.next().unwrap_or_default();
                let half = nodes.len().div_ceil(2);
                for i in 0..half {
                    nodes[i] = T::fold(&nodes[2 * i], nodes.get(2 * i + 1).unwrap_or(&tail), c);
                }
                nodes.truncate(half);
                let second = pair.next().unwrap_or_default();
                nodes.extend(second.chunks(2).map(|pair| T::fold(&pair[0], pair.get(1).unwrap_or(&tail), c)));
                let sums = block_sums(&nodes, tail, weights.get(block * (BLOCK / 2)..).unwrap_or_default());
                (nodes, sums)
            })
            .unzip();
        let sums = sums.into_iter().fold(Sums::ZERO, Sums::plus);
        (Self { blocks, len: len.div_ceil(2), tail }, sums)
    }

    /// `len` nodes; also the sums of the next message, whose pairs have these weights.
    pub fn collect(len: usize, tail: T, weights: &[K], node: impl Fn(usize) -> T + Sync) -> (Self, Sums) {
        let (blocks, sums): (Vec<Vec<T>>, Vec<Sums>) = (0..len.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let nodes: Vec<T> = (block * BLOCK..((block + 1) * BLOCK).min(len)).map(&node).collect();
                let sums = block_sums(&nodes, tail, weights.get(block * (BLOCK / 2)..).unwrap_or_default());
                (nodes, sums)
            })
            .unzip();
        let sums = sums.into_iter().fold(Sums::ZERO, Sums::plus);
        (Self { blocks, len, tail }, sums)
    }
}

/// The part of a block in a message; `weights` begin with that of its first pair.
fn block_sums<T: Node>(nodes: &[T], tail: T, weights: &[K]) -> Sums {
    let mut sums = Sums::ZERO;
    for (pair, &weight) in nodes.chunks(2).zip(weights) {
        T::add(&pair[0], pair.get(1).unwrap_or(&tail), splat(weight), &mut sums);
    }
    sums
}
