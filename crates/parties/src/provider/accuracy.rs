//! The provider's side of an agreement about accuracy.

use verinfer_escrow_client::messages::AgreementView;
use verinfer_items::{Example as Item, OpenedInput};
use verinfer_protocols::accuracy::{Evidence, Move, STAGE, State, Terms};
use verinfer_protocols::agreement;
use verinfer_protocols::coin::Share;
use verinfer_protocols::digest::{AgreementId, canonical};
use verinfer_protocols::member::Member;
use verinfer_protocols::statement::context;
use verinfer_protocols::time::Timestamp;
use verinfer_protocols::transfer;

use super::Provider;
use crate::drive::Step;
use crate::error::PartyError;
use crate::host::short;
use crate::load::Load;
use crate::model::Shown;
use crate::random::random_bytes;
use crate::store::numbered;
use crate::transfer::{Due, Transfer};

impl Provider {
    pub(super) fn accuracy(&self, view: &AgreementView, terms: &Terms, state: &State) -> Result<Step, PartyError> {
        let id = view.agreement.id;
        match state {
            State::Proposed { .. } => {
                let load = self.judge_accuracy(terms).map_err(PartyError::NotAcceptable)?;
                self.places.accept(id, load, || self.act(id, Move::Accept { share: Share(random_bytes()?) }))
            }
            State::First { seed, transfer } => self.receive(view, terms, transfer, &terms.first_part(seed)),
            State::Second { seed, transfer } => self.receive(view, terms, transfer, &terms.second_part(seed)),
            State::Deciding { seed, .. } => {
                let right = self.right(id, terms, &terms.first_part(seed))?;
                (self.tell)(&format!("{}: {right} of the first {} examples are right", short(id), terms.first));
                let go_on = self.policy.proceed.decide(terms, right);
                self.act(id, if go_on { Move::Proceed } else { Move::Abort })
            }
            State::Proving { seed, proved, deadline, .. } => {
                let due: Vec<u32> = terms.second_part(seed).into_iter().filter(|index| !proved.contains(index)).collect();
                self.prove_accuracy(id, terms, &due, deadline.before(terms.periods.prove))
            }
            State::Revealing { .. } | State::Ended(_) => Ok(Step::Waiting),
        }
    }

    /// What an agreement may demand, or why it is not for this provider.
    fn judge_accuracy(&self, terms: &Terms) -> Result<Load, &'static str> {
        self.check_model(terms.model)?;
        if terms.form != self.model.form() {
            return Err("the model takes or gives something else");
        }
        if terms.evidence == Evidence::Count && !self.model.has_classes() {
            return Err("the model's outputs are not the scores of classes");
        }
        let least_fee = self.rules.least_fee(terms.first).map_err(|_| "the first part costs more than can be written")?;
        self.policy.judge_accuracy(terms, self.model.size(), least_fee)
    }

    /// A proof about some examples that were received.
    pub(super) fn examples_proof(&self, id: AgreementId, terms: &Terms, indices: &[u32]) -> Result<Vec<u8>, PartyError> {
        let items = indices.iter().map(|&index| self.example(id, index)).collect::<Result<Vec<Item>, _>>()?;
        let inputs: Vec<OpenedInput> = items.iter().map(|item| item.input.clone()).collect();
        let shown = match terms.evidence {
            Evidence::Outputs => Shown::Scores,
            Evidence::Count => Shown::Correct { labels: items.into_iter().map(|item| item.label).collect(), top: terms.top },
        };
        Ok(self.model.prove(&context(id, STAGE), &inputs, &shown)?)
    }

    fn receive(&self, view: &AgreementView, terms: &Terms, state: &transfer::State, part: &[u32]) -> Result<Step, PartyError> {
        let id = view.agreement.id;
        let transfer = Transfer { client: &self.client, store: &self.store, agreement: id, stage: &view.stage };
        let check = |position: u32, item: &[u8]| {
            let index = usize::try_from(position).ok().and_then(|position| part.get(position)).copied().unwrap_or(u32::MAX);
            let example = Item::decode(item).and_then(|example| example.is_promised(terms, index).map(|()| example));
            let example = match example {
                Ok(example) => example,
                Err(fault) => return Ok(Err(fault)),
            };
            // It may be looked at again; once is enough to keep it.
            if !self.store.has(&examples(id), &numbered(index)) {
                self.store.put(&examples(id), &numbered(index), &example)?;
            }
            Ok(Ok(()))
        };
        match transfer.receive(view, state, check, terms.periods.respond.0)? {
            Due::Move(action) => self.act(id, Move::Transfer(action)),
            Due::Deliver | Due::Await | Due::Nothing => Ok(Step::Waiting),
        }
    }

    /// How many of some examples the model gets right.
    fn right(&self, id: AgreementId, terms: &Terms, indices: &[u32]) -> Result<u32, PartyError> {
        let mut right = 0;
        for &index in indices {
            let example = self.example(id, index)?;
            // An input that the model does not take is not one it gets right.
            right += u32::from(self.model.is_right(&example.input, example.label.class(), terms.top).unwrap_or(false));
        }
        Ok(right)
    }

    fn prove_accuracy(&self, id: AgreementId, terms: &Terms, due: &[u32], since: Timestamp) -> Result<Step, PartyError> {
        let Some((job, proof)) = self.queue.next(id, due, self.policy.batch, since)? else { return Ok(Step::Waiting) };
        let (mut examples, mut opened) = (Vec::new(), Vec::new());
        for &index in &job.entries {
            let item = self.example(id, index)?;
            opened.extend(item.label.opened());
            examples.push(Member { index, path: item.path });
        }
        self.client.leave_file(id, self.model.public())?;
        let proof = self.client.leave_file(id, &proof)?;
        let labels = match terms.evidence {
            Evidence::Outputs => Some(self.client.leave_file(id, &canonical(&opened))?),
            Evidence::Count => None,
        };
        let action = agreement::Move::Accuracy(Move::Prove { proof, labels, examples });
        self.queue.handed_in(&job, self.client.act(id, action))
    }

    fn example(&self, id: AgreementId, index: u32) -> Result<Item, PartyError> {
        let lost = || PartyError::Lost { agreement: id, name: format!("example {index}") };
        self.store.get(&examples(id), &numbered(index))?.ok_or_else(lost)
    }

    fn act(&self, id: AgreementId, action: Move) -> Result<Step, PartyError> {
        self.client.act(id, agreement::Move::Accuracy(action))?;
        Ok(Step::Moved)
    }
}

fn examples(id: AgreementId) -> String {
    format!("{id}/examples")
}
