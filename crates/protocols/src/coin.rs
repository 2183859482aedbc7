//! Choices that no party can bias: a coin tossed by commitment (Blum 1983), and the subset it selects.
//!
//! One party commits to its share before it sees the other's; the other shows its share; the first opens. Whoever is honest has added 32 uniform
//! bytes that the other could not foresee, so the seed is uniform. The party that opens could refuse when it does not like the seed: the agreements
//! take its whole deposit for that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bytes::fixed_bytes;
use crate::digest::{AgreementId, Digest};

fixed_bytes! {
    /// One party's share of a seed: 32 uniform bytes, new for each agreement.
    Share, 32
}

/// What a party commits itself to before it sees the other's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommittedShare(pub Digest);

/// The seed of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Seed(Digest);

impl Share {
    /// Commits to the share. It hides it, since the share is uniform.
    pub fn commit(&self) -> CommittedShare {
        CommittedShare(Digest::of("verinfer protocols v1 committed share", self))
    }
}

impl Seed {
    /// The seed of an agreement: `opened` was committed to, `shown` was chosen after that.
    pub fn new(agreement: AgreementId, opened: &Share, shown: &Share) -> Self {
        Self(Digest::of("verinfer protocols v1 seed", &(agreement, opened, shown)))
    }

    /// A uniform choice of `size` of the numbers below `len`, ascending; of all of them if `size` is larger.
    pub fn subset(&self, len: u32, size: u32) -> Vec<u32> {
        let mut stream = Stream::new(self);
        // The first places of a shuffle (Fisher and Yates); places that were never touched hold their own number.
        let mut moved = BTreeMap::new();
        let mut chosen: Vec<u32> = (0..size.min(len))
            .map(|place| {
                let other = place.saturating_add(stream.below(len.saturating_sub(place)));
                let here = moved.remove(&place).unwrap_or(place);
                if other == place { here } else { moved.insert(other, here).unwrap_or(other) }
            })
            .collect();
        chosen.sort_unstable();
        chosen
    }
}

/// Uniform numbers from a seed.
struct Stream(blake3::OutputReader);

impl Stream {
    fn new(seed: &Seed) -> Self {
        Self(blake3::Hasher::new_derive_key("verinfer protocols v1 subset").update(&seed.0.0).finalize_xof())
    }

    /// A uniform number below `bound`, which is at least one.
    fn below(&mut self, bound: u32) -> u32 {
        // The numbers below the largest multiple of the bound; others would favour small remainders.
        let limit = u32::MAX.checked_div(bound).unwrap_or(0).saturating_mul(bound);
        loop {
            let mut bytes = [0; 4];
            self.0.fill(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            if number < limit {
                return number.checked_rem(bound).unwrap_or(0);
            }
            if limit == 0 {
                return 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(byte: u8) -> Seed {
        Seed::new(AgreementId([byte; 32]), &Share([1; 32]), &Share([2; 32]))
    }

    #[test]
    fn subset_has_its_size_and_no_repetition() {
        for (len, size) in [(1, 1), (5, 0), (5, 2), (5, 5), (5, 9), (1000, 10)] {
            let subset = seed(0).subset(len, size);
            assert_eq!(subset.len(), size.min(len) as usize);
            assert!(subset.windows(2).all(|pair| pair[0] < pair[1]) && subset.iter().all(|&index| index < len), "{subset:?}");
        }
    }

    #[test]
    fn every_subset_is_equally_likely() {
        let mut counts = BTreeMap::new();
        for byte in 0..=255 {
            for other in 0..=20 {
                let seed = Seed::new(AgreementId([byte; 32]), &Share([other; 32]), &Share([2; 32]));
                *counts.entry(seed.subset(5, 2)).or_insert(0_i64) += 1;
            }
        }
        assert_eq!(counts.len(), 10);
        // Chi-square with 9 degrees of freedom is above 27.9 in one of 1000 cases.
        let expected = 256.0 * 21.0 / 10.0;
        let statistic: f64 = counts.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
        assert!(statistic < 27.9, "{statistic}");
    }

    #[test]
    fn seed_depends_on_both_shares_and_on_the_agreement() {
        let other = Seed::new(AgreementId([0; 32]), &Share([2; 32]), &Share([1; 32]));
        assert!(seed(0) != other && seed(0) != seed(1));
    }
}
