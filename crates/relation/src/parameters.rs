//! Parameters of the polynomial commitment and the security they give.
//!
//! Nothing here is chosen by the prover: both sides derive the schedule from the size of the committed vector and the security level, and the
//! verifier sets the level it demands.

use crate::commitment;
use crate::domain::Domain;
use crate::error::RelationError;
use crate::field::FIELD_BITS;
use crate::johnson::{self, Code, Theorem};
use crate::layout::Layout;
use crate::relation::Relation;
use crate::setting::OutputForm;

/// Out-of-domain samples for each oracle after the first.
pub const OUT_OF_DOMAIN_SAMPLES: usize = 1;

/// Polynomials of at most this many variables are sent in the clear.
const MAX_FINAL_VARIABLES: usize = 7;

/// Folds leave at least this many variables: the committed matrix counts as filled up to a multiple of its rows divided by `2^6` or less.
const MIN_FINAL_VARIABLES: usize = 6;

/// Variables folded at once after the first codeword.
const FOLD: usize = 4;

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
    let schedule = Schedule::new(log_cells);
    let num_queries = johnson::queries(schedule.query_bits(MAX_SECURITY_LEVEL), schedule.log_inv_rate as f64);
    (num_queries + SPARE_ROWS).next_power_of_two()
}

/// Cells of those rows: the last ones of a vector of at most `2^log_cells`, and more than half of that.
pub fn mask_cells(log_cells: usize) -> usize {
    mask_rows(log_cells) << Schedule::new(log_cells).fold
}

/// Length of the committed vector for `num_cells` cells and the masks of a vector of `2^log_cells`: whole rows, a multiple of the mask rows, so
/// that these are an aligned block at the end. More than half of `2^log_cells`, so that the size tells `log_cells`, and at least `2^MIN_LOG_CELLS`.
pub fn stored_cells(log_cells: usize, num_cells: usize) -> usize {
    let masks = mask_cells(log_cells);
    let least = if log_cells > MIN_LOG_CELLS { (1 << (log_cells - 1)) + masks } else { 1 << MIN_LOG_CELLS };
    (num_cells.next_multiple_of(masks) + masks).max(least)
}

/// What the size of a vector says about its first codeword.
struct Schedule {
    /// Variables folded at once.
    fold: usize,
    /// The rate is at most `2^-log_inv_rate` and more than two thirds of that: the domain is the smallest for which it is. Small vectors have a low
    /// rate, so that few rows are opened and have to be masked.
    log_inv_rate: usize,
    /// How much smaller the next codeword's domain is for a vector of a power-of-two length, as a logarithm.
    step: usize,
    /// Bits of proof of work before each query phase. It would be most of the work of a small proof; in large ones it is a cheap way to open fewer rows.
    grinding_bits: usize,
}

impl Schedule {
    fn new(log_cells: usize) -> Self {
        let (fold, log_inv_rate, step, grinding_bits) = match log_cells {
            0..=13 => (3, 5, 1, 14),
            14..=16 => (4, 3, 1, 14),
            17..=19 => (4, 1, 1, 14),
            20..=22 => (5, 1, 1, 16),
            _ => (6, 1, 3, 16),
        };
        Self { fold, log_inv_rate, step, grinding_bits }
    }

    /// What one query phase has to reach.
    fn query_bits(&self, security_level: usize) -> usize {
        (security_level + 3).saturating_sub(self.grinding_bits)
    }
}

/// The shape of a commitment and of its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Variables of the committed vector.
    pub log_cells: usize,
    /// Rows of the committed matrix. The vector is zero from `num_rows << oracles[0].fold` to `2^log_cells`.
    pub num_rows: usize,
    /// The codewords, first the committed one.
    pub oracles: Vec<Oracle>,
    /// Variables of the last polynomial, which is sent in the clear.
    pub final_variables: usize,
    /// Its coefficients, `2^final_variables` or fewer.
    pub final_len: usize,
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
    /// Variables folded at once, the lowest ones; `2^fold` columns (the first codeword has [`BLINDING_COLUMNS`] more).
    pub fold: usize,
    /// Coefficients of a column that the opening leaves room for, `2^(variables - fold)` or fewer; `degree << fold` coefficients of the encoded
    /// polynomial.
    pub degree: usize,
    /// Where the columns' polynomials are evaluated, at one point for each row.
    pub domain: Domain,
    /// Rows opened.
    pub num_queries: usize,
}

impl Oracle {
    /// Coefficients of the encoded polynomial.
    pub fn num_coefficients(&self) -> usize {
        self.degree << self.fold
    }

