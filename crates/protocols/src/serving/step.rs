use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, MAX_ANSWERS, Move, Outcome, Round, STAGE, State, Terms, answer_digest};
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

fn outcome_of_silence(state: &State) -> Result<Outcome, Refusal> {
    match state {
        State::Proposed { .. } => Ok(Outcome::Expired),
        State::Sending { .. } => Ok(Outcome::NotSent(Breach::Silence)),
        State::Confirming { .. } => Ok(Outcome::NotBegun),
        State::Running { round, .. } => Ok(round.outcome(count(round.answers.len()))),
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
            let ends = now.after(periods.round);
            let (answers, proved) = (BTreeMap::new(), BTreeSet::new());
            let round = Round { inputs: inputs.clone(), answers, proved, contested: false, ends };
            Ok((State::Running { round, deadline: ends }, Vec::new()))
        }
        (State::Sending { .. }, Move::Abort) if customer => end(id, terms, Outcome::NotSent(Breach::Abort)),
        (State::Sending { .. } | State::Confirming { .. }, Move::Abort) => end(id, terms, Outcome::NotBegun),
        (State::Running { round, deadline }, Move::Record { answers: new }) if customer => {
            let round = round.recorded(id, terms, new)?;
            Ok((State::Running { round, deadline: *deadline }, Vec::new()))
        }
        (State::Running { round, deadline }, Move::Answer { answers: new, scores }) if !customer => {
            // The customer must not be kept by predictions that come later and later.
            if now >= round.ends {
                return Err(Refusal::Late { deadline: round.ends, now });
            }
            let round = round.answered(id, terms, (new, scores), facts)?;
            Ok((State::Running { round, deadline: now.after(periods.respond).max(*deadline) }, Vec::new()))
        }
        (State::Running { round, .. }, Move::Conclude) if customer => end(id, terms, round.outcome(terms.inputs)),
        (State::Running { round, .. }, Move::Contest { inputs: chosen }) if customer => {
            let due = round.contestable(chosen)?;
            let is_early = !round.is_complete();
            if is_early && round.contested {
                return Err(Refusal::ContestedBefore);
            }
            // The round goes on afterwards with the time that it has left: the provider cannot record predictions while it proves some.
            let ends = round.ends.after(periods.prove);
            let round = Round { contested: round.contested || is_early, ends, ..round.clone() };
            Ok((State::Contested { round, due, deadline: now.after(periods.prove) }, Vec::new()))
        }
        (State::Running { round, .. }, Move::Demand) if customer => {
            if round.is_complete() {
                return Err(at(0)(MemberFault::NotDue));
            }
            Ok((State::Demanded { round: round.clone(), deadline: now.after(periods.answer) }, Vec::new()))
        }
        (State::Demanded { .. }, Move::Abort) if !customer => end(id, terms, Outcome::NotAnswered(Breach::Abort)),
        (State::Demanded { round, deadline }, Move::Answer { answers: new, scores }) if !customer => {
            let round = round.answered(id, terms, (new, scores), facts)?;
            if !round.is_complete() {
                return Ok((State::Demanded { round, deadline: *deadline }, Vec::new()));
            }
            // However late the customer has demanded and got them, it has time to contest.
            let deadline = now.after(periods.respond).max(round.ends);
            Ok((State::Running { round, deadline }, Vec::new()))
        }
        (State::Contested { .. }, Move::Abort) if !customer => end(id, terms, Outcome::NotProved(Breach::Abort)),
        (State::Contested { round, due, deadline }, Move::Prove { inputs: shown, .. }) if !customer => {
            let Facts::Proof(statement) = facts else { return Err(Refusal::FactsMissing) };
            check_proof(statement, terms.model, id, STAGE, shown.len())?;
            let (round, due) = round.proved(due.clone(), shown, statement)?;
            if !due.is_empty() {
                return Ok((State::Contested { round, due, deadline: *deadline }, Vec::new()));
            }
            if round.is_complete() {
                return end(id, terms, round.outcome(terms.inputs));
            }
            // What is missing is not lost by the contest: there is time to record and to demand it.
            let ends = round.ends.before(now.until(*deadline));
            Ok((State::Running { round: Round { ends, ..round }, deadline: now.after(periods.respond).max(ends) }, Vec::new()))
        }
        _ => Err(Refusal::OutOfStage { stage: state.stage() }),
    }
}

