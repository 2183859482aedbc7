//! What proofs of a sample cost.

use serde::Serialize;
use thiserror::Error;

/// Cost of one proved sample on rented cores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Spent on one sample by all cores together.
    core_seconds: f64,
    /// In some currency.
    price_per_core_hour: f64,
}

/// Why something is no [`Cost`].
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{name} is {value}: it is to be a finite number, not negative")]
pub struct CostError {
    name: &'static str,
    value: f64,
}

impl Cost {
    /// Of samples that take `core_seconds` each, all cores together, at `price_per_core_hour` in some currency.
    ///
    /// # Errors
    ///
    /// A number is negative or not finite.
    pub fn new(core_seconds: f64, price_per_core_hour: f64) -> Result<Self, CostError> {
        for (name, value) in [("the time of a proof", core_seconds), ("the price of a core-hour", price_per_core_hour)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(CostError { name, value });
            }
        }
        Ok(Self { core_seconds, price_per_core_hour })
    }

    /// Price of `samples` samples.
    pub fn of(self, samples: u64) -> f64 {
        samples as f64 * self.core_seconds / 3600.0 * self.price_per_core_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn price_is_that_of_the_core_hours() {
        // 72 samples of 100 core-seconds are two core-hours.
        assert_eq!(Cost::new(100.0, 0.25).unwrap().of(72), 0.5);
        assert!(Cost::new(-1.0, 1.0).is_err() && Cost::new(1.0, f64::NAN).is_err() && Cost::new(f64::INFINITY, 1.0).is_err());
    }
}
