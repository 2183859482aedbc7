//! What was proved of a model before: a customer buys predictions of one whose accuracy somebody it trusts has had proved at the same escrow.

use std::collections::BTreeSet;

use serde::Serialize;
use verinfer_escrow_client::Client;
use verinfer_protocols::accuracy::{self, Outcome};
use verinfer_protocols::agreement::{Agreement, State, Terms};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

use crate::error::PartyError;

/// The least accuracy, and on whose test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// Of `of` examples at least so many are right, or of more the same share.
    pub right: u32,
    /// So many examples at least were proved.
    pub of: u32,
    /// An output is right if fewer than so many classes, or less, are ahead of the label.
    pub top: u32,
    /// Whose test sets count: anybody can have a model proved on examples that it knows.
    pub customers: BTreeSet<AccountId>,
}

impl Demand {
    /// Finds the agreement that shows it.
    ///
    /// # Errors
    ///
    /// There is none, or the escrow cannot be reached.
    pub fn check(&self, client: &Client, model: Digest) -> Result<AgreementId, PartyError> {
        for &customer in &self.customers {
            for id in client.met_targets(customer, model)? {
                let agreement = client.agreement(id)?.agreement;
                if self.is_met_by(&agreement, model) {
                    return Ok(agreement.id);
                }
            }
        }
        Err(PartyError::NoRecord { model, right: self.right, of: self.of, top: self.top })
    }

    fn is_met_by(&self, agreement: &Agreement, model: Digest) -> bool {
        let Agreement { terms: Terms::Accuracy(terms), state: State::Accuracy(accuracy::State::Ended(outcome)), .. } = agreement else {
            return false;
        };
        let &Outcome::TargetMet { .. } = outcome else { return false };
        terms.model == model
            && self.customers.contains(&terms.customer)
            && terms.top <= self.top
            && terms.second() >= self.of
            // What was asked for, and not what came of it: of several tries with a low target one may be lucky.
            && u64::from(terms.target) * u64::from(self.of) >= u64::from(self.right) * u64::from(terms.second())
    }
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::accuracy::{Evidence, Form, Periods, Prices};
    use verinfer_protocols::coin::Share;
    use verinfer_protocols::merkle::Root;
    use verinfer_protocols::money::Money;
    use verinfer_protocols::time::Millis;

    use super::*;

    const MODEL: Digest = Digest([1; 32]);
    const CUSTOMER: AccountId = AccountId([2; 32]);

    fn ended(outcome: Outcome, change: impl FnOnce(&mut accuracy::Terms)) -> Agreement {
        let units = |units| Money::new(units).unwrap();
        let mut terms = accuracy::Terms {
            customer: CUSTOMER,
            provider: AccountId([3; 32]),
            model: MODEL,
            test_set: Root { digest: Digest([4; 32]), len: 110 },
            form: Form { input: Digest([5; 32]), classes: 10 },
            first: 10,
            evidence: Evidence::Outputs,
            top: 1,
            target: 90,
            prices: Prices { example: units(50), proof: units(20), inference: units(5) },
            fee: units(3),
            stake: AgreementId([6; 32]),
            coin: Share([7; 32]).commit(),
            periods: Periods { respond: Millis(1), decide: Millis(1), prove: Millis(1) },
            nonce: Digest([8; 32]),
        };
        change(&mut terms);
        let id = AgreementId([9; 32]);
        Agreement { id, terms: Terms::Accuracy(terms), state: State::Accuracy(accuracy::State::Ended(outcome)) }
    }

    #[test]
    fn only_a_met_target_as_high_on_as_many_examples_of_a_trusted_customer_counts() {
        let demand = Demand { right: 9, of: 10, top: 1, customers: BTreeSet::from([CUSTOMER]) };
        let met = Outcome::TargetMet { correct: 100 };
        let counts = |demand: &Demand, agreement: &Agreement| demand.is_met_by(agreement, MODEL);
        assert!(counts(&demand, &ended(met, |_| ())));
        assert!(counts(&Demand { of: 100, right: 90, ..demand.clone() }, &ended(met, |_| ())));
        assert!(!counts(&Demand { of: 101, right: 90, ..demand.clone() }, &ended(met, |_| ())), "too few examples");
        assert!(!counts(&demand, &ended(met, |terms| terms.target = 89)), "lucky");
        assert!(!counts(&demand, &ended(met, |terms| terms.top = 2)), "another rank");
        assert!(!counts(&demand, &ended(met, |terms| terms.model = Digest([0; 32]))), "another model");
        assert!(!counts(&demand, &ended(met, |terms| terms.customer = AccountId([0; 32]))), "a stranger's test set");
        assert!(!counts(&demand, &ended(Outcome::TargetMissed { correct: 89 }, |_| ())));
        assert!(!counts(&demand, &ended(Outcome::ProviderAborted, |_| ())));
    }
}
