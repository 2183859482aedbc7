//! What failures of the other party are covered by: the paper's "at most 1 % of failures", counted in money from the escrow's log.
//!
//! 99 good agreements for each failure cost 99 times `epsilon = N1 P / 99`, if all are of one size: as much as the failure is worth. They need not be of one size,
//! so money is compared, and not numbers: failures weigh `N1 P`, good agreements the `epsilon` that each party has paid and never has back.

use serde::Serialize;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::OutcomeCount;
use verinfer_protocols::agreement::is_failure;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;

use crate::error::PartyError;

/// The largest [`Tolerance::times`]. An agreement with oneself costs `2 epsilon`: up to here, what it covers is worth no more.
pub const MOST_TIMES: f64 = 2.0;

/// How many failures a party takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// They weigh at most so many times what the good agreements have cost.
    pub times: f64,
    /// These have cost so much at least.
    pub least: Money,
}

/// What an account has done for those who asked it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// What agreements of every kind weigh in which it has failed the other.
    pub failed: u64,
    /// What met targets have cost it in fees. What ended by the other's fault is none: that is the cheapest agreement with oneself.
    pub paid: u64,
}

impl Conduct {
    /// Of what an escrow has counted.
    pub fn of(outcomes: &[OutcomeCount]) -> Self {
        outcomes.iter().filter(|count| !count.proposed).fold(Self::default(), |sum, count| {
            if is_failure(&count.outcome) {
                Self { failed: sum.failed.saturating_add(count.units), ..sum }
            } else if count.outcome == "target_met" {
                Self { paid: sum.paid.saturating_add(count.units), ..sum }
            } else {
                sum
            }
        })
    }
}

impl Tolerance {
    /// Checks what an account has done.
    ///
    /// # Errors
    ///
    /// It has failed too often, or has not done enough; or the escrow cannot be reached.
    pub fn check(&self, client: &Client, account: AccountId) -> Result<(), PartyError> {
        let conduct = Conduct::of(&client.account_of(account)?.outcomes);
        if self.takes(conduct) {
            Ok(())
        } else {
            let Conduct { failed, paid } = conduct;
            Err(PartyError::Failures { account, failed, paid, times: self.times, least: self.least })
        }
    }

    fn takes(&self, Conduct { failed, paid }: Conduct) -> bool {
        paid >= self.least.units() && failed as f64 <= self.times * paid as f64
    }
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::rules::Rules;

    use super::*;

    fn count(proposed: bool, kind: &str, outcome: &str, times: u64, units: u64) -> OutcomeCount {
        OutcomeCount { proposed, kind: kind.into(), outcome: outcome.into(), times, units }
    }

    #[test]
    fn failures_of_all_kinds_count_and_of_what_went_well_only_what_cost_a_fee() {
        let outcomes = [
            count(true, "accuracy", "provider_aborted", 1, 7),
            count(false, "accuracy", "expired", 7, 0),
            count(false, "accuracy", "target_met", 97, 970),
            count(false, "accuracy", "customer_at_fault", 1, 0),
            count(false, "accuracy", "provider_aborted", 1, 500),
            count(false, "serving", "proved", 1000, 0),
            count(false, "serving", "not_proved", 1, 40),
            // Whose silence that was nobody knows.
            count(false, "serving", "not_begun", 50, 0),
        ];
        assert_eq!(Conduct::of(&outcomes), Conduct { failed: 540, paid: 970 });
    }

    #[test]
    fn small_agreements_with_oneself_cover_no_abort_of_a_large_one() {
        let rules = Rules::default();
        let price = rules.prices.inference.units();
        let fakes = |first: u32, times: u64| {
            let fee = rules.least_fee(first).unwrap().units();
            (count(false, "accuracy", "target_met", times, times * fee), 2 * times * fee)
        };
        let abort = |first: u64| count(false, "accuracy", "provider_aborted", 1, first * price);
        let takes = |times, counts: &[OutcomeCount]| Tolerance { times, least: Money::ZERO }.takes(Conduct::of(counts));
        // 99 fakes of N1 = 1 for one abort of N1 = 300.
        assert!(!takes(1.0, &[fakes(1, 99).0, abort(300)]));
        // Whatever their size: what covers an abort costs more than it brings.
        for first in [1, 2, 20, 198, 300, 16384] {
            for times in [0.5, 1.0, MOST_TIMES] {
                let needed = (1..=3000).find(|&number| takes(times, &[fakes(first, number).0, abort(300)])).unwrap();
                assert!(fakes(first, needed).1 >= 300 * price, "{needed} of N1 = {first}");
            }
        }
        // An agreement that was meant to spoil a name spoils no more than it costs: N1 P + epsilon, with N1 = 2.
        assert!(takes(1.0, &[fakes(300, 1).0, abort(2)]) && !takes(1.0, &[fakes(300, 1).0, abort(4)]));
    }
}
