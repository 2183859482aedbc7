//! What the commitment's parameters are worth, computed: the cost of the best known attacks on binding and the distance from perfect hiding.
//! The formulas are explained in docs/commitments.md.

use std::f64::consts::{E, PI};
use std::sync::OnceLock;

use super::ring::DEGREE;
use super::{BLOCK_COLUMNS, SALT_COLUMNS};

/// Logarithm of p.
const LOG_P: f64 = 64.0;

/// Bits of a hash value: what a collision has to bring to zero.
const HASH_BITS: f64 = LOG_P * DEGREE as f64;

/// Largest coefficient of the difference of two vectors of byte cells.
const NORM: f64 = 255.0;

/// Most columns that are hashed together: a block, or as many columns of digests, and the salt.
const COLUMNS: f64 = (BLOCK_COLUMNS + SALT_COLUMNS) as f64;

/// Exponent of a sieve per dimension: a classical computer, and the list of vectors it ends with.
const CLASSICAL: f64 = 0.292;
/// The same for a quantum computer.
const QUANTUM: f64 = 0.257;
/// Logarithm of the vectors that a sieve finds, per dimension.
const SIEVE_LIST: f64 = 0.2075;

/// Costs of attacks on binding, as logarithms of the number of operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Security {
    /// Lattice reduction in the best dimension d to a vector of length `255 sqrt(d)`: necessary for a collision, far from enough.
    pub length: f64,
    /// Lattice reduction to a vector with all coefficients at most 255, after the columns have been combined so that as many equations as
    /// their number allows hold by themselves, which is taken to cost nothing.
    pub coefficients: f64,
    /// The same on a quantum computer.
    pub coefficients_quantum: f64,
    /// Both generosities to the attacker at once (the length alone, equations removed at no cost): a lower bound of no known attack's cost.
    pub pessimistic: f64,
    /// Wagner's generalised birthday.
    pub birthday: f64,
}

/// The costs for the largest number of columns.
pub fn security() -> Security {
    let hashed = HASHED;
    Security {
        length: hashed.lattice(Target::Length, &[0], CLASSICAL),
        coefficients: hashed.lattice(Target::Coefficients, &TERMS, CLASSICAL),
        coefficients_quantum: hashed.lattice(Target::Coefficients, &TERMS, QUANTUM),
        pessimistic: hashed.lattice(Target::Length, &TERMS, CLASSICAL),
        birthday: hashed.birthday(),
    }
}

/// Bits of binding: the least of the attacks `length`, `coefficients` and `birthday` of [`Security`], of which the second is dearer than the first (see
/// the tests) and is left out; computed once.
pub fn security_bits() -> f64 {
    static BITS: OnceLock<f64> = OnceLock::new();
    *BITS.get_or_init(|| HASHED.lattice(Target::Length, &[0], CLASSICAL).min(HASHED.birthday()))
}

/// What a collision solves.
const HASHED: Problem = Problem { bits: HASH_BITS, columns: COLUMNS, norm: NORM };

/// Which vectors count as collisions.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    /// Those of length `norm sqrt(d)`.
    Length,
    /// Those with all coefficients at most the norm.
    Coefficients,
}

/// Numbers of monomials by which columns are combined before the reduction; 0: they are not.
const TERMS: [usize; 4] = [0, 1, 2, 3];

/// Find a combination of columns with small coefficients that is zero.
struct Problem {
    /// Logarithm of the number of values.
    bits: f64,
    /// Ring elements that can be combined.
    columns: f64,
    /// Bound on the coefficients.
    norm: f64,
}

impl Problem {
    /// The cheapest lattice reduction.
    fn lattice(&self, target: Target, terms: &[usize], exponent: f64) -> f64 {
        let mut best = f64::INFINITY;
        let hermite: Vec<f64> = (100..1200).map(|b| log_root_hermite(f64::from(b))).collect();
        for &terms in terms {
            for d in (600..3000).step_by(10).map(f64::from) {
                // d coefficients in groups of 128, each of a combination of its own share of the columns; every coefficient of a
                // combination's entries is 0 or +-1, with `terms` of them not zero.
                let removed = entropy(terms) * self.columns * DEGREE as f64 / d;
                let growth = (terms.max(1) as f64).log2() / 2.0;
                let rest = (self.bits - removed).max(0.0) / d - d.log2() / 2.0 + growth;
                for (b, hermite) in (100..1200).map(f64::from).zip(&hermite) {
                    let cost = exponent * b;
                    if cost >= best {
                        break;
                    }
                    // Logarithm of the root mean square of the coefficients of what reduction with blocks of b finds.
                    let found = d * hermite + rest;
                    let cost = match target {
                        Target::Length if found > self.norm.log2() => continue,
                        Target::Length => cost,
                        Target::Coefficients => {
                            let luck = d * error_function(self.norm / found.exp2() / 2f64.sqrt()).log2();
                            cost + (-luck - SIEVE_LIST * b).max(0.0)
                        }
                    };
                    best = best.min(cost);
                }
            }
        }
        best
    }

    /// Wagner's algorithm on `2^k` lists of `2^(bits / (k + 1))` vectors, for the largest real k for which the columns have enough of them.
    fn birthday(&self) -> f64 {
        let available = self.columns * DEGREE as f64 * (2.0 * self.norm + 1.0).log2();
        let mut k = 1.0;
        while f64::exp2(k) / (k + 1.0) * self.bits < available {
            k += 0.01;
        }
        self.bits / (k + 1.0)
    }
}

