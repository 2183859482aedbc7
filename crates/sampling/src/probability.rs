//! Probabilities and fractions that are neither 0 nor 1.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// A probability or fraction strictly between 0 and 1, so that logarithms of it and of its complement exist.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Probability(f64);

/// Why something is no [`Probability`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbabilityError {
    /// Not strictly between 0 and 1.
    #[error("{0} is not between 0 and 1 (both excluded)")]
    OutOfRange(String),
    /// Not a number.
    #[error("`{0}` is neither a fraction like 0.05 nor a percentage like 5%")]
    NotANumber(String),
}

impl Probability {
    /// # Errors
    ///
    /// `value` is not strictly between 0 and 1.
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err(ProbabilityError::OutOfRange(value.to_string())) }
    }

    /// The number.
    pub const fn value(self) -> f64 {
        self.0
    }

    /// Its natural logarithm.
    pub fn ln(self) -> f64 {
        self.0.ln()
    }

    /// The natural logarithm of `1 - self`, exact also where `self` is tiny.
    pub fn ln_complement(self) -> f64 {
        (-self.0).ln_1p()
    }

    /// A half of it, which is always a probability.
    pub(crate) fn half(self) -> Self {
        Self((self.0 / 2.0).max(f64::MIN_POSITIVE))
    }
}

impl fmt::Display for Probability {
    /// As a percentage with as many digits as it has, to seven decimal places.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.7}", 100.0 * self.0);
        write!(formatter, "{}%", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for Probability {
    type Err = ProbabilityError;

    /// `0.05` or `5%`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (text, 1.0),
        };
        let number: f64 = number.parse().map_err(|_| ProbabilityError::NotANumber(text.to_string()))?;
        Self::new(number / unit).map_err(|_| ProbabilityError::OutOfRange(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_and_percentages_are_read() {
        assert_eq!("0.05".parse::<Probability>(), "5%".parse());
        assert_eq!("2.5 %".parse::<Probability>().unwrap().value(), 0.025);
        assert_eq!("2.5%".parse::<Probability>().unwrap().to_string(), "2.5%");
        assert_eq!("100".parse::<Probability>(), Err(ProbabilityError::OutOfRange("100".to_string())));
        assert_eq!("five".parse::<Probability>(), Err(ProbabilityError::NotANumber("five".to_string())));
        for excluded in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(excluded).is_err());
        }
    }
}
