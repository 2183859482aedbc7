//! The exact (Clopper-Pearson) confidence interval of a fraction.

use serde::Serialize;

use crate::error::{SamplingError, check_count};
use crate::{Probability, Sides, binomial};

/// What a fraction can be; both ends are in `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// At least this.
    pub lower: f64,
    /// At most this.
    pub upper: f64,
}

/// The interval of the fraction of which `samples` independent samples had `hits`.
///
/// With [`Sides::Two`] the fraction is between both ends except with probability `delta`. With [`Sides::One`] each end alone holds except with probability
/// `delta`; both together may fail with twice that.
///
/// # Errors
///
/// No sample, too many, or more hits than samples.
pub fn clopper_pearson(hits: u64, samples: u64, delta: Probability, sides: Sides) -> Result<Interval, SamplingError> {
    if check_count(samples)? == 0 {
        return Err(SamplingError::NoSamples);
    }
    if hits > samples {
        return Err(SamplingError::MoreThanAll { hits, samples });
    }
    let share = sides.share(delta);
    // The lower end is the upper end of the fraction of misses.
    Ok(Interval { lower: 1.0 - upper(samples - hits, samples, share), upper: upper(hits, samples, share) })
}

/// The largest fraction with which at most `hits` hits still have probability `share`.
fn upper(hits: u64, samples: u64, share: Probability) -> f64 {
    if hits == samples {
        return 1.0;
    }
    if hits == 0 {
        // (1 - p)^n = share
        return -(share.ln() / samples as f64).exp_m1();
    }
    let (mut low, mut high) = (hits as f64 / samples as f64, 1.0);
    // At `hits / n` the tail is about one half: the end is above, unless the share is larger than that.
    if !exceeds(hits, samples, low, share) {
        (low, high) = (0.0, low);
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if exceeds(hits, samples, middle, share) { low = middle } else { high = middle }
    }
}

/// Whether at most `hits` hits are more probable than `share` if each sample is a hit with probability `p`.
fn exceeds(hits: u64, samples: u64, p: f64, share: Probability) -> bool {
    // At 0 there are never more hits, at 1 always.
    Probability::new(p).map_or(p <= 0.0, |p| binomial::at_most(samples, hits, p) > share.value())
}
