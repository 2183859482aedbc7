//! An agreement, the books and the clock, as an escrow has them.

use verinfer_protocols::agreement::{Agreement, Event, Move, State, Terms};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::ledger::{Account, Ledger, Posting};
use verinfer_protocols::money::Money;
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::{accuracy, retrieval};

use crate::fault::{Fault, FaultAt};
use crate::{Gains, PlayError};

/// Length of every stage.
pub const PERIOD: Millis = Millis(1000);

/// More turns than any game has.
const MAX_TURNS: usize = 100;

/// An agreement that is being played.
pub struct World {
    pub agreement: Agreement,
    /// Whose turn it was in which stage, in order.
    pub turns: Vec<(AccountId, String)>,
    ledger: Ledger,
    now: Timestamp,
    wealth: Money,
}

/// The keys of the two parties: games have no other outside.
pub fn customer() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

/// The other party.
pub fn provider() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

/// Of the escrow.
pub fn escrow() -> SecretKey {
    SecretKey::from_seed(&[0; 32])
}

/// A digest that stands for something with this name.
pub fn digest(name: &str) -> Digest {
    Digest::of_bytes(name.as_bytes())
}

impl World {
    /// The proposer proposes; each party has `wealth` before.
    pub fn open(terms: Terms, wealth: u64) -> Result<Self, PlayError> {
        let (wealth, now) = (Money::new(wealth)?, Timestamp(0));
        let mut ledger = Ledger::default();
        for party in [customer(), provider()] {
            ledger.post(&[Posting { from: Account::Outside, to: Account::Party(party.account()), amount: wealth }])?;
        }
        let (agreement, postings) = Agreement::open(escrow().account(), terms, customer().account(), now)?;
        ledger.post(&postings)?;
        Ok(Self { agreement, turns: Vec::new(), ledger, now, wealth })
    }

    /// Plays until the agreement has ended, with a fault at one turn or none. `turn` is what a player does, faults included, whose turn it is; `abort` is what
    /// giving up is. A move that is refused leaves its player with nothing to do, and the stage ends.
    pub fn play(
        &mut self,
        fault: Option<FaultAt>,
        abort: &Move,
        mut turn: impl FnMut(&Self, Option<Fault>) -> Result<(Move, Facts), PlayError>,
    ) -> Result<(), PlayError> {
        while self.turns.len() < MAX_TURNS {
            let (Some(deadline), Some(by)) = (self.agreement.state.deadline(), self.agreement.awaits()) else { return Ok(()) };
            let fault = fault.filter(|fault| fault.turn == self.turns.len()).map(|fault| fault.fault);
            let next = match fault {
                Some(Fault::Silence) => None,
                Some(Fault::Abort) => Some((abort.clone(), Facts::Nothing)),
                _ => Some(turn(self, fault)?),
            };
            let moved = next.and_then(|(action, facts)| self.agreement.step(&Event::Move { by, action, facts }, self.now).ok());
            self.turns.push((by, self.stage()));
            let (agreement, postings) = match moved {
                Some(next) => next,
                None => {
                    self.now = deadline;
                    self.agreement.step(&Event::Deadline, deadline)?
                }
            };
            self.ledger.post(&postings)?;
            self.agreement = agreement;
        }
        Err(PlayError::Endless(MAX_TURNS))
    }

    /// The name of the stage, and of the stage of a transfer in it.
    fn stage(&self) -> String {
        let stage = self.agreement.state.stage();
        let transfer = match &self.agreement.state {
            State::Accuracy(accuracy::State::First { transfer, .. } | accuracy::State::Second { transfer, .. })
            | State::Retrieval(retrieval::State::Delivering { transfer, .. }) => Some(transfer.stage()),
            State::Accuracy(_) | State::Retrieval(_) | State::Serving(_) | State::Stake(_) => None,
        };
        transfer.map_or(stage.to_string(), |transfer| format!("{stage}, {transfer}"))
    }

    /// What each party has more than at first.
    pub fn gains(&self) -> Gains {
        let gain = |party: SecretKey| self.ledger.balance(Account::Party(party.account())).units() as f64 - self.wealth.units() as f64;
        Gains { customer: gain(customer()), provider: gain(provider()) }
    }
}
