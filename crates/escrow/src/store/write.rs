//! Writing an entry of the log with all its effects, in one transaction.

use std::collections::BTreeMap;

use sqlx::Row as _;
use verinfer_escrow_client::messages::Receipt;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::event::Facts;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::{Account, Posting};
use verinfer_protocols::money::Money;
use verinfer_protocols::payment::{Key, Payment};

use super::limit::{STEP, within};
use super::payments::{self, Movement};
use super::standing::{Standing, Subject, standing};
use super::transaction::Transaction;
use super::{Store, StoreError, integer, natural, read, scope};
use crate::books::{Before, Change, Entry, Record, extended_log};

/// A transaction that will add one entry to the log. Nobody else writes until it ends; if it is dropped, nothing has happened.
#[derive(Debug)]
pub struct Writing {
    store: Store,
    pub(super) transaction: Transaction,
    /// The place of the entry that will be written.
    position: u64,
    /// Digest of the log before it.
    before: Digest,
}

impl Store {
    /// Waits for the turn to write an entry; gives how things stand then.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn write(&self, subject: Subject) -> Result<(Writing, Standing), StoreError> {
        let mut transaction = self.company().await?;
        within(STEP, async move {
            let standing = standing(&mut transaction, subject).await?;
            let (position, before) = (standing.position.saturating_add(1), standing.digest);
            Ok((Writing { store: self.clone(), transaction, position, before }, standing))
        })
        .await
    }
}

