//! Transactions, on connections that go back to the pool only if they ended as they were asked to.
//!
//! A database may end a transaction by itself: SQLite rolls back when its disk is full. Whoever counts transactions is then one off, and what is
//! committed later on that connection is not. So nothing is counted here: `BEGIN` must begin one and `COMMIT` must end one, or the connection is closed.
//!
//! Writers follow one another, and those that wait while one writes share its commit: a writer whose entry is written [leaves](Transaction::leave) the
//! transaction to the next, which goes on after a savepoint, and queues again; the first whose turn comes again commits for all. So a commit costs its
//! time once, however many wait, and never waits for anybody who is not there yet. What one of them does wrong is rolled back to its savepoint.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::time::timeout;
use verinfer_protocols::digest::Digest;

use super::limit::{STEP, within};
use super::{Store, StoreError};

/// How long the next writer waits for a rollback: a connection may be gone without a word.
const ROLLBACK: Duration = Duration::from_secs(2);

/// How long it waits for a commit, for the same reason.
const COMMIT: Duration = Duration::from_secs(5);

/// Writers of a transaction at most: the first waits for the others.
const COMPANY: usize = 16;

/// Where writers of this process queue. The order is fair, and waiting costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Writers(Arc<Mutex<Option<Shared>>>);

/// The turn to write, and the transaction that the one before has left.
type Turn = OwnedMutexGuard<Option<Shared>>;

/// A transaction of entries whose writers wait for its end.
#[derive(Debug)]
struct Shared {
    connection: PoolConnection<Any>,
    company: Company,
}

/// Those whose entries a transaction has.
#[derive(Debug, Default)]
struct Company {
    /// In which it is written, whoever ends it.
    term: i64,
    waiting: Vec<oneshot::Sender<Outcome>>,
    /// The last of the entries: its place, and the digest of the log up to it. It is there if and only if all are.
    last: Option<(u64, Digest)>,
}

/// What has become of a transaction.
type Outcome = Result<(), Arc<StoreError>>;

/// The turn of the only writer of this process, in a transaction. Dropped, what this one has written is rolled back before anybody else writes.
#[derive(Debug)]
pub struct Transaction {
    /// Nothing once it has ended.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: PoolConnection<Any>,
    turn: Turn,
    company: Company,
}

/// Why a commit is not known to have worked.
#[derive(Debug)]
enum Uncommitted {
    /// It is rolled back.
    Refused(StoreError),
    /// Nobody has said what has become of it. Its connection is closed, and nobody else writes before the turn is given on.
    Unknown { cause: StoreError, turn: Turn },
}

impl Store {
    /// Waits for the turn to write, and begins a transaction of one's own.
    pub(super) async fn transaction(&self) -> Result<Transaction, StoreError> {
        let mut turn = self.writers.turn().await;
        loop {
            let shared = match Transaction::left(turn) {
                Err(turn) => return Transaction::begin(&self.pool, turn, self.term).await,
                Ok(shared) => shared,
            };
            // Those who have left it wait no longer, also if this writer is given up.
            let store = self.clone();
            turn = match tokio::spawn(async move { store.end(shared).await }).await {
                Ok(Some(turn)) => turn,
                Ok(None) | Err(_) => self.writers.turn().await,
            };
        }
    }

    /// Waits for the turn to write an entry, after those of others whose transaction has not ended.
    pub(super) async fn company(&self) -> Result<Transaction, StoreError> {
        let turn = self.writers.turn().await;
        // One of another term is none to write in: whether this one has ended, a transaction of its own finds out.
        if turn.as_ref().is_some_and(|shared| shared.company.term != self.term) {
            drop(turn);
            return self.transaction().await;
        }
        match Transaction::left(turn) {
            Err(turn) => Transaction::begin(&self.pool, turn, self.term).await,
            Ok(mut shared) => {
                let savepoint = AssertSqlSafe(format!("SAVEPOINT {}", shared.savepoint()));
                within(STEP, async {
                    sqlx::raw_sql(savepoint).execute(&mut *shared).await?;
                    Ok(shared)
                })
                .await
            }
        }
    }

