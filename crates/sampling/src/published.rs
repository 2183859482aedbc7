//! The figures of Tables 3 and 4 of "Scaling up trustless DNN inference with zero-knowledge proofs" (Kang et al., 2022), and what gives them.
//!
//! The paper's formulas as printed give none of them: see [`printed_tampering_bound`] and [`printed_hoeffding`].

use std::fmt;

use crate::{Probability, SamplingError, Sides, hoeffding, tampering};

/// `delta` of both tables.
pub const DELTA: f64 = 0.05;

/// A row of one of the tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// Fraction tampered with, or `epsilon`.
    pub demand: f64,
    /// Sample size.
    pub samples: u64,
    /// Its cost with MobileNet v2 (0.35, 96), in US dollars.
    pub dollars: f64,
    /// What gives the sample size.
    pub origin: Origin,
}

/// How a published sample size comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// The formula, for a demand that need not be the row's.
    Formula(Formula, f64),
    /// One sample less than the formula asks for.
    OneTooFew(Formula, f64),
    /// Twice another row.
    Twice(u64),
}

/// A formula for sample sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// [`tampering::sample_size`], two-sided.
    ClopperPearsonTwoSided,
    /// [`hoeffding::sample_size`], one-sided.
    HoeffdingOneSided,
}

/// Table 3: fractions of predictions or documents tampered with.
pub const TABLE_3: [Published; 3] = [
    Published { demand: 0.05, samples: 72, dollars: 7.65, origin: Origin::Formula(Formula::ClopperPearsonTwoSided, 0.05) },
    Published { demand: 0.025, samples: 183, dollars: 19.43, origin: Origin::Formula(Formula::ClopperPearsonTwoSided, 0.02) },
    Published { demand: 0.01, samples: 366, dollars: 38.86, origin: Origin::Twice(183) },
];

/// Table 4: deviations of the accuracy.
pub const TABLE_4: [Published; 3] = [
    Published { demand: 0.05, samples: 600, dollars: 63.71, origin: Origin::Formula(Formula::HoeffdingOneSided, 0.05) },
    Published { demand: 0.025, samples: 2396, dollars: 254.4, origin: Origin::OneTooFew(Formula::HoeffdingOneSided, 0.025) },
    Published { demand: 0.01, samples: 14979, dollars: 1590.5, origin: Origin::Formula(Formula::HoeffdingOneSided, 0.01) },
];

/// `exp((1 - delta) / N)`, section 5.4's bound on the fraction tampered with as printed. It exceeds 1 for every sample.
pub fn printed_tampering_bound(samples: u64, delta: Probability) -> f64 {
    ((1.0 - delta.value()) / samples as f64).exp()
}

/// `exp(-2 epsilon^2 / N)`, section 6.2's bound on the risk as printed. It grows with the sample, towards 1.
pub fn printed_hoeffding(samples: u64, epsilon: Probability) -> f64 {
    (-2.0 * epsilon.value().powi(2) / samples as f64).exp()
}

impl Formula {
    /// The sample size that the formula asks for.
    ///
    /// # Errors
    ///
    /// It is too large.
    pub fn sample_size(self, demand: Probability, delta: Probability) -> Result<u64, SamplingError> {
        match self {
            Self::ClopperPearsonTwoSided => tampering::sample_size(demand, delta, Sides::Two),
            Self::HoeffdingOneSided => hoeffding::sample_size(demand, delta, Sides::One),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Formula(formula, demand) => write!(formatter, "{formula}, for {} %", 100.0 * demand),
            Self::OneTooFew(formula, demand) => write!(formatter, "{formula}, for {} %, rounded down: one sample too few", 100.0 * demand),
            Self::Twice(samples) => write!(formatter, "twice {samples}"),
        }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ClopperPearsonTwoSided => "Clopper-Pearson, two-sided",
            Self::HoeffdingOneSided => "Hoeffding, one-sided",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_give_the_published_sample_sizes() {
        let delta = Probability::new(DELTA).unwrap();
        for row in TABLE_3.iter().chain(&TABLE_4) {
            let given = match row.origin {
                Origin::Formula(formula, demand) => formula.sample_size(Probability::new(demand).unwrap(), delta).unwrap(),
                Origin::OneTooFew(formula, demand) => formula.sample_size(Probability::new(demand).unwrap(), delta).unwrap() - 1,
                Origin::Twice(samples) => 2 * samples,
            };
            assert_eq!(given, row.samples);
        }
    }

    #[test]
    fn published_prices_are_those_of_one_proof_for_each_sample() {
        for row in TABLE_3.iter().chain(&TABLE_4) {
            let price = row.dollars / row.samples as f64;
            assert!((0.1061..0.1063).contains(&price), "{price}");
        }
    }

    #[test]
    fn printed_formulas_bound_nothing() {
        let delta = Probability::new(DELTA).unwrap();
        assert!(TABLE_3.iter().all(|row| printed_tampering_bound(row.samples, delta) > 1.0));
        assert!(TABLE_4.iter().all(|row| printed_hoeffding(row.samples, Probability::new(row.demand).unwrap()) > 0.99999));
    }
}
