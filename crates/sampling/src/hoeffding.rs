//! Hoeffding's inequality: for independent samples between 0 and 1 with mean `a`, of which `n` have the average `a'`,
//! `P(a' - a >= epsilon) <= exp(-2 n epsilon^2)`.
//!
//! It holds whatever the accuracy, and for averages of any bounded score. For counts of hits the exact interval ([`crate::interval`]) needs less than half
//! of the samples.

use crate::error::{LARGEST_COUNT, SamplingError, check_count};
use crate::search::smallest;
use crate::{Probability, Sides};

/// The smallest number of samples whose average is within `epsilon` of the mean except with probability `delta`.
///
/// # Errors
///
/// More than [`LARGEST_COUNT`] would be needed.
pub fn sample_size(epsilon: Probability, delta: Probability, sides: Sides) -> Result<u64, SamplingError> {
    let share = sides.share(delta);
    smallest(LARGEST_COUNT, |samples| ln_risk(samples, epsilon.value()) <= share.ln())
}

/// The deviation from the mean that the average of `samples` samples stays within except with probability `delta`.
///
/// # Errors
///
/// No sample, or too many.
pub fn deviation(samples: u64, delta: Probability, sides: Sides) -> Result<f64, SamplingError> {
    if check_count(samples)? == 0 {
        return Err(SamplingError::NoSamples);
    }
    Ok((-sides.share(delta).ln() / (2.0 * samples as f64)).sqrt())
}

/// `-2 n epsilon^2`, the logarithm of the inequality's right side.
pub fn ln_risk(samples: u64, epsilon: f64) -> f64 {
    -2.0 * samples as f64 * epsilon * epsilon
}
