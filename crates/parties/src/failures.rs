//! How often the other party has failed those who asked it: the paper's "at most 1 % of failures", counted from the escrow's log.

use serde::Serialize;
use verinfer_escrow_client::Client;
use verinfer_escrow_client::messages::OutcomeCount;
use verinfer_protocols::agreement::{is_failure, was_accepted};
use verinfer_protocols::keys::AccountId;

use crate::error::PartyError;

/// How many failures a party takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// At most this share of what counts.
    pub share: f64,
    /// Of so many at least.
    pub least: u64,
}

/// What an account has done for those who asked it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// Agreements of every kind in which it has failed the other.
    pub failures: u64,
    /// These, and agreements about accuracy that went well: each of them has cost `epsilon`, so that a good name cannot be had for nothing by agreements with
    /// oneself.
    pub counted: u64,
}

impl Conduct {
    /// Of what an escrow has counted.
    pub fn of(outcomes: &[OutcomeCount]) -> Self {
        outcomes.iter().filter(|count| !count.proposed && was_accepted(&count.outcome)).fold(Self::default(), |sum, count| {
            let is_failure = is_failure(&count.outcome);
            let counts = is_failure || count.kind == "accuracy";
            Self {
                failures: sum.failures.saturating_add(if is_failure { count.times } else { 0 }),
                counted: sum.counted.saturating_add(if counts { count.times } else { 0 }),
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
        let Conduct { failures, counted } = Conduct::of(&client.account_of(account)?.outcomes);
        if counted >= self.least && failures as f64 <= self.share * counted as f64 {
            Ok(())
        } else {
            Err(PartyError::Failures { account, failures, counted, percent: 100.0 * self.share, least: self.least })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_all_kinds_count_and_of_what_went_well_only_what_cost_a_fee() {
        let count =
            |proposed, kind: &str, outcome: &str, times| OutcomeCount { proposed, kind: kind.into(), outcome: outcome.into(), times };
        let outcomes = [
            count(true, "accuracy", "provider_aborted", 1),
            count(false, "accuracy", "expired", 7),
            count(false, "accuracy", "target_met", 97),
            count(false, "accuracy", "customer_at_fault", 1),
            count(false, "accuracy", "provider_aborted", 1),
            count(false, "serving", "proved", 1000),
            count(false, "serving", "not_proved", 1),
            // Whose silence that was nobody knows.
            count(false, "serving", "not_begun", 50),
        ];
        assert_eq!(Conduct::of(&outcomes), Conduct { failures: 2, counted: 100 });
    }
}
