//! Computes every balance and every state from the log alone, and compares; on request also finds out again what the log says that the escrow found out.

use std::collections::BTreeMap;

use tokio::join;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::answer::LogHead;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::{Account, Ledger};
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::Key;
use verinfer_protocols::rules::Rules;
use verinfer_protocols::time::{Millis, Timestamp};

use crate::books::{Before, Entry, Record, empty_log, extended_log};
use crate::clock::machine_time;
use crate::store::market::ended;
use crate::store::{Movement, Store};

mod compare;
mod error;
mod files;
mod marks;
mod network;
mod part;
mod payments;

use part::{CheckedLine, Checking, Part};
use payments::Payments;

pub use error::AuditError;
pub use files::Verified;
pub use marks::Marks;
pub use network::audit_over_network;

/// What follows from a log.
#[derive(Clone, Debug)]
pub struct Books {
    escrow: AccountId,
    ledger: Ledger,
    agreements: BTreeMap<AgreementId, Agreement>,
    sequences: BTreeMap<(AccountId, AgreementId), u64>,
    covered: BTreeMap<AgreementId, u32>,
    /// How many, and how much money they weigh.
    outcomes: BTreeMap<Ended, (u64, u64)>,
    rules: Rules,
    payments: Payments,
    /// What the last entry did to accounts.
    moved: Vec<Movement>,
    position: u64,
    digest: Digest,
    /// When the latest entry so far was written, as far as the log says.
    written: Timestamp,
    /// Entries are not later.
    latest: Timestamp,
}

/// By how much an entry may be earlier than one before it: so long a request that needs no proof waits at most until it is written.
pub const MAX_QUEUE: Millis = Millis(60_000);

/// By how much an entry may be ahead of the clock of who audits.
pub const MAX_AHEAD: Millis = Millis(300_000);

/// An account, whether it had proposed the agreement, its kind, and how it ended.
type Ended = (AccountId, bool, &'static str, &'static str);

/// What an audit has found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Entries of the log.
    pub entries: u64,
    /// Digest of the log.
    pub digest: Digest,
    /// Agreements that have not ended.
    pub open: usize,
    /// Agreements that have.
    pub ended: usize,
    /// What was deposited and not withdrawn: what all accounts have together.
    pub issued: u64,
    /// What the escrow has earned.
    pub fees: u64,
    /// What was found out again from files; nothing where the log was believed.
    pub verified: Option<Verified>,
}

/// What is believed of what the log says that the escrow found out about proofs and ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// All of it: balances and states follow from the log alone.
    Log,
    /// Nothing: every proof and every contested ciphertext is taken from its file and verified again.
    Nobody,
}

impl Books {
    /// Of the empty log of an escrow.
    pub fn new(escrow: AccountId) -> Self {
        Self {
            escrow,
            ledger: Ledger::default(),
            agreements: BTreeMap::new(),
            sequences: BTreeMap::new(),
            covered: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            rules: Rules::default(),
            payments: Payments::default(),
            moved: Vec::new(),
            position: 0,
            digest: empty_log(escrow),
            written: Timestamp(0),
            latest: Timestamp(u64::MAX),
        }
    }

    /// The same, for a log that nobody has written later than [`MAX_AHEAD`] after this time.
    #[must_use]
    pub fn no_later_than(self, now: Timestamp) -> Self {
        Self { latest: now.after(MAX_AHEAD), ..self }
    }

    /// The log up to the last entry.
    pub const fn head(&self) -> LogHead {
        LogHead { position: self.position, digest: self.digest }
    }

    /// Checks that times run neither backwards nor ahead.
    fn check_time(&mut self, entry: &Entry, position: u64) -> Result<(), AuditError> {
        let waited = match &entry.record {
            Record::Request { waited, .. } => *waited,
            Record::Deadline { .. } => Millis(0),
        };
        let written = entry.at.after(waited);
        if written.after(MAX_QUEUE) < self.written {
            return Err(AuditError::Backwards { position, found: written, before: self.written });
        }
        if written > self.latest {
            return Err(AuditError::Ahead { position, found: written, latest: self.latest });
        }
        self.written = self.written.max(written);
        Ok(())
    }

