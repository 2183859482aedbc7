use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, MAX_ANSWERS, Move, Outcome, STAGE, State, Terms, answer_digest};
use crate::digest::{AgreementId, Digest};
use crate::event::{Event, Facts, check_event};
use crate::keys::AccountId;
use crate::ledger::{Posting, Till};
use crate::member::{at, check_proof};
use crate::money::Money;
use crate::refusal::{MemberFault, ProofFault, Refusal};
use crate::statement::{Output, Statement};
use crate::terms::check_proposer;
use crate::time::Timestamp;
use crate::transfer::Breach;

impl Terms {
    /// The customer proposes the terms and deposits.
    ///
    /// # Errors
    ///
    /// The terms are impossible, or another than the customer proposes them.
    pub fn open(&self, id: AgreementId, by: AccountId, now: Timestamp) -> Result<(State, Vec<Posting>), Refusal> {
        self.check()?;
        check_proposer(by, self.customer)?;
        // What may be paid later can be written, too.
        self.customer_deposit()?.plus(self.provider_deposit()?)?;
        let state = State::Proposed { deadline: now.after(self.periods.respond) };
        Ok((state, Till(id).deposit(by, self.customer_deposit()?)))
    }
}

/// What an event makes of a round.
///
/// # Errors
///
/// The event is not possible now; nothing changes.
pub fn step(
    id: AgreementId,
    terms: &Terms,
    state: &State,
    event: Event<'_, Move>,
    now: Timestamp,
) -> Result<(State, Vec<Posting>), Refusal> {
    check_event(&event, state.deadline(), [terms.customer, terms.provider], now)?;
    match event {
        Event::Deadline => end(id, terms, outcome_of_silence(state)?),
        Event::Move { by, action, facts } => at_move(id, terms, state, (by, action, facts), now),
    }
}

const fn outcome_of_silence(state: &State) -> Result<Outcome, Refusal> {
    match state {
        State::Proposed { .. } => Ok(Outcome::Expired),
        State::Sending { .. } | State::Confirming { .. } => Ok(Outcome::NotBegun),
        State::Running { .. } => Ok(Outcome::Concluded),
        State::Demanded { .. } => Ok(Outcome::NotAnswered(Breach::Silence)),
        State::Contested { .. } => Ok(Outcome::NotProved(Breach::Silence)),
        State::Ended(_) => Err(Refusal::Ended),
    }
}

fn at_move(
    id: AgreementId,
    terms: &Terms,
    state: &State,
    (by, action, facts): (AccountId, &Move, &Facts),
    now: Timestamp,
) -> Result<(State, Vec<Posting>), Refusal> {
    let customer = by == terms.customer;
    let periods = &terms.periods;
    match (state, action) {
        (State::Proposed { .. }, Move::Abort) if customer => end(id, terms, Outcome::Withdrawn),
        (State::Proposed { .. }, Move::Accept) if !customer => {
            Ok((State::Sending { deadline: now.after(periods.respond) }, Till(id).deposit(by, terms.provider_deposit()?)))
        }
        (State::Sending { .. }, Move::Send { inputs }) if customer => {
            if u32::try_from(inputs.len()) != Ok(terms.inputs) {
                return Err(at(inputs.len())(MemberFault::Unknown));
            }
            Ok((State::Confirming { inputs: inputs.clone(), deadline: now.after(periods.respond) }, Vec::new()))
        }
        (State::Confirming { inputs, .. }, Move::Confirm) if !customer => {
            let inputs = inputs.clone();
            Ok((State::Running { inputs, answers: BTreeMap::new(), deadline: now.after(periods.round) }, Vec::new()))
        }
        (State::Sending { .. } | State::Confirming { .. }, Move::Abort) => end(id, terms, Outcome::NotBegun),
        (State::Running { inputs, answers, deadline }, Move::Record { answers: new }) if customer => {
            let answers = record(id, terms, answers.clone(), new)?;
            Ok((State::Running { inputs: inputs.clone(), answers, deadline: *deadline }, Vec::new()))
        }
        (State::Running { .. }, Move::Conclude) if customer => end(id, terms, Outcome::Concluded),
        (State::Running { inputs, answers, .. }, Move::Contest { inputs: chosen }) if customer => {
            let contested = contested(answers, chosen)?;
            let deadline = now.after(periods.prove);
            Ok((State::Contested { inputs: inputs.clone(), contested, proved: BTreeSet::new(), deadline }, Vec::new()))
        }
        (State::Running { inputs, answers, deadline }, Move::Demand) if customer => {
            if is_complete(terms, answers) {
                return Err(at(0)(MemberFault::NotDue));
            }
            let (inputs, answers, round) = (inputs.clone(), answers.clone(), *deadline);
            Ok((State::Demanded { inputs, answers, round, deadline: now.after(periods.answer) }, Vec::new()))
        }
        (State::Demanded { .. }, Move::Abort) if !customer => end(id, terms, Outcome::NotAnswered(Breach::Abort)),
        (State::Demanded { inputs, answers, round, deadline }, Move::Answer { answers: new, scores }) if !customer => {
            let answers = record(id, terms, answers.clone(), new)?;
            check_scores(inputs, new, scores)?;
            if *facts != Facts::Held {
                return Err(Refusal::FactsMissing);
            }
            let inputs = inputs.clone();
            if !is_complete(terms, &answers) {
                return Ok((State::Demanded { inputs, answers, round: *round, deadline: *deadline }, Vec::new()));
            }
            // However late the customer has demanded and got them, it has time to contest.
            Ok((State::Running { inputs, answers, deadline: now.after(periods.respond).max(*round) }, Vec::new()))
        }
        (State::Contested { .. }, Move::Abort) if !customer => end(id, terms, Outcome::NotProved(Breach::Abort)),
        (State::Contested { inputs, contested, proved, deadline }, Move::Prove { inputs: shown, .. }) if !customer => {
            let Facts::Proof(statement) = facts else { return Err(Refusal::FactsMissing) };
            check_proof(statement, terms.model, id, STAGE, shown.len())?;
            let proved = prove(inputs, contested, proved.clone(), shown, statement)?;
            if proved.len() < contested.len() {
                let (inputs, contested) = (inputs.clone(), contested.clone());
                return Ok((State::Contested { inputs, contested, proved, deadline: *deadline }, Vec::new()));
            }
            // There are fewer contested inputs than inputs.
            end(id, terms, Outcome::Proved { contested: u32::try_from(contested.len()).unwrap_or(terms.inputs) })
        }
        _ => Err(Refusal::OutOfStage { stage: state.stage() }),
    }
}

