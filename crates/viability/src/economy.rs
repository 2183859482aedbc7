//! What things cost and how large agreements are.

use serde::Serialize;
use thiserror::Error;
use verinfer_protocols::money::{Money, MoneyError};
use verinfer_sampling::Probability;
use verinfer_sampling::proceeding::Trial;

/// The parameters of all games. Amounts are in minor units of money, millionths of a dollar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Economy {
    /// E: a test input and its label.
    pub example: u64,
    /// Z: a proof of one input.
    pub proof: u64,
    /// P: an inference of the promised model.
    pub inference: u64,
    /// `epsilon`: what each party to an agreement about accuracy pays the escrow.
    pub fee: u64,
    /// `N1`: examples that the provider tries first.
    pub first: u32,
    /// `N2`: examples that are proved.
    pub second: u32,
    /// So many of the `N2` have to be correct.
    pub target: u32,
    /// The accuracy of the model that the provider promises.
    pub accuracy: Probability,
    /// The accuracy of a model that costs nothing to speak of.
    pub cheap_accuracy: Probability,
    /// The accuracy of guessing.
    pub guess_accuracy: Probability,
    /// What a sale after a met target is worth to each party, if the model is as promised: less than nothing to the customer otherwise.
    pub surplus: u64,
    /// `K`: predictions of a round.
    pub round: u32,
    /// `K1`: predictions of it that the customer contests at random.
    pub contested: u32,
    /// The provider's deposit, in proofs of the whole round.
    pub beta: u32,
    /// Documents of a corpus.
    pub corpus: u32,
    /// Of them proved.
    pub sample: u32,
    /// The responder's bond.
    pub bond: u64,
    /// What the requester pays for a retrieval.
    pub retrieval_price: u64,
    /// What the documents are worth to it.
    pub retrieval_value: u64,
    /// What a round of predictions is worth to each party, beyond what the customer pays for it outside of the agreement.
    pub round_surplus: u64,
}

/// Numbers that no game can be played with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EconomyError {
    /// Not E > Z > P > 0.
    #[error("the prices are to be E > Z > P > 0: E is {example}, Z is {proof}, P is {inference}")]
    Prices {
        /// E.
        example: u64,
        /// Z.
        proof: u64,
        /// P.
        inference: u64,
    },
    /// A number is out of its range.
    #[error("{name} is {value}, it is to be from {least} to {most}")]
    Count {
        /// Which.
        name: &'static str,
        /// What it is.
        value: u32,
        /// At least this.
        least: u32,
        /// At most this.
        most: u32,
    },
    /// Amounts are too large.
    #[error("the amounts are too large: {0}")]
    Amount(MoneyError),
}

impl From<MoneyError> for EconomyError {
    fn from(cause: MoneyError) -> Self {
        Self::Amount(cause)
    }
}

impl Economy {
    /// The largest numbers of examples, predictions and documents.
    pub const MAX_COUNT: u32 = 20_000;

    /// The paper's prices where it has some: Z from its tables ($0.1062 a proof), P from the service it compares with ($1.50 for 1000 predictions), `epsilon = N1 P / 99`.
    /// It has no E and no N1: 50 cents and 300. `N2` is Table 4's for 5 %; the model is ten points better than its target, so that the provider can demand
    /// a good result on the first part (see [`Economy::trial`]). A sale is worth to each party a hundredth of what the paper asks of it,
    /// `1000 N1 E`.
    ///
    /// # Errors
    ///
    /// None; it is checked like any other.
    pub fn of_the_paper() -> Result<Self, EconomyError> {
        let probability = |value| Probability::new(value).map_err(|_| EconomyError::Amount(MoneyError::TooMuch));
        let (first, inference, example) = (300_u32, 1_500, 500_000);
        let economy = Self {
            example,
            proof: 106_200,
            inference,
            fee: u64::from(first) * inference / 99,
            first,
            second: 600,
            target: 450,
            accuracy: probability(0.85)?,
            cheap_accuracy: probability(0.7)?,
            guess_accuracy: probability(0.001)?,
            surplus: 10 * u64::from(first) * example,
            round: 1000,
            contested: 59,
            beta: 2,
            corpus: 1000,
            sample: 57,
            bond: 1_000_000_000,
            retrieval_price: 20_000_000,
            retrieval_value: 40_000_000,
            round_surplus: 20_000_000,
        };
        economy.check()?;
        Ok(economy)
    }

    /// Checks that games can be played with these numbers.
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), EconomyError> {
        let &Self { example, proof, inference, .. } = self;
        if !(example > proof && proof > inference && inference > 0) {
            return Err(EconomyError::Prices { example, proof, inference });
        }
        for (name, value, least, most) in [
            ("N1", self.first, 1, Self::MAX_COUNT),
            ("N2", self.second, 1, Self::MAX_COUNT),
            ("the target", self.target, 1, self.second),
            ("K", self.round, 1, Self::MAX_COUNT),
            ("K1", self.contested, 1, self.round),
            ("beta", self.beta, 2, 1000),
            ("the corpus", self.corpus, 2, Self::MAX_COUNT),
            ("the sample", self.sample, 1, self.corpus),
        ] {
            if !(least..=most).contains(&value) {
                return Err(EconomyError::Count { name, value, least, most });
            }
        }
        // Nobody ever holds more than this; twice it can be written, too.
        Money::new(self.wealth()?)?.times(4)?;
        Ok(())
    }

    /// `N`.
    pub const fn examples(&self) -> u32 {
        self.first + self.second
    }

    /// What a provider decides about after the first part.
    pub const fn trial(&self) -> Trial {
        let &Self { first, second, target, example, proof, inference, fee, .. } = self;
        Trial { first, second, target, example, proof, inference, fee }
    }

    /// `1000 N1 E`: the stake, and what a sale has to be worth according to the paper.
    pub const fn stake(&self) -> u64 {
        1000 * self.first as u64 * self.example
    }

    /// More than any deposit: what each party has at first.
    pub(crate) fn wealth(&self) -> Result<u64, MoneyError> {
        let times = |amount: u64, count: u32, factor: u64| Money::new(amount)?.times(u64::from(count))?.times(factor);
        let accuracy = times(self.example, self.examples(), 2)?.plus(Money::new(self.fee)?)?;
        let serving = times(self.proof, self.round, u64::from(self.beta))?;
        let retrieval = Money::new(self.bond)?.plus(Money::new(self.retrieval_price)?)?;
        times(self.example, self.first, 1000)?.times(100)?;
        for worth in [self.surplus, self.retrieval_value, self.round_surplus] {
            Money::new(worth)?;
        }
        Ok(accuracy.plus(serving)?.plus(retrieval)?.units())
    }
}