    /// Goes on with the next line of the log; gives its entry and what it depended on.
    ///
    /// # Errors
    ///
    /// It cannot be the next line.
    fn extend(&mut self, checked: CheckedLine) -> Result<(Entry, Before), AuditError> {
        let CheckedLine { line, entry, request } = checked;
        let position = self.position.saturating_add(1);
        if line.position != position {
            return Err(AuditError::Gap { expected: position, found: line.position });
        }
        self.digest = extended_log(&self.digest, &line.entry);
        if line.digest != self.digest {
            return Err(AuditError::Digest { position });
        }
        let entry = entry?;
        self.check_time(&entry, position)?;
        request.map_err(|fault| AuditError::Entry { position, fault: fault.into() })?;
        let before = self.before(&entry, position)?;
        let change = entry.apply(self.escrow, &before).map_err(|fault| AuditError::Entry { position, fault })?;
        let had = payments::balances(&change.postings, &self.ledger);
        self.ledger.post(&change.postings).map_err(|fault| AuditError::Ledger { position, fault })?;
        if let Some((stake, cover)) = change.covered {
            let covered = self.covered.entry(stake).or_default();
            *covered = cover.of(*covered);
        }
        if let Some(rules) = change.rules {
            self.rules = rules;
        }
        self.moved = payments::movements(position, &had, &self.ledger);
        if let Some(payment) = change.payment {
            self.payments.put(payment, position);
        }
        if let Some(agreement) = change.agreement {
            for (account, proposed, outcome) in ended(&agreement) {
                let (times, units) = self.outcomes.entry((account, proposed, agreement.terms.kind(), outcome)).or_default();
                *times = times.saturating_add(1);
                *units = units.saturating_add(agreement.weight().units()).min(Money::MAX.units());
            }
            self.agreements.insert(agreement.id, agreement);
        }
        self.position = position;
        Ok((entry, before))
    }

    /// What an entry depends on. A request has a number of its own, the next of its signer's in its agreement: none is carried out twice.
    fn before(&mut self, entry: &Entry, position: u64) -> Result<Before, AuditError> {
        let id = entry.agreement().unwrap_or(AgreementId::NONE);
        let agreement = self.agreements.get(&id).cloned();
        let stake = agreement.as_ref().and_then(|agreement| self.agreements.get(&agreement.terms.stake()?)).cloned();
        let covered = stake.as_ref().and_then(|stake| self.covered.get(&stake.id)).copied().unwrap_or(0);
        let mut before = Before { agreement, stake, covered, rules: self.rules.clone(), payment: None, last_sequence: 0 };
        if let Record::Request { request, .. } = &entry.record {
            request.header.check_expiry(entry.at).map_err(|fault| AuditError::Entry { position, fault: fault.into() })?;
            before.payment = Key::of(request).and_then(|key| self.payments.get(&key));
            let last = self.sequences.entry((request.header.signer, id)).or_default();
            before.last_sequence = *last;
            *last = request.header.sequence;
        }
        Ok(before)
    }

    /// Agreements by name.
    pub const fn agreements(&self) -> &BTreeMap<AgreementId, Agreement> {
        &self.agreements
    }

    /// The accounts.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What has been found to be right.
    fn summary(&self, verified: Option<Verified>) -> Audit {
        let ended = self.agreements.values().filter(|agreement| agreement.state.has_ended()).count();
        Audit {
            entries: self.position,
            digest: self.digest,
            open: self.agreements.len().saturating_sub(ended),
            ended,
            issued: self.ledger.balance(Account::Outside).units(),
            fees: self.ledger.balance(Account::Fees).units(),
            verified,
        }
    }
}

/// Computes the books of a store from its log and compares them with what the store holds.
///
/// # Errors
///
/// The first thing that does not follow from the log; also if an escrow writes meanwhile.
pub async fn audit(store: &Store, trust: Trust) -> Result<Audit, AuditError> {
    audit_against(store, trust, |_, _| Ok(())).await
}

/// The same, where the log is held against what is known of it: `known` adds that for the escrow's account.
///
/// # Errors
///
/// As [`audit`]; also if it is another log than the one that is known.
pub async fn audit_against(
    store: &Store,
    trust: Trust,
    known: impl FnOnce(AccountId, &mut Marks) -> Result<(), AuditError>,
) -> Result<Audit, AuditError> {
    let head = store.head().await?;
    let mut marks = Marks::default();
    known(head.escrow, &mut marks)?;
    let mut books = Books::new(head.escrow).no_later_than(machine_time());
    marks.check(books.head(), None)?;
    let mut verified = match trust {
        Trust::Log => None,
        Trust::Nobody => Some(Verified::default()),
    };
    // While a part is replayed, the next one is checked.
    let mut next = Part::read(store, 0).await.map(|part| part.check(head.escrow));
    loop {
        let Checking { last, lines, movements } = next?;
        let (lines, read) = join!(lines, Part::read(store, last.unwrap_or(u64::MAX)));
        next = read.map(|part| part.check(head.escrow));
        let mut moved = Vec::new();
        for line in lines.map_err(|_| AuditError::Unchecked)? {
            let (entry, before) = books.extend(line)?;
            moved.append(&mut books.moved);
            marks.check(books.head(), Some(&entry))?;
            if let Some(verified) = &mut verified {
                verified.verify(store, books.position, &entry, &before).await?;
            }
        }
        payments::compare_movements(movements, &moved)?;
        if last.is_none() {
            break;
        }
    }
    if books.position != head.position {
        return Err(AuditError::End { found: books.position, expected: head.position });
    }
    if books.digest != head.digest {
        return Err(AuditError::Digest { position: head.position });
    }
    marks.end(head.position)?;
    books.ledger.check().map_err(|fault| AuditError::Ledger { position: books.position, fault })?;
    books.compare(store).await?;
    Ok(books.summary(verified))
}