    /// The code of its columns.
    fn columns(&self) -> Code {
        Code { dimension: self.degree, len: self.domain.size() }
    }

    /// The code of the polynomial before it is folded, of the same rate.
    fn whole(&self) -> Code {
        Code { dimension: self.num_coefficients(), len: self.domain.size() << self.fold }
    }

    /// Share of the domain that determines a column.
    pub fn rate(&self) -> f64 {
        self.degree as f64 / self.domain.size() as f64
    }
}

impl Parameters {
    /// The schedule for a vector of `num_stored` cells ([`stored_cells`]).
    ///
    /// What is enforced is the length of the last polynomial; each codeword before it has the degree that follows. The first codeword's domain is that
    /// of a vector of `2^log_cells` cells, or three quarters of it where this leaves the rate below that of such a vector; the later ones' are halved
    /// where this leaves their rates below 1.2 times those of such a vector.
    ///
    /// # Errors
    ///
    /// Less than `2^MIN_LOG_CELLS` cells, or more than `2^MAX_LOG_CELLS`: the field has no domain for any number of them.
    pub fn for_cells(num_stored: usize, security_level: usize) -> Result<Self, RelationError> {
        if !(1 << MIN_LOG_CELLS..=1 << Layout::MAX_LOG_CELLS).contains(&num_stored) {
            return Err(RelationError::NoParameters { cells: num_stored });
        }
        let log_cells = num_stored.next_power_of_two().trailing_zeros() as usize;
        let schedule = Schedule::new(log_cells);
        let num_rows = num_stored.div_ceil(1 << schedule.fold);
        let mut folds = vec![schedule.fold];
        let mut final_variables = log_cells.saturating_sub(schedule.fold);
        while final_variables > MAX_FINAL_VARIABLES {
            let fold = FOLD.min(final_variables - MIN_FINAL_VARIABLES);
            folds.push(fold);
            final_variables -= fold;
        }
        let mut rest: usize = folds.iter().skip(1).sum();
        let final_len = num_rows.div_ceil(1 << rest);
        let mut log_height = final_variables + rest + schedule.log_inv_rate;
        let step = schedule.step + usize::from(5 * final_len <= 3 << final_variables);
        let mut oracles = Vec::new();
        for (index, &fold) in folds.iter().enumerate() {
            match index {
                0 => (),
                1 => log_height -= step,
                _ => log_height -= 1,
            }
            rest -= if index == 0 { 0 } else { fold };
            let (variables, degree) = (final_variables + rest + fold, final_len << rest);
            let domain = match index {
                0 if 4 * final_len <= 3 << final_variables => Domain::thrice_power_of_two(log_height - 2),
                _ => Domain::power_of_two(log_height),
            };
            let num_queries = Code { dimension: degree, len: domain.size() }.queries(schedule.query_bits(security_level)).max(1);
            oracles.push(Oracle { variables, fold, degree, domain, num_queries });
        }
        let grinding_bits = schedule.grinding_bits;
        Ok(Self { log_cells, num_rows, oracles, final_variables, final_len, grinding_bits, security_level })
    }

    /// Length of the committed vector; its last cells are the masks.
    pub fn num_stored(&self) -> usize {
        self.oracles.first().map_or(0, |oracle| self.num_rows << oracle.fold)
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

/// Every term of the soundness error of a relation under parameters. A probability and two costs, which are not of one kind and are not added up:
/// the level that a proof reaches is the least of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityReport {
    /// Terms of the interactive argument, each already multiplied by what a union bound asks for.
    pub terms: Vec<Term>,
    /// Bits of their sum if the exceptional challenges of lines are counted by the other theorem ([`Theorem::BenSassonAndOthers`]).
    pub second_theorem_bits: f64,
    /// Collision resistance of the hash.
    pub hash_bits: f64,
    /// Estimated cost of finding two openings of one commitment, where the statement has commitments ([`crate::commitment::security`]).
    pub binding_bits: Option<f64>,
    /// What is assumed.
    pub assumptions: Vec<&'static str>,
}

impl SecurityReport {
    /// Lists the error of every step.
    pub fn new(relation: &Relation, parameters: &Parameters) -> Self {
        let terms = |theorem: Theorem| {
            let mut terms = Vec::new();
            reduction_terms(relation, parameters, &mut terms);
            opening_terms(parameters, theorem, &mut terms);
            terms
        };
        let second_theorem_bits = bits_of_sum(&terms(Theorem::BenSassonAndOthers));
        let mut assumptions = vec![
            "mutual correlated agreement of Reed-Solomon codes up to the Johnson bound, with the exceptional set of Dao, Kominers, Thaler 2026/2056, theorem 5.12",
            "BLAKE3 is collision resistant and behaves as a random oracle in Fiat-Shamir and grinding",
        ];
        let binding_bits = (!relation.objects.is_empty()).then(commitment::security_bits);
        if binding_bits.is_some() {
            assumptions.push("Ring-SIS over Z[X]/(X^128 + 1) modulo p, coefficients at most 255, 522 columns: the commitments are binding");
        }
        Self { terms: terms(Theorem::DaoKominersThaler), second_theorem_bits, hash_bits: 128.0, binding_bits, assumptions }
    }

