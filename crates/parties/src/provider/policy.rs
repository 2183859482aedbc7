use verinfer_escrow_client::FILE_OVERHEAD;
use verinfer_protocols::money::{Money, MoneyError};
use verinfer_protocols::time::Millis;
use verinfer_protocols::{accuracy, serving};
use verinfer_sampling::proceeding::Trial;

use crate::load::Load;
use crate::size::Size;
use crate::time::{Time, Work};

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
    /// What an agreement about accuracy of a model may demand.
    ///
    /// # Errors
    ///
    /// Why it is not for this provider.
    pub fn judge_accuracy(&self, terms: &accuracy::Terms, size: Size) -> Result<Load, &'static str> {
        if terms.prices.proof < self.proof || terms.prices.inference < self.inference {
            return Err("the prices are too low");
        }
        if self.proceed == Proceed::IfSafe && !trial(terms).proceeds(terms.first) {
            return Err("the first part is too small, or the target too high: it would not go on whatever the first examples show");
        }
        self.check_deposit(terms.deposit())?;
        let load = self.time.load(&[
            (terms.periods.respond, Work { items: terms.first.max(terms.second()), ..Work::default() }),
            (terms.periods.decide, Work { inferences: terms.first, ..Work::default() }),
            (terms.periods.prove, Work { proofs: terms.second(), ..Work::default() }),
        ])?;
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
