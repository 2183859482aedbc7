//! What is read without writing.

use futures_util::{Stream, TryStreamExt as _};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use verinfer_escrow_client::messages::AgreementSummary;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Timestamp;

use super::{Head, Store, StoreError, integer, natural, parsed, scope};
use crate::books::Entry;

/// An agreement as it stands in the database.
#[derive(Clone, Debug)]
pub struct Row {
    /// The agreement.
    pub agreement: Agreement,
    /// In which entry it was opened.
    pub opened: u64,
    /// In which entry it last changed.
    pub changed: u64,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Its place; the first has 1.
    pub position: u64,
    /// Digest of the log up to it.
    pub digest: Digest,
    /// The bytes of the entry.
    pub entry: Vec<u8>,
}

/// What the page shows first.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The end of the log.
    pub head: Head,
    /// What parties have, by account; the first ones.
    pub balances: Vec<(AccountId, i64)>,
    /// What the escrow has earned.
    pub fees: i64,
    /// What was withdrawn and not paid out yet.
    pub due: i64,
    /// What all holding accounts have together.
    pub held: i64,
    /// What was paid in and not paid out.
    pub issued: i64,
    /// Agreements that have not ended.
    pub open: u64,
    /// Agreements that have.
    pub ended: u64,
}

/// An agreement in the list of the page.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What it is about, and how far it is.
    pub summary: AgreementSummary,
    /// Who has proposed it.
    pub proposer: AccountId,
    /// Who accepts it; the proposer, if it needs nobody else.
    pub acceptor: AccountId,
    /// What it holds.
    pub held: i64,
}

impl LogLine {
    /// The entry.
    ///
    /// # Errors
    ///
    /// The bytes are none.
    pub fn decode(&self) -> Result<Entry, StoreError> {
        Entry::decode(&self.entry).ok_or(StoreError::Content { table: "log", column: "entry" })
    }
}

/// All in one statement, so that what a reader sees adds up. Parties come last by name; only agreements that have not ended hold anything.
const BALANCES: &str = "SELECT account, units FROM (\
     SELECT 0 AS place, account, units FROM balances WHERE account IN ('due', 'fees', 'outside') \
     UNION ALL SELECT 0, 'holding', CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM balances WHERE units <> 0 AND account LIKE 'holding:%' \
     UNION ALL SELECT 1, account, units FROM \
     (SELECT account, units FROM balances WHERE account > 'party:' AND account LIKE 'party:%' ORDER BY account LIMIT $1) AS parties\
     ) AS shown ORDER BY place, account";
/// Those that have not ended, then those that have, each half read in the order of its index and no further than needed. An agreement that needs nobody
/// else has its proposer in both places.
const SUMMARY_OF: &str = "SELECT id, kind, stage, ended, deadline FROM (\
     SELECT * FROM (SELECT id, kind, stage, ended, deadline, changed FROM agreements \
     WHERE proposer = $1 AND ended = 0 ORDER BY changed DESC LIMIT $2) AS proposed \
     UNION ALL SELECT * FROM (SELECT id, kind, stage, ended, deadline, changed FROM agreements \
     WHERE acceptor = $1 AND proposer <> $1 AND ended = 0 ORDER BY changed DESC LIMIT $2) AS accepted \
     UNION ALL SELECT * FROM (SELECT id, kind, stage, ended, deadline, changed FROM agreements \
     WHERE proposer = $1 AND ended = 1 ORDER BY changed DESC LIMIT $3) AS proposed_before \
     UNION ALL SELECT * FROM (SELECT id, kind, stage, ended, deadline, changed FROM agreements \
     WHERE acceptor = $1 AND proposer <> $1 AND ended = 1 ORDER BY changed DESC LIMIT $3) AS accepted_before \
     ) AS own ORDER BY ended, changed DESC";

