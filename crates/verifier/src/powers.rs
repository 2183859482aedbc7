//! Multilinear extensions of geometric sequences.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::field::K;

/// `sum over i < len of x^i eq(point, i)`; a `len` of `2^point.len()` or more takes all of the sequence.
pub fn powers_at(x: K, point: &[K], len: usize) -> K {
    let mut power = x;
    // The sums, over the bits so far, of all indices and of those below the length's bits.
    let (mut all, mut below) = (K::ONE, K::ZERO);
    let mut rest = len;
    for &coordinate in point {
        let (zero, one) = (K::ONE - coordinate, coordinate * power);
        if rest & 1 == 1 {
            below = all * zero + below * one;
        } else if below != K::ZERO {
            below *= zero;
        }
        all *= zero + one;
        power = power.square();
        rest >>= 1;
    }
    if rest == 0 { below } else { all }
}

#[cfg(test)]
mod tests {
    use verinfer_relation::eq::eq_index;
    use verinfer_relation::transcript::Transcript;

    use super::*;

    #[test]
    fn sequences_of_any_length() {
        for variables in 0..6 {
            let point = Transcript::new().challenges("point", variables);
            let x = Transcript::new().challenge("x");
            for len in 0..=1usize << variables {
                let expected: K = x.powers().take(len).enumerate().map(|(i, power)| power * eq_index(&point, i)).sum();
                assert_eq!(powers_at(x, &point, len), expected, "{len} of 2^{variables}");
            }
            assert_eq!(powers_at(x, &point, 1 << 10), powers_at(x, &point, 1 << variables));
        }
    }
}
