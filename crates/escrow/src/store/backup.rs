//! A copy of an SQLite database while it is in use.

use std::path::Path;

use sqlx::any::install_default_drivers;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Row as _};

use super::place::Place;
use super::{Store, StoreError, natural, parsed, schema};
use crate::mark::Mark;

impl Store {
    /// Writes a database as it is now into an empty file, and gives the end of the log that the copy has. Nobody waits for it. Its tables may be of an earlier
    /// version: before they are brought to this program's there should be a copy.
    ///
    /// # Errors
    ///
    /// The database is no SQLite file, fails, or the copy cannot be written.
    pub async fn copy(url: &str, file: &Path) -> Result<Mark, StoreError> {
        if !url.starts_with("sqlite:") {
            return Err(StoreError::NoFile);
        }
        install_default_drivers();
        let path = file.to_str().ok_or(StoreError::Path)?;
        let mut database = AnyConnection::connect(url).await?;
        if let Place::Memory | Place::Server = Place::of_sqlite(&mut database).await? {
            return Err(StoreError::NoFile);
        }
        sqlx::raw_sql("PRAGMA busy_timeout = 30000").execute(&mut database).await?;
        schema::check_copied(&mut database).await?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&mut database).await?;
        database.close().await?;
        // Read from the copy: the log has gone on meanwhile.
        let mut copy = SqliteConnectOptions::new().filename(file).read_only(true).connect().await?;
        let row = sqlx::query("SELECT position, digest FROM head").fetch_optional(&mut copy).await?.ok_or(StoreError::Empty)?;
        let mark = Mark { position: natural(row.try_get(0)?, "head", "position")?, digest: parsed(row.try_get(1)?, "head", "digest")? };
        copy.close().await?;
        Ok(mark)
    }

    /// Checks that the log goes on from a place where it was.
    ///
    /// # Errors
    ///
    /// It ends before, or had another entry there; the database fails.
    pub async fn check_mark(&self, mark: Mark) -> Result<(), StoreError> {
        let head = self.head().await?;
        if head.position < mark.position {
            return Err(StoreError::Older { found: head.position, expected: mark.position });
        }
        let digest = match mark.position {
            0 => Some(crate::books::empty_log(head.escrow)),
            position if position == head.position => Some(head.digest),
            position => self.digest_at(position).await?,
        };
        if digest == Some(mark.digest) { Ok(()) } else { Err(StoreError::OtherLog { position: mark.position }) }
    }
}
