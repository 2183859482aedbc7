//! Inner products of extension elements with 8-bit integers, without a reduction for each term.
//!
//! A coordinate of an extension element is split into two 32-bit halves; its products with integers of 10 bits are summed in 64 bits, exactly
//! for up to 2^22 terms; longer sums are reduced in between.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};

use crate::field::{F, K, from_coordinates, from_signed};

/// Added to each integer to make it unsigned; the sum is corrected at the end.
const OFFSET: i64 = 256;

/// Terms after which a 64-bit sum could overflow.
const MAX_TERMS: usize = 1 << 22;

/// Halves of the three coordinates: low 0, high 0, low 1, ...
fn halves(value: K) -> [u32; 6] {
    let coordinates: &[F] = value.as_basis_coefficients_slice();
    let mut out = [0; 6];
    for (pair, coordinate) in out.chunks_exact_mut(2).zip(coordinates) {
        let value = coordinate.as_canonical_u64();
        pair[0] = value as u32;
        pair[1] = (value >> 32) as u32;
    }
    out
}

fn join(sums: [u64; 6]) -> K {
    let high = F::from_u64(1 << 32);
    let coordinate = |i: usize| F::from_u64(sums[2 * i]) + F::from_u64(sums[2 * i + 1]) * high;
    from_coordinates([coordinate(0), coordinate(1), coordinate(2)])
}

fn unsigned(value: i16) -> u64 {
    u64::from((i32::from(value) + OFFSET as i32) as u32)
}

/// A vector of extension elements, prepared for inner products with rows of integers in -256..=255.
pub struct Lanes {
    lanes: [Vec<u32>; 6],
    total: K,
}

impl Lanes {
    /// Splits the coordinates.
    pub fn new(values: &[K]) -> Self {
        let mut lanes: [Vec<u32>; 6] = std::array::from_fn(|_| Vec::with_capacity(values.len()));
        for &value in values {
            for (lane, half) in lanes.iter_mut().zip(halves(value)) {
                lane.push(half);
            }
        }
        Self { lanes, total: values.iter().copied().sum() }
    }

    /// `sum values[i] * row[i]`; the row may be longer than the vector.
    pub fn dot(&self, row: &[i16]) -> K {
        let mut sums = K::ZERO;
        for (block, row) in row.chunks(MAX_TERMS).enumerate() {
            let partial = self.lanes.each_ref().map(|lane| {
                let lane = lane.get(block * MAX_TERMS..).unwrap_or_default();
                lane.iter().zip(row).map(|(&half, &value)| u64::from(half) * unsigned(value)).sum()
            });
            sums += join(partial);
        }
        sums - self.total * from_signed(OFFSET)
    }
}

/// `sum over rows of weight * row`, for rows of integers in -256..=255 of one length.
pub struct WeightedSum {
    sums: [Vec<u64>; 6],
    num_rows: usize,
    reduced: Vec<K>,
    total: K,
}

impl WeightedSum {
    /// Zero.
    pub fn new(len: usize) -> Self {
        Self { sums: std::array::from_fn(|_| vec![0; len]), num_rows: 0, reduced: vec![K::ZERO; len], total: K::ZERO }
    }

    /// Adds `weight * row`.
    pub fn add(&mut self, weight: K, row: &[i16]) {
        if self.num_rows == MAX_TERMS {
            self.reduce();
        }
        self.num_rows += 1;
        self.total += weight;
        for (sums, half) in self.sums.iter_mut().zip(halves(weight)) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += u64::from(half) * unsigned(value);
            }
        }
    }

    /// Sum of the weights.
    pub fn total(&self) -> K {
        self.total
    }

    /// The sums.
    pub fn finish(mut self) -> Vec<K> {
        self.reduce();
        let correction = self.total * from_signed(OFFSET);
        self.reduced.into_iter().map(|value| value - correction).collect()
    }

    fn reduce(&mut self) {
        for (i, value) in self.reduced.iter_mut().enumerate() {
            *value += join(self.sums.each_mut().map(|sums| std::mem::take(&mut sums[i])));
        }
        self.num_rows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcript;

    #[test]
    fn lanes_agree_with_field_arithmetic() {
        let weights = Transcript::new().challenges("w", 300);
        let row: Vec<i16> = (0..300).map(|i| ((i * 97) % 511) as i16 - 255).collect();
        let expected: K = weights.iter().zip(&row).map(|(&w, &v)| w * from_signed(i64::from(v))).sum();
        assert_eq!(Lanes::new(&weights).dot(&row), expected);
        let mut sum = WeightedSum::new(1);
        for (&weight, &value) in weights.iter().zip(&row) {
            sum.add(weight, &[value]);
        }
        assert_eq!(sum.finish(), vec![expected]);
    }
}
