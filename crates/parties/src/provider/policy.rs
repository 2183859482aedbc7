use verinfer_protocols::money::{Money, MoneyError};
use verinfer_protocols::{accuracy, serving};

use crate::time::{Time, Work};

/// Which agreements a provider makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least price of a proof.
    pub proof: Money,
    /// Least price of an inference.
    pub inference: Money,
    /// Largest deposit for one agreement.
    pub deposit: Money,
    /// Least time for what it has to do.
    pub time: Time,
    /// Most agreements at once.
    pub agreements: u16,
    /// When it goes on after it has tried the first examples.
    pub proceed: Proceed,
    /// How many inputs one proof is about: fewer if escrows do not verify so large a proof.
    pub batch: usize,
}

/// When a provider goes on after it has tried the first examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proceed {
    /// If the share that its model gets right among them is at least the target's.
    IfGood,
    /// In any case.
    Always,
}

impl Policy {
    /// Why an agreement about accuracy is not for this provider.
    pub fn objection_to_accuracy(&self, terms: &accuracy::Terms) -> Result<Option<&'static str>, MoneyError> {
        Ok(if terms.prices.proof < self.proof || terms.prices.inference < self.inference {
            Some("the prices are too low")
        } else if terms.deposit()? > self.deposit {
            Some("the deposit is too large")
        } else if !self.time.suffices(&[
            (terms.periods.respond, Work { items: terms.first.max(terms.second()), ..Work::default() }),
            (terms.periods.decide, Work { inferences: terms.first, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.second(), ..Work::default() }),
        ]) {
            Some("the time is too short")
        } else {
            None
        })
    }

    /// Why a round is not for this provider.
    pub fn objection_to_serving(&self, terms: &serving::Terms) -> Result<Option<&'static str>, MoneyError> {
        Ok(if terms.proof < self.proof {
            Some("the price is too low")
        } else if terms.provider_deposit()? > self.deposit {
            Some("the deposit is too large")
        } else if !self.time.suffices(&[
            (terms.periods.respond, Work { items: terms.inputs, ..Work::default() }),
            (terms.periods.answer, Work { inferences: terms.inputs, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.inputs, ..Work::default() }),
        ]) {
            Some("the time is too short")
        } else {
            None
        })
    }
}

impl Proceed {
    /// Whether to go on, with so many of the first examples right.
    pub fn decide(self, terms: &accuracy::Terms, right: u32) -> bool {
        match self {
            Self::Always => true,
            // right / first >= target / second
            Self::IfGood => u64::from(right) * u64::from(terms.second()) >= u64::from(terms.target) * u64::from(terms.first),
        }
    }
}

#[cfg(test)]
mod tests {
    use verinfer_protocols::digest::Digest;
    use verinfer_protocols::keys::SecretKey;

    use verinfer_protocols::time::Millis;

    use super::*;

    #[test]
    fn round_with_too_little_time_is_not_accepted() {
        let units = |units| Money::new(units).unwrap();
        let time = Time { respond: Millis(1000), item: Millis(5), inference: Millis(10), proof: Millis(100) };
        let policy =
            Policy { proof: units(1), inference: units(1), deposit: units(1000), time, agreements: 1, proceed: Proceed::IfGood, batch: 1 };
        let periods = serving::Periods { respond: Millis(1015), round: Millis(1), answer: Millis(1030), prove: Millis(1300) };
        let terms = serving::Terms {
            customer: SecretKey::from_seed(&[1; 32]).account(),
            provider: SecretKey::from_seed(&[2; 32]).account(),
            model: Digest([3; 32]),
            inputs: 3,
            proof: units(1),
            beta: 2,
            periods,
            nonce: Digest([4; 32]),
        };
        let objection = |periods| policy.objection_to_serving(&serving::Terms { periods, ..terms.clone() }).unwrap();
        assert_eq!(objection(periods), None);
        let short = [
            serving::Periods { respond: Millis(1014), ..periods },
            serving::Periods { answer: Millis(1029), ..periods },
            serving::Periods { prove: Millis(1299), ..periods },
        ];
        assert_eq!(short.map(objection), [Some("the time is too short"); 3]);
    }
}
