//! The log and what follows from it, in a database: an SQLite file, or PostgreSQL.

mod backup;
mod disk;
mod files;
mod limit;
mod lock;
pub mod market;
mod pages;
mod payments;
mod place;
mod private;
mod read;
mod schema;
mod standing;
mod transaction;
mod waiting;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Connection as _, Executor, Row as _};
use verinfer_protocols::digest::{AgreementId, Digest};
use verinfer_protocols::keys::AccountId;
use verinfer_protocols::ledger::Account;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Timestamp;

use crate::books::{LOG_FORMAT, empty_log};
use limit::within;
use place::Place;
use transaction::Writers;

pub use files::{FileLimits, Kept};
pub use lock::Lock;
pub use pages::{Payment, Shown, Which};
pub use payments::{Movement, PaymentFilter, RecordedPayment, is_disposable};
pub use read::{Listed, LogLine, Overview, Row};
pub use standing::{Standing, Subject};
pub use watch::{Funds, Stage};
pub use write::Writing;

/// Connections for what holds deadlines.
const CONNECTIONS: u32 = 16;

/// Connections for who only reads.
const READERS: u32 = 8;

/// A connection that was used so short a time ago is not asked whether it still works before it is used again.
const FRESH: Duration = Duration::from_secs(1);

/// A server rolls back what a process has left open that has stopped, or whose machine is gone. Servers that do not know one of these settings do without.
const LOSE_THE_SILENT: &str = "SELECT set_config(name, wanted.value, false) FROM (VALUES ('idle_in_transaction_session_timeout', '5000'), \
     ('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '5000')) \
     AS wanted (name, value) JOIN pg_settings USING (name)";

/// Connections to the database. A copy uses the same.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    /// Connections for who only reads.
    readers: AnyPool,
    /// Writers follow one another: in this process they queue here.
    writers: Writers,
    /// The term in which what is written here is written; 0, in which nothing is, until [`Store::begin_term`].
    term: i64,
    place: Place,
}

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The escrow's own account.
    pub escrow: AccountId,
    /// Entries.
    pub position: u64,
    /// Digest of them.
    pub digest: Digest,
    /// The escrow's time when it was last written down.
    pub clock: Timestamp,
}

