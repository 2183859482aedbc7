//! Small agreements with everything that their moves need, and books that are checked after every event.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod accuracy;
pub mod explore;
pub mod retrieval;
pub mod serving;

use verinfer_protocols::agreement::{Agreement, Event, Move, Terms};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::{AccountId, SecretKey};
use verinfer_protocols::ledger::{Account, Ledger, Posting};
use verinfer_protocols::merkle::{Root, Tree};
use verinfer_protocols::money::Money;
use verinfer_protocols::refusal::Refusal;
use verinfer_protocols::time::{Millis, Timestamp};
use verinfer_protocols::transfer;

/// What each party has at first.
pub const WEALTH: u64 = 1_000_000;

/// Every period of every agreement.
pub const PERIOD: Millis = Millis(100);

pub fn customer() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub fn provider() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

pub fn stranger() -> SecretKey {
    SecretKey::from_seed(&[3; 32])
}

pub fn units(units: u64) -> Money {
    Money::new(units).unwrap()
}

pub fn digest(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

/// An agreement, the books, and the time.
#[derive(Clone, Debug)]
pub struct World {
    pub agreement: Agreement,
    pub ledger: Ledger,
    pub now: Timestamp,
}

impl World {
    /// The proposer has proposed.
    pub fn open(terms: Terms) -> Self {
        let (by, _) = terms.parties();
        let now = Timestamp(1000);
        let (agreement, postings) = Agreement::open(SecretKey::from_seed(&[0; 32]).account(), terms, by, now).unwrap();
        let mut ledger = Ledger::default();
        for party in [customer(), provider()] {
            let to = Account::Party(party.account());
            ledger.post(&[Posting { from: Account::Outside, to, amount: units(WEALTH) }]).unwrap();
        }
        ledger.post(&postings).unwrap();
        Self { agreement, ledger, now }
    }

    /// What an event makes of it. The books are checked.
    pub fn after(&self, event: &Event, now: Timestamp) -> Result<Self, Refusal> {
        let (agreement, postings) = self.agreement.step(event, now)?;
        let mut ledger = self.ledger.clone();
        ledger.post(&postings).expect("the books balance");
        assert_eq!(ledger.balance(Account::Outside), units(2 * WEALTH));
        if agreement.state.has_ended() {
            assert!(ledger.balance(Account::Holding(agreement.id)).is_zero(), "something is still held: {agreement:?}");
        }
        Ok(Self { agreement, ledger, now })
    }

    /// With the time that the escrow took to decide on the last move.
    pub fn decided_after(self, deciding: Millis) -> Self {
        Self { agreement: self.agreement.postponed(deciding), now: self.now.after(deciding), ..self }
    }

    /// A party moves.
    pub fn act(&mut self, by: &SecretKey, action: Move, facts: Facts) {
        let event = Event::Move { by: by.account(), action, facts };
        *self = self.after(&event, self.now).unwrap_or_else(|refusal| panic!("{event:?}: {refusal}"));
    }

    /// Nobody moves until the stage is over.
    pub fn wait(&mut self) {
        let deadline = self.agreement.state.deadline().expect("the stage ends");
        *self = self.after(&Event::Deadline, deadline).unwrap();
    }

    /// What a party has more than at first.
    pub fn gain(&self, party: AccountId) -> i64 {
        i64::try_from(self.ledger.balance(Account::Party(party)).units()).unwrap() - i64::try_from(WEALTH).unwrap()
    }

    /// What customer, provider and escrow have more than at first.
    pub fn gains(&self) -> (i64, i64, i64) {
        let fees = i64::try_from(self.ledger.balance(Account::Fees).units()).unwrap();
        (self.gain(customer().account()), self.gain(provider().account()), fees)
    }
}

/// The ciphertexts of a transfer, which open to what was promised (`good`) or do not.
pub fn ciphertexts(items: u32, good: bool) -> Vec<Digest> {
    (0..items).map(|item| digest(&format!("ciphertext {item} {good}"))).collect()
}

pub fn ciphertext_root(items: u32, good: bool) -> Root {
    Tree::new(&ciphertexts(items, good)).unwrap().root()
}

/// The contest of the first item.
pub fn contest(items: u32, good: bool) -> transfer::Move {
    let ciphertexts = ciphertexts(items, good);
    let path = Tree::new(&ciphertexts).unwrap().path(0).unwrap();
    transfer::Move::Contest { position: 0, ciphertext: ciphertexts[0], path }
}

/// All moves of a transfer with the facts that belong to them.
pub fn transfer_moves(items: u32) -> Vec<(transfer::Move, Facts)> {
    let mut moves = vec![
        (transfer::Move::Acknowledge, Facts::Nothing),
        (transfer::Move::Missing, Facts::Nothing),
        (transfer::Move::Key { key: vec![7; 32] }, Facts::Nothing),
        (transfer::Move::Accept, Facts::Nothing),
    ];
    for good in [true, false] {
        moves.push((transfer::Move::Announce { ciphertexts: ciphertext_root(items, good) }, Facts::Nothing));
        moves.push((transfer::Move::Publish { ciphertexts: ciphertexts(items, good) }, Facts::Held));
        moves.push((contest(items, good), Facts::Opens(good)));
    }
    moves
}

/// Both sides of a transfer without fault.
pub fn honest_transfer(items: u32) -> [(bool, transfer::Move); 4] {
    [
        (true, transfer::Move::Announce { ciphertexts: ciphertext_root(items, true) }),
        (false, transfer::Move::Acknowledge),
        (true, transfer::Move::Key { key: vec![7; 32] }),
        (false, transfer::Move::Accept),
    ]
}

/// The next move of somebody honest in a transfer, with the facts.
pub fn honest_transfer_move(state: &transfer::State, items: u32) -> (transfer::Move, Facts) {
    let is_bad = |root: &Digest| *root == ciphertext_root(items, false).digest;
    match state {
        transfer::State::Announcing { .. } => (transfer::Move::Announce { ciphertexts: ciphertext_root(items, true) }, Facts::Nothing),
        transfer::State::Acknowledging { .. } => (transfer::Move::Acknowledge, Facts::Nothing),
        transfer::State::Publishing { .. } => (transfer::Move::Publish { ciphertexts: ciphertexts(items, true) }, Facts::Held),
        transfer::State::Keying { .. } => (transfer::Move::Key { key: vec![7; 32] }, Facts::Nothing),
        transfer::State::Checking { ciphertexts, .. } if is_bad(ciphertexts) => (contest(items, false), Facts::Opens(false)),
        transfer::State::Checking { .. } => (transfer::Move::Accept, Facts::Nothing),
    }
}
