//! What cannot be answered.

use thiserror::Error;

/// Largest number of samples, or size of a corpus, that is computed with.
pub const LARGEST_COUNT: u64 = 1_000_000_000;

/// Why there is no sample size or bound.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum SamplingError {
    /// A bound was asked for without a sample.
    #[error("a sample of 0 shows nothing")]
    NoSamples,
    /// A sample has more hits than elements.
    #[error("{hits} of {samples} samples is more than all of them")]
    MoreThanAll {
        /// Elements with the property.
        hits: u64,
        /// Elements.
        samples: u64,
    },
    /// A sample without replacement is larger than what it is drawn from.
    #[error("{samples} different samples cannot be drawn from a corpus of {corpus}")]
    LargerThanCorpus {
        /// Elements of the sample.
        samples: u64,
        /// Elements of the corpus.
        corpus: u64,
    },
    /// A number is beyond what is computed with.
    #[error("{count} is more than the {LARGEST_COUNT} that are computed with")]
    TooMany {
        /// The number.
        count: u64,
    },
    /// The sample that would be needed is beyond what is computed with.
    #[error("more than {limit} samples would be needed")]
    NoSuchSample {
        /// The largest sample that was considered.
        limit: u64,
    },
}

/// `count`, if it is computed with.
pub(crate) fn check_count(count: u64) -> Result<u64, SamplingError> {
    if count > LARGEST_COUNT { Err(SamplingError::TooMany { count }) } else { Ok(count) }
}
