//! Files that parties leave with an agreement.

use sqlx::Row as _;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;

use super::{Store, StoreError, integer, natural};

impl Store {
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