impl Round {
    /// How it ends without a fault, with so many predictions paid for.
    fn outcome(&self, predictions: u32) -> Outcome {
        match count(self.proved.len()) {
            0 => Outcome::Concluded { predictions },
            contested => Outcome::Proved { contested, predictions },
        }
    }

    /// With predictions recorded that the provider has signed.
    fn recorded(&self, id: AgreementId, terms: &Terms, new: &[Answer]) -> Result<Self, Refusal> {
        if new.is_empty() || new.len() > MAX_ANSWERS {
            return Err(at(new.len())(MemberFault::Count { most: MAX_ANSWERS }));
        }
        let mut answers = self.answers.clone();
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
        Ok(Self { answers, ..self.clone() })
    }

    /// With predictions recorded that the provider has left with the escrow.
    fn answered(&self, id: AgreementId, terms: &Terms, (new, scores): (&[Answer], &[Digest]), facts: &Facts) -> Result<Self, Refusal> {
        let round = self.recorded(id, terms, new)?;
        check_scores(&self.inputs, new, scores)?;
        if *facts == Facts::Held { Ok(round) } else { Err(Refusal::FactsMissing) }
    }

    /// Checks that predictions can be contested: they are recorded, and not proved.
    fn contestable(&self, chosen: &BTreeSet<u32>) -> Result<BTreeSet<u32>, Refusal> {
        if chosen.is_empty() {
            return Err(at(0)(MemberFault::Unknown));
        }
        let is_not = |index: &u32| !self.answers.contains_key(index) || self.proved.contains(index);
        match chosen.iter().position(is_not) {
            Some(position) => Err(at(position)(MemberFault::NotDue)),
            None => Ok(chosen.clone()),
        }
    }

    /// With the inputs proved that a proof is about, and what is then still due.
    fn proved(&self, mut due: BTreeSet<u32>, shown: &[u32], statement: &Statement) -> Result<(Self, BTreeSet<u32>), Refusal> {
        let Output::Salted(salted) = &statement.output else { return Err(ProofFault::Undecided { image: 0 }.into()) };
        let mut proved = self.proved.clone();
        for (image, (index, proved_input)) in shown.iter().zip(&statement.inputs).enumerate() {
            if !due.remove(index) {
                let fault = if shown.iter().take(image).any(|other| other == index) { MemberFault::Repeated } else { MemberFault::NotDue };
                return Err(at(image)(fault));
            }
            let input = usize::try_from(*index).ok().and_then(|index| self.inputs.get(index));
            if input != Some(proved_input) {
                return Err(ProofFault::OtherInput { image }.into());
            }
            let scores = salted.get(image).ok_or(ProofFault::Undecided { image })?;
            if self.answers.get(index) != Some(&answer_digest(proved_input, scores)) {
                return Err(ProofFault::OtherOutput { image }.into());
            }
            proved.insert(*index);
        }
        Ok((Self { proved, ..self.clone() }, due))
    }
}

fn count(entries: usize) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
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

/// Pays out what is held.
fn end(id: AgreementId, terms: &Terms, outcome: Outcome) -> Result<(State, Vec<Posting>), Refusal> {
    let (customers, providers) = (terms.customer_deposit()?, terms.provider_deposit()?);
    let paid = |price: Money| Ok::<_, Refusal>((customers.minus(price)?, providers.plus(price)?));
    let (to_customer, to_provider) = match outcome {
        Outcome::Withdrawn | Outcome::Expired => (customers, Money::ZERO),
        Outcome::NotBegun => (customers, providers),
        // Nobody could use the place meanwhile.
        Outcome::NotSent(_) => paid(terms.price_of(terms.inputs)?)?,
        Outcome::Concluded { predictions } => paid(terms.price_of(predictions)?)?,
        Outcome::Proved { contested, predictions } => paid(terms.price_of_proofs(contested)?.plus(terms.price_of(predictions)?)?)?,
        Outcome::NotAnswered(_) | Outcome::NotProved(_) => (customers.plus(providers)?, Money::ZERO),
    };
    Ok((State::Ended(outcome), Till(id).pay([(terms.customer, to_customer), (terms.provider, to_provider)])))
}