    /// Bits of the interactive argument: of the sum of all terms.
    pub fn argument_bits(&self) -> f64 {
        bits_of_sum(&self.terms)
    }

    /// The least of argument, hash and commitments: a minimum and no sum. Who attacks all three at once has the sum of three chances, which is at most
    /// 1.6 bits more than the largest.
    pub fn bits(&self) -> f64 {
        self.argument_bits().min(self.hash_bits).min(self.binding_bits.unwrap_or(f64::INFINITY))
    }

    /// The term that contributes most.
    pub fn weakest(&self) -> Option<&Term> {
        self.terms.iter().min_by(|a, b| a.bits.total_cmp(&b.bits))
    }
}

/// Minus the logarithm of the sum of all terms' probabilities.
fn bits_of_sum(terms: &[Term]) -> f64 {
    let error: f64 = terms.iter().map(|term| (-term.bits).exp2()).sum();
    -error.log2()
}

/// The reductions before the opening, relative to each codeword in the list of the committed word.
fn reduction_terms(relation: &Relation, parameters: &Parameters, terms: &mut Vec<Term>) {
    let m = parameters.log_cells;
    let first = parameters.oracles.first();
    let list = first.map_or(0.0, |oracle| oracle.whole().list_size_bits());
    let mut push = |step: &str, numerator: f64| {
        terms.push(Term { step: step.to_owned(), bits: FIELD_BITS as f64 - numerator.log2() - list });
    };
    push("2 lookups: logarithmic derivative", 3.0 * (m as f64).exp2());
    let rounds: f64 = (0..m).map(|variables| 3.0 * variables as f64).sum();
    push("3 lookups: fractional sumchecks", rounds + 2.0 * m as f64);
    push("4 leaves: numerator with denominator", 1.0);
    push("5 linear layers: sumcheck", 2.0 * relation.log_contraction_len() as f64);
    // Leaves, linear layers' inputs, forms that must be zero.
    let mut num_claims = 3;
    let mut num_forms = m + 1 + 3 * relation.masks.pairs().len();
    if let Some(log_scaling_len) = relation.log_scaling_len() {
        push("5 hidden multipliers: weights with signs", 1.0);
        push("5 hidden multipliers: sumcheck", 2.0 * log_scaling_len as f64);
        num_claims += 2;
        num_forms += 1;
    }
    push("6 products of pads", 1.0);
    push("6 forms that must be zero", num_forms as f64);
    if relation.setting.output == OutputForm::Shown {
        let column = relation.column(relation.output);
        push("6 output", (column.channels * column.pixels) as f64);
        num_claims += 1;
    }
    if let Some(degree) = relation.objects.iter().map(|object| object.plan.soundness_degree()).max() {
        push("6 commitments", degree as f64);
        num_claims += relation.objects.len();
    }
    push("6 combination of claims", (num_claims - 1) as f64);
}

/// Folds are accounted as if the polynomial before the fold were committed to on a domain `2^fold` as large: `2 fold` times the exceptional challenges of
/// one line of words of length `2^fold n`. That is no less than those of the interleaved code of length `n`, whose round `s` folds `2^(fold - s + 1)`
/// columns pairwise, a line through two words of `2^(fold - s)` columns. Agreement is mutual: if the point `z` of the line agrees with codewords on a
/// set of places, and the pair does not on the same set, then it does not in some column, and `z` is exceptional for this column's line. So a round has
/// at most as many times the challenges of one line as it has columns left, all rounds together `2^fold - 1` times, at most 63; and the count for length
/// `2^fold n` is `2^fold` times that for `n` (the second theorem), or more than `2^fold (1 - 1/k)` of it (the first, in which `rho_minus` is a little
/// larger; `k` is at least 2).
fn opening_terms(parameters: &Parameters, theorem: Theorem, terms: &mut Vec<Term>) {
    if let Some(oracle) = parameters.oracles.first() {
        let code = oracle.whole();
        let list = code.list_size_bits();
        let mut push = |step: &str, bits: f64| terms.push(Term { step: format!("7 opening, masks: {step}"), bits });
        push("claim with sum over mask cells", FIELD_BITS as f64 - list);
        push("claim with blinding vector", FIELD_BITS as f64 - list);
        push("line to the blinding vector, proximity", code.line_bits(FIELD_BITS, theorem) - 1.0);
    }
    for (index, oracle) in parameters.oracles.iter().enumerate() {
        let code = oracle.whole();
        let mut push = |step: String, bits: f64| terms.push(Term { step: format!("7 opening, oracle {index}: {step}"), bits });
        if index > 0 {
            push("out-of-domain sample".into(), code.out_of_domain_bits(FIELD_BITS, OUT_OF_DOMAIN_SAMPLES));
        }
        let folds = (oracle.fold as f64).log2();
        push("folding, proximity".into(), code.line_bits(FIELD_BITS, theorem) - 1.0 - folds);
        push("folding, sumcheck".into(), code.sumcheck_bits(FIELD_BITS) - folds);
        let grinding = parameters.grinding_bits as f64;
        push("queries".into(), oracle.columns().query_bits(oracle.num_queries) + grinding);
        if let Some(next) = parameters.oracles.get(index + 1) {
            let claims = OUT_OF_DOMAIN_SAMPLES + oracle.num_queries;
            push("combination of queries".into(), next.whole().combination_bits(FIELD_BITS, claims));
        }
    }
    let final_rounds = (2.0 * parameters.final_variables as f64).max(1.0);
    terms.push(Term { step: "7 opening: last sumcheck".into(), bits: FIELD_BITS as f64 - final_rounds.log2() });
}

#[cfg(test)]
mod tests {
    use p3_field::TwoAdicField;

