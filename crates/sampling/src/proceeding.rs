//! When a provider that has tried the first examples of an agreement about accuracy goes on to prove the others (appendix B of the paper).
//!
//! The customer knows its labels, and may know the model; it chooses the target and how many of all `N` examples the model gets right. It does not choose which of
//! them are the first `N1`: these are drawn uniformly. So of `C` right examples the number `r` among the first is hypergeometric, and the target is missed exactly
//! if `C - r` are fewer. A provider that goes on from `t` right ones on loses most often to the customer with `C = target + t - 1`: then each time that it goes on,
//! and with more or fewer right examples less often than then. The [`Trial::threshold`] makes that chance so small that an attack costs the customer at least what it
//! costs the provider, and is lost money for both: what is lost by missed targets is, in expectation and whatever the customer does, at most half of what an abort
//! costs the customer, `N1 P`.

use serde::Serialize;

use crate::hypergeometric;

/// What an agreement about accuracy is about, and what it costs; amounts are in any unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// `N1`: examples that are tried first; at least 1.
    pub first: u32,
    /// `N2`: examples that are proved; at least 1.
    pub second: u32,
    /// So many of the second part must be right; at most `N2`.
    pub target: u32,
    /// E: an example.
    pub example: u64,
    /// Z: a proof of one input.
    pub proof: u64,
    /// P: an inference.
    pub inference: u64,
    /// `epsilon`: what each party pays to the escrow.
    pub fee: u64,
}

impl Trial {
    /// The smallest number of right ones among the first from which on going on is safe: against every customer the expected loss by missed targets is at most
    /// `N1 P / 2`. Nothing if no result of the first examples is: the first part is too small for the target.
    pub fn threshold(&self) -> Option<u32> {
        let is_safe = |threshold: u32| self.worst_chance_to_miss(threshold) * self.loss() <= self.trial_price() / 2.0;
        if self.target == 0 {
            return Some(0);
        }
        if !is_safe(self.first) {
            return None;
        }
        // The chance falls as more is demanded.
        let (mut unsafe_below, mut safe) = (0, self.first);
        while unsafe_below < safe {
            let middle = unsafe_below.midpoint(safe);
            if is_safe(middle) { safe = middle } else { unsafe_below = middle.saturating_add(1) }
        }
        Some(safe)
    }

    /// Whether to go on with so many right ones among the first: it is safe ([`Trial::threshold`]), and what is expected of it is more than nothing, with the
    /// chance that the first examples themselves give ([`Trial::chance`]).
    pub fn proceeds(&self, right: u32) -> bool {
        self.threshold().is_some_and(|threshold| right >= threshold) && self.expected(right) > 0.0
    }

    /// The smallest number of right ones among the first with which it [proceeds](Trial::proceeds); nothing if it never does.
    pub fn least_right(&self) -> Option<u32> {
        let (mut low, mut high) = (self.threshold()?, self.first);
        if self.expected(high) <= 0.0 {
            return None;
        }
        // More right ones promise more.
        while low < high {
            let middle = low.midpoint(high);
            if self.expected(middle) > 0.0 { high = middle } else { low = middle.saturating_add(1) }
        }
        Some(low)
    }

    /// What a provider expects that goes on with so many right ones among the first: the payment or the loss, less both fees' half, all inferences and proofs.
    pub fn expected(&self, right: u32) -> f64 {
        let (first, second) = (f64::from(self.first), f64::from(self.second));
        let [proof, inference] = [self.proof, self.inference].map(|price| price as f64);
        let met = self.chance(right);
        let paid = met * 2.0 * (first * inference + second * proof) - (1.0 - met) * self.risk();
        paid - self.fee as f64 - (first + second) * inference - second * proof
    }

    /// P(target met | first examples): with so many right ones among the first, where before them every number of right examples is as likely as any other. Then the
    /// number among the others is beta-binomial.
    pub fn chance(&self, right: u32) -> f64 {
        let (all, right) = (u64::from(self.first) + u64::from(self.second), u64::from(right.min(self.first)));
        let (first, second, target) = (u64::from(self.first), u64::from(self.second), u64::from(self.target));
        // The weight of `right + more` right examples in all is the chance that `right` of them are among the first.
        let weight = |more: u64| hypergeometric::ln_pmf(all, right + more, first, right).exp();
        let sum = |from: u64, to: u64| (from..=to).map(weight).sum::<f64>();
        let (missed, met) = (if target == 0 { 0.0 } else { sum(0, target - 1) }, sum(target, second));
        if missed + met > 0.0 { met / (missed + met) } else { 0.0 }
    }

    /// The greatest chance that any customer has to make a provider go on with this threshold and miss the target.
    pub fn worst_chance_to_miss(&self, threshold: u32) -> f64 {
        if self.target == 0 {
            return 0.0;
        }
        let (first, threshold) = (u64::from(self.first), u64::from(threshold));
        let all = first + u64::from(self.second);
        let right = (u64::from(self.target) - 1 + threshold).min(all);
        (threshold..=first.min(right)).map(|hits| hypergeometric::ln_pmf(all, right, first, hits).exp()).sum::<f64>().min(1.0)
    }

