//! Parameters of the polynomial commitment and the security they give.
//!
//! Nothing here is chosen by the prover: both sides derive the schedule from the size of the committed vector and the security level, and the
//! verifier sets the level it demands.

use p3_security::SecurityAssumption;

use crate::field::FIELD_BITS;
use crate::relation::Relation;

/// Proximity regime: list decoding up to the Johnson bound, where mutual correlated agreement is proven.
const REGIME: SecurityAssumption = SecurityAssumption::JohnsonBound;

/// Bits of proof of work before each query phase.
const GRINDING_BITS: usize = 18;

/// Out-of-domain samples for each oracle after the first.
pub const OUT_OF_DOMAIN_SAMPLES: usize = 1;

/// Polynomials of at most this many variables are sent in the clear.
const MAX_FINAL_VARIABLES: usize = 7;

/// Smallest size of a committed vector, as a logarithm.
pub const MIN_LOG_CELLS: usize = 12;

/// Largest level that proofs are made for; the masks are enough for its queries.
pub const MAX_SECURITY_LEVEL: usize = 128;

/// Random rows beyond the number of rows opened: what they hide is in docs/opening.md.
const SPARE_ROWS: usize = 8;

/// Base columns of the codeword of random extension elements that is committed beside the cells.
pub const BLINDING_COLUMNS: usize = 3;

/// Rows of the committed matrix, its last ones, that hold random elements: a power of two, enough for the queries of any level.
pub fn mask_rows(log_cells: usize) -> usize {
    let parameters = Parameters::new(log_cells, MAX_SECURITY_LEVEL);
    let num_queries = parameters.oracles.first().map_or(0, |oracle| oracle.num_queries);
    (num_queries + SPARE_ROWS).next_power_of_two()
}

/// Cells of those rows: the last ones of the `2^log_cells`.
pub fn mask_cells(log_cells: usize) -> usize {
    mask_rows(log_cells) << first_schedule(log_cells).0
}

/// Fold and logarithm of the inverse rate of the first codeword. Small ones have a low rate, so that few rows are opened and have to be masked.
fn first_schedule(log_cells: usize) -> (usize, usize) {
    match log_cells {
        0..=13 => (3, 5),
        14..=16 => (4, 3),
        17..=19 => (4, 1),
        20..=22 => (5, 1),
        _ => (6, 1),
    }
}

/// The shape of a commitment and of its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Variables of the committed vector.
    pub log_cells: usize,
    /// The codewords, first the committed one.
    pub oracles: Vec<Oracle>,
    /// Variables of the last polynomial, which is sent in the clear.
    pub final_variables: usize,
    /// Bits of proof of work before each query phase.
    pub grinding_bits: usize,
    /// Level for which the query counts were chosen.
    pub security_level: usize,
}

/// One codeword: a matrix whose columns are Reed-Solomon codewords and whose rows are the leaves of a Merkle tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// Variables of the encoded polynomial.
    pub variables: usize,
    /// Variables folded at once; `2^fold` columns (the first codeword has [`BLINDING_COLUMNS`] more).
    pub fold: usize,
    /// Logarithm of the inverse of the code's rate.
    pub log_inv_rate: usize,
    /// Rows opened.
    pub num_queries: usize,
}

impl Oracle {
    /// Logarithm of the number of rows.
    pub fn log_height(&self) -> usize {
        self.variables - self.fold + self.log_inv_rate
    }
}

impl Parameters {
    /// The schedule for a vector of `2^log_cells` cells, `MIN_LOG_CELLS <= log_cells <= 30`.
    pub fn new(log_cells: usize, security_level: usize) -> Self {
        let query_bits = (security_level + 3).saturating_sub(GRINDING_BITS);
        let mut oracles = Vec::new();
        let mut variables = log_cells;
        let (mut fold, mut log_inv_rate) = first_schedule(log_cells);
        while variables > MAX_FINAL_VARIABLES {
            fold = fold.min(variables);
            let num_queries = REGIME.queries(query_bits, log_inv_rate).max(1);
            oracles.push(Oracle { variables, fold, log_inv_rate, num_queries });
            variables -= fold;
            log_inv_rate += if oracles.len() == 1 && log_cells > 22 { 1 } else { 3 };
            fold = 4;
        }
        Self { log_cells, oracles, final_variables: variables, grinding_bits: GRINDING_BITS, security_level }
    }

    /// Base elements of a row of a codeword.
    pub fn row_len(&self, oracle: usize) -> usize {
        let num_columns = self.oracles.get(oracle).map_or(0, |oracle| 1 << oracle.fold);
        if oracle == 0 { num_columns + BLINDING_COLUMNS } else { 3 * num_columns }
    }
}

/// One way to cheat and how unlikely it is to succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The step of docs/protocol.md.
    pub step: String,
    /// Bits of security: minus the logarithm of the probability.
    pub bits: f64,
}

/// Every term of the soundness error of a relation under parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityReport {
    /// Terms of the interactive argument, each already multiplied by what a union bound asks for.
    pub terms: Vec<Term>,
    /// Collision resistance of the hash.
    pub hash_bits: f64,
    /// What is assumed.
    pub assumptions: Vec<&'static str>,
}

impl SecurityReport {
    /// Adds up the error of every step.
    pub fn new(relation: &Relation, parameters: &Parameters) -> Self {
        let mut terms = Vec::new();
        reduction_terms(relation, parameters, &mut terms);
        opening_terms(parameters, &mut terms);
        let assumptions = vec![
            "mutual correlated agreement of Reed-Solomon codes up to the Johnson bound, with the exceptional set of Dao, Kominers, Thaler 2026/2056, theorem 5.12",
            "BLAKE3 is collision resistant and behaves as a random oracle in Fiat-Shamir and grinding",
        ];
        Self { terms, hash_bits: 128.0, assumptions }
    }