/// Logarithm of the number of elements with at most `terms` coefficients, all `+-1`, the others zero (of exactly so many, and zero).
fn entropy(terms: usize) -> f64 {
    if terms == 0 {
        return 0.0;
    }
    (log_binomial(DEGREE, terms) + terms as f64).exp2().ln_1p() / 2f64.ln()
}

/// Logarithm of the root Hermite factor that reduction with blocks of b reaches (Chen).
fn log_root_hermite(b: f64) -> f64 {
    ((PI * b).log2() / b + (b / (2.0 * PI * E)).log2()) / (2.0 * (b - 1.0))
}

/// Probability that a normal variable is below `x sqrt(2)` deviations in absolute value: Maclaurin series.
fn error_function(x: f64) -> f64 {
    if x > 4.0 {
        return 1.0;
    }
    let (mut term, mut sum) = (x, 0.0);
    for n in 0..120 {
        let n = f64::from(n);
        sum += term / (2.0 * n + 1.0);
        term *= -x * x / (n + 1.0);
    }
    (sum * 2.0 / PI.sqrt()).clamp(f64::MIN_POSITIVE, 1.0)
}

fn log_binomial(n: usize, k: usize) -> f64 {
    (0..k).map(|i| ((n - i) as f64 / (i + 1) as f64).log2()).sum()
}

/// Bits of hiding: `-log2` of a proven bound on the statistical distance between (key, root) and (key, uniform), for a uniform key and any vector.
pub fn hiding_bits() -> f64 {
    // Terms of E[p^(slots at which the difference of two salts vanishes)] - 1 by the number of slots.
    let sum: f64 = (1..=DEGREE).map(|s| (log_binomial(DEGREE, s) + LOG_P * s as f64 + SALT_COLUMNS as f64 * log_vanishing(s)).exp2()).sum();
    1.0 - sum.log2() / 2.0
}

/// Logarithm of a bound on the probability that the difference of two uniform byte columns vanishes at `s` given slots, `s >= 1`.
fn log_vanishing(s: usize) -> f64 {
    let n = DEGREE as f64;
    // Vanishing polynomials are an ideal of norm p^s: no shorter ones than this but zero. (2^-32 of a bit below 64 per slot: rounded down.)
    let apart = ((LOG_P - 1e-6) * s as f64 / n).exp2();
    if apart > 255.0 * n.sqrt() {
        return -8.0 * n;
    }
    let one_slot = 3f64.log2() - 65.0;
    let consecutive = -8.0 * s as f64;
    // Points at that distance in a box of side 255: Blichfeldt's bound on the density of packings of balls.
    let ball = n / 2.0 * PI.log2() - (1..=DEGREE / 2).map(|i| (i as f64).log2()).sum::<f64>() + n * (apart / 2.0).log2();
    let points = (n / 2.0 + 1.0).log2() - n / 2.0 + n * (255.0 + apart).log2() - ball;
    one_slot.min(consecutive).min(points - 8.0 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binding_has_128_bits() {
        let security = security();
        println!("{security:.1?}");
        assert!((131.0..132.0).contains(&security.length));
        assert!((150.0..151.0).contains(&security.coefficients));
        assert!((132.0..133.0).contains(&security.coefficients_quantum));
        assert!((122.0..123.0).contains(&security.pessimistic));
        assert!((760.0..780.0).contains(&security.birthday));
        assert!(security_bits() >= 128.0);
        assert!(security_bits() <= security.coefficients);
    }

    /// `X^4 - 8` and `2 Y^21 - 4 Y^10 + 1`, `Y = X^4`, vanish at four slots: multiples of them have four equations less and are longer.
    #[test]
    fn multiples_of_short_polynomials_that_vanish_at_slots_are_no_attack() {
        let bits = |length: f64| {
            let problem = Problem { bits: HASH_BITS - 4.0 * LOG_P, columns: COLUMNS, norm: NORM / length };
            problem.lattice(Target::Length, &[0], CLASSICAL)
        };
        println!("{:.1} {:.1} {:.1}", bits(9.0), bits(65f64.sqrt()), bits(21f64.sqrt()));
        assert!(bits(9.0) > 230.0 && bits(65f64.sqrt()) > 230.0 && bits(21f64.sqrt()) > 190.0);
    }

    /// Why a vector has one range: values in -128..=255 would make collisions longer.
    #[test]
    fn a_wider_range_would_not_do() {
        let problem = Problem { bits: HASH_BITS, columns: COLUMNS, norm: 383.0 };
        assert!(problem.lattice(Target::Length, &[0], CLASSICAL) < 128.0);
    }

    #[test]
    fn hiding_has_128_bits() {
        println!("{:.1}", hiding_bits());
        assert!((143.0..145.0).contains(&hiding_bits()));
    }

    /// The two facts about bytes `b, c` from which the bound for one slot follows: `b + 8 c` is uniform modulo 512, and no value has more than 32
    /// of the 65536 pairs.
    #[test]
    fn two_bytes_three_bits_apart_are_spread_evenly() {
        let mut counts = vec![0; 9 * 256];
        (0..256).for_each(|b| (0..256).for_each(|c| counts[b + 8 * c] += 1));
        assert_eq!(counts.iter().max(), Some(&32));
        assert!((0..512).all(|residue| counts.iter().skip(residue).step_by(512).sum::<i32>() == 128));
        // The largest sum of seven such digits in base 512 is below 3 p.
        let largest: u128 = (0..7).map(|m| 2295u128 << (9 * m)).sum();
        assert!(largest < 3 * ((1 << 64) - (1 << 32) + 1));
    }
}