    /// The smallest first part with which such a second part and target can be agreed on, with these prices; nothing if up to `most` none is large enough.
    pub fn least_first(&self, most: u32) -> Option<u32> {
        let is_enough = |first: u32| Self { first, ..*self }.threshold().is_some();
        crate::search::smallest(most.into(), |first| u32::try_from(first).is_ok_and(is_enough))
            .ok()
            .and_then(|first| u32::try_from(first).ok())
    }

    /// `2NE`: what a missed target costs.
    fn risk(&self) -> f64 {
        2.0 * (f64::from(self.first) + f64::from(self.second)) * self.example as f64
    }

    /// `N1 P`: what an abort costs the customer.
    fn trial_price(&self) -> f64 {
        f64::from(self.first) * self.inference as f64
    }

    /// What is lost by a missed target instead of an abort, with the work that was done for it.
    fn loss(&self) -> f64 {
        self.risk() + f64::from(self.second) * (self.proof as f64 + self.inference as f64) + self.trial_price()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIAL: Trial = Trial { first: 20, second: 20, target: 10, example: 50, proof: 20, inference: 5, fee: 3 };

    /// The chance that a provider goes on and misses, if so many of all examples are right.
    fn miss(trial: &Trial, threshold: u32, right: u64) -> f64 {
        let all = u64::from(trial.first + trial.second);
        let hits = u64::from(threshold)..=u64::from(trial.first).min(right);
        let missed = hits.filter(|hits| right - hits < trial.target.into());
        missed.map(|hits| hypergeometric::ln_pmf(all, right, trial.first.into(), hits).exp()).sum()
    }

    #[test]
    fn no_number_of_right_examples_costs_more_than_half_an_abort_in_expectation() {
        for trial in [TRIAL, Trial { target: 5, ..TRIAL }, Trial { first: 60, second: 40, target: 28, ..TRIAL }] {
            let threshold = trial.threshold().unwrap();
            let worst =
                |threshold| (0..=u64::from(trial.first + trial.second)).map(|right| miss(&trial, threshold, right)).fold(0.0, f64::max);
            let bound = trial.trial_price() / 2.0;
            assert!(worst(threshold) * trial.loss() <= bound && worst(threshold - 1) * trial.loss() > bound, "{trial:?}");
            for threshold in 0..=trial.first {
                assert!((worst(threshold) - trial.worst_chance_to_miss(threshold)).abs() < 1e-9, "{trial:?}, {threshold}");
            }
        }
    }

    #[test]
    fn attacks_by_terms_are_never_safe() {
        assert_eq!(Trial { first: 1, ..TRIAL }.threshold(), None, "N1 = 1");
        assert_eq!(Trial { target: 20, ..TRIAL }.threshold(), None, "every one must be right");
        assert_eq!(Trial { first: 3, second: 7, target: 6, ..TRIAL }.threshold(), None);
        assert_eq!(Trial { target: 0, ..TRIAL }.threshold(), Some(0));
    }

    #[test]
    fn wrong_labels_and_targets_at_the_model_s_own_accuracy_are_not_gone_on_with() {
        let trial = Trial { first: 300, second: 600, target: 450, example: 500_000, proof: 106_200, inference: 1500, fee: 4545 };
        let threshold = trial.threshold().unwrap();
        // The model is as good as the target: it goes on seldom, and aborts otherwise.
        assert!(threshold > 225 + 20 && threshold < 260, "{threshold}");
        assert!(!trial.proceeds(225) && !trial.proceeds(threshold - 1) && trial.proceeds(threshold));
    }

    #[test]
    fn chance_is_the_share_of_deals_in_which_the_target_is_met() {
        // Three examples of which one is first: every number of right ones is as likely.
        let trial = Trial { first: 1, second: 2, target: 2, ..TRIAL };
        // Right and right, of which the others are 0, 1, 2 right with weights 1/3, 2/3, 1.
        assert!((trial.chance(1) - 0.5).abs() < 1e-12);
        assert!((trial.chance(0) - 1.0 / 6.0).abs() < 1e-12);
        assert!(Trial { target: 0, ..trial }.chance(0) > 0.999_999);
    }

    #[test]
    fn nothing_is_expected_where_the_fee_eats_the_payment() {
        assert!(TRIAL.proceeds(20));
        let dear = Trial { fee: 1000, ..TRIAL };
        assert!(dear.threshold().is_some() && !dear.proceeds(20));
    }

    #[test]
    fn larger_first_parts_suffice_too() {
        let least = Trial { second: 20, target: 10, ..TRIAL }.least_first(1000).unwrap();
        let suffices = |first| Trial { first, ..TRIAL }.threshold().is_some();
        assert!((least..least + 60).all(suffices) && !(1..least).any(suffices), "{least}");
    }
}
