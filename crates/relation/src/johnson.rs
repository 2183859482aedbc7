//! Security of Reed-Solomon codes up to the Johnson bound, for any rate.
//!
//! The formulas are those of `p3_security::SecurityAssumption::JohnsonBound` and its functions for WHIR, which take rates `2^-i` only; a test
//! compares them at these rates. A code of dimension `k` and length `n` has the rate `rho = k / n`; words are decoded at the distance
//! `delta = 1 - sqrt(rho) - eta` with `eta = sqrt(rho) / 20`, which is an agreement of `1.05 sqrt(rho)`.
//!
//! Sources: the list size is the Johnson bound; the exceptional challenges of a line are those of one of two theorems ([`Theorem`]), for any dimension
//! and length; the out-of-domain error is lemma 4.5 of STIR (2024/390); the others are those of WHIR (2024/1586).

use libm::{ceil, log2, sqrt};

/// `sqrt(rho) / (2 eta)`, the multiplicity at which the theorem on lines is used: it asks for an agreement of at least
/// `(1 + 1 / (2 * MULTIPLICITY)) sqrt(rho)`.
const MULTIPLICITY: f64 = 10.0;

/// What counts the exceptional challenges of a line. The level of a proof is reached with either, so that it hangs on neither alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theorem {
    /// Dao, Kominers, Thaler, *Reed-Solomon Codes Beyond Johnson* (2026/2056), theorem 5.12 and appendices B.1 and B.2. Query counts are made with it.
    DaoKominersThaler,
    /// Ben-Sasson, Carmon, Haboeck, Kopparty, Saraf, *On Proximity Gaps for Reed-Solomon Codes* (2025/2055), theorems 1.5 and 4.2, of which Haboeck,
    /// *A note on mutual correlated agreement for Reed-Solomon codes* (2025/2110), makes mutual agreement.
    BenSassonAndOthers,
}

/// A Reed-Solomon code; errors are given in bits, minus the logarithm of a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Number of coefficients, at least 2 and less than the length.
    pub dimension: usize,
    /// Number of points.
    pub len: usize,
}

impl Code {
    /// Minus the logarithm of the rate.
    pub fn log_inv_rate(&self) -> f64 {
        log2(self.len as f64) - log2(self.dimension as f64)
    }

    /// Logarithm of the largest number of codewords within the distance of a word: `1 / (2 eta sqrt(rho)) = 10 / rho`. Holds for interleaved
    /// codes of any number of columns, since it follows from the distance alone.
    pub fn list_size_bits(&self) -> f64 {
        self.log_inv_rate() + log2(MULTIPLICITY)
    }

    /// A random point of the line through two words is near the code, though no pair of codewords is near both at the same places. By the first
    /// theorem these are fewer than `8 n (m + 1/2)^3 / (3 rho_minus)` points of the line, `rho_minus = (k - 1) / n`; by the second at most
    /// `(2 (m + 1/2)^5 + 3 (m + 1/2) delta rho) n / (3 rho sqrt(rho)) + (m + 1/2) / sqrt(rho)`.
    pub fn line_bits(&self, field_bits: usize, theorem: Theorem) -> f64 {
        let (log_len, half) = (log2(self.len as f64), MULTIPLICITY + 0.5);
        let points = match theorem {
            Theorem::DaoKominersThaler => {
                let log_inv_rate_minus = log_len - log2(self.dimension as f64 - 1.0);
                3.0 + log_len + 3.0 * log2(half) - log2(3.0) + log_inv_rate_minus
            }
            Theorem::BenSassonAndOthers => {
                let rate = self.dimension as f64 / self.len as f64;
                let root = sqrt(rate);
                let delta = 1.0 - root * (1.0 + 1.0 / (2.0 * MULTIPLICITY));
                let fifth = half * half * half * half * half;
                log2((2.0 * fifth + 3.0 * half * delta * rate) * self.len as f64 / (3.0 * rate * root) + half / root)
            }
        };
        field_bits as f64 - points
    }

    /// Two codewords of the list agree at all of `samples` random points: `L^2 / 2 * (k / |K|)^samples`.
    pub fn out_of_domain_bits(&self, field_bits: usize, samples: usize) -> f64 {
        let samples = samples as f64;
        samples * field_bits as f64 + 1.0 - 2.0 * self.list_size_bits() - samples * log2(self.dimension as f64)
    }

    /// A round of the sumcheck: `2 L / |K|`.
    pub fn sumcheck_bits(&self, field_bits: usize) -> f64 {
        field_bits as f64 - (self.list_size_bits() + 1.0)
    }

