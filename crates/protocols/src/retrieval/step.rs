use std::collections::BTreeSet;

use super::{Document, Move, Outcome, STAGE, State, Terms, is_signed_document};
use crate::coin::Seed;
use crate::digest::{AgreementId, Digest};
use crate::event::{Event, Facts, check_event};
use crate::keys::AccountId;
use crate::ledger::{Posting, Till};
use crate::member::{at, check_place, check_proof, document_entry, handle};
use crate::money::Money;
use crate::refusal::{MemberFault, ProofFault, Refusal};
use crate::statement::{Output, Statement};
use crate::terms::check_proposer;
use crate::time::Timestamp;
use crate::transfer::{self, Breach, Progress};

impl Terms {
    /// The requester proposes the terms and deposits the price.
    ///
    /// # Errors
    ///
    /// The terms are impossible, or another than the requester proposes them.
    pub fn open(&self, id: AgreementId, by: AccountId, now: Timestamp) -> Result<(State, Vec<Posting>), Refusal> {
        self.check()?;
        check_proposer(by, self.requester)?;
        // What may be paid later can be written, too.
        self.price.plus(self.bond)?;
        Ok((State::Proposed { deadline: now.after(self.periods.respond) }, Till(id).deposit(by, self.price)))
    }

    fn transfer(&self, matches: &BTreeSet<u32>) -> transfer::Plan {
        transfer::Plan { sender: self.responder, receiver: self.requester, items: count(matches), respond: self.periods.respond }
    }
}

/// What an event makes of a retrieval.
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
    check_event(&event, state.deadline(), [terms.requester, terms.responder], now)?;
    match event {
        Event::Deadline => at_deadline(id, terms, state, now),
        Event::Move { by, action, facts } => at_move(id, terms, state, (by, action, facts), now),
    }
}

