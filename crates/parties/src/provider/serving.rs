//! The provider's side of a round of predictions.

use serde::{Deserialize, Serialize};
use verinfer_escrow_client::messages::AgreementView;
use verinfer_items::OpenedInput;
use verinfer_protocols::agreement;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::serving::{Answer, Move, Round, STAGE, State, Terms};
use verinfer_protocols::statement::{SaltedScores, ScoresSalt, context};
use verinfer_protocols::time::{Millis, Timestamp};

use super::Provider;
use crate::drive::Step;
use crate::error::PartyError;
use crate::model::Shown;
use crate::random::random_bytes;
use crate::store::numbered;
use crate::wire::Prediction;

/// What a provider answered: kept before anybody sees it, and never forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The digest of the input's commitment.
    pub input: Digest,
    /// The prediction.
    pub prediction: Prediction,
}

/// Demanded predictions in one move: what is to be done in an agreement with a nearer deadline comes after these.
const ANSWERS: usize = 32;

/// The log of what was served, by agreement and input.
const SERVED: &str = "served";

impl Provider {
    pub(super) fn serving(&self, view: &AgreementView, terms: &Terms, state: &State) -> Result<Step, PartyError> {
        let id = view.agreement.id;
        match state {
            State::Proposed { .. } => {
                let load = self
                    .check_model(terms.model)
                    .and_then(|()| self.policy.judge_serving(terms, self.model.size()))
                    .map_err(PartyError::NotAcceptable)?;
                self.places.accept(id, load, || self.act_serving(id, Move::Accept))
            }
            State::Confirming { inputs, .. } => {
                for index in (0..).take(inputs.len()) {
                    if !self.store.has(&inputs_scope(id), &numbered(index)) {
                        return Ok(Step::Waiting);
                    }
                }
                self.act_serving(id, Move::Confirm)
            }
            State::Demanded { round, .. } => self.answer_openly(id, &round.missing().take(ANSWERS).collect::<Vec<_>>()),
            // Who has not recorded what it could have had by now may not mean to: what is recorded is paid for.
            State::Running { round, .. } if is_time_to_record(terms, round, view.now) && !round.is_complete() => {
                self.answer_openly(id, &round.missing().take(ANSWERS).collect::<Vec<_>>())
            }
            State::Contested { due, deadline, .. } => {
                let due: Vec<u32> = due.iter().copied().collect();
                self.prove_predictions(id, &due, deadline.before(terms.periods.prove))
            }
            State::Sending { .. } | State::Running { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    /// Keeps an input of a round, which must be the one that the customer has committed to.
    pub(super) fn keep_input(&self, id: AgreementId, index: u32, committed: &Digest, input: &OpenedInput) -> Result<bool, PartyError> {
        if input.digest()? != *committed || (input.shape(), input.dtype()) != self.model.input() {
            return Ok(false);
        }
        // It may be sent again and again; once is enough to keep it.
        if !self.store.has(&inputs_scope(id), &numbered(index)) {
            self.store.put(&inputs_scope(id), &numbered(index), &(input, committed))?;
        }
        Ok(true)
    }

    /// The prediction for an input of a round: made once, and logged before it is given.
    pub(super) fn predict(&self, id: AgreementId, index: u32) -> Result<Prediction, PartyError> {
        let served: Served = self.store.once(SERVED, &format!("{id}/{}", numbered(index)), || {
            let (input, committed) = self.round_input(id, index)?;
            let scores = self.substitute.as_ref().unwrap_or(&self.model).scores(&input)?;
            let scores = SaltedScores { salt: ScoresSalt(random_bytes()?), scores };
            let answer = Answer::sign(id, index, &committed, &scores.digest(), &self.key);
            Ok::<_, PartyError>(Served { input: committed, prediction: Prediction { scores, answer } })
        })?;
        Ok(served.prediction)
    }

    /// A proof about some inputs of a round.
    pub(super) fn predictions_proof(&self, id: AgreementId, indices: &[u32]) -> Result<Vec<u8>, PartyError> {
        let input = |&index: &u32| self.round_input(id, index).map(|(input, _)| input);
        let inputs = indices.iter().map(input).collect::<Result<Vec<_>, _>>()?;
        Ok(self.model.prove(&context(id, STAGE), &inputs, &Shown::Scores)?)
    }

    /// Leaves predictions with the escrow, which were given before or are made now.
    fn answer_openly(&self, id: AgreementId, due: &[u32]) -> Result<Step, PartyError> {
        let (mut answers, mut scores) = (Vec::new(), Vec::new());
        for &index in due {
            let prediction = self.predict(id, index)?;
            scores.push(self.client.leave_file(id, &prediction.scores.encode())?);
            answers.push(prediction.answer);
        }
        self.act_serving(id, Move::Answer { answers, scores })
    }

    fn prove_predictions(&self, id: AgreementId, due: &[u32], since: Timestamp) -> Result<Step, PartyError> {
        let Some((job, proof)) = self.queue.next(id, due, self.policy.batch, since)? else { return Ok(Step::Waiting) };
        self.client.leave_file(id, self.model.public())?;
        let proof = self.client.leave_file(id, &proof)?;
        let salt = |&index: &u32| self.predict(id, index).map(|prediction| prediction.scores.salt);
        let salts = job.entries.iter().map(salt).collect::<Result<Vec<ScoresSalt>, _>>()?;
        let salts = self.client.leave_file(id, &canonical(&salts))?;
        let action = agreement::Move::Serving(Move::Prove { proof, salts, inputs: job.entries.clone() });
        self.queue.handed_in(&job, self.client.act(id, action))
    }

    fn round_input(&self, id: AgreementId, index: u32) -> Result<(OpenedInput, Digest), PartyError> {
        let lost = || PartyError::Lost { agreement: id, name: format!("input {index}") };
        self.store.get(&inputs_scope(id), &numbered(index))?.ok_or_else(lost)
    }

    fn act_serving(&self, id: AgreementId, action: Move) -> Result<Step, PartyError> {
        self.client.act(id, agreement::Move::Serving(action))?;
        Ok(Step::Moved)
    }
}

/// Whether the last quarter of a round has begun, in which predictions that have a price and are not recorded are left with the escrow.
fn is_time_to_record(terms: &Terms, round: &Round, now: Timestamp) -> bool {
    let last_quarter = round.ends.before(Millis(terms.periods.round.0 / 4));
    !terms.price.is_zero() && (last_quarter..round.ends).contains(&now)
}

fn inputs_scope(id: AgreementId) -> String {
    format!("{id}/inputs")
}
