//! How many samples show an accuracy to within `epsilon`, by the exact interval.
//!
//! [`crate::hoeffding`] answers the same question for any bounded score; for counts of correct answers it asks for about twice as many samples.

use crate::error::SamplingError;
use crate::search::smallest;
use crate::{Probability, Sides, binomial};

/// Largest sample that is considered: a check of one size takes `O(n^1.5)` steps.
pub const LARGEST_SAMPLE: u64 = 1 << 21;

/// A number of samples whose exact interval is within `epsilon` of the fraction observed, whatever that is; with one sample less it is not.
///
/// One-sided: the lower end of the interval is at most `epsilon` below the observed accuracy. Two-sided: so is the upper end above it.
///
/// # Errors
///
/// [`LARGEST_SAMPLE`] does not suffice (`epsilon` is about 0.06 % for `delta` of 5 %).
pub fn sample_size(epsilon: Probability, delta: Probability, sides: Sides) -> Result<u64, SamplingError> {
    // Upper ends are lower ends of the fraction of misses: both are looked at with all numbers of hits.
    smallest(LARGEST_SAMPLE, |samples| suffices(samples, epsilon, sides.share(delta)))
}

/// Whether the lower end is within `epsilon` for all numbers of hits.
fn suffices(samples: u64, epsilon: Probability, share: Probability) -> bool {
    // The variance is largest where the lower end is one half: a sample that does not suffice fails there, first of all.
    let middle = ((samples as f64 * (0.5 + epsilon.value())) as u64).min(samples);
    let holds = |hits: u64| lower_end_is_within(hits, samples, epsilon, share);
    (middle..=samples).all(holds) && (0..middle).rev().all(holds)
}

/// Whether the lower end of the interval of `hits` is at least `hits / samples - epsilon`: the tail there is `share` at most.
fn lower_end_is_within(hits: u64, samples: u64, epsilon: Probability, share: Probability) -> bool {
    let Ok(end) = Probability::new(hits as f64 / samples as f64 - epsilon.value()) else { return true };
    binomial::at_least_is_below(samples, hits, end, share) || binomial::at_least(samples, hits, end) <= share.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::clopper_pearson;

    fn probability(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    #[test]
    fn every_interval_of_the_sample_is_within_epsilon_and_one_of_a_smaller_is_not() {
        for (epsilon, delta, sides) in
            [(0.1, 0.05, Sides::One), (0.1, 0.05, Sides::Two), (0.05, 0.05, Sides::Two), (0.07, 0.001, Sides::One)]
        {
            let (epsilon, delta) = (probability(epsilon), probability(delta));
            let widest = |samples: u64| {
                let widths = (0..=samples).map(|hits| {
                    let observed = hits as f64 / samples as f64;
                    let interval = clopper_pearson(hits, samples, delta, sides).unwrap();
                    let above = if sides == Sides::Two { interval.upper - observed } else { 0.0 };
                    above.max(observed - interval.lower)
                });
                widths.fold(0.0, f64::max)
            };
            let samples = sample_size(epsilon, delta, sides).unwrap();
            assert!(widest(samples) <= epsilon.value() + 1e-12);
            assert!(widest(samples - 1) > epsilon.value());
        }
    }

    #[test]
    fn larger_samples_suffice_too() {
        let (epsilon, delta) = (probability(0.05), probability(0.05));
        for sides in Sides::ALL {
            let needed = sample_size(epsilon, delta, sides).unwrap();
            assert!((1..3 * needed).all(|samples| suffices(samples, epsilon, sides.share(delta)) == (samples >= needed)));
        }
    }

    #[test]
    fn what_would_need_too_many_samples_is_refused() {
        let result = sample_size(probability(1e-5), probability(0.05), Sides::One);
        assert_eq!(result, Err(SamplingError::NoSuchSample { limit: LARGEST_SAMPLE }));
    }
}
