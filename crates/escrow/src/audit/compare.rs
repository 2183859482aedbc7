//! Holds what a database says against what follows from its log, a page at a time.

use std::collections::BTreeMap;

use verinfer_escrow_client::messages::OutcomeCount;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::ledger::Account;

use super::{AuditError, Books};
use crate::store::Store;

/// Rows of a page.
const ROWS: u32 = 1000;

impl Books {
    /// Compares all that the store says beside its log.
    pub(super) async fn compare(&self, store: &Store) -> Result<(), AuditError> {
        self.compare_balances(store).await?;
        self.compare_agreements(store).await?;
        self.compare_market(store).await?;
        self.payments.compare(store).await
    }

    /// What an account has, as a database writes it.
    fn units(&self, account: Account) -> i64 {
        let units = i64::try_from(self.ledger.balance(account).units()).unwrap_or(i64::MAX);
        if account == Account::Outside { units.saturating_neg() } else { units }
    }

    async fn compare_balances(&self, store: &Store) -> Result<(), AuditError> {
        let (mut after, mut found) = (String::new(), 0_usize);
        loop {
            let balances = store.balances(&after, ROWS).await?;
            let Some((last, _)) = balances.last() else { break };
            after.clone_from(last);
            found = found.saturating_add(balances.len());
            for (account, found) in balances {
                let expected = account.parse().map_or(0, |account| self.units(account));
                if found != expected {
                    return Err(AuditError::Balance { account, found, expected });
                }
            }
        }
        let expected =
            || self.ledger.balances().map(|(account, _)| account).chain([Account::Outside]).filter(|&account| self.units(account) != 0);
        if found == expected().count() {
            return Ok(());
        }
        // Each that was found was expected: one is missing.
        for account in expected() {
            let (found, expected) = (store.units(account).await?, self.units(account));
            if found != expected {
                return Err(AuditError::Balance { account: account.to_string(), found, expected });
            }
        }
        Ok(())
    }

    async fn compare_agreements(&self, store: &Store) -> Result<(), AuditError> {
        let (mut after, mut found) = (None, 0_usize);
        loop {
            let agreements = store.agreements(after, ROWS).await?;
            let Some(&(last, _)) = agreements.last() else { break };
            after = Some(last);
            for (id, agreement) in agreements {
                if self.agreements.get(&id) != Some(&agreement) {
                    return Err(AuditError::Agreement { id });
                }
                found = found.saturating_add(1);
            }
        }
        if found == self.agreements.len() {
            return Ok(());
        }
        for &id in self.agreements.keys() {
            if store.agreement(id).await?.is_none() {
                return Err(AuditError::Agreement { id });
            }
        }
        Ok(())
    }

    /// Compares the rules, what stakes have covered and how agreements have ended.
    async fn compare_market(&self, store: &Store) -> Result<(), AuditError> {
        if store.rules().await? != self.rules {
            return Err(AuditError::Rules);
        }
        let (outcomes, covered) = store.counts().await?;
        let covered: BTreeMap<AgreementId, u32> = covered.into_iter().collect();
        if let Some(id) = self.covered.keys().chain(covered.keys()).find(|id| self.covered.get(id) != covered.get(id)) {
            return Err(AuditError::Covered { stake: *id });
        }
        let mut left = self.outcomes.clone();
        for (account, OutcomeCount { proposed, kind, outcome, times, units }) in outcomes {
            let of_account = left.range((account, false, "", "")..).take_while(|(name, _)| name.0 == account);
            let name =
                of_account.map(|(name, _)| *name).find(|name| (name.1, name.2, name.3) == (proposed, kind.as_str(), outcome.as_str()));
            if name.and_then(|name| left.remove(&name)) != Some((times, units)) {
                return Err(AuditError::Outcomes { account });
            }
        }
        left.pop_first().map_or(Ok(()), |((account, ..), _)| Err(AuditError::Outcomes { account }))
    }
}
