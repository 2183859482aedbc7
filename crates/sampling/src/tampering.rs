//! How much can have been tampered with if a random sample was found in order.
//!
//! A sample of `n` predictions (each proved) or documents (each compared with its hash) in which nothing is wrong bounds the fraction `p` that is: were it
//! `p` or more, the sample would have missed all of it with probability `(1 - p)^n` at most. This is the Clopper-Pearson interval of 0 hits. Only the upper end
//! says something (the lower is 0), so that the whole risk can be spent on it: [`Sides::One`]. [`Sides::Two`] is what a two-sided interval, whose lower half is
//! wasted here, asks for.
//!
//! Of a corpus of known size the same is exact with the hypergeometric distribution, and takes fewer samples.

use crate::error::{LARGEST_COUNT, SamplingError, check_count};
use crate::hypergeometric::is_missed_at_most;
use crate::search::smallest;
use crate::{Probability, Sides};

/// The smallest number of samples that, all in order, show that less than the fraction `p` was tampered with, except with probability `delta`.
///
/// # Errors
///
/// More than [`LARGEST_COUNT`] would be needed.
pub fn sample_size(p: Probability, delta: Probability, sides: Sides) -> Result<u64, SamplingError> {
    let share = sides.share(delta);
    smallest(LARGEST_COUNT, |samples| samples as f64 * p.ln_complement() <= share.ln())
}

/// The fraction that is shown not to be reached by `samples` samples in order: the inverse of [`sample_size`].
///
/// # Errors
///
/// No sample, or too many.
pub fn bound(samples: u64, delta: Probability, sides: Sides) -> Result<f64, SamplingError> {
    if check_count(samples)? == 0 {
        return Err(SamplingError::NoSamples);
    }
    Ok(-(sides.share(delta).ln() / samples as f64).exp_m1())
}

/// [`sample_size`] of different elements of a corpus with `corpus` elements.
///
/// # Errors
///
/// The corpus is empty or too large.
pub fn sample_size_of_corpus(p: Probability, corpus: u64, delta: Probability) -> Result<u64, SamplingError> {
    let tampered = fewest(p, check_count(corpus)?);
    smallest(corpus, |samples| is_missed_at_most(delta, corpus, tampered, samples))
}

/// How many elements of a corpus can have been tampered with if `samples` different ones of them were in order, except with probability `delta`: the
/// largest number that they miss with more than that probability.
///
/// # Errors
///
/// No sample, or more of them than elements, or too many.
pub fn bound_of_corpus(samples: u64, corpus: u64, delta: Probability) -> Result<u64, SamplingError> {
    if check_count(samples)? == 0 {
        return Err(SamplingError::NoSamples);
    }
    if samples > check_count(corpus)? {
        return Err(SamplingError::LargerThanCorpus { samples, corpus });
    }
    let detected = smallest(corpus, |tampered| is_missed_at_most(delta, corpus, tampered, samples))?;
    Ok(detected - 1)
}

/// The fewest elements that are the fraction `p` of a corpus, at least one.
///
/// A product that is an integer but for the rounding of `p` counts as that integer: the other way round one element more would be taken for granted.
fn fewest(p: Probability, corpus: u64) -> u64 {
    let product = p.value() * corpus as f64;
    ((product * (1.0 - 4.0 * f64::EPSILON)).ceil() as u64).clamp(1, corpus.max(1))
}