    /// Ends a transaction in which nothing was decided but on entries that others have written in it: that holds once these are committed.
    ///
    /// # Errors
    ///
    /// The database fails, and they are not.
    pub(super) async fn leave(&self, mut transaction: Transaction) -> Result<(), StoreError> {
        let Some(savepoint) = transaction.shared_savepoint() else { return Ok(()) };
        let back = AssertSqlSafe(format!("ROLLBACK TO SAVEPOINT {savepoint}"));
        within(ROLLBACK, async { Ok(sqlx::raw_sql(back).execute(&mut *transaction).await?) }).await?;
        self.settle(transaction, None).await
    }

    /// Ends a transaction to which an entry was added, if one is given, together with others or alone.
    ///
    /// # Errors
    ///
    /// The database fails, or does not say whether it is written, and it is not.
    pub(super) async fn settle(&self, transaction: Transaction, entry: Option<(u64, Digest)>) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        let store = self.clone();
        // Others wait for this, too: it goes on if this writer is given up.
        tokio::spawn(async move {
            let ended = match transaction.leave(tell, entry) {
                Some(full) => Ok(full),
                None => Transaction::left(store.writers.turn().await),
            };
            // If it has not ended already.
            if let Ok(shared) = ended {
                store.end(shared).await;
            }
        });
        match told.await {
            Ok(outcome) => outcome
                .map_err(|cause| if matches!(*cause, StoreError::Deposed) { StoreError::Deposed } else { StoreError::Together(cause) }),
            // The process stops.
            Err(_) => Err(StoreError::Database(sqlx::Error::PoolClosed)),
        }
    }

    /// Commits, and tells all whose entries it has. Where the end of the transaction is not known, it is looked up. Gives back the turn if it has worked.
    async fn end(&self, mut transaction: Transaction) -> Option<Turn> {
        let company = transaction.open.as_mut().map(|open| std::mem::take(&mut open.company)).unwrap_or_default();
        let (outcome, turn) = match transaction.end().await {
            Ok(turn) => (Ok(()), Some(turn)),
            Err(Uncommitted::Refused(cause)) => (Err(cause), None),
            Err(Uncommitted::Unknown { cause, turn }) => {
                tracing::warn!(error = %cause, "a commit is not known to have worked: the log is asked");
                match self.is_written(turn, &company).await {
                    Ok(true) => (Ok(()), None),
                    Ok(false) => (Err(cause), None),
                    Err(error) => (Err(error), None),
                }
            }
        };
        company.tell(&outcome.map_err(Arc::new));
        turn
    }

    /// Looks whether the entries of a transaction are in the log although nobody has said so. Nobody writes meanwhile: what was committed is there by then.
    async fn is_written(&self, turn: Turn, company: &Company) -> Result<bool, StoreError> {
        let Some((position, head)) = company.last else { return Ok(false) };
        let mut transaction = Transaction::begin(&self.pool, turn, company.term).await?;
        let found = within(STEP, super::read::digest_at(&mut transaction, position)).await?;
        Ok(found == Some(head))
    }
}

impl Writers {
    async fn turn(&self) -> Turn {
        Arc::clone(&self.0).lock_owned().await
    }
}

impl Company {
    fn savepoint(&self) -> String {
        format!("entry_{}", self.waiting.len())
    }

    fn tell(self, outcome: &Outcome) {
        for waiting in self.waiting {
            // Whoever has gone asks again.
            let _ = waiting.send(outcome.clone());
        }
    }
}

impl Transaction {
    /// The transaction that the writer before has left, if it has, or else the turn.
    fn left(mut turn: Turn) -> Result<Self, Turn> {
        match turn.take() {
            Some(Shared { connection, company }) => Ok(Self { open: Some(Open { connection, turn, company }) }),
            None => Err(turn),
        }
    }

