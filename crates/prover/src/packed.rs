//! Vectors of extension elements, several to a SIMD register.

use p3_field::{ExtensionField, Field, PackedFieldExtension, PackedValue, PrimeCharacteristicRing};
use verinfer_relation::field::{F, K};

/// Base elements in one register.
pub type PackedF = <F as Field>::Packing;

/// As many extension elements.
pub type PackedK = <K as ExtensionField<F>>::ExtensionPacking;

/// Elements of a register.
pub const WIDTH: usize = <PackedF as PackedValue>::WIDTH;

/// Eight consecutive elements, whatever the width of a register: what the argument's tree has at its top.
pub type Octet<T> = [T; OCTET_LEN];

/// Registers of an octet.
pub const OCTET_LEN: usize = 8 / WIDTH;

/// Packs a slice whose length is a multiple of [`WIDTH`].
pub fn pack(values: &[K]) -> Vec<PackedK> {
    values.chunks_exact(WIDTH).map(PackedK::from_ext_slice).collect()
}

/// The elements in order.
pub fn unpack(values: &[PackedK]) -> Vec<K> {
    values.iter().flat_map(|value| (0..WIDTH).map(|lane| value.extract(lane))).collect()
}

/// Sum over the lanes of a register.
pub fn sum_lanes(value: PackedK) -> K {
    (0..WIDTH).map(|lane| value.extract(lane)).sum()
}

/// The same element in every lane.
pub fn splat(value: K) -> PackedK {
    PackedK::from(value)
}

/// Eight equal elements.
pub fn octet(value: K) -> Octet<PackedK> {
    [splat(value); OCTET_LEN]
}

/// `low + c * (high - low)`.
pub fn fold(low: PackedK, high: PackedK, c: PackedK) -> PackedK {
    low + (high - low) * c
}

/// The zero register.
pub const ZERO: PackedK = PackedK::ZERO;
