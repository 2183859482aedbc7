//! The ring `F[X] / (X^128 + 1)` as 128 copies of `F`: values of a polynomial at the roots, and the transposed map.
//!
//! With `theta` a primitive 256th root of unity, slot `t` is the root `theta_t = theta^(2 rev(t) + 1)`, `rev` the reversal of seven bits: the
//! order in which `X^(2h) - c^2 = (X^h - c)(X^h + c)` splits the ring.

use std::sync::OnceLock;

use p3_field::{Algebra, PrimeCharacteristicRing, TwoAdicField};

use crate::field::F;

/// Coefficients of a ring element, and its slots.
pub const DEGREE: usize = 128;

/// Logarithm of [`DEGREE`].
pub const LOG_DEGREE: usize = 7;

/// `splits[2^l + node]`: the `c` by which a node of layer `l` splits.
fn splits() -> &'static [F; DEGREE] {
    static SPLITS: OnceLock<[F; DEGREE]> = OnceLock::new();
    SPLITS.get_or_init(|| {
        let theta = F::two_adic_generator(LOG_DEGREE + 1);
        // A node is the factor X^h - theta^e; the first is X^128 - theta^128.
        let mut exponents = vec![DEGREE];
        let mut splits = [F::ONE; DEGREE];
        for layer in 0..LOG_DEGREE {
            for (split, &e) in splits.iter_mut().skip(1 << layer).zip(&exponents) {
                *split = theta.exp_u64(e as u64 / 2);
            }
            exponents = exponents.iter().flat_map(|e| [e / 2, e / 2 + DEGREE]).collect();
        }
        splits
    })
}

/// The roots `theta_t` of `X^128 + 1` in the order of slots: a definition for tests, the code above knows them only as products of splits.
#[cfg(test)]
pub fn slots() -> [F; DEGREE] {
    let theta = F::two_adic_generator(LOG_DEGREE + 1);
    std::array::from_fn(|t| theta.exp_u64(2 * u64::from((t as u8).reverse_bits() >> 1) + 1))
}

/// Coefficients `z_i` to values `sum_i z_i theta_t^i`.
pub fn evaluate<T: Algebra<F> + Copy>(element: &mut [T; DEGREE]) {
    for layer in 0..LOG_DEGREE {
        let half = DEGREE >> (layer + 1);
        for (chunk, &split) in element.chunks_exact_mut(2 * half).zip(&splits()[1 << layer..]) {
            let (low, high) = chunk.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                let shifted = *high * split;
                *high = *low - shifted;
                *low += shifted;
            }
        }
    }
}

/// The transposed map: weights `u_t` of values to weights `sum_t u_t theta_t^i` of coefficients.
pub fn transpose<T: Algebra<F> + Copy>(weights: &mut [T; DEGREE]) {
    for layer in (0..LOG_DEGREE).rev() {
        let half = DEGREE >> (layer + 1);
        for (chunk, &split) in weights.chunks_exact_mut(2 * half).zip(&splits()[1 << layer..]) {
            let (low, high) = chunk.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                let difference = *low - *high;
                *low += *high;
                *high = difference * split;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::array;

    use p3_field::PrimeField64;

    fn element(seed: u64) -> [F; DEGREE] {
        array::from_fn(|i| F::from_u64((i as u64 + 1).wrapping_mul(seed)).square())
    }

    #[test]
    fn evaluation_is_evaluation_and_the_transpose_is_its_transpose() {
        let (z, u) = (element(0x1234_5678_9abc), element(0xfeed_beef_1357));
        let (mut values, mut weights) = (z, u);
        evaluate(&mut values);
        transpose(&mut weights);
        for (&value, slot) in values.iter().zip(slots()) {
            assert_eq!(value, z.iter().rev().fold(F::ZERO, |sum, &c| sum * slot + c));
        }
        let dot = |a: &[F; DEGREE], b: &[F; DEGREE]| a.iter().zip(b).map(|(&a, &b)| a * b).sum::<F>();
        assert_eq!(dot(&values, &u), dot(&z, &weights));
    }

    /// The facts about Goldilocks on which the statements about structure and hiding in docs/commitments.md rest.
    #[test]
    fn fourth_powers_of_the_roots_are_powers_of_eight() {
        let eight = F::from_u64(8);
        assert_eq!(eight.exp_u64(32), -F::ONE);
        for slot in slots() {
            assert_eq!(slot.exp_u64(128), -F::ONE);
            let fourth = slot.exp_u64(4);
            assert!((1..64).step_by(2).any(|k| eight.exp_u64(k) == fourth));
        }
        // 2 Y^21 - 4 Y^10 + 1 vanishes at Y = 8: it is p itself.
        assert_eq!(eight.exp_u64(21).double() - eight.exp_u64(10) * F::from_u64(4) + F::ONE, F::ZERO);
        assert_eq!((1u128 << 64) - (1 << 32) + 1, u128::from(F::ORDER_U64));
    }
}