fn at_deadline(id: AgreementId, terms: &Terms, state: &State, now: Timestamp) -> Result<(State, Vec<Posting>), Refusal> {
    let outcome = match state {
        State::Proposed { .. } => Outcome::Expired,
        State::Revealing { .. } => Outcome::RequesterAtFault(Breach::Silence),
        State::Declaring { .. } | State::Proving { .. } => Outcome::ResponderAtFault(Breach::Silence),
        State::Delivering { matches, transfer } => {
            return progress(id, terms, matches, transfer::step(&terms.transfer(matches), transfer, Event::Deadline, now)?);
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
    let requester = by == terms.requester;
    let periods = &terms.periods;
    match (state, action) {
        (State::Proposed { .. }, Move::Abort) if requester => end(id, terms, Outcome::Withdrawn),
        (State::Proposed { .. }, Move::Accept { share }) if !requester => {
            Ok((State::Declaring { share: *share, deadline: now.after(periods.declare) }, Till(id).deposit(by, terms.bond)))
        }
        (State::Declaring { share, .. }, Move::Declare { matches }) if !requester => {
            if matches.last().is_some_and(|&last| last >= terms.corpus.len) {
                return Err(at(matches.len().saturating_sub(1))(MemberFault::Unknown));
            }
            Ok((State::Revealing { share: *share, matches: matches.clone(), deadline: now.after(periods.respond) }, Vec::new()))
        }
        (State::Revealing { share: shown, matches, .. }, Move::Reveal { share }) if requester => {
            if share.commit() != terms.coin {
                return Err(Refusal::OtherShare);
            }
            let (seed, deadline) = (Seed::new(id, share, shown), now.after(periods.prove));
            Ok((State::Proving { seed, matches: matches.clone(), proved: BTreeSet::new(), deadline }, Vec::new()))
        }
        (State::Proving { seed, matches, proved, deadline }, Move::Prove { documents, .. }) if !requester => {
            let Facts::Proof(statement) = facts else { return Err(Refusal::FactsMissing) };
            check_proof(statement, terms.model, id, STAGE, documents.len())?;
            let proved = prove(terms, seed, matches, proved.clone(), documents, statement)?;
            let (matches, seed, deadline) = (matches.clone(), *seed, *deadline);
            if count(&proved) < terms.sample {
                Ok((State::Proving { seed, matches, proved, deadline }, Vec::new()))
            } else if matches.is_empty() {
                end(id, terms, Outcome::Fulfilled { matches: 0 })
            } else {
                let transfer = transfer::State::start(&terms.transfer(&matches), now);
                Ok((State::Delivering { matches, transfer }, Vec::new()))
            }
        }
        (State::Delivering { matches, transfer }, Move::Transfer(action)) => {
            let event = Event::Move { by, action, facts };
            progress(id, terms, matches, transfer::step(&terms.transfer(matches), transfer, event, now)?)
        }
        (State::Declaring { .. } | State::Revealing { .. } | State::Delivering { .. }, Move::Abort) => {
            let at_fault = if requester { Outcome::RequesterAtFault } else { Outcome::ResponderAtFault };
            end(id, terms, at_fault(Breach::Abort))
        }
        (State::Proving { .. }, Move::Abort) if !requester => end(id, terms, Outcome::ResponderAtFault(Breach::Abort)),
        _ => Err(Refusal::OutOfStage { stage: state.stage() }),
    }
}

/// Adds the documents that a proof is about to those that were proved.
fn prove(
    terms: &Terms,
    seed: &Seed,
    matches: &BTreeSet<u32>,
    mut proved: BTreeSet<u32>,
    documents: &[Document],
    statement: &Statement,
) -> Result<BTreeSet<u32>, Refusal> {
    let due: BTreeSet<u32> = terms.sampled(seed).into_iter().collect();
    let Output::Decided { predicate, holds } = &statement.output else { return Err(ProofFault::Undecided { image: 0 }.into()) };
    if *predicate != terms.predicate {
        return Err(ProofFault::OtherPredicate.into());
    }
    for (image, (document, input)) in documents.iter().zip(&statement.inputs).enumerate() {
        let index = document.member.index;
        handle(index, &due, &mut proved).map_err(at(image))?;
        check_place(&terms.corpus, &document.member, &document_entry(input)).map_err(at(image))?;
        check_source(terms, document, input).map_err(at(image))?;
        let holds = *holds.get(image).ok_or(ProofFault::Undecided { image })?;
        if holds != matches.contains(&index) {
            return Err(ProofFault::OtherOutput { image }.into());
        }
    }
    Ok(proved)
}

fn check_source(terms: &Terms, document: &Document, input: &Digest) -> Result<(), MemberFault> {
    match (&terms.source, &document.signature) {
        (None, None) => Ok(()),
        (Some(source), Some(signature)) if is_signed_document(source, input, signature) => Ok(()),
        (None | Some(_), _) => Err(MemberFault::Signature),
    }
}

fn progress(id: AgreementId, terms: &Terms, matches: &BTreeSet<u32>, progress: Progress) -> Result<(State, Vec<Posting>), Refusal> {
    match progress {
        Progress::On(transfer) => Ok((State::Delivering { matches: matches.clone(), transfer }, Vec::new())),
        Progress::Delivered => end(id, terms, Outcome::Fulfilled { matches: count(matches) }),
        Progress::SenderAtFault(breach) => end(id, terms, Outcome::ResponderAtFault(breach)),
        Progress::ReceiverAtFault(breach) => end(id, terms, Outcome::RequesterAtFault(breach)),
    }
}

/// How many documents; there are never more than a list may have.
fn count(documents: &BTreeSet<u32>) -> u32 {
    u32::try_from(documents.len()).unwrap_or(u32::MAX)
}

/// Pays out what is held.
fn end(id: AgreementId, terms: &Terms, outcome: Outcome) -> Result<(State, Vec<Posting>), Refusal> {
    let both = terms.price.plus(terms.bond)?;
    let (to_requester, to_responder) = match outcome {
        Outcome::Withdrawn | Outcome::Expired => (terms.price, Money::ZERO),
        Outcome::Fulfilled { .. } | Outcome::RequesterAtFault(_) => (Money::ZERO, both),
        Outcome::ResponderAtFault(_) => (both, Money::ZERO),
    };
    Ok((State::Ended(outcome), Till(id).pay([(terms.requester, to_requester), (terms.responder, to_responder)])))
}
