//! Exact tails of the binomial distribution.
//!
//! A tail is summed from its largest term outwards; beyond the mean each term is less than the one before, so that all of the sum is in its first
//! `O(sqrt(n))` terms, all of them positive. Against the continued fraction of the incomplete beta function, which is the usual way, nothing cancels and
//! the number of terms has no limit that large samples silently exceed.

use statrs::function::factorial::ln_binomial;

use crate::Probability;

/// Natural logarithm of the probability of exactly `hits` hits in `samples` independent samples, each a hit with probability `p`.
///
/// `-inf` if `hits > samples`.
pub fn ln_pmf(samples: u64, hits: u64, p: Probability) -> f64 {
    if hits > samples {
        return f64::NEG_INFINITY;
    }
    ln_binomial(samples, hits) + hits as f64 * p.ln() + (samples - hits) as f64 * p.ln_complement()
}

/// Probability of at least `hits` hits, relative error below `10^-9` up to a million samples.
pub fn at_least(samples: u64, hits: u64, p: Probability) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if is_above_mean(samples, hits, p) { rising(samples, hits, p) } else { 1.0 - falling(samples, hits - 1, p) }
}

/// Probability of at most `hits` hits, as exact as [`at_least`].
pub fn at_most(samples: u64, hits: u64, p: Probability) -> f64 {
    if hits >= samples {
        return 1.0;
    }
    if is_above_mean(samples, hits, p) { 1.0 - rising(samples, hits + 1, p) } else { falling(samples, hits, p) }
}

fn is_above_mean(samples: u64, hits: u64, p: Probability) -> bool {
    hits as f64 > samples as f64 * p.value()
}

/// Sum over `hits..=samples`; `hits` is above the mean.
fn rising(samples: u64, hits: u64, p: Probability) -> f64 {
    let odds = (p.ln() - p.ln_complement()).exp();
    let ratios = (hits..samples).map(|k| (samples - k) as f64 / (k + 1) as f64 * odds);
    (ln_pmf(samples, hits, p) + sum_of_products(ratios).ln()).exp().min(1.0)
}

/// Sum over `0..=hits`; `hits` is at most the mean.
fn falling(samples: u64, hits: u64, p: Probability) -> f64 {
    let odds = (p.ln_complement() - p.ln()).exp();
    let ratios = (1..=hits).rev().map(|k| k as f64 / (samples - k + 1) as f64 * odds);
    (ln_pmf(samples, hits, p) + sum_of_products(ratios).ln()).exp().min(1.0)
}

/// `1 + r_0 + r_0 r_1 + ...`, of ratios that fall, to the precision of a float.
fn sum_of_products(ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        // What is left is at most a geometric series with this ratio.
        if ratio < 1.0 && term / (1.0 - ratio) < f64::EPSILON / 2.0 * sum {
            break;
        }
    }
    sum
}

/// Whether at least `hits` hits have probability `share` at most, by the geometric series that bounds their sum; `false` where that does not tell.
pub(crate) fn at_least_is_below(samples: u64, hits: u64, p: Probability, share: Probability) -> bool {
    let odds = (p.ln() - p.ln_complement()).exp();
    let ratio = samples.saturating_sub(hits) as f64 / (hits + 1) as f64 * odds;
    ratio < 1.0 && ln_pmf(samples, hits, p) - (1.0 - ratio).ln() <= share.ln()
}
