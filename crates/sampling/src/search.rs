//! The smallest count with a property that all larger ones share.

use crate::error::SamplingError;

/// The smallest `n` in `1..=limit` that `suffices`, a property that all larger numbers share.
///
/// # Errors
///
/// [`SamplingError::NoSuchSample`] if `limit` does not suffice.
pub fn smallest(limit: u64, suffices: impl Fn(u64) -> bool) -> Result<u64, SamplingError> {
    // Doubling first: the cost of a question grows with `n`, and answers are mostly small.
    let mut too_small = 0;
    let mut candidate = 1;
    while !suffices(candidate.min(limit)) {
        if candidate >= limit {
            return Err(SamplingError::NoSuchSample { limit });
        }
        too_small = candidate;
        candidate *= 2;
    }
    let mut enough = candidate.min(limit);
    while enough - too_small > 1 {
        let middle = too_small + (enough - too_small) / 2;
        if suffices(middle) {
            enough = middle;
        } else {
            too_small = middle;
        }
    }
    Ok(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_is_found_wherever_it_is() {
        for limit in 1..40 {
            for first in 1..=limit {
                assert_eq!(smallest(limit, |n| n >= first), Ok(first));
            }
            assert_eq!(smallest(limit, |_| false), Err(SamplingError::NoSuchSample { limit }));
        }
    }
}
