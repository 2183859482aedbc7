//! The lock of a database: of all processes of an escrow, the one that holds it leads, and the others stand by.
//!
//! It keeps two processes from leading in turns. What keeps a process from writing that has lost the lock without knowing is its term
//! ([`Store::begin_term`]).

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Row as _};
use tokio::time::{MissedTickBehavior, interval};

use super::limit::within;
use super::place::Place;
use super::{Store, StoreError};

/// How often it is looked whether the session that holds the lock is there.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long the database may take for an answer about the lock. It gives the lock to others after five seconds without a heartbeat.
const ANSWER: Duration = Duration::from_secs(3);

/// A server gives up a session of which it has heard nothing for five seconds, whether its process has stopped or its machine is gone. Servers that do not
/// know one of these settings do without.
const LOSE_THE_SILENT: &str = "SELECT set_config(name, wanted.value, false) FROM (VALUES ('idle_session_timeout', '5000'), \
     ('statement_timeout', '3000'), ('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'), \
     ('tcp_user_timeout', '5000')) AS wanted (name, value) JOIN pg_settings USING (name)";

/// Takes the lock for a session of PostgreSQL, if nobody has it.
pub(super) const TRY: &str = "SELECT pg_try_advisory_lock(hashtextextended('verinfer-escrow ' || current_schema(), 0))";

/// The lock of a database, as this process sees it.
#[derive(Debug)]
pub struct Lock {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The database is in this process's memory.
    Alone,
    /// A file beside an SQLite database, locked by the operating system, which releases it with the process.
    File { path: PathBuf, held: Option<File> },
    /// An advisory lock of PostgreSQL, which releases it with the session. The session is this lock's own: pages must not keep it waiting.
    Session { options: Arc<AnyConnectOptions>, session: Option<AnyConnection> },
}

impl Store {
    /// The lock of this database, which is not held yet.
    pub fn lock(&self) -> Lock {
        let kind = match &self.place {
            Place::Memory => Kind::Alone,
            Place::File(file) => Kind::File { path: lock_of(file), held: None },
            Place::Server => Kind::Session { options: self.pool.connect_options(), session: None },
        };
        Lock { kind }
    }
}

impl Lock {
    /// Takes the lock if nobody holds it; whether it is held.
    ///
    /// # Errors
    ///
    /// The database fails, or the file cannot be made.
    pub async fn take(&mut self) -> Result<bool, StoreError> {
        let taken = self.try_to_take().await;
        if taken.is_err() {
            self.release();
        }
        taken
    }

    async fn try_to_take(&mut self) -> Result<bool, StoreError> {
        match &mut self.kind {
            Kind::Alone => Ok(true),
            Kind::File { path, held } => {
                *held = lock_file(path)?;
                Ok(held.is_some())
            }
            Kind::Session { options, session } => {
                within(ANSWER, async {
                    let mut connection = match session.take() {
                        Some(connection) => connection,
                        None => {
                            let mut connection = options.connect().await?;
                            sqlx::raw_sql(LOSE_THE_SILENT).execute(&mut connection).await?;
                            connection
                        }
                    };
                    let taken = sqlx::query(TRY).fetch_one(&mut connection).await?.try_get(0)?;
                    *session = Some(connection);
                    Ok(taken)
                })
                .await
            }
        }
    }

    /// Waits until the lock is lost, and says why.
    pub async fn lost(&mut self) -> StoreError {
        let Kind::Session { session: Some(session), .. } = &mut self.kind else { return std::future::pending().await };
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            heartbeat.tick().await;
            if let Err(error) = within(ANSWER, async { Ok(session.ping().await?) }).await {
                return error;
            }
        }
    }

    /// Gives the lock to others.
    pub fn release(&mut self) {
        match &mut self.kind {
            Kind::Alone => {}
            Kind::File { held, .. } => drop(held.take()),
            Kind::Session { session, .. } => drop(session.take()),
        }
    }
}

/// The file beside a database that is locked.
pub(super) fn lock_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// The file, if nobody else has locked it.
pub(super) fn lock_file(path: &Path) -> Result<Option<File>, StoreError> {
    verinfer_files::create_private(path)?;
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