impl Store {
    /// The end of the log.
    ///
    /// # Errors
    ///
    /// There is none, or the database fails.
    pub async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.head_and_term().await?.0)
    }

    /// As [`Store::head`], as long as no later term than this one has begun: who was deposed and does not know it yet says nothing of the log.
    ///
    /// # Errors
    ///
    /// A later term has begun, or as [`Store::head`].
    pub async fn head_in(&self, term: i64) -> Result<Head, StoreError> {
        let (head, last) = self.head_and_term().await?;
        if last == Some(term) { Ok(head) } else { Err(StoreError::Deposed) }
    }

    /// Both as they are at one time.
    async fn head_and_term(&self) -> Result<(Head, Option<i64>), StoreError> {
        let query = sqlx::query("SELECT escrow, position, digest, clock, (SELECT term FROM leader) FROM head");
        let row = query.fetch_optional(&mut *self.connection().await?).await?.ok_or(StoreError::Empty)?;
        let head = Head {
            escrow: parsed(row.try_get(0)?, "head", "escrow")?,
            position: natural(row.try_get(1)?, "head", "position")?,
            digest: parsed(row.try_get(2)?, "head", "digest")?,
            clock: Timestamp(natural(row.try_get(3)?, "head", "clock")?),
        };
        Ok((head, row.try_get(4)?))
    }

    /// The digest of the log up to an entry, if there is one.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn digest_at(&self, position: u64) -> Result<Option<Digest>, StoreError> {
        digest_at(&mut *self.connection().await?, position).await
    }

    /// An agreement, if there is one of this name.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn agreement(&self, id: AgreementId) -> Result<Option<Row>, StoreError> {
        agreement(&mut *self.connection().await?, id).await
    }

    /// What an account has.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn balance(&self, account: Account) -> Result<Money, StoreError> {
        let wrong = StoreError::Content { table: "balances", column: "units" };
        Money::new(natural(self.units(account).await?, "balances", "units")?).map_err(|_| wrong)
    }

    /// The same, less than nothing for what it owes.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn units(&self, account: Account) -> Result<i64, StoreError> {
        let query = sqlx::query("SELECT units FROM balances WHERE account = $1").bind(account.to_string());
        let row = query.fetch_optional(&mut *self.connection().await?).await?;
        Ok(row.map_or(Ok(0), |row| row.try_get(0))?)
    }

    /// Whether anything was ever paid to or by an account.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn is_known(&self, account: AccountId) -> Result<bool, StoreError> {
        let query = sqlx::query("SELECT 1 FROM balances WHERE account = $1").bind(Account::Party(account).to_string());
        Ok(query.fetch_optional(&mut *self.connection().await?).await?.is_some())
    }

    /// The number of an account's last request about an agreement.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn last_sequence(&self, account: AccountId, agreement: AgreementId) -> Result<u64, StoreError> {
        last_sequence(&mut *self.connection().await?, account, agreement).await
    }

    /// Agreements of an account, first at most `open` that have not ended, then at most `ended` that have; of each those first that changed last.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn summaries(&self, of: AccountId, open: u16, ended: u16) -> Result<Vec<AgreementSummary>, StoreError> {
        let query = sqlx::query(SUMMARY_OF).bind(of.to_string()).bind(i64::from(open)).bind(i64::from(ended));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        let (have_ended, mut summaries): (Vec<_>, Vec<_>) =
            rows.iter().map(summary).collect::<Result<Vec<_>, _>>()?.into_iter().partition(|summary| summary.ended);
        summaries.truncate(open.into());
        summaries.extend(have_ended.into_iter().take(ended.into()));
        Ok(summaries)
    }

    /// Whether an account has an agreement that has not ended.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn is_bound(&self, account: AccountId) -> Result<bool, StoreError> {
        let open = "SELECT 1 WHERE EXISTS (SELECT 1 FROM agreements WHERE proposer = $1 AND ended = 0) \
                    OR EXISTS (SELECT 1 FROM agreements WHERE acceptor = $1 AND ended = 0)";
        let query = sqlx::query(open).bind(account.to_string());
        Ok(query.fetch_optional(&mut *self.connection().await?).await?.is_some())
    }

    /// Agreements whose stage is over at a time, the longest first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<AgreementId>, StoreError> {
        let due = "SELECT id FROM agreements WHERE ended = 0 AND deadline <= $1 ORDER BY deadline LIMIT $2";
        let query = sqlx::query(due).bind(integer(now.0)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| parsed(row.try_get(0)?, "agreements", "id")).collect()
    }

    /// At most `limit` lines of the log after a position, in order, about one agreement or all; no more once they have so many bytes.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn log(&self, about: Option<AgreementId>, after: u64, limit: u32, bytes: usize) -> Result<Vec<LogLine>, StoreError> {
        let all = "SELECT position, digest, entry FROM log WHERE position > $1 ORDER BY position LIMIT $2";
        let some = "SELECT position, digest, entry FROM log WHERE position > $1 AND agreement = $3 ORDER BY position LIMIT $2";
        let query = sqlx::query(if about.is_some() { some } else { all }).bind(integer(after)).bind(i64::from(limit));
        let query = match about {
            Some(id) => query.bind(id.to_string()),
            None => query,
        };
        lines(query.fetch(&mut *self.connection().await?), bytes).await
    }

    /// A line of the log, if there is one at this place.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn line(&self, position: u64) -> Result<Option<LogLine>, StoreError> {
        Ok(self.log(None, position.saturating_sub(1), 1, usize::MAX).await?.pop().filter(|line| line.position == position))
    }

    /// What the page shows first, with so many of the balances.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn overview(&self, balances: u32) -> Result<Overview, StoreError> {
        let head = self.head().await?;
        let connection = &mut *self.connection().await?;
        let count = "SELECT CAST(COALESCE(SUM(ended), 0) AS BIGINT), COUNT(*) FROM agreements";
        let row = sqlx::query(count).fetch_one(&mut *connection).await?;
        let (ended, all) = (natural(row.try_get(0)?, "agreements", "ended")?, natural(row.try_get(1)?, "agreements", "ended")?);
        let mut overview =
            Overview { head, balances: Vec::new(), fees: 0, due: 0, held: 0, issued: 0, open: all.saturating_sub(ended), ended };
        for row in sqlx::query(BALANCES).bind(i64::from(balances)).fetch_all(&mut *connection).await? {
            let (account, units): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
            match account {
                "fees" => overview.fees = units,
                "due" => overview.due = units,
                "holding" => overview.held = units,
                "outside" => overview.issued = units.saturating_neg(),
                party => {
                    let key = party.strip_prefix("party:").unwrap_or(party);
                    overview.balances.push((parsed(key, "balances", "account")?, units));
                }
            }
        }
        Ok(overview)
    }

    /// At most `limit` accounts after one, by name, that have something or owe it.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn balances(&self, after: &str, limit: u32) -> Result<Vec<(String, i64)>, StoreError> {
        let query = "SELECT account, units FROM balances WHERE units <> 0 AND account > $1 ORDER BY account LIMIT $2";
        let query = sqlx::query(query).bind(after.to_owned()).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// At most `limit` agreements after one, by name.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn agreements(&self, after: Option<AgreementId>, limit: u32) -> Result<Vec<(AgreementId, Agreement)>, StoreError> {
        let query = "SELECT id, content FROM agreements WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = sqlx::query(query).bind(after).bind(i64::from(limit)).fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(|row| Ok((parsed(row.try_get(0)?, "agreements", "id")?, content(row.try_get(1)?)?))).collect()
    }
}

