//! The marketplace's parameters (5.2 and appendix B): an escrow holds every proposal to them, so that nobody is offered terms under which abuse is free.

use serde::{Deserialize, Serialize};

use crate::accuracy::{self, Prices};
use crate::agreement::Terms;
use crate::money::{Money, MoneyError};
use crate::refusal::{RulesFault, TermsFault};
use crate::stake;
use crate::terms::{check_count, check_period};
use crate::time::Millis;
use crate::transfer::MAX_ITEMS;

/// The marketplace's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// E, Z, P: those of all agreements about accuracy; Z is that of predictions, too.
    pub prices: Prices,
    /// `N1`.
    pub first: Bounds,
    /// `N2`.
    pub second: Bounds,
    /// `epsilon` is at least `N1 P` divided by this, rounded up; the paper has 99, and 1.
    pub fee_divisor: u32,
    /// Of stakes.
    pub stake: StakeRules,
}

/// The least and the largest of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least this.
    pub least: u32,
    /// At most this.
    pub most: u32,
}

/// The marketplace's parameters of stakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StakeRules {
    /// The least stake; an agreement about accuracy needs `1000 N1 E`, too.
    pub least: Money,
    /// How long a stake stays after it has been retired: so long the same money is nobody else's stake.
    pub lock: Millis,
    /// How many agreements a stake covers that are open or have failed.
    pub covers: u32,
}

impl Default for Rules {
    /// Small prices, the paper's smaller `epsilon`, a week's lock, and as many agreements as the paper has a provider abort to gain its stake.
    fn default() -> Self {
        let [example, proof, inference, least] = [50, 20, 5, 50_000].map(|units| Money::new(units).unwrap_or_default());
        Self {
            prices: Prices { example, proof, inference },
            first: Bounds { least: 1, most: MAX_ITEMS / 2 },
            second: Bounds { least: 1, most: MAX_ITEMS / 2 },
            fee_divisor: 99,
            stake: StakeRules { least, lock: Millis(7 * 24 * 60 * 60 * 1000), covers: 1000 },
        }
    }
}

impl Rules {
    /// Checks that agreements are possible under them, and none is free.
    ///
    /// # Errors
    ///
    /// The first thing that is not so.
    pub fn check(&self) -> Result<(), TermsFault> {
        self.prices.check()?;
        for (field, bounds) in [("first", self.first), ("second", self.second)] {
            check_count(field, bounds.least, 1, MAX_ITEMS)?;
            check_count(field, bounds.most, bounds.least, MAX_ITEMS)?;
        }
        check_count("second", self.second.least, 1, MAX_ITEMS.saturating_sub(self.first.least))?;
        check_count("fee_divisor", self.fee_divisor, 1, u32::MAX)?;
        check_count("covers", self.stake.covers, 1, u32::MAX)?;
        check_period("lock", self.stake.lock)
    }

    /// The least `epsilon` of an agreement with such a first part: more than nothing, or agreements with oneself would be free.
    ///
    /// # Errors
    ///
    /// It is too much to be written.
    pub fn least_fee(&self, first: u32) -> Result<Money, MoneyError> {
        let trial = self.prices.inference.times(u64::from(first))?.units();
        Money::new(trial.div_ceil(u64::from(self.fee_divisor.max(1))).max(1))
    }