fn record(id: AgreementId, terms: &Terms, mut answers: BTreeMap<u32, Digest>, new: &[Answer]) -> Result<BTreeMap<u32, Digest>, Refusal> {
    if new.is_empty() || new.len() > MAX_ANSWERS {
        return Err(at(new.len())(MemberFault::Count { most: MAX_ANSWERS }));
    }
    for (position, answer) in new.iter().enumerate() {
        if answer.index >= terms.inputs {
            return Err(at(position)(MemberFault::Unknown));
        }
        if !answer.is_signed_by(&terms.provider, id) {
            return Err(at(position)(MemberFault::Signature));
        }
        if answers.insert(answer.index, answer.digest).is_some() {
            return Err(at(position)(MemberFault::Repeated));
        }
    }
    Ok(answers)
}

/// Whether there is a prediction for every input.
fn is_complete(terms: &Terms, answers: &BTreeMap<u32, Digest>) -> bool {
    u32::try_from(answers.len()).is_ok_and(|answers| answers >= terms.inputs)
}

/// Checks that scores are those that were signed.
fn check_scores(inputs: &[Digest], answers: &[Answer], scores: &[Digest]) -> Result<(), Refusal> {
    if scores.len() != answers.len() {
        return Err(at(answers.len().min(scores.len()))(MemberFault::Scores));
    }
    for (position, (answer, scores)) in answers.iter().zip(scores).enumerate() {
        let input = usize::try_from(answer.index).ok().and_then(|index| inputs.get(index));
        if input.is_none_or(|input| answer_digest(input, scores) != answer.digest) {
            return Err(at(position)(MemberFault::Scores));
        }
    }
    Ok(())
}

fn contested(answers: &BTreeMap<u32, Digest>, chosen: &BTreeSet<u32>) -> Result<BTreeMap<u32, Digest>, Refusal> {
    if chosen.is_empty() {
        return Err(at(0)(MemberFault::Unknown));
    }
    let answer = |(position, &index)| match answers.get(&index) {
        Some(&digest) => Ok((index, digest)),
        None => Err(at(position)(MemberFault::NotDue)),
    };
    chosen.iter().enumerate().map(answer).collect()
}

/// Adds the inputs that a proof is about to those that were proved.
fn prove(
    inputs: &[Digest],
    contested: &BTreeMap<u32, Digest>,
    mut proved: BTreeSet<u32>,
    shown: &[u32],
    statement: &Statement,
) -> Result<BTreeSet<u32>, Refusal> {
    let Output::Salted(salted) = &statement.output else { return Err(ProofFault::Undecided { image: 0 }.into()) };
    for (image, (index, proved_input)) in shown.iter().zip(&statement.inputs).enumerate() {
        let answer = contested.get(index).ok_or_else(|| at(image)(MemberFault::NotDue))?;
        if !proved.insert(*index) {
            return Err(at(image)(MemberFault::Repeated));
        }
        let input = usize::try_from(*index).ok().and_then(|index| inputs.get(index));
        if input != Some(proved_input) {
            return Err(ProofFault::OtherInput { image }.into());
        }
        let scores = salted.get(image).ok_or(ProofFault::Undecided { image })?;
        if answer_digest(proved_input, scores) != *answer {
            return Err(ProofFault::OtherOutput { image }.into());
        }
    }
    Ok(proved)
}

/// Pays out what is held.
fn end(id: AgreementId, terms: &Terms, outcome: Outcome) -> Result<(State, Vec<Posting>), Refusal> {
    let (customers, providers) = (terms.customer_deposit()?, terms.provider_deposit()?);
    let (to_customer, to_provider) = match outcome {
        Outcome::Withdrawn | Outcome::Expired => (customers, Money::ZERO),
        Outcome::NotBegun | Outcome::Concluded => (customers, providers),
        Outcome::Proved { contested } => {
            let price = terms.price(contested)?;
            (customers.minus(price)?, providers.plus(price)?)
        }
        Outcome::NotAnswered(_) | Outcome::NotProved(_) => (customers.plus(providers)?, Money::ZERO),
    };
    Ok((State::Ended(outcome), Till(id).pay([(terms.customer, to_customer), (terms.provider, to_provider)])))
}
