//! How long a database may take: one that is gone without a word must not keep everybody else waiting.

use std::time::Duration;

use tokio::time::timeout;

use super::StoreError;

/// For a step of a transaction, for which other writers wait.
pub const STEP: Duration = Duration::from_secs(10);

/// The result of some work with the database, if it takes no longer than it may.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(limit, work).await.unwrap_or(Err(StoreError::Hangs { limit }))
}
