//! The equality polynomial `eq(point, index) = prod_i (index_i ? point_i : 1 - point_i)` over the bits of an index, least significant first,
//! and its sums over ranges.

use std::ops::Range;

use p3_field::PrimeCharacteristicRing;

use crate::field::{F, K};

/// `eq(point, i)` for `i < len`, `len <= 2^point.len()`.
pub fn eq_table(point: &[K], len: usize) -> Vec<K> {
    let mut table = Vec::with_capacity(len);
    if len > 0 {
        table.push(K::ONE);
    }
    for (bit, &coordinate) in point.iter().enumerate() {
        let upper = (len - table.len()).min(1 << bit);
        for i in 0..upper {
            let high = table[i] * coordinate;
            table[i] -= high;
            table.push(high);
        }
        let rest = K::ONE - coordinate;
        let low_len = (1usize << bit).min(len);
        for value in &mut table[upper..low_len] {
            *value *= rest;
        }
    }
    table
}

/// `eq(point, index)`.
pub fn eq_index(point: &[K], index: usize) -> K {
    point.iter().enumerate().map(|(bit, &coordinate)| if index >> bit & 1 == 1 { coordinate } else { K::ONE - coordinate }).product()
}

/// `eq(point, start + i)` for `i < len`, `start + len <= 2^point.len()`, in about one multiplication for each.
pub fn eq_range(point: &[K], start: usize, len: usize) -> Vec<K> {
    let Some(last) = (start + len).checked_sub(1).filter(|_| len > 0) else { return Vec::new() };
    // The upper bits, which all indices share, then one bit after the other from the highest: an index's prefixes are those of its neighbours.
    let differing = (usize::BITS - (start ^ last).leading_zeros()) as usize;
    let (low, high) = point.split_at(differing);
    let mut prefixes = Vec::with_capacity(len + 2);
    prefixes.push(eq_index(high, start >> differing));
    for (bit, &coordinate) in low.iter().enumerate().rev() {
        let parents = prefixes.len();
        prefixes.resize(2 * parents, K::ZERO);
        // From the end on, so that no parent is overwritten before it is read.
        for parent in (0..parents).rev() {
            let value = prefixes[parent];
            let one = value * coordinate;
            prefixes[2 * parent] = value - one;
            prefixes[2 * parent + 1] = one;
        }
        if last >> bit & 1 == 0 {
            prefixes.pop();
        }
        if start >> bit & 1 == 1 {
            let _ = prefixes.remove(0);
        }
    }
    prefixes
}

/// `eq(a, b) = prod_i (a_i b_i + (1 - a_i)(1 - b_i))`.
pub fn eq_points(a: &[K], b: &[K]) -> K {
    a.iter().zip(b).map(|(&a, &b)| K::ONE - a - b + (a * b).double()).product()
}

/// Sums over ranges of a product that has a factor for each bit of the index, in time linear in the number of bits.
pub struct RangeSums {
    /// Factors of bits that are zero, and that are one.
    factors: Vec<[K; 2]>,
    /// Sums over all values of the bits below.
    below: Vec<K>,
}

impl RangeSums {
    /// Of `eq(point, i)`.
    pub fn eq(point: &[K]) -> Self {
        Self::new(point.iter().map(|&coordinate| [K::ONE - coordinate, coordinate]).collect())
    }

    /// Of `eq(a, i) eq(b, i)`.
    pub fn eq_products(a: &[K], b: &[K]) -> Self {
        let factors = |(&a, &b): (&K, &K)| {
            let one = a * b;
            [K::ONE - a - b + one, one]
        };
        Self::new(a.iter().zip(b).map(factors).collect())
    }

    fn new(factors: Vec<[K; 2]>) -> Self {
        let mut below = vec![K::ONE];
        for &[zero, one] in &factors {
            below.push((zero + one) * below[below.len() - 1]);
        }
        Self { factors, below }
    }

    /// Over `range`, which ends at `2^bits` or before.
    pub fn sum(&self, range: Range<usize>) -> K {
        self.before(range.end) - self.before(range.start)
    }

    /// Over all indices below `end`.
    fn before(&self, end: usize) -> K {
        if end >> self.factors.len() != 0 {
            return self.below[self.factors.len()];
        }
        let (mut sum, mut prefix) = (K::ZERO, K::ONE);
        // Below its lowest bit the end has no more to add.
        let lowest = end.trailing_zeros() as usize;
        for (bit, &[zero, one]) in self.factors.iter().enumerate().skip(lowest).rev() {
            if end >> bit & 1 == 1 {
                sum += prefix * zero * self.below[bit];
                prefix *= one;
            } else {
                prefix *= zero;
            }
        }
        sum
    }
}

/// `(sum_{j < end} eq(point, j), sum_{j < end} j eq(point, j))` for `end <= 2^point.len()`, in time linear in the number of bits.
pub fn eq_prefix_sums(point: &[K], end: usize) -> (K, K) {
    let mut weighted_low = Vec::with_capacity(point.len() + 1);
    let mut expectation = K::ZERO;
    for (bit, &coordinate) in point.iter().enumerate() {
        weighted_low.push(expectation);
        expectation += coordinate * F::from_u64(1 << bit);
    }
    if end >> point.len() != 0 {
        return (K::ONE, expectation);
    }
    let (mut sum, mut weighted, mut prefix, mut value) = (K::ZERO, K::ZERO, K::ONE, 0u64);
    for (bit, &coordinate) in point.iter().enumerate().rev() {
        if end >> bit & 1 == 1 {
            let block = prefix * (K::ONE - coordinate);
            sum += block;
            weighted += block * (weighted_low[bit] + F::from_u64(value));
            prefix *= coordinate;
            value += 1 << bit;
        } else {
            prefix *= K::ONE - coordinate;
        }
    }
    (sum, weighted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcript;

    fn point(len: usize) -> Vec<K> {
        Transcript::new().challenges("point", len)
    }

    #[test]
    fn the_table_is_the_product_over_bits() {
        let point = point(6);
        for len in [0, 1, 2, 3, 5, 8, 33, 63, 64] {
            let table = eq_table(&point, len);
            assert_eq!(table, (0..len).map(|i| eq_index(&point, i)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_range_is_a_slice_of_the_table() {
        let point = point(7);
        let table = eq_table(&point, 128);
        for (start, len) in [(0, 1), (5, 3), (60, 68), (17, 100), (127, 1), (3, 0), (0, 0), (0, 128), (63, 2), (64, 64), (1, 126)] {
            assert_eq!(eq_range(&point, start, len), table[start..start + len]);
        }
    }

    #[test]
    fn range_sums_are_sums() {
        let (a, b) = (point(5), Transcript::new().challenges("other", 5));
        let (eq, products) = (RangeSums::eq(&a), RangeSums::eq_products(&a, &b));
        let (a, b) = (eq_table(&a, 32), eq_table(&b, 32));
        for range in (0..=32).flat_map(|end| (0..=end).map(move |start| start..end)) {
            assert_eq!(eq.sum(range.clone()), a[range.clone()].iter().copied().sum());
            assert_eq!(products.sum(range.clone()), range.map(|i| a[i] * b[i]).sum());
        }
    }

    #[test]
    fn prefix_sums_are_sums() {
        let point = point(5);
        let table = eq_table(&point, 32);
        for end in 0..=32 {
            let sum: K = table[..end].iter().copied().sum();
            let weighted: K = table[..end].iter().enumerate().map(|(j, &e)| e * F::from_usize(j)).sum();
            assert_eq!(eq_prefix_sums(&point, end), (sum, weighted));
        }
    }
}
