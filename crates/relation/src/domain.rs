//! Where the polynomials of a codeword are evaluated.

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64, TwoAdicField};

use crate::field::F;

/// A subgroup of `F*` of order `cosets * 2^log_coset`: the subgroup of order `2^log_coset`, or that and its products with both primitive third roots
/// of unity. Orders that are three times a power of two keep the rate of a codeword within a factor 3/2 instead of 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// 1 or 3.
    pub cosets: usize,
    /// Logarithm of the order of the subgroup.
    pub log_coset: usize,
}

impl Domain {
    /// A subgroup whose order is a power of two.
    pub fn power_of_two(log_len: usize) -> Self {
        Self { cosets: 1, log_coset: log_len }
    }

    /// The subgroup of order `3 * 2^log_coset`.
    pub fn thrice_power_of_two(log_coset: usize) -> Self {
        Self { cosets: 3, log_coset }
    }

    /// Number of points.
    pub fn size(&self) -> usize {
        self.cosets << self.log_coset
    }

    /// What the points of a coset are of those of the subgroup: a third root of unity.
    pub fn shift(&self, coset: usize) -> F {
        F::GENERATOR.exp_u64((F::ORDER_U64 - 1) / 3 * (coset as u64 % 3))
    }

    /// The coset of a row of the codeword, and the exponent there: the rows of a coset are in bit-reversed order.
    pub fn exponent(&self, row: usize) -> (usize, usize) {
        let within = row & ((1 << self.log_coset) - 1);
        let exponent = within.reverse_bits().checked_shr(usize::BITS - self.log_coset as u32).unwrap_or(0);
        (row >> self.log_coset, exponent)
    }

    /// The point of a row of the codeword.
    pub fn point(&self, row: usize) -> F {
        let (coset, exponent) = self.exponent(row);
        self.shift(coset) * F::two_adic_generator(self.log_coset).exp_u64(exponent as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn points_are_a_subgroup() {
        for domain in [Domain::power_of_two(0), Domain::power_of_two(5), Domain::thrice_power_of_two(0), Domain::thrice_power_of_two(5)] {
            let points: BTreeSet<u64> = (0..domain.size()).map(|row| domain.point(row).as_canonical_u64()).collect();
            assert_eq!(points.len(), domain.size());
            assert!(points.iter().all(|&point| F::from_u64(point).exp_u64(domain.size() as u64) == F::ONE));
        }
    }
}
