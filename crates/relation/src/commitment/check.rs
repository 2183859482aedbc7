//! That cells belong to a commitment, as one linear functional of them.
//!
//! With challenges `gamma, mu` in `K`, digest `d_b` of block `b` out of `B` (`B = 0` for a single level, whose values are hashed to the root):
//!
//! ```text
//! sum_{b < B} mu^b sum_t gamma^t (H1(block_b)_t - d_{b,t}) + mu^B sum_t gamma^t (H2(digest bytes)_t + Hsalt(salt)_t) = mu^B sum_t gamma^t root_t
//! ```
//!
//! The left side is a functional of values, digest bytes and salt. If cells do not belong to the root, it holds with probability at most
//! [`Plan::soundness_degree`] `/ |K|`.

use std::array;

use p3_field::PrimeCharacteristicRing;

use crate::dot::dot;
use crate::eq::{eq_range, eq_table};
use crate::field::{F, F_BYTES, K};

use super::key::{Column, Level};
use super::ring::{DEGREE, LOG_DEGREE, evaluate, transpose};
use super::{BLOCK_CELLS, BLOCK_COLUMNS, Commitment, DIGEST_CELLS, DIGEST_COLUMNS, Plan, SALT_COLUMNS};

/// Elements of `F` whose bytes fill a column.
const ELEMENTS_PER_COLUMN: usize = DEGREE / F_BYTES;

/// Where the regions begin in the committed vector: multiples of 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bases {
    /// Address of the first value.
    pub values: usize,
    /// Address of the first digest byte (unused if there are none).
    pub digests: usize,
    /// Address of the first byte of the salt.
    pub salt: usize,
}

/// The check of one commitment for one pair of challenges.
#[derive(Clone, Debug)]
pub struct Check {
    plan: Plan,
    /// `gamma^t` for `t < 128`.
    gammas: [K; DEGREE],
    /// `mu^b` for `b <= B`.
    mus: Vec<K>,
}

impl Plan {
    /// Degree of the check in its challenges: it accepts cells that do not belong to the root with probability at most this over `|K|`.
    pub fn soundness_degree(&self) -> usize {
        DEGREE - 1 + self.blocks()
    }
}

impl Check {
    /// The check for challenges that were drawn after the cells had been committed to.
    pub fn new(plan: Plan, gamma: K, mu: K) -> Self {
        let mut powers = gamma.powers();
        let gammas = array::from_fn(|_| powers.next().unwrap_or_default());
        Self { plan, gammas, mus: mu.powers().take(plan.blocks() + 1).collect() }
    }

    /// `mu^B`.
    fn root_scale(&self) -> K {
        self.mus.last().copied().unwrap_or_default()
    }

    /// What the functional is for cells that belong to the commitment.
    pub fn target(&self, commitment: &Commitment) -> K {
        self.root_scale() * self.gammas.iter().zip(&commitment.0).map(|(&gamma, &root)| gamma * root).sum::<K>()
    }

    /// The weights of all cells.
    pub fn weights(&self) -> Weights {
        let scale = self.root_scale();
        let column = |key: &Column| {
            let mut weights: [K; DEGREE] = array::from_fn(|t| self.gammas[t] * key[t]);
            transpose(&mut weights);
            weights
        };
        let values = Level::Values.columns().take(self.plan.columns()).map(column).collect();
        let mut digests: Vec<K> = Vec::with_capacity(self.plan.digest_cells());
        for key in Level::Digests.columns().take(self.plan.blocks() * DIGEST_COLUMNS) {
            digests.extend(column(key).map(|weight| weight * scale));
        }
        for (block, &mu) in digests.chunks_mut(DIGEST_CELLS).zip(&self.mus) {
            for (bytes, &gamma) in block.chunks_mut(F_BYTES).zip(&self.gammas) {
                for (weight, place) in bytes.iter_mut().zip(places()) {
                    *weight -= mu * gamma * place;
                }
            }
        }
        let salt = Level::Salt.columns().flat_map(|key| column(key).map(|weight| weight * scale)).collect();
        Weights { len: self.plan.len(), columns: values, mus: self.mus.clone(), digests, salt }
    }

    /// The multilinear extension of the weights at a point `at` of the committed vector's address bits, least significant first (at least
    /// seven), in time `O(2^16 + columns)`.
    pub fn evaluate(&self, bases: Bases, at: &[K]) -> K {
        let (low, high) = at.split_at(LOG_DEGREE);
        let group = |base: usize, count: usize| eq_range(high, base / DEGREE, count);
        let mut within = [K::ZERO; DEGREE];
        within.copy_from_slice(&eq_table(low, DEGREE));

        let values = self.values_part(&within, &group(bases.values, self.plan.columns()));
        let digests = group(bases.digests, self.plan.blocks() * DIGEST_COLUMNS);
        let salt = group(bases.salt, SALT_COLUMNS);
        let hashed = add(fold_key(Level::Digests, &digests), fold_key(Level::Salt, &salt));
        let mut at_slots = within;
        evaluate(&mut at_slots);
        values - self.digests_part(&within, &digests) + self.root_scale() * self.slots_sum(&hashed, &at_slots)
    }

