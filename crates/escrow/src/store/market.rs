//! What the marketplace knows besides single agreements: its rules, what stakes have covered, how agreements have ended.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use verinfer_escrow_client::messages::OutcomeCount;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest, canonical};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::money::Money;
use verinfer_protocols::rules::Rules;

use super::write::Writing;
use super::{Store, StoreError, integer, natural, parsed};
use crate::books::Cover;

impl Store {
    /// The marketplace's rules.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn rules(&self) -> Result<Rules, StoreError> {
        Ok(rules(&mut *self.connection().await?).await?.unwrap_or_default())
    }

    /// Whether the log has an entry that sets the rules.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn has_rules(&self) -> Result<bool, StoreError> {
        Ok(rules(&mut *self.connection().await?).await?.is_some())
    }

    /// How the agreements of an account have ended.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn outcomes(&self, account: AccountId) -> Result<Vec<OutcomeCount>, StoreError> {
        let read = "SELECT proposed, kind, outcome, times, units FROM outcomes WHERE account = $1 ORDER BY proposed, kind, outcome";
        let rows = sqlx::query(read).bind(account.to_string()).fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| counted(row, 0)).collect()
    }

    /// Agreements in which a customer had a target met by a model, the newest first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn met_targets(&self, customer: AccountId, model: Digest, limit: u32) -> Result<Vec<AgreementId>, StoreError> {
        let met = "SELECT id FROM agreements WHERE proposer = $1 AND model = $2 AND outcome = 'target_met' ORDER BY changed DESC LIMIT $3";
        let query = sqlx::query(met).bind(customer.to_string()).bind(model.to_string()).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| parsed(row.try_get(0)?, "agreements", "id")).collect()
    }

    /// How many agreements count against what a stake covers.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn covered(&self, stake: AgreementId) -> Result<u32, StoreError> {
        covered(&mut *self.connection().await?, stake).await
    }

    /// How the agreements of all accounts have ended, and what all stakes have covered, for the audit.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn counts(&self) -> Result<(Vec<(AccountId, OutcomeCount)>, Vec<(AgreementId, u32)>), StoreError> {
        let connection = &mut *self.connection().await?;
        let rows = sqlx::query("SELECT account, proposed, kind, outcome, times, units FROM outcomes").fetch_all(&mut *connection).await?;
        let outcome = |row: &AnyRow| Ok((parsed(row.try_get(0)?, "outcomes", "account")?, counted(row, 1)?));
        let outcomes = rows.iter().map(outcome).collect::<Result<_, StoreError>>()?;
        let rows = sqlx::query("SELECT stake, agreements FROM covered").fetch_all(&mut *connection).await?;
        let covered = |row: &AnyRow| Ok((parsed(row.try_get(0)?, "covered", "stake")?, number(row.try_get(1)?)?));
        Ok((outcomes, rows.iter().map(covered).collect::<Result<_, StoreError>>()?))
    }
}

impl Writing {
    pub(super) async fn covered(&mut self, stake: AgreementId) -> Result<u32, StoreError> {
        covered(&mut self.transaction, stake).await
    }

    pub(super) async fn set_rules(&mut self, rules: &Rules) -> Result<(), StoreError> {
        let put = "INSERT INTO rules (only_row, content) VALUES (1, $1) ON CONFLICT (only_row) DO UPDATE SET content = $1";
        sqlx::query(put).bind(canonical(rules)).execute(&mut *self.transaction).await?;
        Ok(())
    }

    pub(super) async fn cover(&mut self, stake: AgreementId, cover: Cover) -> Result<(), StoreError> {
        let covered = cover.of(self.covered(stake).await?);
        let put = "INSERT INTO covered (stake, agreements) VALUES ($1, $2) ON CONFLICT (stake) DO UPDATE SET agreements = $2";
        sqlx::query(put).bind(stake.to_string()).bind(i64::from(covered)).execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Counts how an agreement has ended, for both parties.
    pub(super) async fn count_outcome(&mut self, agreement: &Agreement) -> Result<(), StoreError> {
        for (account, proposed, outcome) in ended(agreement) {
            let put = "INSERT INTO outcomes (account, proposed, kind, outcome, times, units) VALUES ($1, $2, $3, $4, 1, $5) \
                       ON CONFLICT (account, proposed, kind, outcome) DO UPDATE SET times = outcomes.times + 1, \
                       units = CASE WHEN outcomes.units > $6 - $5 THEN $6 ELSE outcomes.units + $5 END";
            let query = sqlx::query(put).bind(account.to_string()).bind(i64::from(proposed)).bind(agreement.terms.kind()).bind(outcome);
            let query = query.bind(integer(agreement.weight().units())).bind(integer(Money::MAX.units()));
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

/// Whose counts the end of an agreement changes: whether the account had proposed it, and how it ended.
pub fn ended(agreement: &Agreement) -> impl Iterator<Item = (AccountId, bool, &'static str)> {
    let (proposer, acceptor) = agreement.terms.parties();
    let outcome = agreement.state.outcome();
    [Some((proposer, true)), acceptor.map(|acceptor| (acceptor, false))]
        .into_iter()
        .flatten()
        .filter_map(move |(account, proposed)| outcome.map(|outcome| (account, proposed, outcome)))
}

async fn rules(connection: &mut AnyConnection) -> Result<Option<Rules>, StoreError> {
    let Some(row) = sqlx::query("SELECT content FROM rules").fetch_optional(connection).await? else { return Ok(None) };
    rules_of(row.try_get(0)?).map(Some)
}

/// Rules as they are kept.
pub(super) fn rules_of(content: &[u8]) -> Result<Rules, StoreError> {
    postcard::from_bytes(content).map_err(|_| StoreError::Content { table: "rules", column: "content" })
}

/// The columns from `first` on.
fn counted(row: &AnyRow, first: usize) -> Result<OutcomeCount, StoreError> {
    let column = |number: usize| first.saturating_add(number);
    Ok(OutcomeCount {
        proposed: row.try_get::<i64, _>(column(0))? != 0,
        kind: row.try_get(column(1))?,
        outcome: row.try_get(column(2))?,
        times: natural(row.try_get(column(3))?, "outcomes", "times")?,
        units: natural(row.try_get(column(4))?, "outcomes", "units")?,
    })
}

async fn covered(connection: &mut AnyConnection, stake: AgreementId) -> Result<u32, StoreError> {
    let query = sqlx::query("SELECT agreements FROM covered WHERE stake = $1").bind(stake.to_string());
    let row = query.fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| number(row.try_get(0)?))
}

fn number(agreements: i64) -> Result<u32, StoreError> {
    u32::try_from(agreements).map_err(|_| StoreError::Content { table: "covered", column: "agreements" })
}
