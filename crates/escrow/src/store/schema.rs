//! The tables, which have a version, and are brought to this program's by migrations; and the format of the log that they hold.
//!
//! All pending migrations are one transaction, which only one process is in at a time: two that start at once on an empty database both find it whole.
//! Nothing is changed under an escrow of an earlier version that still runs, nor in a log that this program cannot read.

use std::fs::File;

use sqlx::any::install_default_drivers;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Row as _, SqlSafeStr as _};

use super::StoreError;
use super::lock::{TRY, lock_file, lock_of};
use super::place::Place;
use crate::books::LOG_FORMAT;

/// One file for each version. A file that is in use does not change any more: its digest stands in the databases.
const MIGRATIONS: [(i64, &str, &str); 5] = [
    (1, "log and what follows", include_str!("../../migrations/0001_log_and_what_follows.sql")),
    (2, "lists", include_str!("../../migrations/0002_lists.sql")),
    (3, "payments", include_str!("../../migrations/0003_payments.sql")),
    (4, "rules and outcomes", include_str!("../../migrations/0004_rules_and_outcomes.sql")),
    (5, "names and records", include_str!("../../migrations/0005_names_and_records.sql")),
];

/// The last revision that wrote databases whose tables have no version.
pub const UNVERSIONED: &str = "5d55f48";

/// The table that names the migrations which were made.
const APPLIED: &str = "_sqlx_migrations";

/// A lock of PostgreSQL that whoever migrates an escrow's database takes.
const LOCK: i64 = 0x7665_7269_6e66_6572;

/// The version of this program's tables.
pub fn latest() -> i64 {
    MIGRATIONS.iter().map(|&(version, ..)| version).max().unwrap_or_default()
}

/// Who reads a log of another format.
pub const fn reader(format: i64) -> &'static str {
    match format {
        ..2 => "the program of revision 5d55f48 reads it",
        2 => "the program of revision 1087b1e reads it",
        3 => "the program of revision 0ec2a1e reads it",
        LOG_FORMAT.. => "use the program that wrote it",
    }
}

/// Makes the tables, or brings them to this program's version. The connection is this function's own: what goes wrong leaves nothing behind on it.
pub async fn migrate(url: &str) -> Result<(), StoreError> {
    install_default_drivers();
    let mut connection = AnyConnection::connect(url).await?;
    // Other processes wait from here on, until this one has committed.
    if is_sqlite(&connection) {
        sqlx::raw_sql("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE").execute(&mut connection).await?;
    } else {
        sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut connection).await?;
    }
    let found = version(&mut connection).await?;
    check_version(&mut connection, found).await?;
    let _alone = match found {
        Some(found) if found < latest() => alone(&mut connection, found).await?,
        Some(_) | None => None,
    };
    migrator().run_direct(None, &mut connection, false).await.map_err(|cause| StoreError::Migration { cause })?;
    sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
    if !is_sqlite(&connection) {
        // At once, so that nobody finds this session's lock taken.
        sqlx::raw_sql("SELECT pg_advisory_unlock_all()").execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// Checks that this program can read a database whose tables have a version, or bring them to its own.
async fn check_version(connection: &mut AnyConnection, found: Option<i64>) -> Result<(), StoreError> {
    let has_log = has_table(connection, "head").await?;
    match found {
        Some(found) if found > latest() => Err(StoreError::NewerTables { found }),
        Some(_) if has_log => check_format(connection).await,
        None if has_log => Err(StoreError::Unversioned),
        Some(_) | None => Ok(()),
    }
}

async fn check_format(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let head = sqlx::query("SELECT format FROM head").fetch_optional(connection).await?;
    match head.map(|row| row.try_get(0)).transpose()? {
        None | Some(LOG_FORMAT) => Ok(()),
        Some(found) => Err(StoreError::LogFormat { found }),
    }
}

/// Takes the lock of who leads until the connection is closed and what this gives is dropped: tables of an earlier version are those of a program that may
/// still run on them.
async fn alone(connection: &mut AnyConnection, found: i64) -> Result<Option<File>, StoreError> {
    let (taken, file) = if is_sqlite(connection) {
        match Place::of_sqlite(&mut *connection).await? {
            Place::File(path) => {
                let file = lock_file(&lock_of(&path))?;
                (file.is_some(), file)
            }
            Place::Memory | Place::Server => (true, None),
        }
    } else {
        (sqlx::query(TRY).fetch_one(connection).await?.try_get(0)?, None)
    };
    if taken { Ok(file) } else { Err(StoreError::InUse { found }) }
}

/// Checks that the tables and the log are such as this program writes.
pub async fn check(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let found = version(connection).await?;
    check_version(connection, found).await?;
    match found {
        Some(found) if found < latest() => Err(StoreError::OlderTables { found }),
        Some(_) => Ok(()),
        None => Err(StoreError::Empty),
    }
}

/// Checks that a database holds an escrow's log, which a copy then holds, too: of this version or an earlier one.
pub async fn check_copied(connection: &mut AnyConnection) -> Result<(), StoreError> {
    match version(connection).await? {
        Some(found) if found > latest() => Err(StoreError::NewerTables { found }),
        Some(_) | None if has_table(connection, "head").await? => Ok(()),
        Some(_) | None => Err(StoreError::Empty),
    }
}

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        // Without transactions of their own: they are parts of one.
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), true)
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.map(migration).into());
    // Its lock ends before the transaction, and is none on SQLite.
    migrator.set_locking(false);
    migrator
}

/// The version of the tables; nothing where they have none, or there are none.
async fn version(connection: &mut AnyConnection) -> Result<Option<i64>, StoreError> {
    if !has_table(connection, APPLIED).await? {
        return Ok(None);
    }
    let row = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

async fn has_table(connection: &mut AnyConnection, name: &str) -> Result<bool, StoreError> {
    let query = if is_sqlite(connection) {
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1"
    } else {
        "SELECT 1 WHERE to_regclass($1) IS NOT NULL"
    };
    Ok(sqlx::query(query).bind(name).fetch_optional(connection).await?.is_some())
}

fn is_sqlite(connection: &AnyConnection) -> bool {
    connection.backend_name() == "SQLite"
}
