//! An escrow over real sockets on a new database, and parties with a real model.

pub mod accuracy;
pub mod between;
pub mod model;
pub mod reader;
pub mod serving;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use verinfer_escrow::audit::{Audit, AuditError, Trust, audit};
use verinfer_escrow::error::ServiceError;
use verinfer_escrow::http::HttpLimits;
use verinfer_escrow::lead::Candidate;
use verinfer_escrow::mark::Marks;
use verinfer_escrow::server::Server;
use verinfer_escrow::service::Limits;
use verinfer_escrow::signer::Signer;
use verinfer_escrow::store::Store;
use verinfer_escrow_client::{Client, Patience};
use verinfer_protocols::digest::Digest;
use verinfer_protocols::keys::SecretKey;
use verinfer_protocols::money::Money;
use verinfer_protocols::time::Millis;

/// Names the server whose databases tests may make schemas in, as `postgres://user@host/database`.
pub const POSTGRES: &str = "VERINFER_POSTGRES";

/// A new, empty database.
pub struct Database {
    pub url: String,
    folder: Option<TempDir>,
}

impl Database {
    /// This database, reached by another URL.
    pub fn by(&self, url: String) -> Self {
        Self { url, folder: None }
    }

    /// A new, empty database of the same kind.
    pub fn another(&self) -> Self {
        if self.folder.is_some() { sqlite() } else { postgres(&std::env::var(POSTGRES).unwrap()) }
    }
}

/// Runs a test on SQLite, and on PostgreSQL if there is one.
pub fn on_each_database(test: impl Fn(&Database)) {
    test(&sqlite());
    match std::env::var(POSTGRES) {
        Ok(server) => test(&postgres(&server)),
        Err(_) => eprintln!("SKIPPED on PostgreSQL: {POSTGRES} does not name a server"),
    }
}

pub fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    Database { url: format!("sqlite:{}", folder.path().join("escrow.db").display()), folder: Some(folder) }
}

/// An SQLite file in a folder that the test keeps.
pub fn sqlite_at(path: &std::path::Path) -> Database {
    Database { url: format!("sqlite:{}", path.display()), folder: None }
}

/// A schema of its own on a server.
pub fn postgres(server: &str) -> Database {
    let schema = format!("escrow_{}", hex(&random::<8>()));
    Runtime::new().unwrap().block_on(async {
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(server).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&pool).await.unwrap();
        pool.close().await;
    });
    let separator = if server.contains('?') { '&' } else { '?' };
    Database { url: format!("{server}{separator}options[search_path]={schema}"), folder: None }
}

/// An escrow that serves.
pub struct Running {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ServiceError>>,
}

pub fn operator() -> SecretKey {
    SecretKey::from_seed(&[100; 32])
}

impl Running {
    pub fn start(database: &Database) -> Self {
        Self::with_limits(database, Limits::default(), HttpLimits::default())
    }

    pub fn with_limits(database: &Database, limits: Limits, http: HttpLimits) -> Self {
        Self::run(database, Signer::of_account(operator()), None, limits, http)
    }

    /// Whose answers are signed by another than the escrow's own key, or whose log must go on from somewhere.
    pub fn with(database: &Database, signer: Signer, marks: Option<Marks>) -> Self {
        Self::run(database, signer, marks, Limits::default(), HttpLimits::default())
    }

    fn run(database: &Database, signer: Signer, marks: Option<Marks>, limits: Limits, http: HttpLimits) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let url = database.url.clone();
        let thread = std::thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                let store = Store::create(&url).await.unwrap();
                let mut candidate = Candidate::new(store, signer, limits).await.unwrap();
                if let Some(marks) = marks {
                    candidate = candidate.with_marks(marks);
                }
                let server = Server::bind(candidate, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), http).await.unwrap();
                tell.send(server.address().unwrap()).unwrap();
                server.serve(async { stopped.await.unwrap_or(()) }).await
            })
        });
        Self { address: told.recv().unwrap(), stop, thread }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn client(&self, key: &SecretKey) -> Client {
        client(&self.url(), key)
    }

    /// Gives each of the accounts so much.
    pub fn fund(&self, keys: &[&SecretKey], units: u64) {
        let operator = self.client(&operator());
        for key in keys {
            operator.deposit(key.account(), money(units), format!("cash {}", hex(&random::<8>()))).unwrap();
        }
    }

    pub fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap().unwrap();
    }

    /// How it ends by itself.
    pub fn end(self) -> Result<(), ServiceError> {
        self.thread.join().unwrap()
    }
}

/// A patient client of an escrow.
pub fn client(url: &str, key: &SecretKey) -> Client {
    let patience = Patience { answer: Duration::from_secs(100), total: Duration::from_secs(100) };
    Client::connect(url, key.clone(), patience).unwrap()
}

/// What an audit says of a database that no escrow is running on.
pub fn audited(database: &Database) -> Result<Audit, AuditError> {
    audit_with(database, Trust::Log)
}

/// What an audit says that verifies proofs and ciphertexts again.
pub fn verified(database: &Database) -> Result<Audit, AuditError> {
    audit_with(database, Trust::Nobody)
}

fn audit_with(database: &Database, trust: Trust) -> Result<Audit, AuditError> {
    Runtime::new().unwrap().block_on(async {
        let store = Store::open(&database.url).await.unwrap();
        let result = audit(&store, trust).await;
        store.close().await;
        result
    })
}

/// Changes a database behind the escrow's back.
pub fn execute(database: &Database, statement: &str) {
    Runtime::new().unwrap().block_on(async {
        let pool = sqlx::AnyPool::connect(&database.url).await.unwrap();
        let changed = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap().rows_affected();
        assert!(changed > 0, "{statement}");
        pool.close().await;
    });
}

/// Changes the tables of a database behind the escrow's back.
pub fn define(database: &Database, statement: &str) {
    Runtime::new().unwrap().block_on(async {
        let pool = sqlx::AnyPool::connect(&database.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap();
        pool.close().await;
    });
}

pub fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&[byte; 32])
}

pub fn money(units: u64) -> Money {
    Money::new(units).unwrap()
}

pub fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

pub fn nonce() -> Digest {
    Digest(random())
}

pub fn digest(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Longer than any test takes.
pub const LONG: Millis = Millis(600_000);