/// Why the database does not do what is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It says so.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// It refuses a value that it was given: the same will always be refused.
    #[error("the database does not take a value: {0}")]
    Value(sqlx::Error),
    /// The operating system does not say how much room there is on its disk.
    #[error("the database's disk: {0}")]
    Disk(std::io::Error),
    /// It holds something that this program has not written.
    #[error("the database holds {table}.{column} that cannot be read")]
    Content {
        /// Name of the table.
        table: &'static str,
        /// Name of the column.
        column: &'static str,
    },
    /// It belongs to another escrow.
    #[error("the database belongs to the escrow {found}, not to {expected}")]
    OtherEscrow {
        /// Whose it is.
        found: AccountId,
        /// Whose it should be.
        expected: AccountId,
    },
    /// It is no escrow's.
    #[error("the database holds no escrow")]
    Empty,
    /// Its tables could not be made or brought to this program's version; they are as they were.
    #[error("the tables of the database cannot be brought to version {}: {cause}", schema::latest())]
    Migration {
        /// Why not.
        cause: MigrateError,
    },
    /// Its tables have no version.
    #[error("the database was written before its tables had a version: the program of revision {} reads it", schema::UNVERSIONED)]
    Unversioned,
    /// Its tables are of an earlier version.
    #[error("the tables of the database have version {found}, this program's {}: `escrow serve` brings them to it", schema::latest())]
    OlderTables {
        /// Theirs.
        found: i64,
    },
    /// Its tables are of an earlier version, and another process leads on them.
    #[error(
        "the tables of the database have version {found}, this program's {}, and another process of the escrow runs on them: stop it, then start this one again",
        schema::latest()
    )]
    InUse {
        /// Their version.
        found: i64,
    },
    /// A later program made its tables.
    #[error(
        "the tables of the database have version {found}, this program knows them up to {}: use the program that wrote it",
        schema::latest()
    )]
    NewerTables {
        /// Theirs.
        found: i64,
    },
    /// Another program wrote its log.
    #[error("the log has format {found}, this program reads {LOG_FORMAT}: {}", schema::reader(*found))]
    LogFormat {
        /// Its format.
        found: i64,
    },
    /// It does not answer.
    #[error("the database has not answered for {} s", limit.as_secs())]
    Hangs {
        /// How long it could have taken.
        limit: Duration,
    },
    /// Its log is older than what was written down elsewhere.
    #[error("the log ends with entry {found}, and went on to entry {expected} before: this is an older copy of the database")]
    Older {
        /// Its last entry.
        found: u64,
        /// An entry that there was.
        expected: u64,
    },
    /// Its log is another one than what was written down elsewhere.
    #[error("entry {position} of the log is another one than it was before: this is another log of the escrow")]
    OtherLog {
        /// The entry.
        position: u64,
    },
    /// A copy is only made of an SQLite file.
    #[error("only an SQLite file is copied: use pg_dump for PostgreSQL")]
    NoFile,
    /// The name of a file cannot be told to SQLite.
    #[error("the path of the copy is no Unicode text")]
    Path,
    /// A later term has begun: another process leads, or did.
    #[error("another process of this escrow has taken the lead: nothing is written here in its term")]
    Deposed,
    /// The transaction of several entries, this among them, has failed.
    #[error(transparent)]
    Together(Arc<StoreError>),
    /// An account has too little.
    #[error("account {account} does not have {amount} units")]
    Overdrawn {
        /// The account.
        account: Account,
        /// What should be taken from it.
        amount: Money,
    },
    /// Money was created or lost.
    #[error("the accounts together have {sum} units more than they should")]
    NotConserved {
        /// The difference.
        sum: i64,
    },
}

impl StoreError {
    /// Whether nothing can be written here now: that may pass.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Together(cause) => cause.is_outage(),
            Self::Database(_) | Self::Disk(_) | Self::Hangs { .. } | Self::Deposed => true,
            Self::Value(_)
            | Self::Content { .. }
            | Self::OtherEscrow { .. }
            | Self::Empty
            | Self::Older { .. }
            | Self::OtherLog { .. }
            | Self::NoFile
            | Self::Path
            | Self::Migration { .. }
            | Self::Unversioned
            | Self::OlderTables { .. }
            | Self::InUse { .. }
            | Self::NewerTables { .. }
            | Self::LogFormat { .. }
            | Self::Overdrawn { .. }
            | Self::NotConserved { .. } => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        if is_about_a_value(&cause) { Self::Value(cause) } else { Self::Database(cause) }
    }
}

/// Whether a database's error is one of SQL's class 22, "data exception": it works, and its answer is no. SQLite's own codes are shorter.
fn is_about_a_value(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.len() == 5 && code.starts_with("22"))
}

impl From<std::io::Error> for StoreError {
    fn from(cause: std::io::Error) -> Self {
        Self::Disk(cause)
    }
}

impl Store {
    /// Connects to a database: `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/NAME`. The file and the tables are made if there are none, and tables of an
    /// earlier version are brought to this program's.
    ///
    /// # Errors
    ///
    /// It cannot be reached, its tables cannot be made, or another program wrote it.
    pub async fn create(url: &str) -> Result<Self, StoreError> {
        private::create(url)?;
        let url = with_creation(url);
        schema::migrate(&url).await?;
        Self::open(&url).await
    }