    /// `sum_b mu^b sum_t gamma^t H1(block_b)_t` for the cells `within[i] groups[column]`.
    fn values_part(&self, within: &[K; DEGREE], groups: &[K]) -> K {
        let rest = self.plan.len() % DEGREE;
        let mut full = vec![K::ZERO; groups.len().min(BLOCK_COLUMNS)];
        for (block, &mu) in groups.chunks(BLOCK_COLUMNS).zip(&self.mus) {
            for (sum, &weight) in full.iter_mut().zip(block) {
                *sum += mu * weight;
            }
        }
        let mut last = K::ZERO;
        if rest != 0 {
            let (block, column) = (self.plan.len() / BLOCK_CELLS, self.plan.len() % BLOCK_CELLS / DEGREE);
            last = self.mus[block] * groups[groups.len() - 1];
            full[column] -= last;
        }
        let mut at_slots = *within;
        evaluate(&mut at_slots);
        let mut sum = self.slots_sum(&fold_key(Level::Values, &full), &at_slots);
        if rest != 0 {
            let mut short = *within;
            short[rest..].fill(K::ZERO);
            evaluate(&mut short);
            let column = self.plan.len() % BLOCK_CELLS / DEGREE;
            if let Some(key) = Level::Values.columns().nth(column) {
                sum += last * self.slots_sum(&key.map(K::from), &short);
            }
        }
        sum
    }

    /// `sum_b mu^b sum_t gamma^t d_{b,t}`: byte `l` of element `t` is cell `8 t + l` of the block's digest.
    fn digests_part(&self, within: &[K; DEGREE], groups: &[K]) -> K {
        let column: K = within
            .chunks(F_BYTES)
            .zip(&self.gammas)
            .map(|(bytes, &gamma)| gamma * bytes.iter().zip(places()).map(|(&e, place)| e * place).sum::<K>())
            .sum();
        let block =
            |groups: &[K]| -> K { groups.iter().zip(self.gammas.iter().step_by(ELEMENTS_PER_COLUMN)).map(|(&e, &gamma)| e * gamma).sum() };
        column * groups.chunks(DIGEST_COLUMNS).zip(&self.mus).map(|(groups, &mu)| mu * block(groups)).sum::<K>()
    }

    /// `sum_t gamma^t a_t b_t`.
    fn slots_sum(&self, a: &[K; DEGREE], b: &[K; DEGREE]) -> K {
        dot(&array::from_fn::<K, DEGREE, _>(|t| self.gammas[t] * a[t]), b)
    }
}

/// `sum_k key_k(t) weights_k` for each slot.
fn fold_key(level: Level, weights: &[K]) -> [K; DEGREE] {
    let mut sum = [K::ZERO; DEGREE];
    for (&weight, key) in weights.iter().zip(level.columns()) {
        for (sum, &key) in sum.iter_mut().zip(key) {
            *sum += weight * key;
        }
    }
    sum
}

fn add(a: [K; DEGREE], b: [K; DEGREE]) -> [K; DEGREE] {
    array::from_fn(|t| a[t] + b[t])
}

/// `256^l`: values of the bytes of an element.
fn places() -> impl Iterator<Item = F> {
    (0..F_BYTES).map(|l| F::from_u64(1 << (8 * l)))
}

/// Weights of the cells of a commitment, the values' in factored form: all blocks are hashed with one key.
#[derive(Clone, Debug)]
pub struct Weights {
    len: usize,
    columns: Vec<[K; DEGREE]>,
    mus: Vec<K>,
    /// Of the digest bytes.
    pub digests: Vec<K>,
    /// Of the bytes of the salt.
    pub salt: Vec<K>,
}

impl Weights {
    /// Number of committed values.
    pub fn num_values(&self) -> usize {
        self.len
    }

    /// The weights of values `128 column..` are the first element times the second; of a short last column only its values' count.
    pub fn column(&self, column: usize) -> (K, &[K; DEGREE]) {
        (self.mus[column / BLOCK_COLUMNS], &self.columns[column % BLOCK_COLUMNS])
    }

    /// Adds `scale` times the weights of values `128 first_column..` to the cells given: a piece of the values' region, so that pieces can be
    /// written by several threads.
    pub fn add_values(&self, scale: K, first_column: usize, cells: &mut [K]) {
        let count = cells.len().min(self.len.saturating_sub(first_column * DEGREE));
        for (column, cells) in cells[..count].chunks_mut(DEGREE).enumerate() {
            let (factor, weights) = self.column(first_column + column);
            let factor = factor * scale;
            for (cell, &weight) in cells.iter_mut().zip(weights) {
                *cell += factor * weight;
            }
        }
    }
}
