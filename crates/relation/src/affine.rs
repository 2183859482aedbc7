//! Values that the verifier knows only up to the prover's pads.
//!
//! A message `v` is sent as `v + pad`, where the pad is a committed, uniformly random element. To the verifier `v` is the affine form
//! `message - pad`. Sums and multiples of forms are forms; what must be zero in the end is one linear equation in committed cells.

use p3_field::PrimeCharacteristicRing;

use crate::field::K;

/// `constant + sum of coefficient * secret[index]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affine {
    /// Known part.
    pub constant: K,
    /// Secrets by increasing index, each at most once.
    pub terms: Vec<(usize, K)>,
}

impl Affine {
    /// A known value.
    pub fn known(constant: K) -> Self {
        Self { constant, terms: Vec::new() }
    }

    /// A message whose pad is secret `index`.
    pub fn masked(message: K, index: usize) -> Self {
        Self { constant: message, terms: vec![(index, -K::ONE)] }
    }

    /// A secret.
    pub fn secret(index: usize) -> Self {
        Self { constant: K::ZERO, terms: vec![(index, K::ONE)] }
    }

    /// `self + factor * other`.
    pub fn plus(&self, factor: K, other: &Self) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut mine = self.terms.iter().copied().peekable();
        let mut theirs = other.terms.iter().map(|&(index, coefficient)| (index, coefficient * factor)).peekable();
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let sum = (a.0, a.1 + b.1);
                    mine.next();
                    theirs.next();
                    sum
                }
                (Some(a), Some(b)) if a.0 > b.0 => {
                    let term = *b;
                    theirs.next();
                    term
                }
                (Some(a), _) => {
                    let term = *a;
                    mine.next();
                    term
                }
                (None, Some(b)) => {
                    let term = *b;
                    theirs.next();
                    term
                }
                (None, None) => break,
            };
            terms.push(next);
        }
        Self { constant: self.constant + factor * other.constant, terms }
    }

    /// `factor * self`.
    pub fn times(&self, factor: K) -> Self {
        Self {
            constant: self.constant * factor,
            terms: self.terms.iter().map(|&(index, coefficient)| (index, coefficient * factor)).collect(),
        }
    }

    /// The form `x y` of two masked messages, where `product` is the index of the product of their pads:
    /// `(a - p)(b - q) = a (b - q) + b (a - p) - a b + p q`.
    pub fn product(x: &Self, y: &Self, product: usize) -> Self {
        let cross = x.times(y.constant).plus(x.constant, y);
        cross.plus(K::ONE, &Self { constant: -(x.constant * y.constant), terms: vec![(product, K::ONE)] })
    }

    /// Its value for given secrets.
    pub fn value(&self, secrets: &[K]) -> K {
        self.constant + self.terms.iter().map(|&(index, coefficient)| coefficient * secrets[index]).sum::<K>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcript;

    #[test]
    fn forms_compute_with_the_hidden_values() {
        let mut secrets = Transcript::new().challenges("pads", 3);
        secrets[2] = secrets[0] * secrets[1];
        let hidden = Transcript::new().challenges("values", 2);
        let x = Affine::masked(hidden[0] + secrets[0], 0);
        let y = Affine::masked(hidden[1] + secrets[1], 1);
        assert_eq!(x.value(&secrets), hidden[0]);
        assert_eq!(x.plus(K::TWO, &y).value(&secrets), hidden[0] + hidden[1].double());
        assert_eq!(y.plus(K::TWO, &x).terms.len(), 2);
        assert_eq!(x.plus(-K::ONE, &x).value(&secrets), K::ZERO);
        assert_eq!(Affine::product(&x, &y, 2).value(&secrets), hidden[0] * hidden[1]);
    }
}
