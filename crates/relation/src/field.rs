//! The fields of the argument: Goldilocks for values, its cubic extension for challenges.

use p3_field::extension::CubicTrinomialExtensionField;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use p3_goldilocks::Goldilocks;

/// Base field, p = 2^64 - 2^32 + 1: every committed cell.
pub type F = Goldilocks;

/// Cubic extension, F[X] / (X^3 - X - 1), about 2^192 elements: every challenge and every message.
pub type K = CubicTrinomialExtensionField<F>;

/// Bits of `K`, rounded down.
pub const FIELD_BITS: usize = 191;

/// Bytes of an encoded element of `F`.
pub const F_BYTES: usize = 8;

/// Bytes of an encoded element of `K`.
pub const K_BYTES: usize = 24;

/// The field element of a signed integer with |value| < 2^63.
pub fn from_signed(value: i64) -> F {
    let magnitude = F::from_u64(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// Canonical little-endian encoding of a base element.
pub fn encode_base(value: F, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.as_canonical_u64().to_le_bytes());
}

/// Canonical encoding of an extension element: its three coordinates.
pub fn encode(value: K, out: &mut Vec<u8>) {
    let coordinates: &[F] = value.as_basis_coefficients_slice();
    for coordinate in coordinates {
        encode_base(*coordinate, out);
    }
}

/// The base element of eight bytes, `None` if the integer is not below p (each element has one encoding).
pub fn decode_base(bytes: [u8; F_BYTES]) -> Option<F> {
    let value = u64::from_le_bytes(bytes);
    (value < F::ORDER_U64).then(|| F::from_u64(value))
}

/// The extension element of three coordinates.
pub fn from_coordinates(coordinates: [F; 3]) -> K {
    K::from_basis_coefficients_fn(|i| coordinates.get(i).copied().unwrap_or(F::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_of_p_or_more_has_no_element() {
        assert_eq!(decode_base(F::ORDER_U64.to_le_bytes()), None);
        assert_eq!(decode_base(u64::MAX.to_le_bytes()), None);
        assert_eq!(decode_base((F::ORDER_U64 - 1).to_le_bytes()), Some(-F::ONE));
    }

    #[test]
    fn signed_integers_embed() {
        assert_eq!(from_signed(-5) + F::from_u64(5), F::ZERO);
    }
}
