//! What happens to an agreement.

use serde::{Deserialize, Serialize};

use crate::keys::AccountId;
use crate::refusal::Refusal;
use crate::stake;
use crate::statement::Statement;
use crate::time::Timestamp;

/// What the escrow found out about a move before the machine decides on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Facts {
    /// The move is all there is to it.
    Nothing,
    /// The provider's stake that the terms name.
    Stake {
        /// What it is for.
        terms: stake::Terms,
        /// How it stands.
        state: stake::State,
        /// How many agreements count against what it covers.
        covered: u32,
    },
    /// The proof that the move names holds, and says this.
    Proof(Statement),
    /// The escrow has all files that the move hands over, for the other party to fetch.
    Held,
    /// Whether the contested ciphertext opens to what was promised, under the published key.
    Opens(bool),
}

/// What happens to an agreement whose parties make moves of type `M`.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a, M> {
    /// A party moves.
    Move {
        /// Who.
        by: AccountId,
        /// What.
        action: &'a M,
        /// What the escrow found out about it.
        facts: &'a Facts,
    },
    /// The time for the next move is over.
    Deadline,
}

/// Checks that a move comes in time, and the end of a stage not too early.
///
/// # Errors
///
/// [`Refusal::Late`] or [`Refusal::Early`]. Exactly one of a move and a deadline is in time, whatever the time is.
pub fn check_time<M>(event: &Event<'_, M>, deadline: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    match event {
        Event::Move { .. } if now >= deadline => Err(Refusal::Late { deadline, now }),
        Event::Deadline if now < deadline => Err(Refusal::Early { deadline, now }),
        Event::Move { .. } | Event::Deadline => Ok(()),
    }
}

/// Checks what every kind of agreement between two parties asks of an event: that the agreement has not ended, and that a move is a party's and in time, or
/// the end of the stage not too early. `deadline` is that of the stage; nothing once the agreement has ended.
///
/// # Errors
///
/// [`Refusal::Ended`], what [`check_time`] says, or [`Refusal::NotAParty`]; the first of these.
pub fn check_event<M>(event: &Event<'_, M>, deadline: Option<Timestamp>, parties: [AccountId; 2], now: Timestamp) -> Result<(), Refusal> {
    check_time(event, deadline.ok_or(Refusal::Ended)?, now)?;
    match event {
        Event::Move { by, .. } if !parties.contains(by) => Err(Refusal::NotAParty { account: *by }),
        Event::Move { .. } | Event::Deadline => Ok(()),
    }
}