    /// Checks a proposal.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub fn check_terms(&self, terms: &Terms) -> Result<(), RulesFault> {
        match terms {
            Terms::Stake(terms) => self.check_stake(terms),
            Terms::Accuracy(terms) => self.check_accuracy(terms),
            Terms::Serving(terms) if terms.proof != self.prices.proof => {
                Err(RulesFault::Price { of: "a proof, Z,", found: terms.proof, expected: self.prices.proof })
            }
            // The paper has no parameters of retrievals.
            Terms::Serving(_) | Terms::Retrieval(_) => Ok(()),
        }
    }

    fn check_stake(&self, terms: &stake::Terms) -> Result<(), RulesFault> {
        let StakeRules { least, lock, covers } = self.stake;
        if terms.amount < least {
            Err(RulesFault::Stake { found: terms.amount, least })
        } else if terms.lock != lock {
            Err(RulesFault::Lock { found: terms.lock, expected: lock })
        } else if terms.covers != covers {
            Err(RulesFault::Covers { found: terms.covers, expected: covers })
        } else {
            Ok(())
        }
    }

    fn check_accuracy(&self, terms: &accuracy::Terms) -> Result<(), RulesFault> {
        let (found, expected) = (&terms.prices, &self.prices);
        for (of, found, expected) in [
            ("an example, E,", found.example, expected.example),
            ("a proof, Z,", found.proof, expected.proof),
            ("an inference, P,", found.inference, expected.inference),
        ] {
            if found != expected {
                return Err(RulesFault::Price { of, found, expected });
            }
        }
        for (of, found, Bounds { least, most }) in [("N1", terms.first, self.first), ("N2", terms.second(), self.second)] {
            if !(least..=most).contains(&found) {
                return Err(RulesFault::Count { of, found, least, most });
            }
        }
        match self.least_fee(terms.first) {
            Ok(least) if terms.fee >= least => Ok(()),
            Ok(least) => Err(RulesFault::Fee { found: terms.fee, least }),
            Err(_) => Err(RulesFault::Fee { found: terms.fee, least: Money::MAX }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::keys::AccountId;

    fn units(units: u64) -> Money {
        Money::new(units).unwrap()
    }

    #[test]
    fn epsilon_is_never_nothing_and_grows_with_the_first_part() {
        let rules = Rules::default();
        assert_eq!(rules.check(), Ok(()));
        assert_eq!([1, 19, 20, 198, 300].map(|first| rules.least_fee(first).unwrap().units()), [1, 1, 2, 10, 16]);
        assert_eq!(Rules { fee_divisor: 1, ..rules }.least_fee(300).unwrap(), units(1500));
    }

    #[test]
    fn rules_under_which_something_is_free_or_nothing_possible_are_none() {
        let rules = Rules::default();
        let prices = Prices { inference: Money::ZERO, ..rules.prices };
        assert!(matches!(Rules { prices, ..rules.clone() }.check(), Err(TermsFault::Prices { .. })));
        for first in [Bounds { least: 0, most: 5 }, Bounds { least: 6, most: 5 }, Bounds { least: 1, most: MAX_ITEMS + 1 }] {
            assert!(matches!(Rules { first, ..rules.clone() }.check(), Err(TermsFault::Count { field: "first", .. })), "{first:?}");
        }
        let both = Bounds { least: MAX_ITEMS / 2 + 1, most: MAX_ITEMS };
        assert!(matches!(Rules { first: both, second: both, ..rules.clone() }.check(), Err(TermsFault::Count { field: "second", .. })));
        assert!(matches!(Rules { fee_divisor: 0, ..rules.clone() }.check(), Err(TermsFault::Count { field: "fee_divisor", .. })));
        let stake = StakeRules { lock: Millis(0), ..rules.stake };
        assert!(matches!(Rules { stake, ..rules.clone() }.check(), Err(TermsFault::Period { field: "lock", .. })));
        let stake = StakeRules { covers: 0, ..rules.stake };
        assert!(matches!(Rules { stake, ..rules }.check(), Err(TermsFault::Count { field: "covers", .. })));
    }

    #[test]
    fn no_provider_sets_the_lock_or_the_number_of_agreements_of_its_stake() {
        let rules = Rules::default();
        let StakeRules { least: amount, lock, covers } = rules.stake;
        let stake = stake::Terms { provider: AccountId([1; 32]), model: Digest([2; 32]), amount, lock, covers, nonce: Digest([3; 32]) };
        let check = |stake: stake::Terms| rules.check_terms(&Terms::Stake(stake));
        assert_eq!(check(stake.clone()), Ok(()));
        assert_eq!(
            check(stake::Terms { amount: units(49_999), ..stake.clone() }),
            Err(RulesFault::Stake { found: units(49_999), least: amount })
        );
        assert_eq!(check(stake::Terms { lock: Millis(1), ..stake.clone() }), Err(RulesFault::Lock { found: Millis(1), expected: lock }));
        assert_eq!(check(stake::Terms { covers: 1001, ..stake }), Err(RulesFault::Covers { found: 1001, expected: covers }));
    }
}
