//! What the terms of all kinds of agreements are checked for.

use crate::keys::AccountId;
use crate::refusal::TermsFault;
use crate::time::Millis;

/// Checks that the two parties are two.
pub fn check_parties(proposer: AccountId, acceptor: AccountId) -> Result<(), TermsFault> {
    if proposer == acceptor { Err(TermsFault::OneParty) } else { Ok(()) }
}

/// Checks that terms are proposed by who they say.
pub fn check_proposer(by: AccountId, expected: AccountId) -> Result<(), TermsFault> {
    if by == expected { Ok(()) } else { Err(TermsFault::OtherProposer { expected }) }
}

/// Checks that a period is neither zero nor too long.
pub fn check_period(field: &'static str, found: Millis) -> Result<(), TermsFault> {
    if (Millis(1)..=Millis::MAX_PERIOD).contains(&found) { Ok(()) } else { Err(TermsFault::Period { field, found }) }
}

/// Checks that a number is in a range.
pub fn check_count(field: &'static str, found: u32, least: u32, most: u32) -> Result<(), TermsFault> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(TermsFault::Count { field, found, least, most }) }
}
