//! One transaction, on a connection that goes back to the pool only if it ended as it was asked to.
//!
//! A database may end a transaction by itself: SQLite rolls back when its disk is full. Whoever counts transactions is then one off, and what is
//! committed later on that connection is not. So nothing is counted here: `BEGIN` must begin one and `COMMIT` must end one, or the connection is closed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::StoreError;
use super::limit::{STEP, within};

/// How long the next writer waits for a rollback: a connection may be gone without a word.
const ROLLBACK: Duration = Duration::from_secs(2);

/// How long it waits for a commit, for the same reason.
const COMMIT: Duration = Duration::from_secs(5);

/// The turn to write, in this process.
pub type Turn = OwnedMutexGuard<()>;

/// A transaction of the only writer of this process. Dropped, it is rolled back before anybody else writes.
#[derive(Debug)]
pub struct Transaction {
    /// Nothing once it has ended.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: PoolConnection<Any>,
    turn: Turn,
}

/// Why a commit is not known to have worked.
#[derive(Debug)]
pub enum Uncommitted {
    /// It is rolled back.
    Refused(StoreError),
    /// Nobody has said what has become of it. Its connection is closed, and nobody else writes before the turn is given on.
    Unknown {
        /// What went wrong.
        cause: StoreError,
        /// With it one can [look](Transaction::resume).
        turn: Turn,
    },
}

impl Transaction {
    /// Waits for the turn to write, and begins. Its first statement takes the row that every writer takes, of this process or another, and demands that
    /// no later term than `term` has begun.
    ///
    /// # Errors
    ///
    /// One has, or the database fails.
    pub async fn begin(pool: &AnyPool, writers: &Arc<Mutex<()>>, term: i64) -> Result<Self, StoreError> {
        Self::resume(pool, Arc::clone(writers).lock_owned().await, term).await
    }

    /// Begins with a turn that one has. What was committed on other connections has been by then, or never is.
    ///
    /// # Errors
    ///
    /// As [`Transaction::begin`].
    pub async fn resume(pool: &AnyPool, turn: Turn, term: i64) -> Result<Self, StoreError> {
        within(STEP, async {
            let mut transaction = Self { open: Some(Open { connection: pool.acquire().await?, turn }) };
            sqlx::raw_sql("BEGIN").execute(&mut *transaction).await?;
            let lead = sqlx::query("UPDATE leader SET term = term WHERE term = $1").bind(term);
            match lead.execute(&mut *transaction).await?.rows_affected() {
                0 => Err(StoreError::Deposed),
                _ => Ok(transaction),
            }
        })
        .await
    }

    /// Ends it: what was written in it is on disk.
    ///
    /// # Errors
    ///
    /// The database fails, a statement of the transaction has failed, or the database has ended the transaction itself. What was written in it may be on
    /// disk all the same; [`Transaction::end`] says when.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.end().await.map_err(|uncommitted| match uncommitted {
            Uncommitted::Refused(cause) | Uncommitted::Unknown { cause, .. } => cause,
        })
    }

    /// As [`Transaction::commit`].
    ///
    /// # Errors
    ///
    /// As [`Transaction::commit`], and whether it is known that nothing was written.
    pub async fn end(mut self) -> Result<(), Uncommitted> {
        // PostgreSQL answers a COMMIT after a statement that failed with a rollback, and calls it success; other statements it refuses, and what comes
        // after them.
        let commit = within(COMMIT, async { Ok(sqlx::raw_sql("SELECT 1; COMMIT").execute(&mut *self).await?) });
        match commit.await {
            Err(cause) if cause.is_refusal() => Err(Uncommitted::Refused(cause)),
            outcome => {
                let Some(Open { connection, turn }) = self.open.take() else { unreachable!("whoever ends it has it no longer") };
                let Err(cause) = outcome else { return Ok(()) };
                drop(connection.detach());
                Err(Uncommitted::Unknown { cause, turn })
            }
        }
    }
}

impl StoreError {
    /// Whether the database has answered, and said no.
    const fn is_refusal(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(_)) | Self::Value(_))
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        let Some(open) = &self.open else { unreachable!("whoever ends it has it no longer") };
        &open.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        let Some(open) = &mut self.open else { unreachable!("whoever ends it has it no longer") };
        &mut open.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(open.roll_back())),
            // Closed, and the database rolls back.
            Err(_) => drop(open.connection.detach()),
        }
    }
}

impl Open {
    async fn roll_back(mut self) {
        let rolled_back = timeout(ROLLBACK, sqlx::raw_sql("ROLLBACK").execute(&mut *self.connection)).await;
        if !matches!(rolled_back, Ok(Ok(_))) {
            tracing::warn!("a connection of unknown state is closed");
            // Without it the database rolls back by itself.
            drop(self.connection.detach());
        }
    }
}
