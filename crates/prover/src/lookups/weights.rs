//! Equality weights of the pairs of a round.

use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;
use verinfer_relation::eq::{RangeSums, eq_index};
use verinfer_relation::field::K;

use crate::vectors::eq_weights;

/// Pairs that a thread works on at once.
const BLOCK: usize = 1 << 12;

/// `eq(point, i)` for the pairs `i` of a round, and their sum.
pub struct Weights {
    pairs: Vec<K>,
    total: K,
}

impl Weights {
    /// Of `num_pairs` pairs.
    pub fn new(point: &[K], num_pairs: usize) -> Self {
        Self { pairs: eq_weights(point, num_pairs), total: RangeSums::eq(point).sum(0..num_pairs) }
    }

    /// By pair.
    pub fn pairs(&self) -> &[K] {
        &self.pairs
    }

    /// Sum over all pairs.
    pub fn total(&self) -> K {
        self.total
    }

    /// The weights of the next round, whose pairs are pairs of these; `point` is without their first coordinate.
    ///
    /// `eq((c, point), 2 i) + eq((c, point), 2 i + 1) = eq(point, i)`.
    pub fn next(&self, point: &[K]) -> Self {
        let mut pairs: Vec<K> = self.pairs.par_chunks(2).with_min_len(BLOCK).map(|pair| pair.iter().copied().sum()).collect();
        let mut total = self.total;
        if self.pairs.len() % 2 == 1
            && let Some(last) = pairs.last_mut()
        {
            let alone = std::mem::replace(last, eq_index(point, self.pairs.len() / 2));
            total += *last - alone;
        }
        Self { pairs, total }
    }

    /// No pairs: after the last round.
    pub fn none() -> Self {
        Self { pairs: Vec::new(), total: K::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use verinfer_relation::eq::eq_table;
    use verinfer_relation::transcript::Transcript;

    use super::*;

    #[test]
    fn weights_of_each_round_are_those_of_its_point() {
        let point = Transcript::new().challenges("point", 6);
        for len in [1, 2, 5, 31, 33, 63, 64] {
            let mut weights = Weights::new(&point, len);
            for round in 1..=point.len() {
                let rest = &point[round..];
                weights = weights.next(rest);
                let expected = eq_table(rest, len.div_ceil(1 << round));
                assert_eq!(weights.pairs(), expected);
                assert_eq!(weights.total(), expected.iter().copied().sum());
            }
        }
    }
}
