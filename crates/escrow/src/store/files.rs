//! Files that parties leave with an agreement. They stay as long as the database, unless the agreement ends before it was accepted.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};
use verinfer_escrow_client::FILE_OVERHEAD;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

use super::limit::{STEP, within};
use super::transaction::Transaction;
use super::{Store, StoreError, integer, natural};

/// Files that one query asks for: databases bound how many values a query has.
const ASKED: usize = 250;

/// How much room the files of an account may take.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Bytes of those with one agreement.
    pub agreement: u64,
    /// Bytes of those with all agreements that have not ended, and [`FILE_OVERHEAD`] for each.
    pub account: u64,
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is there.
    Kept,
    /// It is not kept: the agreement has ended.
    Ended,
    /// It is not kept: the account's files with the agreement would be too many.
    AgreementFull,
    /// It is not kept: the account's files would be too many.
    AccountFull,
}

impl Store {
    /// Whether all these files were left with an agreement.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn holds_files(&self, agreement: AgreementId, files: &[Digest]) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let different: Vec<&Digest> = files.iter().collect::<BTreeSet<_>>().into_iter().collect();
        for asked in different.chunks(ASKED) {
            let places: Vec<String> = (2..).take(asked.len()).map(|place| format!("${place}")).collect();
            let count = format!("SELECT COUNT(*) FROM files WHERE agreement = $1 AND digest IN ({})", places.join(", "));
            // Nothing is in it but numbers of places.
            let mut query = sqlx::query(AssertSqlSafe(count)).bind(agreement.to_string());
            for file in asked {
                query = query.bind(file.to_string());
            }
            let held: i64 = query.persistent(false).fetch_one(&mut *connection).await?.try_get(0)?;
            if usize::try_from(held) != Ok(asked.len()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A file, if it was left with the agreement.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn file(&self, agreement: AgreementId, file: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query("SELECT content FROM files WHERE agreement = $1 AND digest = $2");
        let query = query.bind(agreement.to_string()).bind(file.to_string());
        let row = query.fetch_optional(&mut *self.connection().await?).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// How many bytes a file has, if it was left with the agreement.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn file_bytes(&self, agreement: AgreementId, file: Digest) -> Result<Option<u64>, StoreError> {
        let query = sqlx::query("SELECT bytes FROM files WHERE agreement = $1 AND digest = $2");
        let query = query.bind(agreement.to_string()).bind(file.to_string());
        let row = query.fetch_optional(&mut *self.connection().await?).await?;
        row.map(|row| natural(row.try_get(0)?, "files", "bytes")).transpose()
    }

    /// Keeps a file, if there is room for it. One that is there takes no more room.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn keep_file(&self, agreement: AgreementId, owner: AccountId, bytes: &[u8], limits: FileLimits) -> Result<Kept, StoreError> {
        let transaction = self.transaction().await?;
        within(STEP, keep(transaction, agreement, owner, bytes, limits)).await
    }
}

async fn keep(
    mut transaction: Transaction,
    agreement: AgreementId,
    owner: AccountId,
    bytes: &[u8],
    limits: FileLimits,
) -> Result<Kept, StoreError> {
    let (id, account, digest) = (agreement.to_string(), owner.to_string(), Digest::of_bytes(bytes).to_string());
    let len = integer(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    // First of all, so that nobody else writes from here on.
    let take = "INSERT INTO room (agreement, owner, files, bytes) VALUES ($1, $2, 1, $3) \
                ON CONFLICT (agreement, owner) DO UPDATE SET files = room.files + 1, bytes = room.bytes + $3 RETURNING bytes";
    let take = sqlx::query(take).bind(&id).bind(&account).bind(len);
    let used = natural(take.fetch_one(&mut *transaction).await?.try_get(0)?, "room", "bytes")?;
    let there = sqlx::query("SELECT 1 FROM files WHERE agreement = $1 AND digest = $2").bind(&id).bind(&digest);
    if there.fetch_optional(&mut *transaction).await?.is_some() {
        return Ok(Kept::Kept);
    }
    let ended = sqlx::query("SELECT 1 FROM agreements WHERE id = $1 AND ended <> 0").bind(&id);
    if ended.fetch_optional(&mut *transaction).await?.is_some() {
        return Ok(Kept::Ended);
    }
    if used > limits.agreement {
        return Ok(Kept::AgreementFull);
    }
    let sum = "SELECT CAST(COALESCE(SUM(bytes + files * $2), 0) AS BIGINT) FROM room WHERE owner = $1";
    let sum = sqlx::query(sum).bind(&account).bind(integer(FILE_OVERHEAD));
    let used = natural(sum.fetch_one(&mut *transaction).await?.try_get(0)?, "room", "bytes")?;
    if used > limits.account {
        return Ok(Kept::AccountFull);
    }
    let put = "INSERT INTO files (agreement, digest, owner, bytes, content) VALUES ($1, $2, $3, $4, $5)";
    let put = sqlx::query(put).bind(&id).bind(&digest).bind(&account).bind(len).bind(bytes);
    put.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Kept::Kept)
}
