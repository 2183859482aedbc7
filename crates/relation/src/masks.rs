//! Which secrets mask the messages of steps 3 to 5.
//!
//! Secrets are elements of `K`, three committed cells each, in this order: a pad for each masked message in the order of sending; for each pair of
//! messages whose product the verifier needs, the product of their pads; and for each product a random triple `(a, b, a b)` that is sacrificed
//! to check it.

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing};

use crate::field::{F, K, from_coordinates};

/// Numbers of secrets and the pairs of messages that are multiplied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskPlan {
    num_messages: usize,
    pairs: Vec<(usize, usize)>,
}

/// Index of the parts of a sacrificed triple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triple {
    /// First factor.
    pub a: usize,
    /// Second factor.
    pub b: usize,
    /// Product.
    pub c: usize,
}

impl MaskPlan {
    /// The plan for `2^log_cells` cells, a contraction over `2^log_contraction_len` indices, and one over `2^log_scaling_len` if multipliers are
    /// hidden.
    pub fn new(log_cells: usize, log_contraction_len: usize, log_scaling_len: Option<usize>) -> Self {
        let mut plan = Self::default();
        for variables in 0..log_cells {
            let children = plan.num_messages + 2 * variables;
            plan.pairs.extend([(children, children + 3), (children + 1, children + 2)]);
            plan.num_messages = children + 4;
        }
        match log_scaling_len {
            None => plan.num_messages += 1 + 2 * log_contraction_len + 1,
            Some(log_scaling_len) => {
                plan.num_messages += 2;
                for variables in [log_contraction_len, log_scaling_len] {
                    let ends = plan.num_messages + 2 * variables;
                    plan.pairs.push((ends, ends + 1));
                    plan.num_messages = ends + 2;
                }
            }
        }
        plan
    }

    /// Masked messages.
    pub fn num_messages(&self) -> usize {
        self.num_messages
    }

    /// Pairs of pads whose products are secrets.
    pub fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The secret that is the product of a pair.
    pub fn product(&self, pair: usize) -> usize {
        self.num_messages + pair
    }

    /// The triple sacrificed for a pair.
    pub fn triple(&self, pair: usize) -> Triple {
        let first = self.num_messages + self.pairs.len() + 3 * pair;
        Triple { a: first, b: first + 1, c: first + 2 }
    }

    /// All secrets.
    pub fn num_secrets(&self) -> usize {
        self.num_messages + 4 * self.pairs.len()
    }

    /// All secrets, from random elements.
    pub fn secrets(&self, mut random: impl FnMut() -> K) -> Vec<K> {
        let mut secrets: Vec<K> = (0..self.num_messages).map(|_| random()).collect();
        let products: Vec<K> = self.pairs.iter().map(|&(x, y)| secrets[x] * secrets[y]).collect();
        secrets.extend(products);
        for _ in &self.pairs {
            let (a, b) = (random(), random());
            secrets.extend([a, b, a * b]);
        }
        secrets
    }
}

/// Cells of an element of `K`.
pub const CELLS_PER_SECRET: usize = 3;

/// `1, X, X^2`: a secret is the sum of its cells with these weights.
pub fn basis() -> [K; CELLS_PER_SECRET] {
    [[F::ONE, F::ZERO, F::ZERO], [F::ZERO, F::ONE, F::ZERO], [F::ZERO, F::ZERO, F::ONE]].map(from_coordinates)
}

/// The cells of a secret.
pub fn cells(secret: K) -> [F; CELLS_PER_SECRET] {
    let coordinates: &[F] = secret.as_basis_coefficients_slice();
    std::array::from_fn(|i| coordinates.get(i).copied().unwrap_or(F::ZERO))
}
