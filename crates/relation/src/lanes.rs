//! Inner products of extension elements with 8-bit integers, without a reduction for each term.
//!
//! A coordinate of an extension element is split into two 32-bit halves; its products with integers of 10 bits are summed in 64 bits, exactly
//! for up to 2^22 terms.

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
    /// Splits the coordinates; at most 2^22 elements.
    pub fn new(values: &[K]) -> Self {
        assert!(values.len() <= MAX_TERMS, "a contraction has at most 2^22 inner indices");
        let mut lanes: [Vec<u32>; 6] = Default::default();
        for &value in values {
            for (lane, half) in lanes.iter_mut().zip(halves(value)) {
                lane.push(half);
            }
        }
        Self { lanes, total: values.iter().copied().sum() }
    }

    /// `sum values[i] * row[i]`.
    pub fn dot(&self, row: &[i16]) -> K {
        let mut sums = [0u64; 6];
        for (sum, lane) in sums.iter_mut().zip(&self.lanes) {
            *sum = lane.iter().zip(row).map(|(&half, &value)| u64::from(half) * unsigned(value)).sum();
        }
        join(sums) - self.total * from_signed(OFFSET)
    }
}

/// `sum over rows of weight * row`, for rows of integers in -256..=255 of one length.
pub struct WeightedSum {
    sums: [Vec<u64>; 6],
    total: K,
    num_rows: usize,
}

impl WeightedSum {
    /// Zero.
    pub fn new(len: usize) -> Self {
        Self { sums: std::array::from_fn(|_| vec![0; len]), total: K::ZERO, num_rows: 0 }
    }

    /// Adds `weight * row`; at most 2^22 times.
    pub fn add(&mut self, weight: K, row: &[i16]) {
        self.num_rows += 1;
        assert!(self.num_rows <= MAX_TERMS, "at most 2^22 rows can be summed");
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
    pub fn finish(self) -> Vec<K> {
        let correction = self.total * from_signed(OFFSET);
        let len = self.sums[0].len();
        (0..len).map(|i| join(std::array::from_fn(|half| self.sums[half][i])) - correction).collect()
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