    /// A random combination of `claims` claims: `2 L claims / |K|`.
    pub fn combination_bits(&self, field_bits: usize, claims: usize) -> f64 {
        field_bits as f64 - (log2(claims as f64) + self.list_size_bits() + 1.0)
    }

    /// All of `queries` random places agree: `(1 - delta)^queries`.
    pub fn query_bits(&self, queries: usize) -> f64 {
        queries as f64 * bits_per_query(self.log_inv_rate())
    }

    /// Least number of queries of at least `bits` bits.
    pub fn queries(&self, bits: usize) -> usize {
        queries(bits, self.log_inv_rate())
    }
}

/// Least number of queries of at least `bits` bits, at a rate of `2^-log_inv_rate`.
pub fn queries(bits: usize, log_inv_rate: f64) -> usize {
    ceil(bits as f64 / bits_per_query(log_inv_rate)) as usize
}

/// `-log2(1.05 sqrt(rho))`.
fn bits_per_query(log_inv_rate: f64) -> f64 {
    0.5 * log_inv_rate - log2(21.0 / 20.0)
}

#[cfg(test)]
mod tests {
    use p3_security::SecurityAssumption::JohnsonBound;

    use super::*;
    use crate::field::FIELD_BITS;

    fn same(ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() < 1e-9, "{ours}, not {theirs}");
    }

    #[test]
    fn powers_of_two_have_the_errors_of_plonky3() {
        for log_dimension in [1, 5, 12, 24, 30] {
            for rate in 1..=12 {
                let code = Code { dimension: 1 << log_dimension, len: 1 << (log_dimension + rate) };
                same(code.list_size_bits(), JohnsonBound.list_size_bits(log_dimension, rate));
                same(
                    code.line_bits(FIELD_BITS, Theorem::DaoKominersThaler),
                    JohnsonBound.prox_gaps_error(log_dimension, rate, FIELD_BITS, 2),
                );
                same(code.sumcheck_bits(FIELD_BITS), JohnsonBound.fold_sumcheck_error(FIELD_BITS, log_dimension, rate));
                for samples in [1, 2] {
                    let theirs = JohnsonBound.ood_error(log_dimension, rate, FIELD_BITS, samples);
                    same(code.out_of_domain_bits(FIELD_BITS, samples), theirs);
                }
                for queries in [1, 20, 264] {
                    let theirs = JohnsonBound.queries_combination_error(FIELD_BITS, log_dimension, rate, 1, queries);
                    same(code.combination_bits(FIELD_BITS, 1 + queries), theirs);
                    same(code.query_bits(queries), JohnsonBound.queries_error(rate, queries));
                }
                for bits in [1, 80, 113, 128] {
                    assert_eq!(code.queries(bits), JohnsonBound.queries(bits, rate));
                }
            }
        }
    }

    #[test]
    fn the_second_theorem_counts_what_it_says() {
        // Rate 1/4: sqrt 1/2, delta 1 - 0.525. Terms: 2 * 10.5^5 = 255256.3125, 3 * 10.5 * 0.475 / 4 = 3.740625; 3 / 8 below; 21 on top.
        let code = Code { dimension: 1 << 10, len: 1 << 12 };
        let points: f64 = (255_256.312_5 + 3.740_625) * 4096.0 / 0.375 + 21.0;
        same(code.line_bits(FIELD_BITS, Theorem::BenSassonAndOthers), FIELD_BITS as f64 - points.log2());
    }

    #[test]
    fn errors_of_other_rates_lie_between_those_of_powers_of_two() {
        let len = 1 << 20;
        let of = |dimension: usize| {
            let code = Code { dimension, len };
            [
                -code.list_size_bits(),
                code.line_bits(FIELD_BITS, Theorem::DaoKominersThaler),
                code.line_bits(FIELD_BITS, Theorem::BenSassonAndOthers),
                code.sumcheck_bits(FIELD_BITS),
                code.combination_bits(FIELD_BITS, 100),
                -code.query_bits(100),
                code.queries(113) as f64,
            ]
        };
        for (low, middle, high) in [(1 << 18, (1 << 18) + 1, 1 << 19), (1 << 18, 300_000, 1 << 19), (1 << 18, (1 << 19) - 1, 1 << 19)] {
            for ((low, middle), high) in of(low).into_iter().zip(of(middle)).zip(of(high)) {
                assert!(low <= middle && middle <= high, "{low} {middle} {high}");
            }
        }
        // The rate 0.6: 1.05 sqrt(0.6) = 0.81333.
        let code = Code { dimension: 629_146, len };
        same(code.query_bits(1000), -1000.0 * (1.05 * (629_146f64 / 1_048_576f64).sqrt()).log2());
        assert_eq!(code.queries(113), 380);
    }
}