    /// Begins. Its first statement takes the row that every writer takes, of this process or another, and demands that no later term than `term` has
    /// begun. What was committed on other connections has been by then, or never is.
    ///
    /// # Errors
    ///
    /// A later term has begun, or the database fails.
    async fn begin(pool: &AnyPool, turn: Turn, term: i64) -> Result<Self, StoreError> {
        within(STEP, async {
            let open = Open { connection: pool.acquire().await?, turn, company: Company { term, ..Company::default() } };
            let mut transaction = Self { open: Some(open) };
            sqlx::raw_sql("BEGIN").execute(&mut *transaction).await?;
            let lead = sqlx::query("UPDATE leader SET term = term WHERE term = $1").bind(term);
            match lead.execute(&mut *transaction).await?.rows_affected() {
                0 => Err(StoreError::Deposed),
                _ => Ok(transaction),
            }
        })
        .await
    }

    /// The name of what a writer after others goes back to. Each has its own: what fails undoes nothing of those before.
    fn savepoint(&self) -> String {
        self.open.as_ref().map(|open| open.company.savepoint()).unwrap_or_default()
    }

    /// Where this writer began, if others have written before; nothing if it is alone.
    fn shared_savepoint(&self) -> Option<String> {
        self.open.as_ref().filter(|open| !open.company.waiting.is_empty()).map(|open| open.company.savepoint())
    }

    /// Leaves it to the next writer, and is told of its end when there is one; gives it back if as many wait for it as may.
    fn leave(mut self, tell: oneshot::Sender<Outcome>, entry: Option<(u64, Digest)>) -> Option<Self> {
        let open = self.open.as_mut()?;
        open.company.waiting.push(tell);
        open.company.last = entry.or(open.company.last);
        if open.company.waiting.len() >= COMPANY {
            return Some(self);
        }
        let Open { connection, mut turn, company } = self.open.take()?;
        *turn = Some(Shared { connection, company });
        None
    }

    /// Ends it: what was written in it is on disk.
    ///
    /// # Errors
    ///
    /// The database fails, a statement of the transaction has failed, or the database has ended the transaction itself. What was written in it may be on
    /// disk all the same.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.end().await.map(drop).map_err(|uncommitted| match uncommitted {
            Uncommitted::Refused(cause) | Uncommitted::Unknown { cause, .. } => cause,
        })
    }

    /// As [`Transaction::commit`]; gives back the turn, or says whether it is known that nothing was written.
    async fn end(mut self) -> Result<Turn, Uncommitted> {
        // PostgreSQL answers a COMMIT after a statement that failed with a rollback, and calls it success; other statements it refuses, and what comes
        // after them.
        let commit = within(COMMIT, async { Ok(sqlx::raw_sql("SELECT 1; COMMIT").execute(&mut *self).await?) });
        match commit.await {
            Err(cause) if cause.is_refusal() => Err(Uncommitted::Refused(cause)),
            outcome => {
                let Some(Open { connection, turn, .. }) = self.open.take() else { unreachable!("whoever ends it has it no longer") };
                let Err(cause) = outcome else { return Ok(turn) };
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
    /// Undoes what the last writer did; what others have written before in the same transaction stays, for those who wait to commit it.
    async fn roll_back(mut self) {
        let is_alone = self.company.waiting.is_empty();
        let statement = if is_alone { "ROLLBACK".to_owned() } else { format!("ROLLBACK TO SAVEPOINT {}", self.company.savepoint()) };
        let rolled_back = timeout(ROLLBACK, sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *self.connection)).await;
        let Self { connection, mut turn, company } = self;
        match rolled_back {
            Ok(Ok(_)) if is_alone => {}
            Ok(Ok(_)) => *turn = Some(Shared { connection, company }),
            failed => {
                tracing::warn!("a connection of unknown state is closed");
                // Without it the database rolls back by itself.
                drop(connection.detach());
                let cause = match failed {
                    Ok(Err(cause)) => StoreError::Database(cause),
                    Ok(Ok(_)) | Err(_) => StoreError::Hangs { limit: ROLLBACK },
                };
                company.tell(&Err(Arc::new(cause)));
            }
        }
    }
}
