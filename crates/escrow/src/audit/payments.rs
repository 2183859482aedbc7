//! Payments from and to outside, and what entries did to accounts, as the database has them.

use std::collections::BTreeMap;

use verinfer_protocols::ledger::{Account, Ledger, Posting};
use verinfer_protocols::payment::{Key, Payment};

use super::AuditError;
use crate::store::{Movement, PaymentFilter, RecordedPayment, Store, is_disposable};

/// Payments that follow from a log.
#[derive(Clone, Debug, Default)]
pub struct Payments {
    recorded: BTreeMap<Key, RecordedPayment>,
}

impl Payments {
    /// A payment as it stands, if it was recorded.
    pub fn get(&self, key: &Key) -> Option<Payment> {
        self.recorded.get(key).map(|recorded| recorded.payment.clone())
    }

    /// As an entry has left a payment.
    pub fn put(&mut self, payment: Payment, position: u64) {
        let recorded = self.recorded.get(&payment.key).map_or(position, |before| before.recorded);
        self.recorded.insert(payment.key.clone(), RecordedPayment { payment, recorded, changed: position });
    }

    /// Compares them with those of a database.
    pub async fn compare(&self, store: &Store) -> Result<(), AuditError> {
        let differs = |payment: &RecordedPayment| {
            let Key { holder, reference, .. } = payment.payment.key.clone();
            AuditError::Payment { account: holder, reference }
        };
        let (mut before, mut found) = (u64::MAX, 0_usize);
        loop {
            let payments = store.payments(PaymentFilter::default(), before, 1000).await?;
            let Some(last) = payments.last() else { break };
            before = last.recorded;
            for payment in &payments {
                if self.recorded.get(&payment.payment.key) != Some(payment) {
                    return Err(differs(payment));
                }
                found = found.saturating_add(1);
            }
        }
        if found == self.recorded.len() {
            return Ok(());
        }
        Err(AuditError::PaymentsMissing { expected: self.recorded.len(), found })
    }
}

/// What an entry did to accounts, given what they had before and the ledger after it.
pub fn movements(position: u64, before: &[(Account, i64)], after: &Ledger) -> Vec<Movement> {
    let mut movements: Vec<Movement> = before
        .iter()
        .map(|&(account, units)| {
            let balance = amount(after, account);
            Movement { position, account, units: balance.saturating_sub(units), balance }
        })
        .filter(|movement| movement.units != 0)
        .collect();
    movements.sort_unstable();
    movements.dedup();
    movements
}

/// What the accounts have that postings touch, as far as movements of them are kept.
pub fn balances(postings: &[Posting], ledger: &Ledger) -> Vec<(Account, i64)> {
    let touched = postings.iter().flat_map(|posting| [posting.from, posting.to]).filter(|&account| is_disposable(account));
    touched.map(|account| (account, amount(ledger, account))).collect()
}

fn amount(ledger: &Ledger, account: Account) -> i64 {
    i64::try_from(ledger.balance(account).units()).unwrap_or(i64::MAX)
}

/// Compares what entries did with what a database says of them.
pub fn compare_movements(mut found: Vec<Movement>, expected: &[Movement]) -> Result<(), AuditError> {
    found.sort_unstable();
    let place = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    match (found.get(place), expected.get(place)) {
        (None, None) => Ok(()),
        (Some(movement), None) | (None, Some(movement)) => Err(AuditError::Movement { position: movement.position }),
        (Some(found), Some(expected)) => Err(AuditError::Movement { position: found.position.min(expected.position) }),
    }
}
