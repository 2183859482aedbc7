//! A round of predictions with real proofs.

use verinfer_items::OpenedInput;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::money::Money;
use verinfer_protocols::serving::{Answer, Periods, STAGE, Terms};
use verinfer_protocols::statement::{SaltedScores, ScoresSalt, context};
use verinfer_protocols::time::Millis;
use verinfer_relation::setting::OutputForm;

use super::model::Model;
use super::{LONG, money, nonce};

pub fn terms(customer: AccountId, provider: AccountId, model: Digest, inputs: u32, respond: Millis) -> Terms {
    let periods = Periods { respond, round: LONG, answer: LONG, prove: LONG };
    Terms { customer, provider, model, inputs, proof: money(20), price: Money::ZERO, beta: 2, periods, nonce: nonce() }
}

pub fn answer(model: &Model, id: AgreementId, index: u32, input: &OpenedInput, provider: &SecretKey) -> Answer {
    Answer::sign(id, index, &input.digest().unwrap(), &salted(model, input).digest(), provider)
}

/// The prediction for an input, with the provider's salt.
pub fn salted(model: &Model, input: &OpenedInput) -> SaltedScores {
    SaltedScores { salt: SALT, scores: model.scores(input) }
}

/// The file with the salts of so many predictions.
pub fn salts(len: usize) -> Vec<u8> {
    canonical(&vec![SALT; len])
}

const SALT: ScoresSalt = ScoresSalt([0xa5; 32]);

pub fn prove(model: &Model, id: AgreementId, inputs: &[&OpenedInput]) -> Vec<u8> {
    model.prove(inputs, OutputForm::Shown, &[], &context(id, STAGE))
}
