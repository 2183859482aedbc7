use verinfer_escrow_client::FILE_OVERHEAD;
use verinfer_protocols::money::{Money, MoneyError};
use verinfer_protocols::time::Millis;
use verinfer_protocols::{accuracy, serving};
use verinfer_sampling::proceeding::Trial;

use crate::load::Load;
use crate::size::Size;
use crate::time::{Time, Work};

/// How many times the least `epsilon` a provider pays unless it is told otherwise.
pub const FEES: u64 = 4;

/// Which agreements a provider makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least price of a proof.
    pub proof: Money,
    /// Least price of an inference.
    pub inference: Money,
    /// Least price of a prediction.
    pub prediction: Money,
    /// Longest time for which a place is held before inputs are sent and confirmed.
    pub hold: Millis,
    /// Largest deposit for one agreement.
    pub deposit: Money,
    /// Largest `epsilon`, which is lost whatever happens; nothing for [`FEES`] times the least that the marketplace's rules allow.
    pub fee: Option<Money>,
    /// Least time for what it has to do.
    pub time: Time,
    /// Most agreements at once.
    pub agreements: u16,
    /// When it goes on after it has tried the first examples.
    pub proceed: Proceed,
    /// How many inputs one proof is about: fewer if escrows do not verify so large a proof.
    pub batch: usize,
    /// Cells of its largest proof: some hundred bytes of memory for each.
    pub cells: usize,
}

/// When a provider goes on after it has tried the first examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proceed {
    /// If it is safe, whoever the customer is, and what is expected of it is more than nothing: [`Trial::proceeds`].
    IfSafe,
    /// In any case.
    Always,
}

impl Policy {
    /// What an agreement about accuracy of a model may demand; `least_fee` is the least `epsilon` that the marketplace's rules allow it.
    ///
    /// # Errors
    ///
    /// Why it is not for this provider.
    pub fn judge_accuracy(&self, terms: &accuracy::Terms, size: Size, least_fee: Money) -> Result<Load, &'static str> {
        if terms.prices.proof < self.proof || terms.prices.inference < self.inference {
            return Err("the prices are too low");
        }
        if terms.fee > self.fee.unwrap_or_else(|| least_fee.times(FEES).unwrap_or(Money::MAX)) {
            return Err("the fee, epsilon, is too large: it is lost whatever happens");
        }
        self.check_deposit(terms.deposit())?;
        let load = self.time.load(&[
            (terms.periods.respond, Work { items: terms.first.max(terms.second()), ..Work::default() }),
            (terms.periods.decide, Work { inferences: terms.first, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.second(), ..Work::default() }),
        ])?;
        // Last: of large parts it takes the longest to find out, and strangers propose them.
        if self.proceed == Proceed::IfSafe && !trial(terms).proceeds(terms.first) {
            return Err("the first part is too small, or the target too high: it would not go on whatever the first examples show");
        }
        // Both as ciphertext and open.
        let kept = size.input_bytes().saturating_mul(2).saturating_mul(terms.test_set.len.into());
        Ok(load.with_files(size.proofs_bytes(terms.second(), self.batch))?.keeping(kept))
    }

    /// What a round of predictions of a model may demand.
    ///
    /// # Errors
    ///
    /// Why it is not for this provider.
    pub fn judge_serving(&self, terms: &serving::Terms, size: Size) -> Result<Load, &'static str> {
        if terms.proof < self.proof || terms.price < self.prediction {
            return Err("the price is too low");
        }
        if terms.periods.respond > self.hold {
            return Err("a place would be held for too long before the inputs come");
        }
        // Those that the customer does not record are left with the escrow in the last quarter.
        let recording = if terms.price.is_zero() { 0 } else { terms.inputs };
        self.check_deposit(terms.provider_deposit())?;
        let load = self.time.load(&[
            (terms.periods.respond, Work { items: terms.inputs, ..Work::default() }),
            (Millis(terms.periods.round.0 / 4), Work { items: recording, inferences: recording, ..Work::default() }),
            // Each prediction is kept, and left with the escrow.
            (terms.periods.answer, Work { items: terms.inputs, inferences: terms.inputs, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.inputs, ..Work::default() }),
        ])?;
        // Each prediction that is demanded, too.
        let answers = size.scores_bytes().saturating_add(FILE_OVERHEAD).saturating_mul(terms.inputs.into());
        let kept = size.input_bytes().saturating_mul(terms.inputs.into());
        Ok(load.with_files(answers.saturating_add(size.proofs_bytes(terms.inputs, self.batch)))?.keeping(kept))
    }

    fn check_deposit(&self, deposit: Result<Money, MoneyError>) -> Result<(), &'static str> {
        if deposit.is_ok_and(|deposit| deposit <= self.deposit) { Ok(()) } else { Err("the deposit is too large") }
    }
}