    /// Connects to the database of an escrow, as [`Store::create`] has made it.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or another program wrote it.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        install_default_drivers();
        let is_sqlite = url.starts_with("sqlite:");
        let options = AnyPoolOptions::new().test_before_acquire(false).before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        let options = options.after_connect(move |connection, _| {
            Box::pin(async move {
                if is_sqlite {
                    // Readers do not wait for the writer, and what was committed survives a loss of power.
                    connection.execute("PRAGMA busy_timeout = 30000").await?;
                    connection.execute("PRAGMA journal_mode = WAL").await?;
                    connection.execute("PRAGMA synchronous = FULL").await?;
                    // What is removed is overwritten, not only released.
                    connection.execute("PRAGMA secure_delete = ON").await?;
                } else {
                    connection.execute(sqlx::raw_sql(LOSE_THE_SILENT)).await?;
                }
                Ok(())
            })
        });
        let readers = options.clone().max_connections(READERS).acquire_timeout(Duration::from_secs(10)).connect_lazy(url)?;
        let pool = options.max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(30)).connect(url).await?;
        let mut connection = pool.acquire().await?;
        schema::check(&mut connection).await?;
        let place = if is_sqlite { Place::of_sqlite(&mut connection).await? } else { Place::Server };
        drop(connection);
        Ok(Self { pool, readers, writers: Writers::default(), term: 0, place })
    }

    /// Makes the escrow's log if there is none, and checks that it is this escrow's.
    ///
    /// # Errors
    ///
    /// It is another escrow's, or the database fails.
    pub async fn initialize(&self, escrow: AccountId, clock: Timestamp) -> Result<(), StoreError> {
        let make =
            "INSERT INTO head (only_row, escrow, position, digest, clock, format) VALUES (1, $1, 0, $2, $3, $4) ON CONFLICT DO NOTHING";
        let query = sqlx::query(make).bind(escrow.to_string()).bind(empty_log(escrow).to_string()).bind(integer(clock.0)).bind(LOG_FORMAT);
        query.execute(&self.pool).await?;
        let found = self.head().await?.escrow;
        if found == escrow { Ok(()) } else { Err(StoreError::OtherEscrow { found, expected: escrow }) }
    }

    /// Begins the next term: what is written in an earlier one is not written from here on. Gives the store in which what is written is of this term, and
    /// the end of the log.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn begin_term(&self) -> Result<(Self, Head), StoreError> {
        let begin = "INSERT INTO leader (only_row, term) VALUES (1, 1) \
                     ON CONFLICT (only_row) DO UPDATE SET term = leader.term + 1 RETURNING term";
        // A connection for this alone: it may wait for a transaction of who led before, and must not begin a term after it was given up.
        let mut connection = self.connection().await?.detach();
        let term = within(limit::STEP, async {
            if matches!(self.place, Place::Server) {
                sqlx::raw_sql("SET lock_timeout = 3000").execute(&mut connection).await?;
            }
            Ok(sqlx::query(begin).fetch_one(&mut connection).await?.try_get(0)?)
        });
        let store = Self { term: term.await?, ..self.clone() };
        // Read only now: nobody else moves the log's end any more.
        let head = store.head().await?;
        Ok((store, head))
    }

    /// Writes down the escrow's time.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn set_clock(&self, clock: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.transaction().await?;
        within(limit::STEP, async move {
            sqlx::query("UPDATE head SET clock = $1 WHERE clock < $1").bind(integer(clock.0)).execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.pool.close().await;
    }

    /// The term in which it writes.
    pub(crate) const fn term(&self) -> i64 {
        self.term
    }

    /// The same database, on the connections for who only reads: those who wait for one keep nobody else waiting.
    pub fn for_reading(&self) -> Self {
        Self { pool: self.readers.clone(), term: 0, ..self.clone() }
    }

    async fn connection(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.pool.acquire().await?)
    }
}

/// An SQLite file that is not there is made.
fn with_creation(url: &str) -> String {
    if !url.starts_with("sqlite:") || url.contains("mode=") || url.contains(":memory:") {
        url.to_owned()
    } else {
        format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })
    }
}

/// As the database holds it. What does not fit is later than any time and more than any amount.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn natural(value: i64, table: &'static str, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Content { table, column })
}

fn parsed<T: std::str::FromStr>(text: &str, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Content { table, column })
}

/// The scope of a sequence of requests, as text.
fn scope(agreement: AgreementId) -> String {
    agreement.to_string()
}
