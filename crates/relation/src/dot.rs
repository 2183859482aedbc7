//! Inner products of extension elements, with one reduction for several terms.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};

use crate::field::{F, K, from_coordinates};

/// Terms that are reduced together.
const BLOCK: usize = 4;

/// `sum a_i b_i`, over the shorter of both.
pub fn dot(a: &[K], b: &[K]) -> K {
    let len = a.len().min(b.len());
    let ((a, a_rest), (b, b_rest)) = (a[..len].as_chunks(), b[..len].as_chunks());
    let blocks: K = a.iter().zip(b).map(|(a, b)| block(a, b)).sum();
    a_rest.iter().zip(b_rest).fold(blocks, |sum, (&a, &b)| sum + a * b)
}

/// As `X^3 = X + 1`, the coordinates of `a b` are the inner products of `a`'s with `(b0, b2, b1)`, `(b1, b0 + b2, b1 + b2)` and `(b2, b1, b0 + b2)`.
#[inline(always)]
fn block(a: &[K; BLOCK], b: &[K; BLOCK]) -> K {
    let mut left = [F::ZERO; 3 * BLOCK];
    let (mut right0, mut right1, mut right2) = (left, left, left);
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let (a, b): (&[F], &[F]) = (a.as_basis_coefficients_slice(), b.as_basis_coefficients_slice());
        let (b0_b2, b1_b2) = (b[0] + b[2], b[1] + b[2]);
        left[3 * i..][..3].copy_from_slice(a);
        right0[3 * i..][..3].copy_from_slice(&[b[0], b[2], b[1]]);
        right1[3 * i..][..3].copy_from_slice(&[b[1], b0_b2, b1_b2]);
        right2[3 * i..][..3].copy_from_slice(&[b[2], b[1], b0_b2]);
    }
    from_coordinates([F::dot_product(&left, &right0), F::dot_product(&left, &right1), F::dot_product(&left, &right2)])
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeField64;

    use super::*;
    use crate::transcript::Transcript;

    #[test]
    fn products_are_summed() {
        let (a, b) = (Transcript::new().challenges("a", 23), Transcript::new().challenges("b", 25));
        for len in 0..=23 {
            let expected: K = a[..len].iter().zip(&b).map(|(&a, &b)| a * b).sum();
            assert_eq!((dot(&a[..len], &b), dot(&b, &a[..len])), (expected, expected));
        }
        let largest = from_coordinates([-F::ONE; 3]);
        assert_eq!(dot(&[largest; 9], &[largest; 9]), largest * largest * F::from_u64(9));
    }

    #[test]
    fn elements_may_be_represented_by_integers_beyond_the_order() {
        let [beyond, within] = [u64::MAX, u64::MAX - F::ORDER_U64].map(|value| from_coordinates([F::from_u64(value); 3]));
        assert_eq!(dot(&[beyond; 9], &[beyond; 9]), within * within * F::from_u64(9));
    }
}
