//! Files that parties leave with an agreement. They stay as long as the database.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row as _};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

use super::{Store, StoreError, integer, natural};

/// Files that one query asks for: databases bound how many values a query has.
const ASKED: usize = 250;

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

    /// Keeps a file, unless the owner's files with this agreement would have more than `most` bytes; says whether it is kept.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn keep_file(&self, agreement: AgreementId, owner: AccountId, bytes: &[u8], most: u64) -> Result<bool, StoreError> {
        let _turn = self.writers.lock().await;
        let mut transaction = self.pool.begin().await?;
        let (len, digest) = (u64::try_from(bytes.len()).unwrap_or(u64::MAX), Digest::of_bytes(bytes));
        let put = "INSERT INTO files (agreement, digest, owner, bytes, content) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let put = sqlx::query(put).bind(agreement.to_string()).bind(digest.to_string()).bind(owner.to_string());
        put.bind(integer(len)).bind(bytes).execute(&mut *transaction).await?;
        let sum = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM files WHERE agreement = $1 AND owner = $2";
        let sum = sqlx::query(sum).bind(agreement.to_string()).bind(owner.to_string());
        let used = natural(sum.fetch_one(&mut *transaction).await?.try_get(0)?, "files", "bytes")?;
        if used > most {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }
}