impl Writing {
    /// How many agreements of an account have not ended.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn open_agreements(&mut self, account: AccountId) -> Result<u64, StoreError> {
        within(STEP, async {
            let query = sqlx::query("SELECT COUNT(*) FROM agreements WHERE proposer = $1 AND ended = 0").bind(account.to_string());
            natural(query.fetch_one(&mut *self.transaction).await?.try_get(0)?, "agreements", "ended")
        })
        .await
    }

    /// A payment as it stands, if there is one of this name.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn payment(&mut self, key: &Key) -> Result<Option<Payment>, StoreError> {
        within(STEP, payments::read(&mut self.transaction, key)).await
    }

    /// What an entry depends on, as things stand.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn before(&mut self, standing: Standing) -> Result<Before, StoreError> {
        within(STEP, self.read_before(standing)).await
    }

    async fn read_before(&mut self, standing: Standing) -> Result<Before, StoreError> {
        let Standing { agreement, rules, last_sequence, .. } = standing;
        let stake = match agreement.as_ref().and_then(|agreement| agreement.terms.stake()) {
            Some(stake) => read::agreement(&mut self.transaction, stake).await?.map(|row| row.agreement),
            None => None,
        };
        let covered = match &stake {
            Some(stake) => self.covered(stake.id).await?,
            None => 0,
        };
        Ok(Before { agreement, stake, covered, rules, payment: None, last_sequence })
    }

    /// Writes an entry and what it does, and ends the transaction, together with those of others that wait. Where the end of the transaction is not known,
    /// it is looked up.
    ///
    /// # Errors
    ///
    /// An account has too little; nothing has happened then. Or the database fails; whether something has happened then, [`Store::standing`] says when it
    /// works again.
    pub async fn commit(mut self, entry: &Entry, change: &Change) -> Result<Receipt, StoreError> {
        let head = match within(STEP, self.append(entry, change)).await {
            Ok(head) => head,
            Err(refusal) if !refusal.is_outage() => {
                self.leave().await?;
                return Err(refusal);
            }
            Err(outage) => return Err(outage),
        };
        self.store.settle(self.transaction, Some((self.position, head))).await?;
        Ok(Receipt { position: self.position, head, at: entry.at })
    }

    /// Ends the transaction without an entry. What was found in it may rest on entries of others that are not on disk yet: nobody is told of it before they
    /// are.
    ///
    /// # Errors
    ///
    /// The database fails, and they are not: what was found does not hold.
    pub async fn leave(self) -> Result<(), StoreError> {
        self.store.leave(self.transaction).await
    }

    /// Gives the digest of the log with the entry.
    async fn append(&mut self, entry: &Entry, change: &Change) -> Result<Digest, StoreError> {
        self.post(&change.postings).await?;
        if let Some(agreement) = &change.agreement {
            self.put(agreement).await?;
            if agreement.state.has_ended() {
                self.free_room(agreement).await?;
                self.count_outcome(agreement).await?;
            }
        }
        if let Some((stake, cover)) = change.covered {
            self.cover(stake, cover).await?;
        }
        if let Some(rules) = &change.rules {
            self.set_rules(rules).await?;
        }
        if let Some(payment) = &change.payment {
            payments::put(&mut self.transaction, payment, self.position).await?;
        }
        let request = match &entry.record {
            Record::Request { request, facts, .. } => {
                let (header, name) = (&request.header, request.id().to_string());
                self.count(header.signer, header.agreement, header.sequence).await?;
                if may_have_waited(facts) {
                    sqlx::query("DELETE FROM waiting WHERE request = $1").bind(&name).execute(&mut *self.transaction).await?;
                }
                Some(name)
            }
            Record::Deadline { .. } => None,
        };
        let bytes = entry.encode();
        let head = extended_log(&self.before, &bytes);
        let append = "INSERT INTO log (position, digest, request, agreement, entry, at) VALUES ($1, $2, $3, $4, $5, $6)";
        let append = sqlx::query(append).bind(integer(self.position)).bind(head.to_string()).bind(request);
        let append = append.bind(entry.agreement().map(|id| id.to_string())).bind(bytes).bind(integer(entry.at.0));
        append.execute(&mut *self.transaction).await?;
        let end = "UPDATE head SET position = $1, digest = $2, clock = CASE WHEN clock < $3 THEN $3 ELSE clock END";
        let end = sqlx::query(end).bind(integer(self.position)).bind(head.to_string()).bind(integer(entry.at.0));
        end.execute(&mut *self.transaction).await?;
        Ok(head)
    }

    async fn put(&mut self, agreement: &Agreement) -> Result<(), StoreError> {
        let (proposer, acceptor) = agreement.terms.parties();
        let put = "INSERT INTO agreements (id, kind, stage, proposer, acceptor, ended, deadline, opened, changed, content, model, outcome) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11) \
                   ON CONFLICT (id) DO UPDATE SET stage = $3, ended = $6, deadline = $7, changed = $8, content = $9, outcome = $11";
        let query = sqlx::query(put)
            .bind(agreement.id.to_string())
            .bind(agreement.terms.kind())
            .bind(agreement.state.stage())
            .bind(proposer.to_string())
            .bind(acceptor.unwrap_or(proposer).to_string())
            .bind(i64::from(agreement.state.has_ended()))
            .bind(agreement.state.deadline().map(|deadline| integer(deadline.0)))
            .bind(integer(self.position))
            .bind(canonical(agreement))
            .bind(agreement.terms.model().to_string())
            .bind(agreement.state.outcome());
        query.execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Nothing waits in an agreement that has ended, and its files no longer count; those of one that was never accepted say nothing, and go.
    async fn free_room(&mut self, agreement: &Agreement) -> Result<(), StoreError> {
        let id = agreement.id.to_string();
        sqlx::query("DELETE FROM room WHERE agreement = $1").bind(&id).execute(&mut *self.transaction).await?;
        sqlx::query("DELETE FROM waiting WHERE agreement = $1").bind(&id).execute(&mut *self.transaction).await?;
        if !agreement.state.is_accepted() {
            sqlx::query("DELETE FROM files WHERE agreement = $1").bind(&id).execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    async fn count(&mut self, account: AccountId, agreement: AgreementId, sequence: u64) -> Result<(), StoreError> {
        let put = "INSERT INTO sequences (account, agreement, last) VALUES ($1, $2, $3) \
                   ON CONFLICT (account, agreement) DO UPDATE SET last = $3";
        let query = sqlx::query(put).bind(account.to_string()).bind(scope(agreement)).bind(integer(sequence));
        query.execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Makes the postings and checks that they balance: the sum of what the accounts have gained is nothing.
    async fn post(&mut self, postings: &[Posting]) -> Result<(), StoreError> {
        let mut sum = 0_i128;
        for (account, (taken, given)) in totals(postings) {
            let units = integer_amount(given).saturating_sub(integer_amount(taken));
            let balance = self.gain(account, units).await?.ok_or(StoreError::Overdrawn { account, amount: taken })?;
            if units != 0 {
                payments::put_movement(&mut self.transaction, Movement { position: self.position, account, units, balance }).await?;
            }
            sum = sum.saturating_add(i128::from(units));
        }
        if sum == 0 { Ok(()) } else { Err(StoreError::NotConserved { sum: i64::try_from(sum).unwrap_or(i64::MAX) }) }
    }

    /// Gives an account so much, or takes it, and tells what it has then; nothing if it has too little, or more than can be counted.
    async fn gain(&mut self, account: Account, units: i64) -> Result<Option<i64>, StoreError> {
        let least = if account == Account::Outside { i64::MIN } else { 0 };
        if units < least {
            // No account that there is not yet may begin with so little.
            return self.change(account, units, least).await;
        }
        let put = "INSERT INTO balances (account, units) VALUES ($1, $2) \
                   ON CONFLICT (account) DO UPDATE SET units = balances.units + $2 WHERE balances.units BETWEEN $3 AND $4 RETURNING units";
        let query = sqlx::query(put).bind(account.to_string()).bind(units);
        let query = query.bind(least.saturating_sub(units)).bind(i64::MAX.saturating_sub(units));
        Ok(query.fetch_optional(&mut *self.transaction).await?.map(|row| row.try_get(0)).transpose()?)
    }

    /// As [`Writing::gain`], of an account that there is.
    async fn change(&mut self, account: Account, units: i64, least: i64) -> Result<Option<i64>, StoreError> {
        let change = "UPDATE balances SET units = units + $2 WHERE account = $1 AND units BETWEEN $3 AND $4 RETURNING units";
        let query = sqlx::query(change).bind(account.to_string()).bind(units);
        let query = query.bind(least.saturating_sub(units)).bind(i64::MAX.saturating_sub(units));
        Ok(query.fetch_optional(&mut *self.transaction).await?.map(|row| row.try_get(0)).transpose()?)
    }
}

/// Whether a request may be written down among those that wait: only those whose proof or ciphertext is looked at do.
const fn may_have_waited(facts: &Facts) -> bool {
    match facts {
        Facts::Proof(_) | Facts::Opens(_) => true,
        Facts::Nothing | Facts::Stake { .. } | Facts::Held => false,
    }
}

/// What is taken from and given to each account.
fn totals(postings: &[Posting]) -> BTreeMap<Account, (Money, Money)> {
    let mut totals = BTreeMap::<Account, (Money, Money)>::new();
    for posting in postings {
        // No agreement pays more than can be written; a sum that could not be would be refused as overdrawn.
        let taken = &mut totals.entry(posting.from).or_default().0;
        *taken = taken.plus(posting.amount).unwrap_or(Money::MAX);
        let given = &mut totals.entry(posting.to).or_default().1;
        *given = given.plus(posting.amount).unwrap_or(Money::MAX);
    }
    totals
}

fn integer_amount(amount: Money) -> i64 {
    integer(amount.units())
}