    use super::*;
    use crate::field::F;

    /// Every size with masks of the smaller vectors; ends and some between of the larger ones.
    fn sizes() -> impl Iterator<Item = usize> {
        sizes_in_parts(20)
    }

    /// Of the larger vectors so many sizes for each power of two.
    fn sizes_in_parts(parts: usize) -> impl Iterator<Item = usize> {
        (MIN_LOG_CELLS..=30).flat_map(move |log_cells| {
            let masks = mask_cells(log_cells);
            let (least, most) = (stored_cells(log_cells, 1 << (log_cells - 1)), 1 << log_cells);
            let step = ((most - least) / parts).next_multiple_of(masks).max(masks);
            (least..=most).step_by(step).chain([most - masks, most]).filter(move |&size| size >= least)
        })
    }

    #[test]
    fn sizes_without_a_domain_have_no_parameters() {
        let (least, most) = (1 << MIN_LOG_CELLS, 1 << Layout::MAX_LOG_CELLS);
        for cells in [0, least - 1, most + 1, 1 << 38, usize::MAX] {
            assert_eq!(Parameters::for_cells(cells, 128), Err(RelationError::NoParameters { cells }));
        }
        for cells in [least, most] {
            let parameters = Parameters::for_cells(cells, 128).unwrap();
            assert_eq!(parameters.num_stored(), cells);
            assert!(
                parameters.oracles.iter().all(|oracle| oracle.degree < oracle.domain.size() && oracle.domain.log_coset <= F::TWO_ADICITY)
            );
        }
    }

    fn opening_bits(parameters: &Parameters, theorem: Theorem) -> f64 {
        let mut terms = Vec::new();
        opening_terms(parameters, theorem, &mut terms);
        bits_of_sum(&terms)
    }

    /// The figures of docs/security.md, section 2.
    #[test]
    fn the_least_sums_of_both_theorems_are_those_of_the_docs() {
        let least = |theorem: Theorem| {
            let bits = sizes_in_parts(1000).map(|size| opening_bits(&Parameters::for_cells(size, 128).unwrap(), theorem));
            bits.fold(f64::INFINITY, f64::min)
        };
        let (first, second) = (least(Theorem::DaoKominersThaler), least(Theorem::BenSassonAndOthers));
        println!("{first:.3} {second:.3}");
        assert!((128.85..128.95).contains(&first) && (128.65..128.75).contains(&second), "{first} {second}");
    }

    /// That accounting a fold as one of words `2^fold` as long is no less than the sum over columns, for both theorems.
    #[test]
    fn folds_are_accounted_with_no_less_than_all_columns_of_all_rounds() {
        for size in sizes() {
            for oracle in Parameters::for_cells(size, 128).unwrap().oracles {
                for theorem in [Theorem::DaoKominersThaler, Theorem::BenSassonAndOthers] {
                    let columns = (0..oracle.fold).map(|round| f64::from(1u32 << round)).sum::<f64>();
                    let exact = oracle.columns().line_bits(FIELD_BITS, theorem) - columns.log2();
                    let accounted = oracle.whole().line_bits(FIELD_BITS, theorem) - 1.0 - (oracle.fold as f64).log2();
                    assert!(accounted <= exact, "{size}: {accounted} {exact}");
                }
            }
        }
    }

