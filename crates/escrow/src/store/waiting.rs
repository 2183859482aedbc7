//! Requests that wait for their turn: they are in time by when they were received, also if the escrow is stopped before they are decided on.

use sqlx::Row as _;
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::time::Timestamp;

use super::limit::{STEP, within};
use super::{Store, StoreError, integer, natural, parsed};

impl Store {
    /// Writes down that a request waits. What was written first counts.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn note(&self, request: Digest, agreement: AgreementId, received: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.transaction().await?;
        let put = "INSERT INTO waiting (request, agreement, received) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let put = sqlx::query(put).bind(request.to_string()).bind(agreement.to_string()).bind(integer(received.0));
        within(STEP, async move {
            put.execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }

    /// When a request that waits was received first, if that was written down.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn noted(&self, request: Digest) -> Result<Option<Timestamp>, StoreError> {
        let query = sqlx::query("SELECT received FROM waiting WHERE request = $1").bind(request.to_string());
        let row = query.fetch_optional(&mut *self.connection().await?).await?;
        row.map(|row| natural(row.try_get(0)?, "waiting", "received").map(Timestamp)).transpose()
    }

    /// All agreements about which a request waits, with when it was received.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn all_noted(&self) -> Result<Vec<(AgreementId, Timestamp)>, StoreError> {
        let rows = sqlx::query("SELECT agreement, received FROM waiting").fetch_all(&mut *self.connection().await?).await?;
        let read = |row: &sqlx::any::AnyRow| {
            let received = natural(row.try_get(1)?, "waiting", "received")?;
            Ok((parsed(row.try_get(0)?, "waiting", "agreement")?, Timestamp(received)))
        };
        rows.iter().map(read).collect()
    }

    /// A request is refused: it waits no longer.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn forget(&self, request: Digest) -> Result<(), StoreError> {
        let mut transaction = self.transaction().await?;
        within(STEP, async move {
            sqlx::query("DELETE FROM waiting WHERE request = $1").bind(request.to_string()).execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }
}