/// What the decision about an agreement depends on.
const fn trial(terms: &accuracy::Terms) -> Trial {
    let accuracy::Prices { example, proof, inference } = terms.prices;
    Trial {
        first: terms.first,
        second: terms.second(),
        target: terms.target,
        example: example.units(),
        proof: proof.units(),
        inference: inference.units(),
        fee: terms.fee.units(),
    }
}

impl Proceed {
    /// Whether to go on, with so many of the first examples right.
    pub fn decide(self, terms: &accuracy::Terms, right: u32) -> bool {
        match self {
            Self::Always => true,
            Self::IfSafe => trial(terms).proceeds(right),
        }
    }
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::accuracy::{Evidence, Form, Periods, Prices};
    use verinfer_protocols::coin::Share;
    use verinfer_protocols::digest::{AgreementId, Digest};
    use verinfer_protocols::keys::AccountId;
    use verinfer_protocols::merkle::Root;

    use super::*;

    const HOUR: Millis = Millis(3_600_000);

    fn units(units: u64) -> Money {
        Money::new(units).unwrap()
    }

    fn policy(proceed: Proceed) -> Policy {
        let time = Time { respond: Millis(0), item: Millis(0), inference: Millis(0), proof: Millis(0), longest: HOUR };
        let [proof, inference, prediction] = [units(20), units(5), units(5)];
        Policy {
            proof,
            inference,
            prediction,
            hold: HOUR,
            deposit: units(1_000_000),
            fee: None,
            time,
            agreements: 1,
            proceed,
            batch: 1,
            cells: usize::MAX,
        }
    }

    fn terms(first: u32, second: u32, target: u32) -> accuracy::Terms {
        accuracy::Terms {
            customer: AccountId([1; 32]),
            provider: AccountId([2; 32]),
            model: Digest([3; 32]),
            test_set: Root { digest: Digest([4; 32]), len: first + second },
            form: Form { input: Digest([5; 32]), classes: 10 },
            first,
            evidence: Evidence::Outputs,
            top: 1,
            target,
            prices: Prices { example: units(50), proof: units(20), inference: units(5) },
            fee: units(3),
            stake: AgreementId([6; 32]),
            coin: Share([7; 32]).commit(),
            periods: Periods { respond: HOUR, decide: HOUR, prove: HOUR },
            nonce: Digest([8; 32]),
        }
    }

    const SIZE: Size = Size { cells: 1, values: 1, scores: 10 };

    #[test]
    fn terms_with_which_a_provider_would_never_go_on_are_not_accepted() {
        let judge = |proceed, terms: accuracy::Terms| policy(proceed).judge_accuracy(&terms, SIZE, units(1)).is_ok();
        assert!(judge(Proceed::IfSafe, terms(12, 12, 7)));
        for attack in [terms(1, 12, 7), terms(12, 12, 12), terms(3, 7, 6)] {
            assert!(!judge(Proceed::IfSafe, attack.clone()) && judge(Proceed::Always, attack.clone()), "{attack:?}");
        }
    }

    #[test]
    fn fee_that_is_lost_whatever_happens_has_a_bound() {
        let judge = |largest, fee| {
            let (policy, terms) = (policy(Proceed::Always), accuracy::Terms { fee: units(fee), ..terms(12, 12, 7) });
            Policy { fee: largest, ..policy }.judge_accuracy(&terms, SIZE, units(2)).map(|_| ())
        };
        let too_large = Err("the fee, epsilon, is too large: it is lost whatever happens");
        assert_eq!([judge(None, 8), judge(None, 9)], [Ok(()), too_large]);
        assert_eq!([judge(Some(units(500)), 500), judge(Some(units(500)), 501)], [Ok(()), too_large]);
    }

    #[test]
    fn provider_goes_on_where_no_customer_gains_by_it() {
        let terms = terms(50, 100, 75);
        let least = (0..=50).find(|&right| Proceed::IfSafe.decide(&terms, right)).unwrap();
        // The share of the target would be 38.
        assert!((44..=50).contains(&least), "{least}");
        assert!((least..=50).all(|right| Proceed::IfSafe.decide(&terms, right)) && Proceed::Always.decide(&terms, 0));
    }

    #[test]
    fn predictions_have_a_price_and_a_place_is_not_held_for_long() {
        let periods = serving::Periods { respond: HOUR, round: HOUR, answer: HOUR, prove: HOUR };
        let [customer, provider] = [1, 2].map(|byte| AccountId([byte; 32]));
        let [model, nonce] = [Digest([3; 32]), Digest([4; 32])];
        let terms = serving::Terms { customer, provider, model, inputs: 4, proof: units(20), price: units(5), beta: 2, periods, nonce };
        let judge = |terms: &serving::Terms| policy(Proceed::IfSafe).judge_serving(terms, SIZE).map(|_| ());
        assert_eq!(judge(&terms), Ok(()));
        assert_eq!(judge(&serving::Terms { price: units(4), ..terms.clone() }), Err("the price is too low"));
        let slow = serving::Periods { respond: Millis(HOUR.0 + 1), ..periods };
        assert!(judge(&serving::Terms { periods: slow, ..terms }).is_err());
    }
}