    #[test]
    fn every_size_reaches_its_level_in_the_opening() {
        for level in [100, 128] {
            for size in sizes() {
                let parameters = Parameters::for_cells(size, level).unwrap();
                for theorem in [Theorem::DaoKominersThaler, Theorem::BenSassonAndOthers] {
                    let bits = opening_bits(&parameters, theorem);
                    assert!(bits >= level as f64, "{size}: {bits} of {level} bits by {theorem:?}");
                }
            }
        }
    }

    #[test]
    fn folds_reach_the_final_polynomial() {
        for size in sizes() {
            let parameters = Parameters::for_cells(size, 128).unwrap();
            let oracles = &parameters.oracles;
            assert_eq!((parameters.num_stored(), size.next_power_of_two()), (size, 1 << parameters.log_cells));
            let folded: usize = oracles.iter().map(|oracle| oracle.fold).sum();
            assert_eq!(folded + parameters.final_variables, parameters.log_cells);
            // Each polynomial is as long as a column of the one before, and none is longer than its variables allow.
            let lens = oracles.iter().skip(1).map(Oracle::num_coefficients).chain([parameters.final_len]);
            for (oracle, len) in oracles.iter().zip(lens) {
                assert_eq!(oracle.degree, len);
                assert!(len <= 1 << (oracle.variables - oracle.fold) && oracle.domain.log_coset <= 32);
            }
            assert!(parameters.num_rows <= oracles[0].degree);
            assert!(33 * (oracles[0].degree - parameters.num_rows) <= oracles[0].degree);
        }
    }

    #[test]
    fn rates_are_near_those_of_powers_of_two() {
        for size in sizes() {
            let [of_size, of_power] = [size, size.next_power_of_two()].map(|size| Parameters::for_cells(size, 128).unwrap());
            assert_eq!(of_size.oracles.len(), of_power.oracles.len());
            for (index, (oracle, at_power)) in of_size.oracles.iter().zip(&of_power.oracles).enumerate() {
                let ratio = oracle.rate() / at_power.rate();
                let (lowest, highest) = if index == 0 { (2.0 / 3.0, 1.0) } else { (0.6, 1.2) };
                assert!(ratio > lowest && ratio <= highest, "{size}: {} for {}", oracle.rate(), at_power.rate());
                assert_eq!((oracle.fold, oracle.variables), (at_power.fold, at_power.variables));
            }
        }
    }

    #[test]
    fn masks_are_a_small_part_and_outnumber_the_rows_opened_at_every_level() {
        for size in sizes() {
            let log_cells = Parameters::for_cells(size, 128).unwrap().log_cells;
            assert!(5 * mask_cells(log_cells) <= size, "{size}: {} mask cells", mask_cells(log_cells));
            for level in 0..=MAX_SECURITY_LEVEL {
                let first = Parameters::for_cells(size, level).unwrap().oracles[0];
                assert!(first.num_queries + SPARE_ROWS <= mask_rows(log_cells));
                assert_eq!(mask_cells(log_cells), mask_rows(log_cells) << first.fold);
            }
        }
    }

    #[test]
    fn stored_cells_are_whole_blocks_of_mask_rows_in_the_smallest_hypercube() {
        for log_cells in MIN_LOG_CELLS..=24 {
            let masks = mask_cells(log_cells);
            for num_cells in [1, masks - 1, masks, masks + 1, (1 << (log_cells - 1)) - masks + 1, (1 << log_cells) - masks] {
                let stored = stored_cells(log_cells, num_cells);
                assert_eq!(stored % masks, 0);
                let half = if log_cells > MIN_LOG_CELLS { 1 << (log_cells - 1) } else { 0 };
                let least = (half + masks).max(1 << MIN_LOG_CELLS);
                assert!(stored >= num_cells + masks && stored < (num_cells + 2 * masks).max(least + 1));
                assert_eq!(stored.next_power_of_two(), 1 << log_cells);
            }
            assert_eq!(stored_cells(log_cells, (1 << log_cells) - masks), 1 << log_cells);
            // What does not fit into one size is more than half of the next: the size found first is the one its cells imply.
            assert!(stored_cells(log_cells + 1, (1 << log_cells) - masks + 1) > 1 << log_cells);
        }
    }
}
