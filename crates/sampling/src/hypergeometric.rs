//! Samples without replacement from a corpus, some of whose elements were tampered with.

use statrs::function::factorial::ln_binomial;

use crate::Probability;

/// Natural logarithm of the probability that exactly `hits` of `samples` different elements of a corpus are among its `tampered` ones.
///
/// `-inf` if that is impossible. Both `samples` and `tampered` are at most `corpus`.
pub fn ln_pmf(corpus: u64, tampered: u64, samples: u64, hits: u64) -> f64 {
    debug_assert!(tampered <= corpus && samples <= corpus);
    if hits > tampered || hits > samples || samples - hits > corpus - tampered {
        return f64::NEG_INFINITY;
    }
    ln_binomial(tampered, hits) + ln_binomial(corpus - tampered, samples - hits) - ln_binomial(corpus, samples)
}

/// Natural logarithm of the probability that none of `samples` different elements of a corpus is among its `tampered` ones:
/// `C(corpus - tampered, samples) / C(corpus, samples)`.
///
/// `-inf` if the sample cannot avoid them. Both `samples` and `tampered` are at most `corpus`.
pub fn ln_miss(corpus: u64, tampered: u64, samples: u64) -> f64 {
    ln_miss_down_to(f64::NEG_INFINITY, corpus, tampered, samples)
}

/// Whether a sample misses all tampered elements with probability `delta` at most.
pub fn is_missed_at_most(delta: Probability, corpus: u64, tampered: u64, samples: u64) -> bool {
    ln_miss_down_to(delta.ln(), corpus, tampered, samples) <= delta.ln()
}

/// [`ln_miss`], or any smaller number than `floor` if it is smaller than `floor`.
fn ln_miss_down_to(floor: f64, corpus: u64, tampered: u64, samples: u64) -> f64 {
    debug_assert!(tampered <= corpus && samples <= corpus);
    if samples > corpus.saturating_sub(tampered) {
        return f64::NEG_INFINITY;
    }
    // The formula is symmetric in both: the product over the samples drawn one after the other, or over the tampered elements placed one after the other.
    let (few, many) = (samples.min(tampered), samples.max(tampered) as f64);
    let mut sum = 0.0;
    for drawn in 0..few {
        sum += (-many / (corpus - drawn) as f64).ln_1p();
        if sum < floor {
            break;
        }
    }
    sum
}
