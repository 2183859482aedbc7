use verinfer_protocols::money::{Money, MoneyError};
use verinfer_protocols::{accuracy, serving};

/// Which agreements a provider makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Least price of a proof.
    pub proof: Money,
    /// Least price of an inference.
    pub inference: Money,
    /// Largest deposit for one agreement.
    pub deposit: Money,
    /// When it goes on after it has tried the first examples.
    pub proceed: Proceed,
    /// How many inputs one proof is about.
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