    /// Bits of the argument: the sum over all terms, or the hash if that is weaker.
    pub fn bits(&self) -> f64 {
        let error: f64 = self.terms.iter().map(|term| (-term.bits).exp2()).sum();
        (-error.log2()).min(self.hash_bits)
    }

    /// The term that contributes most.
    pub fn weakest(&self) -> Option<&Term> {
        self.terms.iter().min_by(|a, b| a.bits.total_cmp(&b.bits))
    }
}

/// The reductions before the opening, relative to each codeword in the list of the committed word.
fn reduction_terms(relation: &Relation, parameters: &Parameters, terms: &mut Vec<Term>) {
    let m = parameters.log_cells;
    let first = parameters.oracles.first();
    let list = first.map_or(0.0, |oracle| REGIME.list_size_bits(oracle.variables, oracle.log_inv_rate));
    let mut push = |step: &str, numerator: f64| {
        terms.push(Term { step: step.to_owned(), bits: FIELD_BITS as f64 - numerator.log2() - list });
    };
    push("2 lookups: logarithmic derivative", 3.0 * (m as f64).exp2());
    let rounds: f64 = (0..m).map(|variables| 3.0 * variables as f64).sum();
    push("3 lookups: fractional sumchecks", rounds + 2.0 * m as f64);
    push("4 leaves: numerator with denominator", 1.0);
    push("5 linear layers: sumcheck", 2.0 * relation.log_contraction_len() as f64);
    push("6 products of pads", 1.0);
    push("6 forms that must be zero", (m + 1 + 3 * relation.masks.pairs().len()) as f64);
    let column = relation.column(relation.output);
    push("6 output", (column.channels * column.pixels) as f64);
    push("6 combination of claims", 3.0);
}

fn opening_terms(parameters: &Parameters, terms: &mut Vec<Term>) {
    if let Some(oracle) = parameters.oracles.first() {
        let (n, rate) = (oracle.variables, oracle.log_inv_rate);
        let list = REGIME.list_size_bits(n, rate);
        let mut push = |step: &str, bits: f64| terms.push(Term { step: format!("7 opening, masks: {step}"), bits });
        push("claim with sum over mask cells", FIELD_BITS as f64 - list);
        push("claim with blinding vector", FIELD_BITS as f64 - list);
        push("line to the blinding vector, proximity", REGIME.prox_gaps_error(n, rate, FIELD_BITS, 2) - 1.0);
    }
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        let (n, rate) = (oracle.variables, oracle.log_inv_rate);
        let mut push = |step: String, bits: f64| terms.push(Term { step: format!("7 opening, oracle {index}: {step}"), bits });
        if index > 0 {
            push("out-of-domain sample".into(), REGIME.ood_error(n, rate, FIELD_BITS, OUT_OF_DOMAIN_SAMPLES));
        }
        let folds = (oracle.fold as f64).log2();
        push("folding, proximity".into(), REGIME.prox_gaps_error(n, rate, FIELD_BITS, 2) - 1.0 - folds);
        push("folding, sumcheck".into(), REGIME.fold_sumcheck_error(FIELD_BITS, n, rate) - folds);
        let grinding = parameters.grinding_bits as f64;
        push("queries".into(), REGIME.queries_error(rate, oracle.num_queries) + grinding);
        if let Some(next) = parameters.oracles.get(index + 1) {
            let samples = OUT_OF_DOMAIN_SAMPLES;
            let bits = REGIME.queries_combination_error(FIELD_BITS, next.variables, next.log_inv_rate, samples, oracle.num_queries);
            push("combination of queries".into(), bits);
        }
    }
    let final_rounds = (2.0 * parameters.final_variables as f64).max(1.0);
    terms.push(Term { step: "7 opening: last sumcheck".into(), bits: FIELD_BITS as f64 - final_rounds.log2() });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_reaches_its_level_in_the_opening() {
        for level in [100, 128] {
            for log_cells in MIN_LOG_CELLS..=30 {
                let parameters = Parameters::new(log_cells, level);
                let mut terms = Vec::new();
                opening_terms(&parameters, &mut terms);
                let error: f64 = terms.iter().map(|term| (-term.bits).exp2()).sum();
                assert!(-error.log2() >= level as f64, "2^{log_cells}: {} of {level} bits", -error.log2());
            }
        }
    }

    #[test]
    fn folds_reach_the_final_polynomial() {
        for log_cells in MIN_LOG_CELLS..=30 {
            let parameters = Parameters::new(log_cells, 128);
            let folded: usize = parameters.oracles.iter().map(|oracle| oracle.fold).sum();
            assert_eq!(folded + parameters.final_variables, log_cells);
            assert!(parameters.oracles.iter().all(|oracle| oracle.log_height() <= 32));
        }
    }
    #[test]
    fn masks_are_a_small_part_and_outnumber_the_rows_opened_at_every_level() {
        for log_cells in MIN_LOG_CELLS..=30 {
            assert!(8 * mask_cells(log_cells) <= 1 << log_cells, "2^{log_cells}: {} mask cells", mask_cells(log_cells));
            for level in 0..=MAX_SECURITY_LEVEL {
                let first = Parameters::new(log_cells, level).oracles[0];
                assert!(first.num_queries + SPARE_ROWS <= mask_rows(log_cells));
                assert_eq!(mask_cells(log_cells), mask_rows(log_cells) << first.fold);
            }
        }
    }
}
