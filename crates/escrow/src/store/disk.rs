//! Room on the disk: whether there is enough, and whether anything can be written.

use std::path::Path;

use super::limit::{STEP, within};
use super::{Store, StoreError};

impl Store {
    /// Bytes that this process can still write on the disk of an SQLite database; nothing of PostgreSQL's, which may be anywhere.
    ///
    /// # Errors
    ///
    /// The operating system does not say.
    pub fn free_bytes(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.place.folder().map(free_bytes).transpose()?.flatten())
    }

    /// Writes so many bytes and removes them: afterwards there is room for them, and nothing else has changed.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn rehearse(&self, bytes: usize) -> Result<(), StoreError> {
        // As long as a file of this length, however databases compress.
        let mut content = vec![0; bytes];
        blake3::Hasher::new().finalize_xof().fill(&mut content);
        let mut transaction = self.transaction().await?;
        within(STEP, async move {
            // A table that is dropped leaves nothing behind in either database; a row that is deleted does.
            sqlx::raw_sql("CREATE TABLE rehearsal (content BYTEA NOT NULL)").execute(&mut *transaction).await?;
            let put = sqlx::query("INSERT INTO rehearsal (content) VALUES ($1)").bind(content);
            put.persistent(false).execute(&mut *transaction).await?;
            sqlx::raw_sql("DROP TABLE rehearsal").execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> std::io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// Other systems are not asked.
#[cfg(not(unix))]
const fn free_bytes(_folder: &Path) -> std::io::Result<Option<u64>> {
    Ok(None)
}
