use std::collections::BTreeSet;

use super::proofs::count_correct;
use super::{Evidence, Move, Outcome, State, Terms};
use crate::coin::Seed;
use crate::digest::AgreementId;
use crate::event::{Event, Facts, check_event};
use crate::keys::AccountId;
use crate::ledger::{Posting, Till};
use crate::member::at;
use crate::money::Money;
use crate::refusal::{MemberFault, Refusal};
use crate::terms::check_proposer;
use crate::time::Timestamp;
use crate::transfer::{self, Breach, Progress};

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
        self.price()?;
        self.needed_stake()?;
        self.deposit()?.times(2)?;
        Ok((State::Proposed { deadline: now.after(self.periods.respond) }, Till(id).deposit(by, self.deposit()?)))
    }

    /// The transfer of so many examples.
    const fn transfer(&self, items: u32) -> transfer::Plan {
        transfer::Plan { sender: self.customer, receiver: self.provider, items, respond: self.periods.respond }
    }
}

/// What an event makes of an agreement about accuracy.
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
        Event::Deadline => at_deadline(id, terms, state, now),
        Event::Move { by, action, facts } => at_move(id, terms, state, (by, action, facts), now),
    }
}

fn at_deadline(id: AgreementId, terms: &Terms, state: &State, now: Timestamp) -> Result<(State, Vec<Posting>), Refusal> {
    let outcome = match state {
        State::Proposed { .. } => Outcome::Expired,
        State::Revealing { .. } => Outcome::CustomerAtFault(Breach::Silence),
        State::Deciding { .. } | State::Proving { .. } => Outcome::ProviderAtFault(Breach::Silence),
        State::First { seed, transfer } | State::Second { seed, transfer } => {
            let plan = terms.transfer(part(terms, state));
            return progress(id, terms, state, *seed, transfer::step(&plan, transfer, Event::Deadline, now)?, now);
        }
        State::Ended(_) => return Err(Refusal::Ended),
    };
    end(id, terms, outcome)
}

fn at_move(
    id: AgreementId,
    terms: &Terms,
    state: &State,
    (by, action, facts): (AccountId, &Move, &Facts),
    now: Timestamp,
) -> Result<(State, Vec<Posting>), Refusal> {
    let customer = by == terms.customer;
    match (state, action) {
        (State::Proposed { .. }, Move::Abort) if customer => end(id, terms, Outcome::Withdrawn),
        (State::Proposed { .. }, Move::Accept { share }) if !customer => {
            let Facts::Stake { terms: stake, state, covered } = facts else { return Err(Refusal::FactsMissing) };
            stake.check_cover((state, *covered), by, terms.model, terms.needed_stake()?)?;
            let mut postings = Till(id).deposit(by, terms.deposit()?);
            postings.extend(Till(id).fee(terms.fee.times(2)?));
            Ok((State::Revealing { share: *share, deadline: now.after(terms.periods.respond) }, postings))
        }
        (State::Revealing { share: shown, .. }, Move::Reveal { share }) if customer => {
            if share.commit() != terms.coin {
                return Err(Refusal::OtherShare);
            }
            let transfer = transfer::State::start(&terms.transfer(terms.first), now);
            Ok((State::First { seed: Seed::new(id, share, shown), transfer }, Vec::new()))
        }
        (State::First { seed, transfer } | State::Second { seed, transfer }, Move::Transfer(action)) => {
            let plan = terms.transfer(part(terms, state));
            progress(id, terms, state, *seed, transfer::step(&plan, transfer, Event::Move { by, action, facts }, now)?, now)
        }
        (State::Deciding { seed, .. }, Move::Proceed) if !customer => {
            let transfer = transfer::State::start(&terms.transfer(terms.second()), now);
            Ok((State::Second { seed: *seed, transfer }, Vec::new()))
        }
        (State::Deciding { .. }, Move::Abort) if !customer => end(id, terms, Outcome::ProviderAborted),
        (State::Proving { .. }, Move::Abort) if !customer => end(id, terms, Outcome::ProviderAtFault(Breach::Abort)),
        (State::Revealing { .. } | State::First { .. } | State::Deciding { .. } | State::Second { .. }, Move::Abort) => {
            let at_fault = if customer { Outcome::CustomerAtFault } else { Outcome::ProviderAtFault };
            end(id, terms, at_fault(Breach::Abort))
        }
        (State::Proving { seed, proved, correct, deadline }, Move::Prove { labels, examples, .. }) if !customer => {
            if labels.is_some() != (terms.evidence == Evidence::Outputs) {
                return Err(at(0)(MemberFault::Label));
            }
            let Facts::Proof(statement) = facts else { return Err(Refusal::FactsMissing) };
            let mut proved = proved.clone();
            let found = count_correct(id, terms, seed, &mut proved, examples, statement)?;
            let correct = correct.saturating_add(found);
            if u32::try_from(proved.len()).is_ok_and(|proved| proved < terms.second()) {
                return Ok((State::Proving { seed: *seed, proved, correct, deadline: *deadline }, Vec::new()));
            }
            end(id, terms, if correct >= terms.target { Outcome::TargetMet { correct } } else { Outcome::TargetMissed { correct } })
        }
        _ => Err(Refusal::OutOfStage { stage: state.stage() }),
    }
}

/// How many examples are transferred in this stage.
const fn part(terms: &Terms, state: &State) -> u32 {
    if matches!(state, State::First { .. }) { terms.first } else { terms.second() }
}

fn progress(
    id: AgreementId,
    terms: &Terms,
    state: &State,
    seed: Seed,
    progress: Progress,
    now: Timestamp,
) -> Result<(State, Vec<Posting>), Refusal> {
    let first = matches!(state, State::First { .. });
    let next = match progress {
        Progress::On(transfer) if first => State::First { seed, transfer },
        Progress::On(transfer) => State::Second { seed, transfer },
        Progress::Delivered if first => State::Deciding { seed, deadline: now.after(terms.periods.decide) },
        Progress::Delivered => State::Proving { seed, proved: BTreeSet::new(), correct: 0, deadline: now.after(terms.periods.prove) },
        Progress::SenderAtFault(breach) => return end(id, terms, Outcome::CustomerAtFault(breach)),
        Progress::ReceiverAtFault(breach) => return end(id, terms, Outcome::ProviderAtFault(breach)),
    };
    Ok((next, Vec::new()))
}

/// Pays out what is held.
fn end(id: AgreementId, terms: &Terms, outcome: Outcome) -> Result<(State, Vec<Posting>), Refusal> {
    let risk = terms.risk()?;
    let (to_customer, to_provider) = match outcome {
        Outcome::Withdrawn | Outcome::Expired => (terms.deposit()?, Money::ZERO),
        Outcome::ProviderAborted => split(risk, terms.trial_price()?)?,
        Outcome::TargetMet { .. } => split(risk, terms.price()?)?,
        Outcome::CustomerAtFault(_) => split(risk, risk)?,
        Outcome::TargetMissed { .. } | Outcome::ProviderAtFault(_) => (risk.times(2)?, Money::ZERO),
    };
    Ok((State::Ended(outcome), Till(id).pay([(terms.customer, to_customer), (terms.provider, to_provider)])))
}

/// Both deposits, `price` of which goes from the customer to the provider.
fn split(risk: Money, price: Money) -> Result<(Money, Money), Refusal> {
    Ok((risk.minus(price)?, risk.plus(price)?))
}
