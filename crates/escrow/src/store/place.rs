//! Where a database is.

use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Row as _};

use super::StoreError;

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process's memory.
    Memory,
    /// In an SQLite file.
    File(PathBuf),
    /// With a PostgreSQL server, which may be anywhere.
    Server,
}

impl Place {
    /// Where an SQLite database is, by its own account.
    pub async fn of_sqlite(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let file = sqlx::query("SELECT file FROM pragma_database_list WHERE name = 'main'").fetch_one(connection).await?;
        let file: String = file.try_get(0)?;
        Ok(if file.is_empty() { Self::Memory } else { Self::File(file.into()) })
    }

    /// The folder of the file.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(file) => file.parent(),
            Self::Memory | Self::Server => None,
        }
    }
}
