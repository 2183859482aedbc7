//! The leaves' parents: fractions that are computed from rows. Where two leaves `1 / (c - a)` and `1 / (c - b)` look up one table of affine
//! denominators, their sum is `(2 c - s) / (c^2 - c s + p)` with `s = a + b` and `p = a b` in the base field, so that the first round needs
//! hardly any product of extension elements.

use p3_field::PrimeCharacteristicRing;
use verinfer_relation::field::K;

use super::Fraction;
use super::layer::{Below, Fractions};
use super::leaves::Leaves;
use crate::packed::{OCTET_LEN, Octet, PackedF, PackedK, ZERO, splat};

/// The layer above the leaves.
pub struct Parents<'a>(pub &'a Leaves<'a>);

/// `s` and `p` of two octets of parents, `2 index` and the next.
pub type Symmetric = [[Octet<PackedF>; 2]; 2];

impl Below for Parents<'_> {
    fn len(&self) -> usize {
        self.0.len().div_ceil(2)
    }

    fn get(&self, index: usize) -> Fraction {
        self.0.parent(index)
    }

    fn affine(&self, index: usize) -> Option<(usize, Symmetric)> {
        let (table, low) = self.0.affine_parent(2 * index)?;
        let (other, high) = self.0.affine_parent(2 * index + 1)?;
        (table == other).then_some((table, [low, high]))
    }

    fn offset(&self, table: usize) -> K {
        self.0.offset(table)
    }
}

/// Sums of the leading coefficients of pairs of one table, with the pairs' weights: of `ds0 ds1`, `dp0 dp1` and `ds0 dp1 + dp0 ds1`, where `ds`
/// and `dp` are the differences in `s` and `p`.
pub struct Moments {
    /// The table.
    pub table: usize,
    sums: [Octet<PackedK>; 3],
}

impl Moments {
    /// No pairs.
    pub fn new(table: usize) -> Self {
        Self { table, sums: [[ZERO; OCTET_LEN]; 3] }
    }

    /// Adds a pair.
    pub fn add(&mut self, weight: PackedK, low: &Symmetric, high: &Symmetric) {
        for i in 0..OCTET_LEN {
            let difference = |k: usize, j: usize| high[k][j][i] - low[k][j][i];
            let ([s0, p0], [s1, p1]) = ([difference(0, 0), difference(0, 1)], [difference(1, 0), difference(1, 1)]);
            self.sums[0][i] += weight * (s0 * s1);
            self.sums[1][i] += weight * (p0 * p1);
            self.sums[2][i] += weight * (s0 * p1 + p0 * s1);
        }
    }

    /// With `dn = -ds` and `dd = dp - c ds`, the sums of `(dn0 + lambda dd0) dd1 + dn1 dd0`.
    pub fn leading(&self, offset: K, lambda: K) -> Octet<PackedK> {
        let [squares, products, cross] = [offset.double() + lambda * offset.square(), lambda, K::ONE + lambda * offset].map(splat);
        std::array::from_fn(|i| squares * self.sums[0][i] + products * self.sums[1][i] - cross * self.sums[2][i])
    }
}

/// The fractions on the line through two, at a challenge.
pub fn fold(low: &Symmetric, high: &Symmetric, offset: K, challenge: PackedK) -> Fractions {
    let (double, square, minus) = (splat(offset.double()), splat(offset.square()), splat(-offset));
    let at = |low: PackedF, high: PackedF| challenge * (high - low) + low;
    let fraction = |k: usize, i: usize| {
        let [s, p] = [0, 1].map(|j| at(low[k][j][i], high[k][j][i]));
        [double - s, minus * s + square + p]
    };
    let [mut n0, mut n1, mut d0, mut d1] = [[ZERO; OCTET_LEN]; 4];
    for i in 0..OCTET_LEN {
        [n0[i], d0[i]] = fraction(0, i);
        [n1[i], d1[i]] = fraction(1, i);
    }
    [n0, n1, d0, d1]
}