/// Rows of the log, until they have so many bytes.
pub(super) async fn lines(
    mut rows: impl Stream<Item = Result<AnyRow, sqlx::Error>> + Unpin,
    bytes: usize,
) -> Result<Vec<LogLine>, StoreError> {
    let (mut lines, mut read) = (Vec::new(), 0_usize);
    while read < bytes
        && let Some(row) = rows.try_next().await?
    {
        let position = natural(row.try_get(0)?, "log", "position")?;
        let line = LogLine { position, digest: parsed(row.try_get(1)?, "log", "digest")?, entry: row.try_get(2)? };
        read = read.saturating_add(line.entry.len());
        lines.push(line);
    }
    Ok(lines)
}

/// The first columns of [`SUMMARY_OF`] and of what pages list.
pub(super) fn summary(row: &AnyRow) -> Result<AgreementSummary, StoreError> {
    let deadline: Option<i64> = row.try_get(4)?;
    Ok(AgreementSummary {
        id: parsed(row.try_get(0)?, "agreements", "id")?,
        kind: row.try_get(1)?,
        stage: row.try_get(2)?,
        ended: row.try_get::<i64, _>(3)? != 0,
        deadline: deadline.map(|at| natural(at, "agreements", "deadline").map(Timestamp)).transpose()?,
    })
}

/// The digest of the log up to an entry, if there is one.
pub(super) async fn digest_at(connection: &mut AnyConnection, position: u64) -> Result<Option<Digest>, StoreError> {
    let query = sqlx::query("SELECT digest FROM log WHERE position = $1").bind(integer(position));
    let row = query.fetch_optional(connection).await?;
    row.map(|row| parsed(row.try_get(0)?, "log", "digest")).transpose()
}

/// An agreement, if there is one of this name.
pub(super) async fn agreement(connection: &mut AnyConnection, id: AgreementId) -> Result<Option<Row>, StoreError> {
    let query = sqlx::query("SELECT content, opened, changed FROM agreements WHERE id = $1").bind(id.to_string());
    let Some(row) = query.fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(Row {
        agreement: content(row.try_get(0)?)?,
        opened: natural(row.try_get(1)?, "agreements", "opened")?,
        changed: natural(row.try_get(2)?, "agreements", "changed")?,
    }))
}

/// The number of an account's last request about an agreement.
pub(super) async fn last_sequence(connection: &mut AnyConnection, account: AccountId, agreement: AgreementId) -> Result<u64, StoreError> {
    let query = sqlx::query("SELECT last FROM sequences WHERE account = $1 AND agreement = $2");
    let row = query.bind(account.to_string()).bind(scope(agreement)).fetch_optional(connection).await?;
    row.map_or(Ok(0), |row| natural(row.try_get(0)?, "sequences", "last"))
}

pub(super) fn content(bytes: &[u8]) -> Result<Agreement, StoreError> {
    postcard::from_bytes(bytes).map_err(|_| StoreError::Content { table: "agreements", column: "content" })
}
