//! What pages show: never more than a page of it, read in the order of an index.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use verinfer_protocols::agreement::Agreement;
use verinfer_protocols::digest::AgreementId;
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::time::Timestamp;

use super::read::{Listed, LogLine, content, lines, summary};
use super::{Store, StoreError, integer, natural, parsed};
use crate::books::Entry;

/// An agreement in a list.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it is about, between whom, and what it holds.
    pub listed: Listed,
    /// In which entry it last changed.
    pub changed: u64,
    /// How it ended, if it has.
    pub ended: Option<Agreement>,
}

/// What an entry did to an account's money.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The place of the entry.
    pub position: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What the account gained; less than nothing if it lost.
    pub units: i64,
    /// What it had then.
    pub balance: i64,
    /// The agreement that it is about.
    pub agreement: Option<AgreementId>,
    /// The entry, if it is about none.
    pub entry: Option<Entry>,
}

/// Of which agreements a list is.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    /// Only this account's.
    pub of: Option<AccountId>,
    /// Those that have ended, or those that have not.
    pub ended: bool,
    /// Those that changed last before this entry.
    pub before: u64,
}

const SHOWN: &str = "SELECT id, kind, stage, ended, deadline, proposer, acceptor, COALESCE(units, 0), changed, \
     CASE WHEN ended = 1 THEN content END FROM agreements LEFT JOIN balances ON account = 'holding:' || id";
const PAYMENTS: &str = "SELECT m.position, l.at, m.units, m.balance, l.agreement, CASE WHEN l.agreement IS NULL THEN l.entry END \
     FROM movements m JOIN log l ON l.position = m.position WHERE m.account = $1 AND m.position < $2 ORDER BY m.position DESC LIMIT $3";
const RESULTS: &str = "SELECT m.account, CAST(SUM(m.units) AS BIGINT) FROM log l JOIN movements m ON m.position = l.position \
     WHERE l.agreement = $1 GROUP BY m.account ORDER BY m.account";

impl Store {
    /// At most `limit` agreements, those that changed last first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn shown(&self, which: Which, limit: u32) -> Result<Vec<Shown>, StoreError> {
        let Which { of, ended, before } = which;
        let order = "ORDER BY changed DESC LIMIT $3";
        let half = |party: &str| {
            format!(
                "SELECT * FROM (SELECT id AS own FROM agreements WHERE {party} = $4 AND ended = $1 AND changed < $2 {order}) AS {party}s"
            )
        };
        let query = match of {
            None => format!("{SHOWN} WHERE ended = $1 AND changed < $2 {order}"),
            // An agreement that needs nobody else has its proposer in both places.
            Some(_) => format!("{SHOWN} WHERE id IN ({} UNION {}) {order}", half("proposer"), half("acceptor")),
        };
        // Nothing is in it but the texts above.
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(i64::from(ended)).bind(integer(before)).bind(i64::from(limit));
        let query = match of {
            None => query,
            Some(account) => query.bind(account.to_string()),
        };
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(shown).collect()
    }

    /// At most `limit` lines of the log before a position, the last first; no more once they have so many bytes.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn log_before(&self, before: u64, limit: u32, bytes: usize) -> Result<Vec<LogLine>, StoreError> {
        let query = "SELECT position, digest, entry FROM log WHERE position < $1 ORDER BY position DESC LIMIT $2";
        let query = sqlx::query(query).bind(integer(before)).bind(i64::from(limit));
        lines(query.fetch(&mut *self.connection().await?), bytes).await
    }

    /// At most `limit` lines about an agreement before a position, the last first; no more once they have so many bytes.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn log_of(&self, agreement: AgreementId, before: u64, limit: u32, bytes: usize) -> Result<Vec<LogLine>, StoreError> {
        let query = "SELECT position, digest, entry FROM log WHERE agreement = $1 AND position < $2 ORDER BY position DESC LIMIT $3";
        let query = sqlx::query(query).bind(agreement.to_string()).bind(integer(before)).bind(i64::from(limit));
        lines(query.fetch(&mut *self.connection().await?), bytes).await
    }

    /// At most `limit` accounts after one, by name, and what they have.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn accounts(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<(AccountId, i64)>, StoreError> {
        let query = "SELECT account, units FROM balances WHERE account > $1 AND account LIKE 'party:%' ORDER BY account LIMIT $2";
        let after = after.map_or_else(|| "party:".to_owned(), |account| Account::Party(account).to_string());
        let rows = sqlx::query(query).bind(after).bind(i64::from(limit)).fetch_all(&mut *self.connection().await?).await?;
        let account = |row: &AnyRow| Ok((party(row.try_get(0)?, "balances")?, row.try_get(1)?));
        rows.iter().map(account).collect()
    }

    /// At most `limit` payments to and from an account before an entry, the last first.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn payments_of(&self, account: AccountId, before: u64, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let query = sqlx::query(PAYMENTS).bind(Account::Party(account).to_string()).bind(integer(before)).bind(i64::from(limit));
        let rows = query.fetch_all(&mut *self.connection().await?).await?;
        rows.iter().map(payment).collect()
    }

    /// What each party has gained by an agreement so far, less than nothing if it has lost, or put something in; and the escrow's fees.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn results(&self, agreement: AgreementId) -> Result<Vec<(Option<AccountId>, i64)>, StoreError> {
        let rows = sqlx::query(RESULTS).bind(agreement.to_string()).fetch_all(&mut *self.connection().await?).await?;
        let result = |row: &AnyRow| {
            let account: &str = row.try_get(0)?;
            let account = if account == "fees" { None } else { Some(party(account, "movements")?) };
            Ok((account, row.try_get(1)?))
        };
        rows.iter().map(result).collect()
    }
}

fn shown(row: &AnyRow) -> Result<Shown, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(9)?;
    Ok(Shown {
        listed: Listed {
            summary: summary(row)?,
            proposer: parsed(row.try_get(5)?, "agreements", "proposer")?,
            acceptor: parsed(row.try_get(6)?, "agreements", "acceptor")?,
            held: row.try_get(7)?,
        },
        changed: natural(row.try_get(8)?, "agreements", "changed")?,
        ended: bytes.map(content).transpose()?,
    })
}

fn payment(row: &AnyRow) -> Result<Payment, StoreError> {
    let (agreement, entry): (Option<&str>, Option<&[u8]>) = (row.try_get(4)?, row.try_get(5)?);
    let decoded = |bytes: &[u8]| Entry::decode(bytes).ok_or(StoreError::Content { table: "log", column: "entry" });
    Ok(Payment {
        position: natural(row.try_get(0)?, "movements", "position")?,
        at: Timestamp(natural(row.try_get(1)?, "log", "at")?),
        units: row.try_get(2)?,
        balance: row.try_get(3)?,
        agreement: agreement.map(|id| parsed(id, "log", "agreement")).transpose()?,
        entry: entry.map(decoded).transpose()?,
    })
}

fn party(account: &str, table: &'static str) -> Result<AccountId, StoreError> {
    parsed(account.strip_prefix("party:").unwrap_or(account), table, "account")
}
